/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 6 of the route's walk: a route to its next hops, and a next hop to the facts that a path is
 * made of.
 *
 * Knows the kernel's links, addresses and neighbours, and the dataplane's ports and pods. Says through
 * callbacks what a change of these may change.
 */
#ifndef PODLANE_CONTROL_STEP_RESOLVE_H
#define PODLANE_CONTROL_STEP_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/route.h"
#include "dataplane/api/wire.h"
#include "fpm/fpm.h"

struct resolve;

/** What the facts of which may have changed. Called before the function that changed them returns. */
struct resolve_changes {
	void (*hop)(struct hop_key key, void *arg);
	void (*interface)(uint32_t ifindex, void *arg);
	void (*address)(uint32_t addr, void *arg); /**< became ours, or is no longer */
	void (*tunnels)(void *arg);		   /**< any hop with a tunnel; may come often */
	void *arg;
};

struct resolve_counts {
	size_t n_links, n_addresses, n_neighbours, n_ports, n_pods, n_fdb;
};

/** What tunnels are made of that the kernel does not say. Host order. */
struct resolve_tunnel {
	uint32_t address; /**< to send from; 0: the egress interface's */
	uint32_t vni;
	uint16_t udp_port;
	uint16_t udp_src_min, udp_src_max;
	uint16_t system_src_min, system_src_max; /**< for kernel devices that say nothing */
	bool has_udp_checksum;
	uint8_t mac[6]; /**< our VTEP's */
};

/** What others know. Each returns false for "nothing". Order: host */
struct resolve_outside {
	/** How the kernel reaches a node. */
	bool (*route)(uint32_t node, struct underlay_route *route, void *arg);
	/** The MAC of a node's VTEP, by the node's address. */
	bool (*vtep_mac)(uint32_t node, uint8_t mac[6], void *arg);
	void *arg;
};

/**
 * @pod_match: shell pattern of pods' interface names, "" for none
 *
 * Errors: NULL if memory is short
 */
struct resolve *resolve_new(const char *pod_match, const struct resolve_changes *changes);
void resolve_free(struct resolve *resolve);

/** Without it tunnels have no address and no MAC. Nobody is called. */
void resolve_set_tunnel(struct resolve *resolve, const struct resolve_tunnel *tunnel,
	const struct resolve_outside *outside);

/** Errors: -ENOMEM, nothing changed. Deleting what is not there is no error. */
int resolve_apply_kernel(struct resolve *resolve, const struct kernel_event *event);

/** The kernel's tables are about to be told anew: what is not repeated goes with resolve_end_resync(). */
void resolve_begin_resync(struct resolve *resolve);
void resolve_end_resync(struct resolve *resolve);

/** Errors: -ENOMEM, nothing changed */
int resolve_set_port(struct resolve *resolve, const struct wire_port *port);
int resolve_set_pod(struct resolve *resolve, const struct wire_pod *pod);

/** The connection to the dataplane is new: its ports and pods will be told. Nobody is called. */
void resolve_forget_dataplane(struct resolve *resolve);

bool resolve_is_local(const struct resolve *resolve, uint32_t addr);

/**
 * Turn a route's next hops into a target.
 *
 * @route: its prefix, and the policy of the pool it is in, which counts for gateways
 * @type: RTN_*
 */
void resolve_route(const struct route_pool *route, uint8_t type, const struct fpm_nh *nh,
	size_t n_nh, struct route_target *target);

/** Which hop one next hop of a route leads to; nexthop 0 if it always punts. */
struct hop_key resolve_key(const struct route_pool *route, const struct fpm_nh *nh);

void resolve_hop(const struct resolve *resolve, struct hop_key key, struct hop_facts *facts);

/** Owner: valid until the next change. Errors: NULL if there is none. */
const struct kernel_link *resolve_find_link(const struct resolve *resolve, uint32_t ifindex);

/**
 * Our tunnel ends: the kernel's devices', and with @by_policy the configured ones.
 *
 * Returns: how many of at most @max; sorted, none twice
 */
size_t resolve_endpoints(const struct resolve *resolve, bool by_policy,
	struct wire_endpoint *endpoints, size_t max);

/** Visit the nodes that the kernel's vxlan devices know. Order: host */
void resolve_each_remote(const struct resolve *resolve, void (*visit)(uint32_t addr, void *arg),
	void *arg);

struct resolve_counts resolve_counts(const struct resolve *resolve);

#endif
