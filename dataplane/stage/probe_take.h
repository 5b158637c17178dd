/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_PROBE_TAKE_H
#define PODLANE_DATAPLANE_STAGE_PROBE_TAKE_H

#include <rte_ring.h>

#include "dataplane/packet.h"
#include "dataplane/table/probe.h"
#include "dataplane/table/stats.h"

/**
 * The pipeline's other beginning: take probes that wait to be sent, as forward leaves packets, split
 * by the header they get. They count as sent now: a microsecond or two early.
 *
 * @orders:   PROBE_BURST of them; burst->adjacency[] points into them
 * @sent_tsc: by slot, where the time is noted
 *
 * Returns: how many packets; the burst is empty of everything else
 */
uint16_t probe_take(struct burst *burst, struct rte_ring *waiting, struct probe_order *orders,
	uint64_t *sent_tsc, struct lcore_stats *stats);

#endif
