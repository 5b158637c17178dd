/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 7 of the packet's walk: where does it go?
 */
#include "dataplane/stage/lookup.h"

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

/* The kinds that are not sent anywhere. */
static void end_here(struct burst *burst, struct rte_mbuf *pkt, uint8_t kind)
{
	switch ((enum adjacency_kind)kind) {
	case ADJACENCY_BLACKHOLE:
		burst_drop(burst, pkt, DROP_BLACKHOLE);
		return;
	case ADJACENCY_UNREACHABLE:
		burst_drop(burst, pkt, DROP_UNREACHABLE);
		return;
	case ADJACENCY_PROHIBIT:
		burst_drop(burst, pkt, DROP_PROHIBIT);
		return;
	case ADJACENCY_NO_ROUTE:
		burst_drop(burst, pkt, DROP_NO_ROUTE);
		return;
	case ADJACENCY_PROBE:
		burst->probe[burst->n_probe++] = pkt;
		return;
	case ADJACENCY_NONE:
	case ADJACENCY_PUNT:
	case ADJACENCY_NATIVE:
	case ADJACENCY_IPIP:
	case ADJACENCY_VXLAN:
	case ADJACENCY_N_KINDS:
		break;
	}
	burst_punt(burst, pkt);
}

/* Do all packets meet the same conditions, those of the first one's adjacency? */
static bool are_alike(const struct burst *burst)
{
	const uint64_t first = adjacency_conditions(burst->adjacency[0]);
	const unsigned n = burst->n;
	uint64_t differ = 0;

#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++)
		differ |= adjacency_conditions(burst->adjacency[i]) ^ first;
	return differ == 0;
}

void lookup(struct burst *burst, const struct fib *fib, const struct nexthop_view *nexthops,
	struct path_pkts *path_pkts)
{
	const struct nexthop_view view = *nexthops;
	const unsigned n_before = burst->n;
	uint32_t nh[BURST_MAX];
	unsigned n = 0;

	fib_lookup_bulk(fib, burst->dst, nh, burst->n);
#pragma GCC unroll 4
	for (unsigned i = 0; i < n_before; i++) {
		uint32_t hash = nh[i] & WIRE_NH_GROUP ? packet_flow_hash(burst->pkt[i]) : 0;

		burst->adjacency[i] = nexthop_resolve(&view, nh[i], hash);
		rte_prefetch0(burst->adjacency[i]);
	}
	burst->is_uniform =
		n_before > 0 && are_alike(burst) && burst->adjacency[0]->kind >= ADJACENCY_NATIVE;
	if (likely(burst->is_uniform))
		return;
	for (unsigned i = 0; i < n_before; i++) {
		const struct adjacency *adjacency = burst->adjacency[i];
		struct rte_mbuf *pkt = burst->pkt[i];

		if (unlikely(adjacency->kind < ADJACENCY_NATIVE)) {
			path_pkts[adjacency->path].pkts[WIRE_PATH_PUNT]++;
			end_here(burst, pkt, adjacency->kind);
			continue;
		}
		if (unlikely(n != i))
			burst_keep(burst, n, i);
		n++;
	}
	burst->n = (uint16_t)n;
}
