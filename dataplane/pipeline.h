/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_PIPELINE_H
#define PODLANE_DATAPLANE_PIPELINE_H

#include <rte_ring.h>

#include "dataplane/packet.h"
#include "dataplane/stage/probe_answer.h"
#include "dataplane/table/endpoint.h"
#include "dataplane/table/fib.h"
#include "dataplane/table/nexthop.h"
#include "dataplane/table/port.h"
#include "dataplane/table/probe.h"
#include "dataplane/table/stats.h"

/** What one worker's pipeline reads and writes. Threads: one per worker, shared by nobody. */
struct pipeline {
	const struct fib *fib;
	const struct nexthop_view *nexthops;
	const struct endpoint_table *endpoints;
	struct port_table *ports;
	struct rte_ring *to_kernel; /**< this worker is its only producer */
	struct rte_ring *to_icmp;   /**< likewise */
	struct lcore_stats *stats;
	const struct path_pkts *path_pkts;
	unsigned worker;
	uint16_t ip_id; /**< next identification of an outer header */
	struct rte_ring
		*probes; /**< waiting to be sent, struct probe_order; NULL: not by this worker */
	uint64_t *probe_sent_tsc; /**< by probe slot */
	struct probe_order order[PROBE_BURST];
	struct probe_answerer answerer;
	struct burst burst;
	struct burst inner;  /**< what tunnels brought */
	struct burst big;    /**< what is too big for its path */
	struct burst pieces; /**< and its fragments */
};

/**
 * Take one burst from a receive queue through all stages.
 *
 * Returns: how many packets it had
 */
uint16_t pipeline_run(struct pipeline *pipeline, const struct port *port, uint16_t queue);

/**
 * Send some of the probes that wait, through the stages that give a packet its headers.
 *
 * Returns: how many
 */
uint16_t pipeline_inject(struct pipeline *pipeline);

#endif
