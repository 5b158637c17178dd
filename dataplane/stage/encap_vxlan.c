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

		odd |= ~((burst_words)(protocol == IPPROTO_TCP << IP4_PROTOCOL_SHIFT) |
			 (burst_words)(protocol == IPPROTO_UDP << IP4_PROTOCOL_SHIFT) |
			 (burst_words)(protocol == IPPROTO_SCTP << IP4_PROTOCOL_SHIFT));
		odd |= *burst_step(burst->ip4[IP4_WORD_FRAGMENT], at) & IP4_PIECE_BITS;
		odd |= (burst_words)(*burst_step(burst->len, at) < PORTS_OFFSET + sizeof(uint32_t));
	}
	return !burst_is_any(odd) && !burst->has_segments;
}

/* packet_flow_hash() of all packets. */
static void hash_flows(struct burst *burst, uint32_t *hash)
{
	_Alignas(BURST_ALIGN) uint64_t pair[BURST_MAX];
	const unsigned n = burst->n;

	if (unlikely(!have_all_ports(burst))) {
		for (unsigned i = 0; i < n; i++)
			hash[i] = packet_flow_hash(burst->pkt[i]);
		return;
	}
	for (unsigned at = 0; at < n; at += BURST_STEP)
		burst_store_pairs(&pair[at],
			*burst_step(burst->ip4[IP4_WORD_DST], at) ^
				(*burst_step(burst->ip4[IP4_WORD_TTL], at) & IP4_PROTOCOL_BITS),
			*burst_step(burst->ip4[IP4_WORD_SRC], at));
#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++) {
		uint32_t ports;

		memcpy(&ports, burst->frame[i] + PORTS_OFFSET, sizeof(ports));
		hash[i] = flow_hash(pair[i], ports);
	}
}

/* A step's source ports: the first of the range, and how many there are. */
struct port_range {
	burst_words first, n;
};

static inline struct port_range load_ranges(const struct burst *burst, unsigned at)
{
	struct port_range range;

#pragma GCC unroll 8
	for (unsigned i = 0; i < BURST_STEP; i++) {
		range.first[i] = burst->adjacency[at + i]->udp_src_min;
		range.n[i] = burst->adjacency[at + i]->n_udp_src;
	}
	return range;
}

/*
 * The first halves of UDP headers, as they lie: source port, nothing, length, nothing. 16 bits of the
 * hash choose the port: a multiplication in vectors has 32.
 */
static void make_udp(struct burst *burst, uint32_t *hash, uint64_t *udp)
{
	const bool is_one_path = burst_is_one_path(burst);
	const struct adjacency *first = burst->adjacency[0];
	struct port_range range = {(burst_words){0} + first->udp_src_min,
		(burst_words){0} + first->n_udp_src};

	// there is one at least
	for (unsigned at = 0; at == 0 || at < burst->n; at += BURST_STEP) {
		burst_words inner = burst_be_32(*burst_step(burst->ip4[IP4_WORD_LENGTH], at));
		burst_words port;

		if (!is_one_path)
			range = load_ranges(burst, at);
		port = range.first + ((*burst_step(hash, at) >> 16) * range.n >> 16);
		burst_store_pairs(&udp[at], burst_be_32(port << 16),
			burst_be_32((inner + (OUTER_BYTES - IP_BYTES)) << 16));
	}
}

/* What is the same for all packets of a path. */
struct ready {
	uint16_t begin;
	outer_words ether;
	outer_bits ip4, udp_vxlan, end;
};

static inline struct ready load_ready(const struct adjacency *adjacency)
{
	struct ready ready;

	memcpy(&ready.begin, adjacency->hdr, sizeof(ready.begin));
	memcpy(&ready.ether, adjacency->hdr + 2, sizeof(ready.ether));
	memcpy(&ready.ip4, adjacency->hdr + 18, sizeof(ready.ip4));
	memcpy(&ready.udp_vxlan, adjacency->hdr + UDP_OFFSET, sizeof(ready.udp_vxlan));
	memcpy(&ready.end, adjacency->hdr + 50, sizeof(ready.end));
	return ready;
}

/* In pieces that end at byte 50, where the packet's cache line mostly begins, as in encap_ipip.c. */
static inline void put_outer(struct burst *burst, unsigned at, const struct ready *ready,
	const struct outer_ip4 *outer, const uint64_t *udp)
{
	outer_words ether = ready->ether;
	uint8_t *hdr = burst_prepend(burst, at, OUTER_BYTES); // forward made sure of the room

	ether[3] = outer->first[at];
	memcpy(hdr, &ready->begin, sizeof(ready->begin));
	outer_store(hdr + 2, (outer_bits)ether);
	outer_store(hdr + 18, outer_with(ready->ip4, outer->second[at]));
	outer_store(hdr + UDP_OFFSET, outer_with(ready->udp_vxlan, udp[at]));
	outer_store(hdr + 50, outer_end(ready->end, 0, burst, at));
}

static void fill_checksum(struct rte_mbuf *pkt, const struct adjacency *adjacency)
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

/* Where the far end wants them; of a uniform burst for all or none, the adjacencies say. */
static void fill_checksums(struct burst *burst)
{
	if (burst->is_uniform && !burst->adjacency[0]->has_udp_checksum)
		return;
	for (unsigned i = 0; i < burst->n_encap[ENCAP_VXLAN]; i++) {
		const unsigned at = burst->encap[ENCAP_VXLAN][i];

		if (burst->adjacency[at]->has_udp_checksum)
			fill_checksum(burst->pkt[at], burst->adjacency[at]);
	}
}

void encap_vxlan(struct burst *burst, uint16_t *id)
{
	const unsigned n = burst->n_encap[ENCAP_VXLAN];
	const bool is_one_path = burst_is_one_path(burst);
	struct ready ready = load_ready(burst->adjacency[0]);
	_Alignas(BURST_ALIGN) uint32_t hash[BURST_MAX];
	_Alignas(BURST_ALIGN) uint64_t udp[BURST_MAX];
	struct outer_ip4 outer;

	hash_flows(burst, hash);
	outer_ip4_make(burst, &outer, *id, OUTER_BYTES, OUTER_ECN);
	*id = (uint16_t)(*id + burst->n);
	make_udp(burst, hash, udp);
	for (unsigned i = 0; is_one_path && i < n; i++)
		put_outer(burst, i, &ready, &outer, udp);
	for (unsigned i = 0; !is_one_path && i < n; i++) {
		const unsigned at = burst->encap[ENCAP_VXLAN][i];

		ready = load_ready(burst->adjacency[at]);
		put_outer(burst, at, &ready, &outer, udp);
	}
	fill_checksums(burst);
}
