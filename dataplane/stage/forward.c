/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 8 of the packet's walk: the forwarding decision was made, this carries it out on the header.
 */
#include "dataplane/stage/forward.h"

#include <rte_branch_prediction.h>

#include <assert.h>

#include "dataplane/table/adjacency.h"

static_assert((int)ADJACENCY_IPIP - (int)ADJACENCY_NATIVE == (int)ENCAP_IPIP, "same order");
static_assert((int)ADJACENCY_VXLAN - (int)ADJACENCY_NATIVE == (int)ENCAP_VXLAN, "same order");

/* RFC 1624: TTL is the high byte of its word, so one less there is 0x0100 more in the checksum. */
static void decrement_ttl(struct rte_ipv4_hdr *ip)
{
	uint32_t cksum = (uint32_t)ip->hdr_checksum + RTE_BE16(0x0100);

	ip->hdr_checksum = (uint16_t)(cksum + (cksum >= 0xffff));
	ip->time_to_live--;
}

/* With DF the sender is told, about the packet as it was; without, its fragments go on. */
static void end_too_big(struct burst *burst, struct burst *big, struct rte_mbuf *pkt,
	const struct adjacency *adjacency)
{
	struct rte_ipv4_hdr *ip = packet_ip4(pkt);

	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_DF_FLAG)) {
		pkt->hash.usr = adjacency->mtu;
		burst_drop(burst, pkt, DROP_TOO_BIG);
		return;
	}
	decrement_ttl(ip);
	big->adjacency[big->n] = adjacency;
	big->pkt[big->n++] = pkt;
}

/* Which header it gets. A packet has room for any, unless a driver keeps less than DPDK's default. */
static bool add_to_encap(struct burst *burst, uint16_t at, const struct adjacency *adjacency,
	const struct rte_mbuf *pkt)
{
	enum encap encap = (enum encap)(adjacency->kind - ADJACENCY_NATIVE);

	if (unlikely(rte_pktmbuf_headroom(pkt) + RTE_ETHER_HDR_LEN < adjacency->hdr_len))
		return false;
	burst_set_encap(burst, at, encap);
	return true;
}

void forward(struct burst *burst, struct burst *big)
{
	uint16_t n = 0;

	big->n = 0;
	memset(burst->n_encap, 0, sizeof(burst->n_encap));
	for (uint16_t i = 0; i < burst->n; i++) {
		struct rte_mbuf *pkt = burst->pkt[i];
		const struct adjacency *adjacency = burst->adjacency[i];
		struct rte_ipv4_hdr *ip = packet_ip4(pkt);

		if (unlikely(ip->time_to_live <= 1)) {
			burst_punt(burst, pkt);
			continue;
		}
		if (unlikely(pkt->pkt_len - RTE_ETHER_HDR_LEN > adjacency->mtu)) {
			end_too_big(burst, big, pkt, adjacency);
			continue;
		}
		if (unlikely(!add_to_encap(burst, n, adjacency, pkt))) {
			burst_drop(burst, pkt, DROP_NO_HEADROOM);
			continue;
		}
		decrement_ttl(ip);
		burst->adjacency[n] = adjacency;
		burst->pkt[n++] = pkt;
	}
	burst->n = n;
}
