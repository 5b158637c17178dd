/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What both kinds of outer IPv4 header have in common.
 */
#ifndef PODLANE_DATAPLANE_TABLE_OUTER_IP4_H
#define PODLANE_DATAPLANE_TABLE_OUTER_IP4_H

#include <stdint.h>

#include <rte_ip.h>

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
 * Fill in the words of an outer header that differ from packet to packet, and its checksum.
 *
 * @ip: holds the adjacency's ready-made header
 * @hops: what to add to the ready-made TTL, which is 0 where the inner one is taken over
 *
 * Order:  total_bytes and id host; fragment_offset as on the wire
 * Source: ECN: RFC 6040 4.1, normal mode, the inner field is copied; DSCP stays 0
 */
static inline void fill_outer_ip4(struct rte_ipv4_hdr *ip, const struct adjacency *adjacency,
	uint8_t inner_tos, uint16_t total_bytes, uint16_t id, uint16_t fragment_offset,
	uint8_t hops)
{
	uint32_t sum = adjacency->ip_sum;

	ip->type_of_service = inner_tos & IP4_ECN_MASK;
	ip->total_length = rte_cpu_to_be_16(total_bytes);
	ip->packet_id = rte_cpu_to_be_16(id);
	ip->fragment_offset = fragment_offset;
	ip->time_to_live = (uint8_t)(ip->time_to_live + hops);

	sum += rte_cpu_to_be_16(ip->type_of_service);
	sum += ip->total_length;
	sum += ip->packet_id;
	sum += ip->fragment_offset;
	sum += rte_cpu_to_be_16((uint16_t)(hops << 8));
	ip->hdr_checksum = fold_checksum(sum);
}

#endif
