/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What both kinds of outer IPv4 header have in common.
 */
#ifndef PODLANE_DATAPLANE_TABLE_OUTER_IP4_H
#define PODLANE_DATAPLANE_TABLE_OUTER_IP4_H

#include <stdint.h>
#include <string.h>

#include <rte_ip.h>

#include "dataplane/packet.h"
#include "dataplane/table/adjacency.h"

#define IP4_ECN_MASK 0x03

/** Fold a sum of 16-bit words and invert it: the Internet checksum, RFC 1071. */
static inline uint16_t fold_checksum(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/**
 * The checksum after one 16-bit word of what it covers has changed.
 *
 * Order:  none, all three as they lie
 * Source: RFC 1624 eqn. 3
 */
static inline uint16_t update_checksum(uint16_t checksum, uint16_t from, uint16_t to)
{
	return fold_checksum((uint32_t)(uint16_t)~checksum + (uint16_t)~from + to);
}

/** What an outer header takes over of the inner one. */
enum outer_inherits { OUTER_ECN, OUTER_ECN_DF_TTL };

/**
 * What differs from packet to packet in outer headers, as it lies: a column for each part. What the
 * adjacency has ready-made is 0 in the second.
 */
struct outer_ip4 {
	/** All of the first word: version, header length, TOS, total length. */
	_Alignas(BURST_ALIGN) uint32_t first[BURST_MAX];
	/** Of the next two words identification, flags, TTL, checksum. */
	_Alignas(BURST_ALIGN) uint64_t second[BURST_MAX];
};

/* As they lie in their words. */
#define TTL_BITS      0x000000ffu /* IP4_WORD_TTL */
#define CHECKSUM_BITS 0xffff0000u /* IP4_WORD_TTL */

/* Put into the vector word by word: a vector loaded of what was just written would wait for the writes. */
static inline burst_words outer_ip4_sums(const struct burst *burst, unsigned at)
{
	burst_words sums;

#pragma GCC unroll 8
	for (unsigned i = 0; i < BURST_STEP; i++)
		sums[i] = burst->adjacency[at + i]->ip_sum;
	return sums;
}

static inline burst_words outer_ip4_count_from(unsigned first)
{
	burst_words ids;

	// constants
#pragma GCC unroll 8
	for (unsigned i = 0; i < BURST_STEP; i++)
		ids[i] = i;
	return ids + first;
}

/**
 * Make the columns for all packets of a burst, whether they get the header or not: nearly always all do.
 *
 * @n_bytes: how much longer the outer packet is than the inner one
 *
 * Source: ECN: RFC 6040 4.1, normal mode: the inner field is copied, CE too. Linux still makes ECT(0)
 *         of CE outside, RFC 3168: the one field in which we differ from it. DSCP stays 0
 */
static __rte_always_inline void outer_ip4_make(struct burst *burst, struct outer_ip4 *outer,
	unsigned first_id, uint32_t n_bytes, enum outer_inherits inherits)
{
	const bool is_one_path = burst_is_one_path(burst);
	burst_words ids = outer_ip4_count_from(first_id);
	burst_words sums = (burst_words){0} + burst->adjacency[0]->ip_sum;

	// up to the next step the last one's, which is there to be read
	for (unsigned i = burst->n; i % BURST_STEP != 0; i++)
		burst->adjacency[i] = burst->adjacency[burst->n - 1u];
	// there is one at least
	for (unsigned at = 0; at == 0 || at < burst->n; at += BURST_STEP) {
		burst_words inner = burst_be_32(*burst_step(burst->ip4[IP4_WORD_LENGTH], at));
		burst_words length = (inner + n_bytes) & UINT16_MAX;
		burst_words tos = (inner >> 16) & IP4_ECN_MASK;
		burst_words first = burst_be_32(length | tos << 16);
		burst_words id = burst_be_32(ids << 16), ttl = {0}, sum;

		if (inherits == OUTER_ECN_DF_TTL) {
			id |= *burst_step(burst->ip4[IP4_WORD_FRAGMENT], at) & IP4_DF_BITS;
			ttl = *burst_step(burst->ip4[IP4_WORD_TTL], at) & TTL_BITS;
		}
		if (!is_one_path)
			sums = outer_ip4_sums(burst, at);
		// of both halves of each word; then the high half becomes that of both, with the carry
		sum = sums + ttl;
		sum += (first >> 16) + (first & UINT16_MAX) + (id >> 16) + (id & UINT16_MAX);
		sum += sum << 16 | sum >> 16;
		*burst_step(outer->first, at) = first | IP4_VERSION_IHL;
		burst_store_pairs(&outer->second[at], id, ttl | (~sum & CHECKSUM_BITS));
		ids += BURST_STEP;
	}
}

#undef TTL_BITS
#undef CHECKSUM_BITS

/** 16 bytes of headers. */
typedef uint64_t outer_bits __attribute__((vector_size(16)));
typedef uint32_t outer_words __attribute__((vector_size(16)));
typedef uint16_t outer_halves __attribute__((vector_size(16)));

/** Ready-made ones, with @more in the first eight, where they are 0. */
static inline outer_bits outer_with(outer_bits ready, uint64_t more)
{
	return ready | (outer_bits){more, 0};
}

/** The last ones, the same; the inner packet's first two bytes stand behind, as they are. */
static inline outer_bits outer_end(outer_bits ready, uint64_t more, const struct burst *burst,
	unsigned at)
{
	outer_halves halves = (outer_halves)outer_with(ready, more);

	halves[7] = (uint16_t)burst->ip4[IP4_WORD_LENGTH][at];
	return (outer_bits)halves;
}

static inline void outer_store(uint8_t *hdr, outer_bits bits)
{
	memcpy(hdr, &bits, sizeof(bits));
}

#endif
