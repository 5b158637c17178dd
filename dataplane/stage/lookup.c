/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 7 of the packet's walk: where does it go?
 */
#include "dataplane/stage/lookup.h"

#include <rte_branch_prediction.h>
#include <rte_hash_crc.h>

#include <netinet/in.h>
#include <string.h>

/*
 * Hash of the 5-tuple, for the choice of a member of a group. Ports count only where every packet of
 * a flow has them: all fragments of a datagram must go the same way (RFC 2992 keeps flows in order).
 */
static uint32_t flow_hash(struct rte_mbuf *pkt)
{
	const struct rte_ipv4_hdr *ip = packet_ip4(pkt);
	uint64_t addresses = (uint64_t)ip->src_addr << 32 | ip->dst_addr;
	uint64_t rest = ip->next_proto_id;
	uint32_t ports;

	if (ip->next_proto_id != IPPROTO_TCP && ip->next_proto_id != IPPROTO_UDP &&
		ip->next_proto_id != IPPROTO_SCTP)
		return rte_hash_crc_8byte(addresses, (uint32_t)rest);
	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK))
		return rte_hash_crc_8byte(addresses, (uint32_t)rest);
	if (pkt->data_len < RTE_ETHER_HDR_LEN + sizeof(*ip) + sizeof(ports))
		return rte_hash_crc_8byte(addresses, (uint32_t)rest);
	memcpy(&ports, ip + 1, sizeof(ports));
	return rte_hash_crc_8byte(rest | (uint64_t)ports << 32, rte_hash_crc_8byte(addresses, 0));
}

/* The kinds that are not sent anywhere. */
static void end_here(struct burst *burst, struct rte_mbuf *pkt, uint8_t kind)
{
	switch ((enum adjacency_kind)kind) {
	case ADJACENCY_BLACKHOLE:
		burst_drop(burst, pkt, DROP_BLACKHOLE);
		return;
	case ADJACENCY_UNREACHABLE:
		burst_drop(burst, pkt, DROP_UNREACHABLE);
		return;
	case ADJACENCY_PROHIBIT:
		burst_drop(burst, pkt, DROP_PROHIBIT);
		return;
	case ADJACENCY_NO_ROUTE:
		burst_drop(burst, pkt, DROP_NO_ROUTE);
		return;
	case ADJACENCY_NONE:
	case ADJACENCY_PUNT:
	case ADJACENCY_NATIVE:
	case ADJACENCY_N_KINDS:
		break;
	}
	burst_punt(burst, pkt);
}

void lookup(struct burst *burst, const struct fib *fib, const struct nexthop_view *nexthops)
{
	uint32_t nh[BURST_MAX];
	uint16_t n = 0;

	fib_lookup_bulk(fib, burst->dst, nh, burst->n);
	for (uint16_t i = 0; i < burst->n; i++) {
		struct rte_mbuf *pkt = burst->pkt[i];
		uint32_t hash = nh[i] & WIRE_NH_GROUP ? flow_hash(pkt) : 0;
		const struct adjacency *adjacency = nexthop_resolve(nexthops, nh[i], hash);

		if (unlikely(adjacency->kind < ADJACENCY_NATIVE)) {
			end_here(burst, pkt, adjacency->kind);
			continue;
		}
		burst->adjacency[n] = adjacency;
		burst->pkt[n++] = pkt;
	}
	burst->n = n;
}
