/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Beside steps 5 and 6 of the packet's walk: may this sender use this source address? A second
 * longest match, on the source.
 */
#include "dataplane/stage/source_check.h"

#include <rte_branch_prediction.h>
#include <rte_udp.h>

#include "dataplane/steer/trunk_mac.h"

#define L4_OFFSET (RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr))

static bool is_tunnel(struct rte_mbuf *pkt, const struct endpoint_view *endpoints)
{
	const struct rte_ipv4_hdr *ip = packet_ip4(pkt);
	const struct rte_udp_hdr *udp = rte_pktmbuf_mtod_offset(pkt, void *, L4_OFFSET);

	if (ip->next_proto_id == IPPROTO_IPIP)
		return true;
	if (likely(ip->next_proto_id != IPPROTO_UDP) || pkt->data_len < L4_OFFSET + sizeof(*udp) ||
		(ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK)))
		return false;
	for (unsigned i = 0; i < endpoints->n; i++) {
		if (endpoints->endpoint[i].kind == WIRE_TUNNEL_VXLAN &&
			endpoints->endpoint[i].udp_port == rte_be_to_cpu_16(udp->dst_port))
			return true;
	}
	return false;
}

static void lookup_sources(struct burst *burst, const struct fib *fib, uint32_t *nh)
{
	uint32_t src[BURST_MAX];

	for (uint16_t i = 0; i < burst->n; i++)
		src[i] = rte_be_to_cpu_32(packet_ip4(burst->pkt[i])->src_addr);
	fib_lookup_bulk(fib, src, nh, burst->n);
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

void source_check_tunnel(struct burst *inner, const struct endpoint_view *endpoints,
	const struct fib *fib, const struct nexthop_view *nexthops)
{
	uint32_t nh[BURST_MAX];
	uint16_t n = 0;

	lookup_sources(inner, fib, nh);
	for (uint16_t i = 0; i < inner->n; i++) {
		struct rte_mbuf *pkt = inner->pkt[i];
		uint32_t node = pkt->hash.usr;

		if (unlikely(is_tunnel(pkt, endpoints))) {
			burst_drop(inner, pkt, DROP_TUNNEL_NESTED);
		} else if (unlikely(node != 0 && !leads_to_node(nexthops, nh[i], node))) {
			burst_drop(inner, pkt, DROP_TUNNEL_INNER_SOURCE);
		} else {
			inner->dst[n] = inner->dst[i];
			inner->pkt[n++] = pkt;
		}
	}
	inner->n = n;
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

void source_check_pod(struct burst *burst, const struct endpoint_view *endpoints,
	const struct fib *fib, const struct nexthop_view *nexthops)
{
	uint32_t nh[BURST_MAX];
	uint16_t n = 0;

	lookup_sources(burst, fib, nh);
	for (uint16_t i = 0; i < burst->n; i++) {
		struct rte_mbuf *pkt = burst->pkt[i];
		uint32_t ifindex = sending_pod(pkt);

		if (unlikely(is_tunnel(pkt, endpoints))) {
			burst_drop(burst, pkt, DROP_POD_TUNNEL);
		} else if (unlikely(ifindex == 0 ||
				    nexthop_resolve(nexthops, nh[i], 0)->ifindex != ifindex)) {
			burst_drop(burst, pkt, DROP_POD_SOURCE);
		} else {
			burst->dst[n] = burst->dst[i];
			burst->pkt[n++] = pkt;
		}
	}
	burst->n = n;
}
