/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a probe's walk begins. The main lcore (prober.c) made the echo request; from here on it is a
 * packet like any other, so that it meets what others meet.
 */
#include "dataplane/stage/probe_take.h"

#include <rte_cycles.h>

#include <assert.h>

static_assert(PROBE_BURST <= BURST_MAX, "a burst takes them all");

uint16_t probe_take(struct burst *burst, struct rte_ring *waiting, struct probe_order *orders,
	uint64_t *sent_tsc, struct lcore_stats *stats)
{
	uint16_t n = (uint16_t)rte_ring_sc_dequeue_burst_elem(waiting, orders, sizeof(*orders),
		PROBE_BURST, NULL);
	uint64_t now = rte_rdtsc();

	burst->n = 0;
	burst->is_uniform = burst->has_segments = burst->has_unfinished = false;
	burst->n_drop = burst->n_punt = burst->n_probe = 0;
	memset(burst->n_encap, 0, sizeof(burst->n_encap));
	for (uint16_t i = 0; i < n; i++) {
		burst_add(burst, orders[i].pkt);
		burst_read_ip4(burst, i);
		burst->path[i] = WIRE_NH_NONE; // no path counts it
		burst->adjacency[i] = &orders[i].adjacency;
		burst_set_encap(burst, i,
			(enum encap)(orders[i].adjacency.kind - ADJACENCY_NATIVE));
		__atomic_store_n(&sent_tsc[orders[i].slot], now, __ATOMIC_RELAXED);
	}
	stats->made_pkts += n;
	return n;
}
