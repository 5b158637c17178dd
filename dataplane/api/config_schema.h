/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * podlane.yaml as the parser leaves it: every value a pointer, NULL where the file says nothing.
 * libcyaml 1.3 cannot give a missing key its default; config.c does, and is the only user.
 */
#ifndef PODLANE_DATAPLANE_API_CONFIG_SCHEMA_H
#define PODLANE_DATAPLANE_API_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct raw_node {
	char *name, *probe_address;
};

struct raw_probe {
	uint32_t *budget_pps;
};

struct raw_port {
	char *name, *interface, *devargs, *pci;
	uint32_t *queues, *descriptors, *mtu, *vlan;
	int *checksum;
	bool *twin, *promiscuous;
};

struct raw_pods {
	char *match;
	int *checksum;
	bool *allow_tunnels;
};

struct raw_pool {
	char *cidr;
	int *encap, *scope;
};

struct raw_tunnel {
	char *address, *mac, *source_port_range;
	uint32_t *vni, *port;
	bool *udp_checksum, *check_inner_source;
	char **sources;
	uint32_t sources_count;
};

struct raw_fpm {
	char *listen, *replay_end;
};

struct raw_sockets {
	char *dataplane, *control;
};

struct raw_fib {
	int *engine;
	uint32_t *max_routes, *tbl8_groups;
};

struct raw_dataplane {
	uint32_t *main_lcore;
	uint32_t *workers;
	uint32_t workers_count;
	int *idle;
	uint32_t *idle_us;
	bool *hugepages;
	uint32_t *memory_mb, *mbufs;
	char *punt_interface;
	uint32_t *punt_pps, *icmp_errors_pps;
	struct raw_fib fib;
	uint32_t *max_paths, *max_groups;
};

struct raw_config {
	struct raw_node node;
	struct raw_port *ports;
	uint32_t ports_count;
	struct raw_pods *pods;
	struct raw_pool *pools; /**< NULL also for an empty list */
	uint32_t pools_count;
	struct raw_tunnel tunnel;
	struct raw_probe probe;
	char *inventory;
	struct raw_fpm fpm;
	struct raw_sockets sockets;
	struct raw_dataplane dataplane;
};

/**
 * Parse the text of a configuration.
 *
 * @error: on failure "LINE: text", or " text" where no line is known, to go behind "FILE:"
 *
 * Owner:  *raw is the caller's, freed with config_schema_free(); NULL for an empty file
 * Errors: -EINVAL
 */
int config_schema_load(const char *text, struct raw_config **raw, char *error, size_t error_bytes);

void config_schema_free(struct raw_config *raw);

#endif
