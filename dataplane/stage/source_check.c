/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Beside steps 5 and 6 of the packet's walk: may this sender use this source address? A second
 * longest match, on the source.
 */
#include "dataplane/stage/source_check.h"

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>
#include <rte_udp.h>

#include "dataplane/steer/trunk_mac.h"

/* What a check says of a packet that may go on. */
#define PASSES DROP_N_REASONS

/* What both checks look things up in. */
struct tables {
	const struct endpoint_view *endpoints;
	const struct fib *fib;
	const struct nexthop_view *nexthops;
	enum pod_tunnels pod_tunnels;
};

enum sender { SENDER_NODE, SENDER_POD };

/* Punted packets may have IP options, so the header's length counts. */
static bool is_tunnel(struct rte_mbuf *pkt, const struct endpoint_view *endpoints)
{
	const struct rte_ipv4_hdr *ip = packet_ip4(pkt);
	uint16_t l4_offset = RTE_ETHER_HDR_LEN + rte_ipv4_hdr_len(ip);
	const struct rte_udp_hdr *udp = rte_pktmbuf_mtod_offset(pkt, void *, l4_offset);

	if (ip->next_proto_id == IPPROTO_IPIP)
		return true;
	if (likely(ip->next_proto_id != IPPROTO_UDP) || pkt->data_len < l4_offset + sizeof(*udp) ||
		(ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK)))
		return false;
	for (unsigned i = 0; i < endpoints->n; i++) {
		if (endpoints->endpoint[i].kind == WIRE_TUNNEL_VXLAN &&
			endpoints->endpoint[i].udp_port == rte_be_to_cpu_16(udp->dst_port))
			return true;
	}
	return false;
}

/* Does the route lead to that node, by one of its members if it has several? */
static bool leads_to_node(const struct nexthop_view *nexthops, uint32_t nh, uint32_t node)
{
	if (!(nh & WIRE_NH_GROUP))
		return nexthop_resolve(nexthops, nh, 0)->node == node;
	for (uint32_t hash = 0; hash < NEXTHOP_GROUP_BUCKETS; hash++) {
		if (nexthop_resolve(nexthops, nh, hash)->node == node)
			return true;
	}
	return false;
}

/* @node: 0 may be any */
static enum drop_reason judge_from_node(struct rte_mbuf *pkt, uint32_t nh, uint32_t node,
	const struct tables *tables)
{
	if (unlikely(is_tunnel(pkt, tables->endpoints)))
		return DROP_TUNNEL_NESTED;
	if (unlikely(node != 0 && !leads_to_node(tables->nexthops, nh, node)))
		return DROP_TUNNEL_INNER_SOURCE;
	return PASSES;
}

/* Errors: 0, which is no interface, if the frame names no pod */
static uint32_t sending_pod(struct rte_mbuf *pkt)
{
	const uint8_t *mac = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *)->src_addr.addr_bytes;
	uint32_t ifindex_be;

	if (mac[0] != TRUNK_MAC_0 || mac[1] != TRUNK_MAC_1)
		return 0;
	memcpy(&ifindex_be, &mac[2], sizeof(ifindex_be));
	return rte_be_to_cpu_32(ifindex_be);
}

static enum drop_reason judge_from_pod(struct rte_mbuf *pkt, uint32_t nh,
	const struct tables *tables)
{
	uint32_t ifindex = sending_pod(pkt);

	if (tables->pod_tunnels == POD_TUNNELS_DROP && unlikely(is_tunnel(pkt, tables->endpoints)))
		return DROP_POD_TUNNEL;
	if (unlikely(ifindex == 0 || nexthop_resolve(tables->nexthops, nh, 0)->ifindex != ifindex))
		return DROP_POD_SOURCE;
	return PASSES;
}

static __rte_always_inline enum drop_reason judge(enum sender sender, const struct burst *burst,
	struct rte_mbuf *pkt, uint32_t nh, const struct tables *tables)
{
	if (sender == SENDER_POD)
		return judge_from_pod(pkt, nh, tables);
	return judge_from_node(pkt, nh, burst->has_nodes ? pkt->hash.usr : 0, tables);
}

static void lookup_sources(struct burst *burst, const struct fib *fib, uint32_t *nh)
{
	const unsigned n = burst->n;
	_Alignas(burst_words) uint32_t src[BURST_MAX];

	for (unsigned at = 0; at < n; at += BURST_STEP)
		*burst_step(src, at) = burst_be_32(*burst_step(burst->ip4[IP4_WORD_SRC], at));
	fib_lookup_bulk(fib, src, nh, n);
}

/* is_tunnel() of all, at a glance: false is certain. */
static bool may_be_tunnels(struct burst *burst, const struct endpoint_view *endpoints)
{
	burst_words ipip = {0}, udp = {0}, hits = {0};

	for (unsigned at = 0; at < burst->n; at += BURST_STEP) {
		burst_words protocol =
			*burst_step(burst->ip4[IP4_WORD_TTL], at) & IP4_PROTOCOL_BITS;

		ipip |= (burst_words)(protocol == IPPROTO_IPIP << IP4_PROTOCOL_SHIFT);
		udp |= (burst_words)(protocol == IPPROTO_UDP << IP4_PROTOCOL_SHIFT);
	}
	if (burst_is_any(ipip) || burst->has_segments)
		return true;
	for (unsigned e = 0; burst_is_any(udp) && e < endpoints->n; e++) {
		const uint32_t ports = rte_cpu_to_be_32(endpoints->endpoint[e].udp_port);

		if (endpoints->endpoint[e].kind != WIRE_TUNNEL_VXLAN)
			continue;
		// up to the next step ip4_check put the last frame
		for (unsigned at = 0; at < burst->n; at += BURST_STEP)
			hits |= (burst_words)((burst_load_words(burst, at, PORTS_OFFSET) &
						      RTE_BE32(UINT16_MAX)) == ports);
	}
	return burst_is_any(hits);
}

/* Does the route to every source lead to its node, without a group? */
static bool are_all_from_nodes(const struct burst *burst, const uint32_t *nh,
	const struct nexthop_view *nexthops)
{
	const struct nexthop_view view = *nexthops;
	const struct adjacency *adjacency[BURST_MAX];
	const unsigned n = burst->n;
	uint32_t groups = 0, differ = 0;

	for (unsigned i = 0; i < n; i++)
		groups |= nh[i];
	if (groups & WIRE_NH_GROUP)
		return false;
#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++) {
		adjacency[i] = nexthop_resolve(&view, nh[i], 0);
		rte_prefetch0(&adjacency[i]->node);
	}
#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++)
		differ |= adjacency[i]->node ^ burst->pkt[i]->hash.usr;
	return differ == 0;
}

/* Returns: nobody needs a closer look */
static bool is_glance_enough(struct burst *burst, const struct tables *tables, enum sender sender,
	uint32_t *nh)
{
	bool is_checked = sender == SENDER_POD || burst->has_nodes;

	if (is_checked)
		lookup_sources(burst, tables->fib, nh);
	if (sender == SENDER_NODE && !may_be_tunnels(burst, tables->endpoints) &&
		(!is_checked || are_all_from_nodes(burst, nh, tables->nexthops)))
		return true;
	if (!is_checked)
		memset(nh, 0, BURST_MAX * sizeof(*nh));
	return false;
}

static __rte_always_inline void check_burst(struct burst *burst, const struct tables *tables,
	enum sender sender)
{
	const uint16_t n_before = burst->n;
	_Alignas(burst_words) uint32_t nh[BURST_MAX];
	uint16_t n = 0;

	if (n_before == 0 || is_glance_enough(burst, tables, sender, nh))
		return;
	for (uint16_t i = 0; i < n_before; i++) {
		struct rte_mbuf *pkt = burst->pkt[i];
		enum drop_reason reason = judge(sender, burst, pkt, nh[i], tables);

		if (unlikely(reason != PASSES)) {
			burst_drop(burst, pkt, reason);
			continue;
		}
		if (unlikely(n != i))
			burst_keep(burst, n, i);
		n++;
	}
	burst->n = n;
}

static bool is_ip4(struct rte_mbuf *pkt)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *);

	return eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4);
}

/*
 * What the kernel is to handle, for its IP options or its group address, comes to it by the TAP: it could
 * not tell any more who sent it, and would forward it.
 */
static __rte_always_inline void check_punted(struct burst *burst, const struct tables *tables,
	enum sender sender)
{
	uint16_t n = 0;

	for (uint16_t i = 0; i < burst->n_punt; i++) {
		struct rte_mbuf *pkt = burst->punt[i];
		enum drop_reason reason = PASSES;
		uint32_t src, nh;

		// a tunnel brings nothing else, and may have no Ethernet header yet
		if (sender == SENDER_NODE || is_ip4(pkt)) {
			src = rte_be_to_cpu_32(packet_ip4(pkt)->src_addr);
			fib_lookup_bulk(tables->fib, &src, &nh, 1);
			reason = judge(sender, burst, pkt, nh, tables);
		}
		if (reason != PASSES)
			burst_drop(burst, pkt, reason);
		else
			burst->punt[n++] = pkt;
	}
	burst->n_punt = n;
}

void source_check_tunnel(struct burst *inner, const struct endpoint_view *endpoints,
	const struct fib *fib, const struct nexthop_view *nexthops)
{
	struct tables tables = {endpoints, fib, nexthops, POD_TUNNELS_DROP};

	check_burst(inner, &tables, SENDER_NODE);
	if (unlikely(inner->n_punt > 0))
		check_punted(inner, &tables, SENDER_NODE);
}

void source_check_pod(struct burst *burst, const struct endpoint_view *endpoints,
	const struct fib *fib, const struct nexthop_view *nexthops, enum pod_tunnels pod_tunnels)
{
	struct tables tables = {endpoints, fib, nexthops, pod_tunnels};

	check_burst(burst, &tables, SENDER_POD);
	if (unlikely(burst->n_punt > 0))
		check_punted(burst, &tables, SENDER_POD);
}
