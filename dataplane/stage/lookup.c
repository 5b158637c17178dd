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

/* Have all packets one next hop, which is no group? */
static bool is_one_nexthop(const uint32_t *nh, unsigned n)
{
	uint32_t differ = nh[0] & WIRE_NH_GROUP;

	// where next hops are many this is seen at once
	if (nh[n - 1] != nh[0])
		return false;
#pragma GCC unroll 4
	for (unsigned i = 1; i < n; i++)
		differ |= nh[i] ^ nh[0];
	return differ == 0;
}

/* Find the adjacency of each, and fetch it. */
static void resolve_each(struct burst *burst, const struct nexthop_view *view, const uint32_t *nh)
{
	const unsigned n = burst->n;

#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++) {
		uint32_t hash = nh[i] & WIRE_NH_GROUP ? packet_flow_hash(burst->pkt[i]) : 0;

		burst->adjacency[i] = nexthop_resolve(view, nh[i], hash);
		rte_prefetch0(burst->adjacency[i]);
	}
}

/* The same for a burst to one next hop. All places are filled: that takes no branch. */
static void resolve_once(struct burst *burst, const struct nexthop_view *view, uint32_t nh)
{
	const struct adjacency *adjacency = nexthop_resolve(view, nh, 0);

	for (unsigned i = 0; i < BURST_MAX; i++)
		burst->adjacency[i] = adjacency;
	burst->is_one_path = burst->is_uniform = adjacency->kind >= ADJACENCY_NATIVE;
}

/* Do all packets meet the same conditions, those of the first one's adjacency? Is it that one itself? */
static void compare(struct burst *burst)
{
	const struct adjacency *adjacency = burst->adjacency[0];
	const uint64_t first = adjacency_conditions(adjacency);
	const unsigned n = burst->n;
	uint64_t differ = 0, is_other = 0;

#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++) {
		differ |= adjacency_conditions(burst->adjacency[i]) ^ first;
		is_other |= (uintptr_t)burst->adjacency[i] ^ (uintptr_t)adjacency;
	}
	burst->is_uniform = differ == 0 && adjacency->kind >= ADJACENCY_NATIVE;
	burst->is_one_path = burst->is_uniform && is_other == 0;
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
			path_pkts->of_kind[WIRE_PATH_PUNT][adjacency->path]++;
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
	uint32_t nh[BURST_MAX];

	burst->is_uniform = false;
	if (burst->n == 0)
		return;
	fib_lookup_bulk(fib, burst->dst, nh, burst->n);
	if (is_one_nexthop(nh, burst->n)) {
		resolve_once(burst, &view, nh[0]);
	} else {
		resolve_each(burst, &view, nh);
		compare(burst);
	}
	if (unlikely(!burst->is_uniform))
		end_some(burst, path_pkts);
}
