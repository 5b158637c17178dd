/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What both kinds of outer IPv4 header have in common.
 */
#ifndef PODLANE_DATAPLANE_TABLE_OUTER_IP4_H
#define PODLANE_DATAPLANE_TABLE_OUTER_IP4_H

#include <stdint.h>

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

/** The words of an outer header that differ from packet to packet. */
struct outer_words {
	uint16_t total_bytes; /**< host order */
	uint16_t id;	      /**< host order */
	uint16_t fragment_be; /**< as on the wire; added to the ready-made flags */
	uint8_t inner_tos;
	uint8_t hops; /**< added to the ready-made TTL, which is 0 where the inner one is taken over */
};

/**
 * Fill them in, and the checksum.
 *
 * @ip: holds the adjacency's ready-made header
 *
 * Source: ECN: RFC 6040 4.1, normal mode: the inner field is copied, CE too. Linux still makes ECT(0)
 *         of CE outside, RFC 3168: the one field in which we differ from it. DSCP stays 0
 */
static inline void fill_outer_ip4(struct rte_ipv4_hdr *ip, const struct adjacency *adjacency,
	const struct outer_words *words)
{
	uint32_t sum = adjacency->ip_sum;

	ip->type_of_service = words->inner_tos & IP4_ECN_MASK;
	ip->total_length = be_16(words->total_bytes);
	ip->packet_id = be_16(words->id);
	ip->fragment_offset |= words->fragment_be;
	ip->time_to_live = (uint8_t)(ip->time_to_live + words->hops);

	sum += be_16(ip->type_of_service);
	sum += ip->total_length;
	sum += ip->packet_id;
	sum += words->fragment_be;
	sum += be_16((uint16_t)(words->hops << 8));
	ip->hdr_checksum = fold_checksum(sum);
}

#endif
