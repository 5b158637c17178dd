/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * podlane.yaml: one file, one schema, read by both daemons, so that an unknown key is an error in
 * either. Only main.c of each program and control/reload.c include this; everyone else gets plain
 * arguments.
 */
#ifndef PODLANE_DATAPLANE_API_CONFIG_H
#define PODLANE_DATAPLANE_API_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_checksum { CONFIG_CHECKSUM_TRUST = 0, CONFIG_CHECKSUM_COMPLETE };
enum config_idle { CONFIG_IDLE_SLEEP = 0, CONFIG_IDLE_POLL };
enum config_engine { CONFIG_ENGINE_AUTO = 0, CONFIG_ENGINE_LPM, CONFIG_ENGINE_DIR24_8 };

/* The numbers are those of control's enum encap and encap_scope. */
enum config_encap {
	CONFIG_ENCAP_FOLLOW = 0,
	CONFIG_ENCAP_NONE,
	CONFIG_ENCAP_IPIP,
	CONFIG_ENCAP_VXLAN,
	CONFIG_ENCAP_AUTO,
};
enum config_scope { CONFIG_SCOPE_ALWAYS = 0, CONFIG_SCOPE_CROSS_SUBNET };

#define CONFIG_PCI_BYTES 128u /**< a bond's member as it is written, with its NUL */

struct config_port {
	char *name;
	char *interface; /**< NULL unless AF_XDP */
	char *devargs;	 /**< NULL unless a DPDK virtual device */
	char *pci;	 /**< NULL unless a PCI device: its address, or PCIDEVICE_NAME of it */
	uint32_t queues;
	uint32_t descriptors; /**< of each queue */
	uint32_t mtu;	      /**< 0: as the device has it */
	uint32_t vlan;	      /**< of all frames on the wire; 0: they have no tag */
	enum config_checksum checksum;
	bool twin; /**< the kernel gets a TAP of the port's name */
	bool promiscuous;
};

struct config_pods {
	char *match; /**< shell pattern of interface names; "" for none */
	enum config_checksum checksum;
	bool allow_tunnels; /**< pods may send tunnel packets */
};

struct config_pool {
	char *cidr; /**< as written */
	enum config_encap encap;
	enum config_scope scope;
	/* filled in by config_load(); host order */
	uint32_t prefix;
	uint8_t depth;
};

struct config_range {
	uint32_t prefix;
	uint8_t depth;
};

/** Our side of the tunnels that pools' encap asks for. Host order. */
struct config_tunnel {
	uint32_t address; /**< 0: that of the egress interface */
	uint32_t vni;
	uint32_t port;
	bool udp_checksum;
	uint16_t source_port_min, source_port_max;
	bool has_mac; /**< false: worked out from node.name */
	uint8_t mac[6];
	struct config_range *sources; /**< who may send to us, beside all known nodes */
	unsigned n_sources;
	bool check_inner_source;
};

struct config_fib {
	enum config_engine engine;
	uint32_t max_routes;
	uint32_t tbl8_groups; /**< 0: size it from the pools */
};

struct config_dataplane {
	uint32_t main_lcore;
	uint32_t *workers;
	unsigned n_workers;
	enum config_idle idle;
	uint32_t idle_us;
	bool hugepages;
	uint32_t memory_mb;
	uint32_t mbufs;
	char *punt_interface;
	uint32_t punt_pps;
	uint32_t icmp_errors_pps;
	struct config_fib fib;
	uint32_t max_paths;
	uint32_t max_groups;
};

struct config {
	struct {
		char *name;
		uint32_t probe_address; /**< host order; 0: not said */
	} node;
	struct {
		uint32_t budget_pps; /**< 0: nothing is probed */
	} probe;
	struct config_port *ports;
	unsigned n_ports;
	struct config_pods *pods; /**< NULL: no pod trunk */
	struct config_pool *pools;
	unsigned n_pools;
	struct config_tunnel tunnel;
	char *inventory; /**< path of the file of nodes; "" for none */
	struct {
		char *listen;	  /**< address:port, IPv4 */
		char *replay_end; /**< IPv6 prefix of the sentinel route */
	} fpm;
	struct {
		char *dataplane;
		char *control;
	} sockets;
	struct config_dataplane dataplane;
};

/**
 * Read, complete with defaults and check a configuration file.
 *
 * @error: on failure one line that names the file, the place and the mend; @error_bytes long
 *
 * Owner:  *cfg is the caller's, freed with config_free()
 * Errors: -ENOENT and the like from opening; -EINVAL for what the file says
 */
int config_load(const char *path, struct config **cfg, char *error, size_t error_bytes);

void config_free(struct config *cfg);

/**
 * The n-th member of a bond, from 0, that is a PCI device: an address, PF/vf0 or PCIDEVICE_..., as written in
 * the port's devargs.
 *
 * Returns: is there one? @member is only written if so
 */
bool config_port_member(const struct config_port *port, unsigned n, char member[CONFIG_PCI_BYTES]);

/** Write a member's address in place of its name. Errors: -ENOENT there is no such member; -ENOMEM */
int config_port_set_member(struct config_port *port, unsigned n, const char *address);

#endif
