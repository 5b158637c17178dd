/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What both kinds of outer IPv4 header have in common.
 */
#ifndef PODLANE_DATAPLANE_TABLE_OUTER_IP4_H
#define PODLANE_DATAPLANE_TABLE_OUTER_IP4_H

#include <assert.h>
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

/** What differs from packet to packet in outer headers, as it lies; of a step. */
struct outer_ip4 {
	burst_words first; /**< version, header length, TOS, total length */
	burst_words id;	   /**< identification and flags */
	burst_words rest;  /**< TTL if it is the inner one's; not the protocol; checksum */
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

/** What it takes to make them, step by step. */
struct outer_ip4_maker {
	bool is_one_path; /**< burst_is_one_path() */
	uint32_t n_bytes; /**< how much longer the outer packet is than the inner one */
	enum outer_inherits inherits;
	burst_words ids;  /**< of the next step */
	burst_words sums; /**< of what is the same for all packets of a path */
};

/**
 * Begin a burst with one packet at least, after burst_fill_up().
 *
 * @id: the first identification; the burst's are taken from it
 */
static __rte_always_inline struct outer_ip4_maker outer_ip4_begin(struct burst *burst, uint16_t *id,
	uint32_t n_bytes, enum outer_inherits inherits, bool is_one_path)
{
	struct outer_ip4_maker maker = {
		.is_one_path = is_one_path,
		.n_bytes = n_bytes,
		.inherits = inherits,
		.sums = (burst_words){0} + burst->adjacency[0]->ip_sum,
	};

	// constants
#pragma GCC unroll 8
	for (unsigned i = 0; i < BURST_STEP; i++)
		maker.ids[i] = i;
	maker.ids += *id;
	*id = (uint16_t)(*id + burst->n);
	return maker;
}

/**
 * Make the next step's parts, for all packets, whether they get the header or not: nearly always all do.
 *
 * Source: ECN: RFC 6040 4.1, normal mode: the inner field is copied, CE too. Linux still makes ECT(0)
 *         of CE outside, RFC 3168: the one field in which we differ from it. DSCP stays 0
 */
static __rte_always_inline struct outer_ip4 outer_ip4_make(struct outer_ip4_maker *maker,
	struct burst *burst, unsigned at)
{
	burst_words inner = burst_be_32(*burst_step(burst->ip4[IP4_WORD_LENGTH], at));
	burst_words length = (inner + maker->n_bytes) & UINT16_MAX;
	burst_words tos = (inner >> 16) & IP4_ECN_MASK;
	burst_words first = burst_be_32(length | tos << 16);
	burst_words id = burst_be_32(maker->ids << 16), ttl = {0}, sum;

	if (maker->inherits == OUTER_ECN_DF_TTL) {
		id |= *burst_step(burst->ip4[IP4_WORD_FRAGMENT], at) & IP4_DF_BITS;
		ttl = *burst_step(burst->ip4[IP4_WORD_TTL], at) & TTL_BITS;
	}
	if (!maker->is_one_path)
		maker->sums = outer_ip4_sums(burst, at);
	// of both halves of each word; then the high half becomes that of both, with the carry
	sum = maker->sums + ttl;
	sum += (first >> 16) + (first & UINT16_MAX) + (id >> 16) + (id & UINT16_MAX);
	sum += sum << 16 | sum >> 16;
	maker->ids += BURST_STEP;
	return (struct outer_ip4){first | IP4_VERSION_IHL, id, ttl | (~sum & CHECKSUM_BITS)};
}

#undef TTL_BITS
#undef CHECKSUM_BITS

/**
 * Half a cache line of headers. Where the packet's line mostly begins the outer header ends, and these are
 * written so that they end there too: a store across two lines takes several times as long. The first may
 * begin before the header.
 */
typedef uint64_t outer_half __attribute__((vector_size(32)));

#define OUTER_HALF_BYTES sizeof(outer_half)

/** How much room is written to for an outer header of so many bytes. */
static inline uint32_t outer_room(uint32_t n_bytes)
{
	return RTE_ALIGN_CEIL(n_bytes, (uint32_t)OUTER_HALF_BYTES);
}

static_assert(RTE_PKTMBUF_HEADROOM >= 2 * OUTER_HALF_BYTES, "so much have fragments and probes");

#endif
