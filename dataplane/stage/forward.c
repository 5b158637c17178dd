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

/* One that cannot go on as it is. */
static __rte_cold void end_here(struct burst *burst, struct burst *big, struct rte_mbuf *pkt,
	const struct adjacency *adjacency)
{
	if (packet_ip4(pkt)->time_to_live <= 1)
		burst_punt(burst, pkt);
	else if (pkt->pkt_len - RTE_ETHER_HDR_LEN > adjacency->mtu)
		end_too_big(burst, big, pkt, adjacency);
	else
		burst_drop(burst, pkt, DROP_NO_HEADROOM);
}

/* A packet has room for any header, unless a driver keeps less than DPDK's default. */
static inline bool may_go_on(const struct rte_mbuf *pkt, const struct rte_ipv4_hdr *ip,
	const struct adjacency *adjacency)
{
	return ip->time_to_live > 1 && pkt->pkt_len - RTE_ETHER_HDR_LEN <= adjacency->mtu &&
	       rte_pktmbuf_headroom(pkt) + RTE_ETHER_HDR_LEN >= adjacency->hdr_len;
}

static enum encap encap_of(const struct adjacency *adjacency)
{
	return (enum encap)(adjacency->kind - ADJACENCY_NATIVE);
}

/* Which of them get which header: mostly all the same, and then it is a list of all. */
static void split(struct burst *burst, bool is_mixed)
{
	const uint16_t n = burst->n;
	enum encap encap;

	memset(burst->n_encap, 0, sizeof(burst->n_encap));
	for (uint16_t i = 0; is_mixed && i < n; i++)
		burst_set_encap(burst, i, encap_of(burst->adjacency[i]));
	if (is_mixed || n == 0)
		return;
	encap = encap_of(burst->adjacency[0]);
	for (unsigned i = 0; i < BURST_MAX; i++)
		burst->encap[encap][i] = (uint8_t)i;
	burst->n_encap[encap] = (uint8_t)n;
}

void forward(struct burst *burst, struct burst *big)
{
	const unsigned n_before = burst->n;
	unsigned n = 0, kinds = 0;

	big->n = 0;
	for (unsigned i = 0; i < n_before; i++) {
		struct rte_mbuf *pkt = burst->pkt[i];
		const struct adjacency *adjacency = burst->adjacency[i];
		struct rte_ipv4_hdr *ip = packet_ip4(pkt);

		if (unlikely(!may_go_on(pkt, ip, adjacency))) {
			end_here(burst, big, pkt, adjacency);
			continue;
		}
		decrement_ttl(ip);
		kinds |= 1u << adjacency->kind;
		burst->adjacency[n] = adjacency;
		burst->pkt[n++] = pkt;
	}
	burst->n = (uint16_t)n;
	split(burst, (kinds & (kinds - 1)) != 0);
}
