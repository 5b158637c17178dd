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
	if (packet_raw_cksum(pkt, UDP_OFFSET, rte_be_to_cpu_16(udp->dgram_len), &sum) < 0)
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
	inner->has_nodes |= endpoint->has_inner_check;
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

/* Of IP4_WORD_LENGTH, as it lies. */
#define ECN_BITS (IP4_ECN_MASK << 8)
#define ECN_LOW	 (1u << 8) /* ECT(1) and CE: the others change nothing inside, RFC 6040 4.2 */

/* Has every packet the first one's destination and protocol, and is in one piece and long enough? */
static bool are_alike(struct burst *burst, uint32_t min_len)
{
	const uint32_t protocol = burst->ip4[IP4_WORD_TTL][0] & IP4_PROTOCOL_BITS;
	const uint32_t dst = burst->dst[0];
	burst_words odd = {0};

	for (unsigned at = 0; at < burst->n; at += BURST_STEP) {
		odd |= *burst_step(burst->dst, at) ^ dst;
		odd |= (*burst_step(burst->ip4[IP4_WORD_TTL], at) & IP4_PROTOCOL_BITS) ^ protocol;
		odd |= *burst_step(burst->ip4[IP4_WORD_FRAGMENT], at) & IP4_PIECE_BITS;
		odd |= (burst_words)(*burst_step(burst->len, at) < min_len);
	}
	return !burst_is_any(odd);
}

/* endpoint_is_source() of all: nodes mostly have their addresses in one range. */
static bool are_sources(struct burst *burst, const struct endpoint_view *view)
{
	burst_words odd = {0};

	for (unsigned at = 0; at < burst->n; at += BURST_STEP) {
		burst_words src = burst_be_32(*burst_step(burst->ip4[IP4_WORD_SRC], at));
		burst_words found = {0};

		for (unsigned i = 0; i < view->n_ranges; i++) {
			uint32_t mask = endpoint_range_mask(&view->range[i]);

			found |= (burst_words)((src & mask) == view->range[i].prefix);
		}
		odd |= ~found;
	}
	if (!burst_is_any(odd))
		return true;
	for (unsigned i = 0; i < burst->n; i++) {
		if (!endpoint_is_source(view, rte_be_to_cpu_32(burst->ip4[IP4_WORD_SRC][i])))
			return false;
	}
	return true;
}

/* Is there something to merge, merge_ecn()? */
static bool differs_any_ecn(struct burst *burst, uint16_t strip_bytes)
{
	const unsigned n = burst->n;
	uint32_t differ = 0;
	burst_words words = {0};

	for (unsigned at = 0; at < n; at += BURST_STEP)
		words |= *burst_step(burst->ip4[IP4_WORD_LENGTH], at);
	if (!burst_is_any(words & ECN_LOW))
		return false;
#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++) {
		uint16_t begins;

		memcpy(&begins, burst->frame[i] + RTE_ETHER_HDR_LEN + strip_bytes, sizeof(begins));
		differ |= burst->ip4[IP4_WORD_LENGTH][i] ^ begins;
	}
	return (differ & ECN_BITS) != 0;
}

/* Is there one of the kernel's, is_translated()? */
static bool is_any_translated(const struct burst *burst)
{
	static const uint8_t mac[4] = {TRANSLATED_MAC_0, TRANSLATED_MAC_1};
	const unsigned n = burst->n;
	uint32_t begins, n_hits = 0;

	memcpy(&begins, mac, sizeof(begins));
#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++) {
		uint32_t src_mac;

		memcpy(&src_mac, burst->frame[i] + RTE_ETHER_ADDR_LEN, sizeof(src_mac));
		n_hits += src_mac == begins;
	}
	return n_hits > 0;
}

/* UDP's ports, length and checksum, and VXLAN's flags and VNI. */
typedef uint64_t udp_bits __attribute__((vector_size(16)));

static inline udp_bits load_udp(const uint8_t *at)
{
	udp_bits bits;

	memcpy(&bits, at, sizeof(bits));
	return bits;
}

/* check_vxlan() of all, for what has no checksum to be verified. */
static bool are_vxlan(struct burst *burst, const struct endpoint *endpoint)
{
	const rte_be32_t hdr[] = {rte_cpu_to_be_32(endpoint->udp_port), 0, RTE_BE32(VXLAN_FLAG_I),
		rte_cpu_to_be_32(endpoint->vni << 8)};
	static const rte_be32_t mask[] = {RTE_BE32(UINT16_MAX), 0, RTE_BE32(VXLAN_FLAG_I),
		RTE_BE32(0xffffff00u)};
	const udp_bits wanted = load_udp((const uint8_t *)hdr);
	const unsigned n = burst->n;
	udp_bits differ = {0};
	burst_words lengths_differ = {0};
	uint32_t types_differ = 0;

#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++) {
		uint16_t type;

		memcpy(&type, burst->frame[i] + VXLAN_STRIP + 2 * RTE_ETHER_ADDR_LEN, sizeof(type));
		differ |= load_udp(burst->frame[i] + UDP_OFFSET) ^ wanted;
		types_differ |= type ^ RTE_BE16(RTE_ETHER_TYPE_IPV4);
	}
	// length and checksum, which is to be 0; up to the next step ip4_check put the last frame
	for (unsigned at = 0; at < n; at += BURST_STEP)
		lengths_differ |= burst_load_words(burst, at, UDP_OFFSET + sizeof(uint32_t)) ^
				  burst_be_32((*burst_step(burst->len, at) - UDP_OFFSET) << 16);
	differ &= load_udp((const uint8_t *)mask);
	return (differ[0] | differ[1] | types_differ) == 0 && !burst_is_any(lengths_differ);
}

/* strip() and take() of all; they stay where they are. */
static void strip_all(struct burst *burst, const struct endpoint *endpoint)
{
	const bool is_ipip = endpoint->kind == WIRE_TUNNEL_IPIP;
	const uint16_t bytes = is_ipip ? PACKET_IPIP_BYTES : PACKET_VXLAN_BYTES;
	const packet_bits change = packet_extension(-(int)bytes);
	const packet_bits gone = {0, RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK};
	const packet_bits mark = {0, is_ipip ? PACKET_FROM_IPIP : PACKET_FROM_VXLAN};
	const unsigned n = burst->n;

#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *pkt = burst->pkt[i];

		packet_store_bits(pkt, ((packet_load_bits(pkt) + change) & ~gone) | mark);
		burst->frame[i] += bytes;
	}
	for (unsigned i = 0; endpoint->has_inner_check && i < n; i++)
		burst->pkt[i]->hash.usr = rte_be_to_cpu_32(burst->ip4[IP4_WORD_SRC][i]);
	burst->has_nodes = endpoint->has_inner_check;
	// as it will be read: in vectors
	for (unsigned at = 0; at < n; at += BURST_STEP)
		*burst_step(burst->len, at) -= bytes;
}

bool decap_all(struct burst *burst, const struct endpoint_view *endpoints, bool has_xdp)
{
	const struct endpoint *endpoint;
	uint16_t bytes;

	// what is punted already is nobody's inner packet
	if (burst->n == 0 || burst->has_segments || burst->n_punt > 0)
		return false;
	endpoint = match(endpoints, burst->pkt[0], packet_ip4(burst->pkt[0]), burst->dst[0]);
	if (endpoint == NULL || endpoint->vni == VNI_CALICO_NODEPORT)
		return false;
	bytes = endpoint->kind == WIRE_TUNNEL_IPIP ? PACKET_IPIP_BYTES : PACKET_VXLAN_BYTES;
	if (!are_alike(burst, bytes + RTE_ETHER_HDR_LEN + (uint32_t)sizeof(struct rte_ipv4_hdr)))
		return false;
	if (endpoint->kind == WIRE_TUNNEL_VXLAN && !are_vxlan(burst, endpoint))
		return false;
	if (!are_sources(burst, endpoints) || differs_any_ecn(burst, bytes))
		return false;
	if (has_xdp && is_any_translated(burst))
		return false;
	strip_all(burst, endpoint);
	return true;
}

/*
 * Is any of them addressed to a tunnel end of ours? Mostly none is. The ends of one node are mostly at one
 * address, which is looked for once if they stand side by side.
 */
static bool is_any_ours(struct burst *burst, const struct endpoint_view *endpoints)
{
	burst_words found = {0};

	for (unsigned e = 0; e < endpoints->n; e++) {
		const uint32_t addr = endpoints->endpoint[e].addr;

		if (e > 0 && addr == endpoints->endpoint[e - 1].addr)
			continue;
		for (unsigned at = 0; at < burst->n; at += BURST_STEP)
			found |= (burst_words)(*burst_step(burst->dst, at) == addr);
	}
	return burst_is_any(found);
}

void decap(struct burst *burst, struct burst *inner, const struct endpoint_view *endpoints,
	enum decap_checksum checksum)
{
	const uint16_t n_before = burst->n;
	uint16_t n = 0;

	inner->n = inner->n_drop = inner->n_punt = 0;
	inner->has_segments = burst->has_segments;
	inner->has_nodes = false;
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
