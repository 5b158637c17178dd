/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which flow a packet belongs to, as a number: packets of one flow go one way.
 */
#ifndef PODLANE_DATAPLANE_TABLE_FLOW_H
#define PODLANE_DATAPLANE_TABLE_FLOW_H

#include "dataplane/packet.h"

/*
 * Of words, or of vectors of them. A multiplication takes what a word's low bits say up to the high ones, a
 * shift takes it down again: the last line to the low byte, where the last word's high byte is not yet.
 * Each step can be undone, so of two flows that differ in one word alone the 32 bits differ.
 *
 * Source: the factors: xxHash, its 32-bit primes
 */
#define FLOW_HASH(dst, src, ports)                                                                 \
	({                                                                                         \
		__typeof__(dst) hash_ = (dst)*0x9e3779b1u;                                         \
                                                                                                   \
		hash_ = (hash_ ^ hash_ >> 15 ^ (src)) * 0x85ebca77u;                               \
		hash_ = (hash_ ^ hash_ >> 13 ^ (ports)) * 0xc2b2ae3du;                             \
		hash_ ^ hash_ >> 16 ^ hash_ >> 24;                                                 \
	})

/**
 * Hash of the 5-tuple: its low byte picks a member of a group, its high half the source port of an outer
 * UDP header.
 *
 * @dst:   destination as it lies, the protocol added to its second byte
 * @src:   source as it lies
 * @ports: as they lie; 0 where not every packet of a flow has them: the fragments of a datagram stay
 *         together
 */
static inline uint32_t flow_hash(uint32_t dst, uint32_t src, uint32_t ports)
{
	return FLOW_HASH(dst, src, ports);
}

/** The same of a step's packets. */
static inline burst_words burst_flow_hash(burst_words dst, burst_words src, burst_words ports)
{
	return FLOW_HASH(dst, src, ports);
}

#undef FLOW_HASH

/** The same of a packet. */
static inline uint32_t packet_flow_hash(struct rte_mbuf *pkt)
{
	const struct rte_ipv4_hdr *ip = packet_ip4(pkt);
	bool has_ports = ip->next_proto_id == IPPROTO_TCP || ip->next_proto_id == IPPROTO_UDP ||
			 ip->next_proto_id == IPPROTO_SCTP;
	uint32_t ports = 0;

	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK))
		has_ports = false;
	if (pkt->data_len < PORTS_OFFSET + sizeof(ports))
		has_ports = false;
	if (has_ports)
		memcpy(&ports, ip + 1, sizeof(ports));
	return flow_hash(ip->dst_addr ^ (uint32_t)ip->next_proto_id << IP4_PROTOCOL_SHIFT,
		ip->src_addr, ports);
}

#endif
