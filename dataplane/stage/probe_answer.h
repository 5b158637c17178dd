/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_PROBE_ANSWER_H
#define PODLANE_DATAPLANE_STAGE_PROBE_ANSWER_H

#include <rte_ring.h>

#include "dataplane/packet.h"
#include "dataplane/table/bucket.h"
#include "dataplane/table/fib.h"
#include "dataplane/table/nexthop.h"
#include "dataplane/table/port.h"
#include "dataplane/table/probe.h"

/** What answering needs besides the packet. Threads: one worker's. */
struct probe_answerer {
	const struct fib *fib;
	const struct nexthop_view *nexthops;
	struct rte_ring *heard; /**< struct probe_heard, for the main lcore */
	struct bucket answers;
	struct adjacency back; /**< where the burst came from; only its port counts */
};

/**
 * Between steps 8 and 9: what lookup found to be for our probe address (burst->probe).
 *
 * An echo request becomes its answer and goes on, behind the rest of the burst, out of the port by
 * which it came and in the outer header in which it came, turned around. A pod's goes to the pod, by
 * the route to it. Above the rate it is dropped. An echo reply goes to the main lcore. All else, every
 * fragment, and a request with padding behind it in its tunnel, goes to the kernel.
 *
 * Source: RFC 1122 3.2.2.6, as far as a node needs that has no IP options to return; RFC 1624 for all
 *         checksums: what came broken goes back broken
 */
void probe_answer(struct burst *burst, const struct port *port, struct probe_answerer *answerer);

#endif
