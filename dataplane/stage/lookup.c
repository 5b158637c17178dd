/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 7 of the packet's walk: where does it go?
 */
#include "dataplane/stage/lookup.h"

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#include "dataplane/table/flow.h"

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

/* Have all packets one next hop, which is no group? Up to here the column has next hops, not paths. */
static bool is_one_nexthop(struct burst *burst)
{
	const uint32_t first = burst->path[0];
	const unsigned n = burst->n;
	burst_words differ = {0};
	unsigned at;

	// where next hops are many this is seen at once
	if (burst->path[n - 1] != first || first & WIRE_NH_GROUP)
		return false;
	// the last step waits for its writes, and yet this takes less than to look at each
	for (at = 0; at + BURST_STEP <= n; at += BURST_STEP)
		differ |= *burst_step(burst->path, at) ^ first;
	for (; at < n; at++)
		differ[0] |= burst->path[at] ^ first;
	return !burst_is_any(differ);
}

/* Of each group the path that the packet's flow has. */
static __rte_noinline void choose_members(struct burst *burst, const struct nexthop_view *view)
{
	for (unsigned i = 0; i < burst->n; i++)
		if (burst->path[i] & WIRE_NH_GROUP)
			burst->path[i] =
				nexthop_path(view, burst->path[i], packet_flow_hash(burst->pkt[i]));
}

/*
 * Find the adjacency of each, and fetch it. Do all packets meet the same conditions, those of the first
 * one's? Is it that one itself?
 */
static void resolve_each(struct burst *burst, const struct nexthop_view *view)
{
	const unsigned n = burst->n;
	uint64_t first, differ = 0;
	uint32_t groups = 0;

	for (unsigned i = 0; i < BURST_MAX; i++)
		groups |= burst->path[i];
	if (unlikely(groups & WIRE_NH_GROUP))
		choose_members(burst, view);
	first = nexthop_slot(view, burst->path[0]);
#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++) {
		const uint64_t slot = nexthop_slot(view, burst->path[i]);

		burst->adjacency[i] = nexthop_adjacency(view, slot);
		rte_prefetch0(burst->adjacency[i]);
		differ |= slot ^ first;
	}
	burst->is_uniform = (differ & ~NEXTHOP_SLOT_IDX) == 0 && nexthop_slot_sends(first);
	burst->is_one_path = burst->is_uniform && differ == 0;
}

/* The same for a burst to one path. All places are filled: that takes no branch. */
static void resolve_once(struct burst *burst, const struct nexthop_view *view)
{
	const struct adjacency *adjacency =
		nexthop_adjacency(view, nexthop_slot(view, burst->path[0]));

	for (unsigned i = 0; i < BURST_MAX; i++)
		burst->adjacency[i] = adjacency;
	burst->is_one_path = burst->is_uniform = adjacency->kind >= ADJACENCY_NATIVE;
}

/* End those that are not sent anywhere. */
static void end_some(struct burst *burst, const struct path_pkts *path_pkts)
{
	const unsigned n_before = burst->n;
	unsigned n = 0;

	for (unsigned i = 0; i < n_before; i++) {
		const struct adjacency *adjacency = burst->adjacency[i];
		struct rte_mbuf *pkt = burst->pkt[i];

		if (unlikely(adjacency->kind < ADJACENCY_NATIVE)) {
			path_pkts->of_kind[WIRE_PATH_PUNT][burst->path[i]]++;
			end_here(burst, pkt, adjacency->kind);
			continue;
		}
		if (unlikely(n != i))
			burst_keep(burst, n, i);
		n++;
	}
	burst->n = (uint16_t)n;
}

void lookup(struct burst *burst, const struct fib *fib, const struct nexthop_view *nexthops,
	const struct path_pkts *path_pkts)
{
	const struct nexthop_view view = *nexthops;

	burst->is_uniform = false;
	if (burst->n == 0)
		return;
	fib_lookup_bulk(fib, burst->dst, burst->path, burst->n);
	if (is_one_nexthop(burst))
		resolve_once(burst, &view);
	else
		resolve_each(burst, &view);
	if (unlikely(!burst->is_uniform))
		end_some(burst, path_pkts);
}
