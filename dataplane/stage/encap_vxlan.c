/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 9 of the packet's walk: Ethernet in VXLAN.
 */
#include "dataplane/stage/encap_vxlan.h"

#include <rte_branch_prediction.h>
#include <rte_udp.h>
#include <rte_vxlan.h>

#include <assert.h>

#include "dataplane/table/flow.h"
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
static __rte_noinline void hash_each(struct burst *burst, uint32_t *hash)
{
	for (unsigned i = 0; i < burst->n; i++)
		hash[i] = packet_flow_hash(burst->pkt[i]);
}

/* The same of a step, where all have ports. */
static __rte_always_inline burst_words hash_step(struct burst *burst, unsigned at)
{
	burst_words protocol = *burst_step(burst->ip4[IP4_WORD_TTL], at) & IP4_PROTOCOL_BITS;

	return burst_flow_hash(*burst_step(burst->ip4[IP4_WORD_DST], at) ^ protocol,
		*burst_step(burst->ip4[IP4_WORD_SRC], at),
		burst_load_words(burst, at, PORTS_OFFSET));
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

/* What differs from packet to packet, as it lies. What is ready-made has 0 there, or the same. */
struct columns {
	_Alignas(BURST_ALIGN) uint32_t first[BURST_MAX];  /* IPv4: first word */
	_Alignas(BURST_ALIGN) uint64_t second[BURST_MAX]; /* the next two */
	_Alignas(BURST_ALIGN) uint64_t udp[BURST_MAX]; /* source port, nothing, length, nothing */
};

static __rte_always_inline void make_ip4(struct burst *burst, uint16_t *id, struct columns *columns,
	bool is_one_path)
{
	struct outer_ip4_maker maker =
		outer_ip4_begin(burst, id, OUTER_BYTES, OUTER_ECN, is_one_path);

	// there is one at least
	for (unsigned at = 0; at == 0 || at < burst->n; at += BURST_STEP) {
		const struct outer_ip4 ip4 = outer_ip4_make(&maker, burst, at);

		*burst_step(columns->first, at) = ip4.first;
		burst_store_pairs(&columns->second[at], ip4.id, ip4.rest);
	}
}

/* 16 bits of the hash choose the source port: a multiplication in vectors has 32. */
static __rte_always_inline void make_udp(struct burst *burst, struct columns *columns,
	bool is_one_path)
{
	const struct adjacency *first = burst->adjacency[0];
	struct port_range range = {(burst_words){0} + first->udp_src_min,
		(burst_words){0} + first->n_udp_src};
	_Alignas(BURST_ALIGN) uint32_t hash[BURST_MAX];
	const bool have_ports = have_all_ports(burst);

	if (unlikely(!have_ports))
		hash_each(burst, hash);
	// there is one at least
	for (unsigned at = 0; at == 0 || at < burst->n; at += BURST_STEP) {
		burst_words inner = burst_be_32(*burst_step(burst->ip4[IP4_WORD_LENGTH], at));
		burst_words port;

		port = likely(have_ports) ? hash_step(burst, at) : *burst_step(hash, at);
		if (!is_one_path)
			range = load_ranges(burst, at);
		port = range.first + ((port >> 16) * range.n >> 16);
		burst_store_pairs(&columns->udp[at], burst_be_32(port << 16),
			burst_be_32((inner + (OUTER_BYTES - IP_BYTES)) << 16));
	}
}

/* What is the same for all packets of a path. */
struct ready {
	outer_half ether, ip4;
	uint64_t inner, inner_end; /* the inner Ethernet header, as two words that overlap */
};

/* The halves are those of the adjacency's first line. */
static_assert(offsetof(struct adjacency, hdr) + OUTER_BYTES == 2 * OUTER_HALF_BYTES, "as it lies");

#define INNER_END (OUTER_BYTES + RTE_ETHER_HDR_LEN - sizeof(uint64_t))

static inline struct ready load_ready(const struct adjacency *adjacency)
{
	const uint8_t *line = (const void *)adjacency;
	struct ready ready;

	memcpy(&ready.ether, line, sizeof(ready.ether));
	memcpy(&ready.ip4, line + OUTER_HALF_BYTES, sizeof(ready.ip4));
	memcpy(&ready.inner, adjacency->hdr + OUTER_BYTES, sizeof(ready.inner));
	memcpy(&ready.inner_end, adjacency->hdr + INNER_END, sizeof(ready.inner_end));
	return ready;
}

/*
 * What is in front of the header, of the adjacency's fields, is never sent. There is room: forward saw to it,
 * and packets that are made here have it.
 */
static inline void put_outer(struct burst *burst, unsigned at, const struct ready *ready,
	const struct columns *columns)
{
	const outer_half ether =
		ready->ether | (outer_half){0, 0, 0, (uint64_t)columns->first[at] << 32};
	const outer_half ip4 =
		ready->ip4 | (outer_half){columns->second[at], 0, columns->udp[at], 0};
	uint8_t *hdr = burst_prepend(burst, at, OUTER_BYTES);
	uint8_t *inner = hdr + OUTER_BYTES;

	memcpy(inner - 2 * OUTER_HALF_BYTES, &ether, sizeof(ether));
	memcpy(inner - OUTER_HALF_BYTES, &ip4, sizeof(ip4));
	memcpy(inner, &ready->inner, sizeof(ready->inner));
	memcpy(hdr + INNER_END, &ready->inner_end, sizeof(ready->inner_end));
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
	struct ready ready = load_ready(burst->adjacency[0]);
	struct columns columns;

	burst_fill_up(burst);
	if (burst_is_one_path(burst)) {
		make_udp(burst, &columns, true);
		make_ip4(burst, id, &columns, true);
		for (unsigned i = 0; i < n; i++)
			put_outer(burst, i, &ready, &columns);
	} else {
		make_udp(burst, &columns, false);
		make_ip4(burst, id, &columns, false);
		for (unsigned i = 0; i < n; i++) {
			const unsigned at = burst->encap[ENCAP_VXLAN][i];

			ready = load_ready(burst->adjacency[at]);
			put_outer(burst, at, &ready, &columns);
		}
	}
	fill_checksums(burst);
}
