/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 9 of the packet's walk: IPv4 in IPv4.
 */
#include "dataplane/stage/encap_ipip.h"

#include <stddef.h>

#include "dataplane/table/outer_ip4.h"

#define OUTER_BYTES 20u

/* As they lie in their words. */
#define DF_BITS	      ((uint32_t)RTE_BE16(RTE_IPV4_HDR_DF_FLAG) << 16) /* IP4_WORD_FRAGMENT */
#define TTL_BITS      0x000000ffu				       /* IP4_WORD_TTL */
#define CHECKSUM_BITS 0xffff0000u				       /* IP4_WORD_TTL */

/* The fields of outer headers that differ from packet to packet, as they lie. */
struct outer {
	_Alignas(burst_words) uint32_t tos[BURST_MAX];
	_Alignas(burst_words) uint32_t length_id[BURST_MAX];
	_Alignas(burst_words) uint32_t fragment[BURST_MAX];
	_Alignas(burst_words) uint32_t ttl_checksum[BURST_MAX]; /* the protocol between is 0 */
};

/* Put into the vector word by word: a vector loaded of what was just written would wait for the writes. */
static inline burst_words load_sums(const struct burst *burst, unsigned at)
{
	burst_words sums;

#pragma GCC unroll 8
	for (unsigned i = 0; i < BURST_STEP; i++)
		sums[i] = burst->adjacency[at + i]->ip_sum;
	return sums;
}

static inline burst_words count_from(unsigned first)
{
	burst_words ids;

#pragma GCC unroll 8
	for (unsigned i = 0; i < BURST_STEP; i++)
		ids[i] = first + i;
	return ids;
}

/* Of all packets, whether they get the header or not: nearly always all do. */
static void make_outer(struct burst *burst, struct outer *outer, unsigned first_id)
{
	burst_words ids = count_from(first_id);

	// up to the next step the last one's, which is there to be read
	for (unsigned i = burst->n; i % BURST_STEP != 0; i++)
		burst->adjacency[i] = burst->adjacency[burst->n - 1u];
	for (unsigned at = 0; at < burst->n; at += BURST_STEP) {
		burst_words inner = burst_be_32(*burst_step(burst->ip4[IP4_WORD_LENGTH], at));
		burst_words length = burst_be_32((inner + OUTER_BYTES) << 16);
		burst_words tos = (inner >> 16) & IP4_ECN_MASK; // as fill_outer_ip4()
		burst_words fragment = *burst_step(burst->ip4[IP4_WORD_FRAGMENT], at) & DF_BITS;
		burst_words ttl = *burst_step(burst->ip4[IP4_WORD_TTL], at) & TTL_BITS;
		burst_words id = burst_be_32(ids << 16);
		burst_words sum = load_sums(burst, at) + length + id + ttl;

		fragment >>= 16;
		sum += (tos << 8) + fragment;
		// the high half becomes that of both, with the carry of the low one
		sum += sum << 16 | sum >> 16;
		*burst_step(outer->tos, at) = tos;
		*burst_step(outer->length_id, at) = length | id << 16;
		*burst_step(outer->fragment, at) = fragment;
		*burst_step(outer->ttl_checksum, at) = ttl | (~sum & CHECKSUM_BITS);
		ids += BURST_STEP;
	}
}

static inline uint64_t load_8(const uint8_t *at)
{
	uint64_t bits;

	memcpy(&bits, at, sizeof(bits));
	return bits;
}

static inline void store_8(uint8_t *at, uint64_t bits)
{
	memcpy(at, &bits, sizeof(bits));
}

/* In bytes 8 to 15, and 20 to 27, of Ethernet and IPv4 header. */
#define TOS_SHIFT	   56
#define TTL_SHIFT	   16
#define HIGH_CHECKSUM_BITS UINT64_C(0x0000ffff00000000)

/*
 * In pieces that end at byte 20, where the packet's cache line mostly begins: a store across two lines
 * takes several times as long.
 */
static inline void put_outer(uint8_t *hdr, const struct adjacency *adjacency,
	const struct outer *outer, unsigned at)
{
	uint64_t low = load_8(&adjacency->hdr[8]);
	uint64_t high = load_8(&adjacency->hdr[20]) & ~HIGH_CHECKSUM_BITS;

	low |= (uint64_t)outer->tos[at] << TOS_SHIFT;
	high |= (uint64_t)outer->ttl_checksum[at] << TTL_SHIFT | outer->fragment[at];
	store_8(hdr, load_8(adjacency->hdr));
	store_8(hdr + 8, low);
	memcpy(hdr + 16, &outer->length_id[at], sizeof(outer->length_id[at]));
	store_8(hdr + 20, high);
	store_8(hdr + 26, load_8(&adjacency->hdr[26]));
}

void encap_ipip(struct burst *burst, uint16_t *id)
{
	const unsigned n = burst->n_encap[ENCAP_IPIP];
	struct outer outer;

	if (n == 0)
		return;
	make_outer(burst, &outer, *id);
	*id = (uint16_t)(*id + burst->n);
	for (unsigned i = 0; i < n; i++) {
		const unsigned at = burst->encap[ENCAP_IPIP][i];
		// forward made sure of the room
		uint8_t *hdr = (uint8_t *)rte_pktmbuf_prepend(burst->pkt[at], OUTER_BYTES);

		put_outer(hdr, burst->adjacency[at], &outer, at);
	}
}
