/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the kernel reaches the other nodes: the network under the tunnels. The kernel is asked, because only
 * it knows all tables and the rules between them: on a node whose routes to other subnets have a table of
 * their own (so that zebra keeps a BGP next hop behind a router) the main table does not say.
 */
#ifndef PODLANE_CONTROL_UNDERLAY_H
#define PODLANE_CONTROL_UNDERLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "control/route.h"

struct event_base;
struct underlay;

/**
 * @changed: called when rules, or routes outside the main table, changed; zebra tells of the main table
 *
 * Errors: -errno of the sockets
 */
int underlay_new(struct event_base *base, void (*changed)(void *arg), void *arg,
	struct underlay **out);
void underlay_free(struct underlay *underlay);

/**
 * Where the kernel would send a packet of its own to this node. Remembered until underlay_forget().
 *
 * Order:  host
 * Errors: false: it has no route, the route leads to none (blackhole) or to itself, or it did not answer
 */
bool underlay_find(struct underlay *underlay, uint32_t node, struct underlay_route *route);

/** Links, addresses or routes may have changed: ask again from now on. */
void underlay_forget(struct underlay *underlay);

#endif
