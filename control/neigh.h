/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's links, IPv4 addresses, neighbours and forwarding tables, over rtnetlink, for the network
 * namespace we were started in. Dumps everything at the start and whenever the kernel says that it lost
 * something for us.
 */
#ifndef PODLANE_CONTROL_NEIGH_H
#define PODLANE_CONTROL_NEIGH_H

#include <stdbool.h>
#include <stdint.h>

struct event_base;
struct neigh;
struct pipeline;

/**
 * Open the socket and ask for everything.
 *
 * Errors: -errno of the socket
 */
int neigh_new(struct event_base *base, struct pipeline *pipeline, struct neigh **out);
void neigh_free(struct neigh *neigh);

/** The first dump is complete. */
bool neigh_is_synced(const struct neigh *neigh);
/** How often everything was asked for again. */
uint64_t neigh_n_resyncs(const struct neigh *neigh);

/**
 * Have the kernel resolve, or confirm, a neighbour that it would not look for by itself, because it
 * sees no traffic to it.
 *
 * Order:  host
 * Errors: -errno; what the kernel answers is ignored, its events tell what came of it
 */
int neigh_use(struct neigh *neigh, uint32_t addr, uint32_t ifindex);

#endif
