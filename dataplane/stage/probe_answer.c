/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between steps 8 and 9 of the packet's walk: echoes to our probe address. A request is turned around
 * where it is, in all its headers, so that the answer tests the same path backwards. It has them all,
 * so step 9 leaves it alone.
 */
#include "dataplane/stage/probe_answer.h"

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_icmp.h>

#include "dataplane/table/outer_ip4.h"

#define ICMP_OFFSET	(RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr))
#define OUTER_IP_OFFSET RTE_ETHER_HDR_LEN
#define ICMP_ECHO_REPLY 0u
#define ICMP_ECHO	8u
#define TTL		64 /* RFC 1700, and what Linux begins with */

enum echo { ECHO_REQUEST, ECHO_REPLY, ECHO_NONE };

static enum echo what_is(struct rte_mbuf *pkt)
{
	const struct rte_ipv4_hdr *ip = packet_ip4(pkt);
	const struct rte_icmp_hdr *icmp = rte_pktmbuf_mtod_offset(pkt, void *, ICMP_OFFSET);

	if (ip->next_proto_id != IPPROTO_ICMP ||
		(ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)))
		return ECHO_NONE;
	if (pkt->data_len < ICMP_OFFSET + sizeof(*icmp) || icmp->icmp_code != 0)
		return ECHO_NONE;
	if (icmp->icmp_type == ICMP_ECHO)
		return ECHO_REQUEST;
	return icmp->icmp_type == ICMP_ECHO_REPLY ? ECHO_REPLY : ECHO_NONE;
}

static void turn_ether(struct rte_ether_hdr *ether)
{
	struct rte_ether_addr dst = ether->dst_addr;

	ether->dst_addr = ether->src_addr;
	ether->src_addr = dst;
}

/* A sum does not mind the order of its words: only the TTL changes the checksum. */
static void turn_ip4(struct rte_ipv4_hdr *ip)
{
	rte_be32_t dst = ip->dst_addr;

	ip->dst_addr = ip->src_addr;
	ip->src_addr = dst;
	ip->hdr_checksum = update_checksum(ip->hdr_checksum,
		rte_cpu_to_be_16((uint16_t)(ip->time_to_live << 8)), RTE_BE16(TTL << 8));
	ip->time_to_live = TTL;
}

static void turn_echo(struct rte_icmp_hdr *icmp)
{
	icmp->icmp_cksum = update_checksum(icmp->icmp_cksum, RTE_BE16(ICMP_ECHO << 8),
		RTE_BE16(ICMP_ECHO_REPLY << 8));
	icmp->icmp_type = ICMP_ECHO_REPLY;
}

/*
 * The outer header again, around what is its answer now. VXLAN's UDP ports stay: the destination is
 * the tunnel's either way, the source is a flow's mark. Its checksum stays right: of what it covers
 * two addresses changed places, and each header makes up for its changes in its own checksum.
 */
static void put_outer(struct rte_mbuf *pkt)
{
	if (pkt->ol_flags & PACKET_FROM_VXLAN)
		turn_ether(rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *));
	// decap left them in front
	rte_pktmbuf_prepend(pkt, packet_outer_bytes(pkt));
	turn_ip4(packet_ip4(pkt));
	pkt->ol_flags &= ~(PACKET_FROM_IPIP | PACKET_FROM_VXLAN);
}

/* A pod's frame does not have its address; source_check_pod saw that the route leads to it. */
static const struct adjacency *find_pod(const struct probe_answerer *answerer, uint32_t pod)
{
	uint32_t nh;

	fib_lookup_bulk(answerer->fib, &pod, &nh, 1);
	return nexthop_resolve(answerer->nexthops, nh, 0);
}

/*
 * Was there nothing behind the packet in its tunnel? What pads a short frame before it gets there is
 * gone since step 5, and counted in the outer lengths and in VXLAN's checksum.
 */
static bool has_whole_outer(const struct rte_mbuf *pkt)
{
	const uint16_t outer_bytes = packet_outer_bytes(pkt);
	const struct rte_ipv4_hdr *outer =
		rte_pktmbuf_mtod_offset(pkt, void *, OUTER_IP_OFFSET - outer_bytes);

	return outer_bytes == 0 || rte_be_to_cpu_16(outer->total_length) ==
					   pkt->pkt_len - RTE_ETHER_HDR_LEN + outer_bytes;
}

/* Errors: false if the way back is not known, or not in the same headers; nothing changed */
static bool turn_around(struct rte_mbuf *pkt, const struct port *port,
	const struct probe_answerer *answerer)
{
	struct rte_ipv4_hdr *ip = packet_ip4(pkt);
	const struct adjacency *pod = NULL;

	if (!has_whole_outer(pkt))
		return false;
	if (port->kind == WIRE_PORT_TRUNK) {
		pod = find_pod(answerer, rte_be_to_cpu_32(ip->src_addr));
		if (pod->kind != ADJACENCY_NATIVE || pod->port != port->idx)
			return false;
	}
	turn_echo(rte_pktmbuf_mtod_offset(pkt, struct rte_icmp_hdr *, ICMP_OFFSET));
	turn_ip4(ip);
	if (packet_outer_bytes(pkt) > 0)
		put_outer(pkt);
	if (pod != NULL)
		memcpy(rte_pktmbuf_mtod(pkt, void *), pod->hdr, RTE_ETHER_HDR_LEN);
	else
		turn_ether(rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *));
	return true;
}

static void answer(struct burst *burst, struct rte_mbuf *pkt, const struct port *port,
	struct probe_answerer *answerer)
{
	if (!bucket_take(&answerer->answers)) {
		burst_drop(burst, pkt, DROP_PROBE_LIMITED);
	} else if (!turn_around(pkt, port, answerer)) {
		burst_punt(burst, pkt);
	} else {
		burst->is_uniform = false;
		burst->path[burst->n] = WIRE_NH_NONE; // no path counts it
		burst->adjacency[burst->n] = &answerer->back;
		burst_add(burst, pkt);
	}
}

static void hear(struct burst *burst, struct rte_mbuf *pkt, struct rte_ring *ring, uint64_t tsc)
{
	const struct rte_icmp_hdr *icmp = rte_pktmbuf_mtod_offset(pkt, void *, ICMP_OFFSET);
	const struct rte_ipv4_hdr *outer =
		rte_pktmbuf_mtod_offset(pkt, void *, OUTER_IP_OFFSET - packet_outer_bytes(pkt));
	struct probe_heard heard = {
		.pkt = pkt,
		.tsc = tsc,
		.id = (uint32_t)rte_be_to_cpu_16(icmp->icmp_ident) << 16 |
		      rte_be_to_cpu_16(icmp->icmp_seq_nb),
		.src = rte_be_to_cpu_32(packet_ip4(pkt)->src_addr),
		.kind = WIRE_PATH_NATIVE,
	};

	if (packet_outer_bytes(pkt) > 0) {
		heard.node = rte_be_to_cpu_32(outer->src_addr);
		heard.kind = pkt->ol_flags & PACKET_FROM_IPIP ? WIRE_PATH_IPIP : WIRE_PATH_VXLAN;
	}
	packet_put_ether(pkt); // it may be the kernel's
	pkt->port = burst->port;
	if (rte_ring_sp_enqueue_elem(ring, &heard, sizeof(heard)) != 0)
		burst_drop(burst, pkt, DROP_PUNT_FULL);
}

/* Apart from probe_answer(), which would save the registers this needs for nothing. */
static __rte_noinline void answer_all(struct burst *burst, const struct port *port,
	struct probe_answerer *answerer)
{
	uint64_t tsc = rte_rdtsc();

	answerer->back = (struct adjacency){.kind = ADJACENCY_NATIVE, .port = burst->port};
	for (uint16_t i = 0; i < burst->n_probe; i++) {
		struct rte_mbuf *pkt = burst->probe[i];

		switch (what_is(pkt)) {
		case ECHO_REQUEST:
			answer(burst, pkt, port, answerer);
			break;
		case ECHO_REPLY:
			hear(burst, pkt, answerer->heard, tsc);
			break;
		case ECHO_NONE:
			burst_punt(burst, pkt);
			break;
		}
	}
	burst->n_probe = 0;
}

void probe_answer(struct burst *burst, const struct port *port, struct probe_answerer *answerer)
{
	if (unlikely(burst->n_probe > 0))
		answer_all(burst, port, answerer);
}
