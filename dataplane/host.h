/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel as a neighbour of the pipeline: TAPs that take punted packets, and a raw socket that sends
 * ICMP errors. Main lcore only.
 */
#ifndef PODLANE_DATAPLANE_HOST_H
#define PODLANE_DATAPLANE_HOST_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_ring.h>

#include "dataplane/packet.h"
#include "dataplane/table/stats.h"
#include "dataplane/twin.h"

struct host;

struct host_config {
	const char *ifname; /**< of the TAP */
	uint32_t punt_pps;  /**< of each class; more is dropped */
	uint32_t icmp_pps;  /**< more is not answered */
};

/**
 * Make the TAP, bring it up and let the kernel forward from it whatever the source: a punted
 * packet's way back is seldom the TAP, so strict reverse path filtering would lose all of them.
 *
 * @stats: the main lcore's; punts and their drops are counted there
 *
 * Errors: -EPERM, -EBUSY a TAP of this name is in use; error is one line with the mend
 */
int host_create(struct host **host, const struct host_config *config, struct lcore_stats *stats,
	char *error, size_t error_bytes);
void host_free(struct host *host);

/**
 * Give a port a TAP twin, which then takes the port's punts.
 *
 * @sender: the main lcore's number among the port's senders
 * @pool: for what the kernel sends
 *
 * Owner:  host's; the port must live until host_free()
 * Errors: those of twin_create()
 */
int host_add_twin(struct host *host, struct port *port, unsigned sender, struct rte_mempool *pool,
	char *error, size_t error_bytes);

/** What to wait on for what the kernel sends by twins. @fds: room for PORT_MAX. Returns: how many */
unsigned host_pollfds(const struct host *host, struct pollfd *fds);

/** Send a burst of what each twin has. Returns: how many packets that were */
unsigned host_send(struct host *host);

/** Twins get the carrier and the MTU that their ports have now; see twin_follow(). */
void host_follow_ports(struct host *host);

/**
 * Give a packet to the kernel, as if it had come in by the twin of its port, or by the TAP.
 *
 * @pkt: as stage/punt.c leaves it: port is a number of the port table, hash.usr the class
 *
 * Owner: frees the packet
 */
void host_punt(struct host *host, struct rte_mbuf *pkt);

/**
 * Tell the sender of a dropped packet, if RFC 1122 3.2.2 and the rate allow.
 *
 * The kernel picks the source address and the way: the error is an ordinary packet of this node.
 *
 * @pkt: as stage/drop.c leaves it: port is the reason, hash.usr the MTU
 *
 * Owner:  frees the packet
 * Source: RFC 792, RFC 1191 4, RFC 1812 4.3.2
 */
void host_icmp_error(struct host *host, struct rte_mbuf *pkt);

/**
 * Take one burst from each of a worker's two rings.
 *
 * Returns: how many packets they held
 */
unsigned host_drain(struct host *host, struct rte_ring *punts, struct rte_ring *errors);

/** Owner: host */
const struct icmp_stats *host_icmp_stats(const struct host *host);

#endif
