/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 6 of the packet's walk: addressed to our tunnel end? Then it is what is inside that goes on.
 */
#include "dataplane/stage/decap.h"

#include <rte_branch_prediction.h>
#include <rte_udp.h>
#include <rte_vxlan.h>

#include <assert.h>

#include "dataplane/steer/translated_mac.h"
#include "dataplane/table/outer_ip4.h"

#define IP_BYTES     20u /* options went to the kernel before */
#define UDP_OFFSET   (RTE_ETHER_HDR_LEN + IP_BYTES)
#define VXLAN_OFFSET (UDP_OFFSET + sizeof(struct rte_udp_hdr))
#define VXLAN_STRIP  (VXLAN_OFFSET + sizeof(struct rte_vxlan_hdr))

static_assert(PACKET_IPIP_BYTES == IP_BYTES, "what strip() takes off");
static_assert(PACKET_VXLAN_BYTES == VXLAN_STRIP, "what strip() takes off");

#define VXLAN_FLAG_I	    0x08000000u
#define VNI_CALICO_NODEPORT 0xca11c0u

#define ECN_NOT	 0u
#define ECN_ECT1 1u
#define ECN_CE	 3u

/* What becomes of a packet to a tunnel end. */
enum verdict { VERDICT_STRIP, VERDICT_PUNT, VERDICT_DROP };

static const struct endpoint *find_endpoint(const struct endpoint_view *view, uint32_t dst,
	uint8_t kind, uint16_t udp_port)
{
	for (unsigned i = 0; i < view->n; i++) {
		const struct endpoint *endpoint = &view->endpoint[i];

		if (endpoint->addr == dst && endpoint->kind == kind &&
			(kind == WIRE_TUNNEL_IPIP || endpoint->udp_port == udp_port))
			return endpoint;
	}
	return NULL;
}

static bool is_later_fragment(const struct rte_ipv4_hdr *ip)
{
	return ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK);
}

static const struct endpoint *match(const struct endpoint_view *view, struct rte_mbuf *pkt,
	const struct rte_ipv4_hdr *ip, uint32_t dst)
{
	const struct rte_udp_hdr *udp = rte_pktmbuf_mtod_offset(pkt, void *, UDP_OFFSET);

	if (ip->next_proto_id == IPPROTO_IPIP)
		return find_endpoint(view, dst, WIRE_TUNNEL_IPIP, 0);
	if (ip->next_proto_id != IPPROTO_UDP || is_later_fragment(ip) ||
		pkt->data_len < VXLAN_OFFSET)
		return NULL;
	return find_endpoint(view, dst, WIRE_TUNNEL_VXLAN, rte_be_to_cpu_16(udp->dst_port));
}

/* RFC 768: 0 is "none". */
static bool is_udp_checksum_right(struct rte_mbuf *pkt, const struct rte_ipv4_hdr *ip,
	const struct rte_udp_hdr *udp)
{
	uint16_t sum;

	if (udp->dgram_cksum == 0 ||
		(pkt->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
		return true;
	if (rte_raw_cksum_mbuf(pkt, UDP_OFFSET, rte_be_to_cpu_16(udp->dgram_len), &sum) < 0)
		return false;
	return fold_checksum((uint32_t)sum + rte_ipv4_phdr_cksum(ip, 0)) == 0;
}

static enum verdict check_vxlan(struct rte_mbuf *pkt, const struct rte_ipv4_hdr *ip,
	const struct endpoint *endpoint, enum decap_checksum checksum, enum drop_reason *reason)
{
	const struct rte_udp_hdr *udp = rte_pktmbuf_mtod_offset(pkt, void *, UDP_OFFSET);
	const struct rte_vxlan_hdr *vxlan = rte_pktmbuf_mtod_offset(pkt, void *, VXLAN_OFFSET);
	const struct rte_ether_hdr *ether = (const void *)(vxlan + 1);
	uint32_t vni;

	*reason = DROP_TRUNCATED;
	if (pkt->data_len < VXLAN_STRIP + sizeof(*ether) + sizeof(struct rte_ipv4_hdr))
		return VERDICT_DROP;
	*reason = DROP_TUNNEL_HEADER;
	if (rte_be_to_cpu_16(udp->dgram_len) + IP_BYTES != rte_be_to_cpu_16(ip->total_length))
		return VERDICT_DROP;
	// RFC 7348 5: the other flags and reserved bits are ignored
	if (!(vxlan->vx_flags & RTE_BE32(VXLAN_FLAG_I)))
		return VERDICT_DROP;
	vni = rte_be_to_cpu_32(vxlan->vx_vni) >> 8;
	if (vni == VNI_CALICO_NODEPORT)
		return VERDICT_PUNT;
	*reason = DROP_TUNNEL_VNI;
	if (vni != endpoint->vni)
		return VERDICT_DROP;
	*reason = DROP_TUNNEL_CHECKSUM;
	if (checksum == DECAP_VERIFY && !is_udp_checksum_right(pkt, ip, udp))
		return VERDICT_DROP;
	// the inner MAC addresses may be any: eBPF senders of Calico 3.31 use wrong ones
	*reason = DROP_TUNNEL_INNER;
	return ether->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4) ? VERDICT_STRIP : VERDICT_DROP;
}

static enum verdict check_ipip(const struct rte_mbuf *pkt, enum drop_reason *reason)
{
	*reason = DROP_TRUNCATED;
	return pkt->data_len < UDP_OFFSET + sizeof(struct rte_ipv4_hdr) ? VERDICT_DROP
									: VERDICT_STRIP;
}

static void set_tos(struct rte_ipv4_hdr *ip, uint8_t tos)
{
	ip->hdr_checksum = update_checksum(ip->hdr_checksum, rte_cpu_to_be_16(ip->type_of_service),
		rte_cpu_to_be_16(tos));
	ip->type_of_service = tos;
}

/* RFC 6040 4.2: what the inner field becomes. Returns: is it to be dropped? */
static bool merge_ecn(struct rte_ipv4_hdr *inner, uint8_t outer_tos)
{
	uint8_t outer = outer_tos & IP4_ECN_MASK;
	uint8_t ecn = inner->type_of_service & IP4_ECN_MASK;

	if (likely(outer == ecn || ecn == ECN_CE))
		return false;
	if (ecn == ECN_NOT)
		return outer == ECN_CE;
	if (outer == ECN_CE || outer == ECN_ECT1)
		set_tos(inner, (uint8_t)((inner->type_of_service & ~IP4_ECN_MASK) | outer));
	return false;
}

/*
 * Off with the outer header; what is left begins with room for Ethernet. Nothing is written there:
 * an answer to a probe needs the outer header whole, and the others get their next Ethernet header.
 */
static struct rte_ipv4_hdr *strip(struct rte_mbuf *pkt, uint8_t kind)
{
	bool is_ipip = kind == WIRE_TUNNEL_IPIP;

	rte_pktmbuf_adj(pkt, is_ipip ? PACKET_IPIP_BYTES : PACKET_VXLAN_BYTES);
	pkt->ol_flags &= ~(RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK);
	pkt->ol_flags |= is_ipip ? PACKET_FROM_IPIP : PACKET_FROM_VXLAN;
	return packet_ip4(pkt);
}

/* XDP has asked conntrack about what is inside. */
static bool is_translated(struct rte_mbuf *pkt)
{
	static const struct rte_ether_addr mac = {{TRANSLATED_MAC_0, TRANSLATED_MAC_1}};

	return rte_is_same_ether_addr(&rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *)->src_addr,
		&mac);
}

static void take(struct burst *burst, struct burst *inner, struct rte_mbuf *pkt,
	const struct endpoint *endpoint, const struct rte_ipv4_hdr *ip)
{
	uint32_t src = rte_be_to_cpu_32(ip->src_addr);
	uint8_t outer_tos = ip->type_of_service;
	bool is_kernels = is_translated(pkt);

	if (unlikely(merge_ecn(strip(pkt, endpoint->kind), outer_tos))) {
		burst_drop(burst, pkt, DROP_TUNNEL_ECN);
		return;
	}
	pkt->hash.usr = endpoint->has_inner_check ? src : 0;
	pkt->hash.fdir.hi = is_kernels;
	burst_add(inner, pkt);
}

static void handle(struct burst *burst, struct burst *inner, struct rte_mbuf *pkt,
	const struct endpoint_view *view, const struct endpoint *endpoint,
	enum decap_checksum checksum)
{
	const struct rte_ipv4_hdr *ip = packet_ip4(pkt);
	enum drop_reason reason = DROP_TUNNEL_SOURCE;
	enum verdict verdict = VERDICT_DROP;

	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK))
		verdict = VERDICT_PUNT;
	else if (!endpoint_is_source(view, rte_be_to_cpu_32(ip->src_addr)))
		verdict = VERDICT_DROP;
	else if (endpoint->kind == WIRE_TUNNEL_IPIP)
		verdict = check_ipip(pkt, &reason);
	else
		verdict = check_vxlan(pkt, ip, endpoint, checksum, &reason);

	if (likely(verdict == VERDICT_STRIP))
		take(burst, inner, pkt, endpoint, ip);
	else if (verdict == VERDICT_PUNT)
		burst_punt(burst, pkt);
	else
		burst_drop(burst, pkt, reason);
}

/*
 * Is any of them addressed to a tunnel end of ours? Mostly none is. All places are looked at, whether
 * filled or not, so that the compiler takes four at once; an old address costs a closer look.
 */
static bool is_any_ours(const struct burst *burst, const struct endpoint_view *endpoints)
{
	uint32_t n_found = 0;

	for (unsigned e = 0; e < endpoints->n; e++) {
		const uint32_t addr = endpoints->endpoint[e].addr;

		for (unsigned i = 0; i < BURST_MAX; i++)
			n_found += burst->dst[i] == addr;
	}
	return n_found > 0;
}

void decap(struct burst *burst, struct burst *inner, const struct endpoint_view *endpoints,
	enum decap_checksum checksum)
{
	const uint16_t n_before = burst->n;
	uint16_t n = 0;

	if (likely(!is_any_ours(burst, endpoints)))
		return;
	for (uint16_t i = 0; i < n_before; i++) {
		struct rte_mbuf *pkt = burst->pkt[i];
		uint32_t dst = burst->dst[i];
		const struct endpoint *endpoint = match(endpoints, pkt, packet_ip4(pkt), dst);

		if (endpoint == NULL) {
			burst_keep(burst, n++, i);
			continue;
		}
		handle(burst, inner, pkt, endpoints, endpoint, checksum);
	}
	burst->n = n;
}
