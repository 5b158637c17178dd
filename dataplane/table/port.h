/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ports: DPDK devices under the names of the configuration.
 */
#ifndef PODLANE_DATAPLANE_TABLE_PORT_H
#define PODLANE_DATAPLANE_TABLE_PORT_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mempool.h>
#include <rte_spinlock.h>

#include "dataplane/api/wire.h"
#include "dataplane/table/epoch.h"

#define PORT_MAX 32u /**< RTE_MAX_ETHPORTS of Debian's DPDK */

/** What becomes of tunnel packets that pods send. */
enum pod_tunnels { POD_TUNNELS_DROP = 0, POD_TUNNELS_PASS };

/** How to make one port. */
struct port_config {
	const char *name;
	enum wire_port_kind kind;
	const char *interface; /**< for AF_XDP and the trunk */
	const char *xdp_prog;  /**< object file for net_af_xdp, for AF_XDP and the trunk */
	const char *devargs;   /**< for a vdev: driver and its arguments */
	const char *pci;       /**< for PCI: the address */
	uint16_t n_queues;
	uint16_t n_descriptors; /**< of each queue, 0 for 1024; the device's limits hold */
	uint16_t mtu;		/**< 0: the device's own */
	uint16_t vlan;		/**< of all frames on the wire; 0: none */
	uint16_t n_senders;	/**< workers, and one more if the main lcore sends, too */
	bool complete_checksums;
	bool takes_groups; /**< frames to all groups: for a twin */
	bool takes_all;	   /**< frames to other stations, too; they are counted and dropped */
	enum pod_tunnels pod_tunnels; /**< for the trunk */
	struct rte_mempool *pool;
};

#define PORT_MEMBERS_MAX 8u

/** A device of a bond. */
struct port_member {
	char name[WIRE_NAME_BYTES]; /**< DPDK's */
	uint16_t eth_id;	    /**< RTE_MAX_ETHPORTS: it is away; written by the main lcore */
	bool is_leaving;	    /**< as a port's */
};

struct port {
	uint16_t idx;	 /**< in the table, and of the wire */
	uint16_t eth_id; /**< DPDK's */
	uint16_t n_rxq;
	uint16_t n_txq;
	bool complete_checksums; /**< finish L4 checksums of what comes in */
	bool is_tx_shared;	 /**< fewer transmit queues than senders */
	bool is_up;		 /**< written by the main lcore */
	bool is_there;		 /**< has a device, which workers poll; written by the main lcore */
	bool is_leaving;	 /**< the device wants to go; set by EAL's interrupt thread */
	bool sends_flat;	 /**< the device sends no chains of buffers */
	bool strips_vlan;	 /**< the device does, of what comes in */
	bool inserts_vlan;	 /**< and puts it before what goes out */
	bool finishes_l4;	 /**< the device does, TCP's and UDP's checksums of what goes out */
	uint8_t kind;		 /**< enum wire_port_kind */
	enum pod_tunnels pod_tunnels;
	uint16_t vlan; /**< on the wire; inside frames have no tag. 0: nor there */
	uint16_t mtu;
	uint16_t max_mtu;	/**< what one of its buffers holds: no path may have more */
	bool is_mtu_configured; /**< and the driver does not know it */
	uint32_t ifindex;	/**< of the interface or the TAP twin; 0 if it has neither */
	struct rte_ether_addr mac;
	char name[WIRE_NAME_BYTES];
	char device[WIRE_NAME_BYTES];
	char eth_name[WIRE_NAME_BYTES];
	rte_spinlock_t tx_lock; /**< only taken when is_tx_shared; in no line that workers read */
	unsigned n_members;	/**< 0: it is no bond */
	struct port_member member[PORT_MEMBERS_MAX];
} __rte_cache_aligned;

struct port_table {
	unsigned n;
	bool has_news;	/**< a driver said that a link changed; set by EAL's interrupt thread */
	int netlink_fd; /**< the kernel says so of its interfaces; 0: no port is one */
	struct port port[PORT_MAX];
	struct port_config config[PORT_MAX]; /**< to make a device again that was away */
};

/**
 * Make a port and start it.
 *
 * @error: on failure one line that names the port, the cause and the mend
 *
 * Owner:  *table holds it; stopped and closed by port_close_all(). The strings of config live until then
 * Errors: -ENOSPC PORT_MAX; -EINVAL the driver refused its arguments; others from the driver
 */
int port_add(struct port_table *table, const struct port_config *config, char *error,
	size_t error_bytes);

void port_close_all(struct port_table *table);

/** Does the kernel own the device, and AF_XDP bring its packets? */
static inline bool port_is_kernel(enum wire_port_kind kind)
{
	return kind == WIRE_PORT_AF_XDP || kind == WIRE_PORT_TRUNK;
}

/**
 * Have the driver, or the kernel, tell of changes of the link, if it does so; and no longer.
 *
 * Owner: the table must not move; port_watch_end() closes what all ports share
 */
void port_watch(struct port_table *table, const struct port *port);
void port_unwatch(struct port_table *table, const struct port *port);
void port_watch_end(struct port_table *table);

/** The same for a member of a bond; port_watch() does it for those there are. */
void port_watch_device(struct port_table *table, uint16_t eth_id, const char *name);
void port_unwatch_device(struct port_table *table, uint16_t eth_id, const char *name);

/** What to wait on for news of the kernel's. Returns: how many, 1 at most */
unsigned port_pollfds(const struct port_table *table, struct pollfd *fds);

/** Did anybody tell of a change since the last call? Then refresh the ports. Threads: main lcore */
bool port_take_news(struct port_table *table);

/** Read the link again; one that is leaving has none. Threads: main lcore. Returns: did anything change? */
bool port_refresh(struct port *port);

/**
 * Close the devices of ports that are leaving, as port_refresh() has noticed: a VF that is taken away, a
 * device whose PF was reset. Their buffers come back to the pool; name, number and MAC stay. A bond goes
 * on without a member that is leaving.
 *
 * Threads: main lcore; waits until no worker is in the device
 * Returns: how many
 */
unsigned port_let_go(struct port_table *table, struct epoch *epoch);

/**
 * Make the device of a port again that has none; it has a link at the next port_refresh().
 *
 * Threads: main lcore; workers poll it from then on
 * Errors:  as port_add()
 */
int port_take_back(struct port_table *table, struct port *port, char *error, size_t error_bytes);

/** What others are told of a port. */
void port_to_wire(const struct port *port, struct wire_port *wire);

#endif
