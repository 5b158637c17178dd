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
	void *arg;
};

struct resolve_counts {
	size_t n_links, n_addresses, n_neighbours, n_ports, n_pods;
};

/**
 * @pod_match: shell pattern of pods' interface names, "" for none
 *
 * Errors: NULL if memory is short
 */
struct resolve *resolve_new(const char *pod_match, const struct resolve_changes *changes);
void resolve_free(struct resolve *resolve);

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
 * @type: RTN_*
 *
 * Order: @prefix is host order
 */
void resolve_route(uint32_t prefix, uint8_t depth, uint8_t type, const struct fpm_nh *nh,
	size_t n_nh, struct route_target *target);

/** Which hop one next hop of a route leads to; nexthop 0 if it always punts. */
struct hop_key resolve_key(uint32_t prefix, uint8_t depth, const struct fpm_nh *nh);

void resolve_hop(const struct resolve *resolve, struct hop_key key, struct hop_facts *facts);

/** Owner: valid until the next change. Errors: NULL if there is none. */
const struct kernel_link *resolve_find_link(const struct resolve *resolve, uint32_t ifindex);

struct resolve_counts resolve_counts(const struct resolve *resolve);

#endif
