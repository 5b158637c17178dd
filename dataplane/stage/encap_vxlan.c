/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 9 of the packet's walk: Ethernet in VXLAN.
 */
#include "dataplane/stage/encap_vxlan.h"

#include <rte_branch_prediction.h>
#include <rte_udp.h>
#include <rte_vxlan.h>

#include "dataplane/table/outer_ip4.h"

#define IP_BYTES    20u
#define UDP_OFFSET  (RTE_ETHER_HDR_LEN + IP_BYTES)
#define OUTER_BYTES (UDP_OFFSET + sizeof(struct rte_udp_hdr) + sizeof(struct rte_vxlan_hdr))

/* Do ports count in the hash of every packet? */
static bool have_all_ports(struct burst *burst)
{
	burst_words odd = {0};

	for (unsigned at = 0; at < burst->n; at += BURST_STEP) {
		burst_words protocol =
			*burst_step(burst->ip4[IP4_WORD_TTL], at) & IP4_PROTOCOL_BITS;

		odd |= (burst_words)(protocol != IPPROTO_TCP << IP4_PROTOCOL_SHIFT) &
		       (burst_words)(protocol != IPPROTO_UDP << IP4_PROTOCOL_SHIFT) &
		       (burst_words)(protocol != IPPROTO_SCTP << IP4_PROTOCOL_SHIFT);
		odd |= *burst_step(burst->ip4[IP4_WORD_FRAGMENT], at) & IP4_PIECE_BITS;
		odd |= (burst_words)(*burst_step(burst->len, at) < PORTS_OFFSET + sizeof(uint32_t));
	}
	return !burst_is_any(odd) && !burst->has_segments;
}

/* As it lies. */
static inline uint16_t source_port(const struct adjacency *adjacency, uint32_t hash)
{
	uint64_t offset = (uint64_t)hash * adjacency->n_udp_src >> 32;

	return be_16((uint16_t)(adjacency->udp_src_min + offset));
}

/* The first halves of UDP headers, as they lie: source port, nothing, length, nothing. */
static void make_udp(struct burst *burst, uint64_t *udp)
{
	_Alignas(BURST_ALIGN) uint64_t addresses[BURST_MAX];
	const unsigned n = burst->n;

	for (unsigned at = 0; at < n; at += BURST_STEP) {
		burst_words inner = burst_be_32(*burst_step(burst->ip4[IP4_WORD_LENGTH], at));
		burst_words length = burst_be_32((inner + (OUTER_BYTES - IP_BYTES)) << 16);

		burst_store_pairs(&udp[at], (burst_words){0}, length);
		burst_store_pairs(&addresses[at], *burst_step(burst->ip4[IP4_WORD_DST], at),
			*burst_step(burst->ip4[IP4_WORD_SRC], at));
	}
	if (!have_all_ports(burst)) {
		for (unsigned i = 0; i < n; i++)
			udp[i] |= source_port(burst->adjacency[i], packet_flow_hash(burst->pkt[i]));
		return;
	}
#pragma GCC unroll 2
	for (unsigned i = 0; i < n; i++) {
		uint32_t protocol = burst->ip4[IP4_WORD_TTL][i] >> IP4_PROTOCOL_SHIFT;
		uint32_t ports;

		memcpy(&ports, burst->frame[i] + PORTS_OFFSET, sizeof(ports));
		udp[i] |= source_port(burst->adjacency[i],
			flow_hash(addresses[i], (uint8_t)protocol, ports));
	}
}

/* In pieces that end at byte 50, where the packet's cache line mostly begins, as in encap_ipip.c. */
static inline void put_outer(struct burst *burst, unsigned at, const struct outer_ip4 *outer,
	const uint64_t *udp)
{
	const uint8_t *ready = burst->adjacency[at]->hdr;
	outer_bits begin = outer_load_word(ready + 2, outer->first[at]);
	outer_bits ip4 = outer_load(ready + 18, outer->second[at]);
	outer_bits udp_vxlan = outer_load(ready + UDP_OFFSET, udp[at]);
	outer_bits end = outer_load_end(ready + 50, 0, burst, at);
	uint8_t *hdr = burst_prepend(burst, at, OUTER_BYTES); // forward made sure of the room

	memcpy(hdr, ready, sizeof(uint16_t));
	outer_store(hdr + 2, begin);
	outer_store(hdr + 18, ip4);
	outer_store(hdr + UDP_OFFSET, udp_vxlan);
	outer_store(hdr + 50, end);
}

/* Where the far end wants one. */
static __rte_noinline void fill_checksum(struct rte_mbuf *pkt, const struct adjacency *adjacency)
{
	struct rte_udp_hdr *udp = rte_pktmbuf_mtod_offset(pkt, void *, UDP_OFFSET);
	const uint32_t outer_bytes =
		sizeof(*udp) + sizeof(struct rte_vxlan_hdr) + RTE_ETHER_HDR_LEN;
	uint16_t inner_sum;
	uint32_t sum;

	// the length counts twice: in the pseudo header and in the header
	sum = adjacency->udp_sum + udp->src_port + 2u * udp->dgram_len;
	if (packet_raw_cksum(pkt, UDP_OFFSET + outer_bytes, be_16(udp->dgram_len) - outer_bytes,
		    &inner_sum) < 0)
		return;
	udp->dgram_cksum = fold_checksum(sum + inner_sum);
	if (udp->dgram_cksum == 0)
		udp->dgram_cksum = UINT16_MAX; // RFC 768: 0 is "none"
}

void encap_vxlan(struct burst *burst, uint16_t *id)
{
	const unsigned n = burst->n_encap[ENCAP_VXLAN];
	_Alignas(BURST_ALIGN) uint64_t udp[BURST_MAX];
	struct outer_ip4 outer;

	make_udp(burst, udp);
	outer_ip4_make(burst, &outer, *id, OUTER_BYTES, OUTER_ECN);
	*id = (uint16_t)(*id + burst->n);
	for (unsigned i = 0; i < n; i++) {
		const unsigned at = burst->encap[ENCAP_VXLAN][i];

		put_outer(burst, at, &outer, udp);
		if (unlikely(burst->adjacency[at]->has_udp_checksum))
			fill_checksum(burst->pkt[at], burst->adjacency[at]);
	}
}
