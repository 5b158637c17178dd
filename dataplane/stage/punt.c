/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way out of the pipeline to the kernel. What keeps routes alive has room on it when a flood of
 * other packets has not.
 */
#include "dataplane/stage/punt.h"

#include <rte_branch_prediction.h>

#define PORT_BGP	  RTE_BE16(179)
#define PORT_BFD_FIRST	  3784u /* RFC 5881; 3785 is its echo */
#define PORT_BFD_LAST	  3785u
#define PORT_BFD_MULTIHOP 4784u /* RFC 5883 */

#define ND_FIRST 133u /* router and neighbour discovery, RFC 4861 4 */
#define ND_LAST	 137u

#define RING_PARTS 8u

const char *const punt_class_name[PUNT_N_CLASSES] = {
	[PUNT_OTHER] = "other",
	[PUNT_ICMP] = "icmp",
	[PUNT_ARP] = "arp",
	[PUNT_BGP] = "bgp",
	[PUNT_BFD] = "bfd",
};

/* How many parts of the ring a class may fill. */
static const uint8_t ring_parts[PUNT_N_CLASSES] = {
	[PUNT_OTHER] = 4,
	[PUNT_ICMP] = 5,
	[PUNT_ARP] = 6,
	[PUNT_BGP] = 7,
	[PUNT_BFD] = RING_PARTS,
};

static bool is_bfd(uint16_t port_be)
{
	uint16_t port = rte_be_to_cpu_16(port_be);

	return (port >= PORT_BFD_FIRST && port <= PORT_BFD_LAST) || port == PORT_BFD_MULTIHOP;
}

/* By the first 4 bytes behind the IP header. */
static enum punt_class classify_l4(const struct rte_mbuf *pkt, uint32_t offset, uint8_t proto)
{
	uint16_t ports_be[2];

	if (proto == IPPROTO_ICMP)
		return PUNT_ICMP;
	if (pkt->data_len < offset + sizeof(ports_be))
		return PUNT_OTHER;
	memcpy(ports_be, rte_pktmbuf_mtod_offset(pkt, const void *, offset), sizeof(ports_be));
	if (proto == IPPROTO_TCP && (ports_be[0] == PORT_BGP || ports_be[1] == PORT_BGP))
		return PUNT_BGP;
	if (proto == IPPROTO_UDP && is_bfd(ports_be[1]))
		return PUNT_BFD;
	return PUNT_OTHER;
}

static enum punt_class classify_ip4(const struct rte_mbuf *pkt)
{
	const struct rte_ipv4_hdr *ip =
		rte_pktmbuf_mtod_offset(pkt, const struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);

	if (pkt->data_len < RTE_ETHER_HDR_LEN + sizeof(*ip))
		return PUNT_OTHER;
	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK))
		return PUNT_OTHER; // no ports in it
	return classify_l4(pkt, RTE_ETHER_HDR_LEN + rte_ipv4_hdr_len(ip), ip->next_proto_id);
}

static enum punt_class classify_ip6(const struct rte_mbuf *pkt)
{
	const struct rte_ipv6_hdr *ip =
		rte_pktmbuf_mtod_offset(pkt, const struct rte_ipv6_hdr *, RTE_ETHER_HDR_LEN);
	const uint8_t *type = (const uint8_t *)(ip + 1);

	if (pkt->data_len < RTE_ETHER_HDR_LEN + sizeof(*ip) + 1)
		return PUNT_OTHER;
	if (ip->proto == IPPROTO_ICMPV6)
		return *type >= ND_FIRST && *type <= ND_LAST ? PUNT_ARP : PUNT_ICMP;
	return classify_l4(pkt, RTE_ETHER_HDR_LEN + sizeof(*ip), ip->proto);
}

enum punt_class punt_classify(const struct rte_mbuf *pkt)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkt, const struct rte_ether_hdr *);

	if (pkt->data_len < sizeof(*eth))
		return PUNT_OTHER;
	if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_ARP))
		return PUNT_ARP;
	if (eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4))
		return classify_ip4(pkt);
	return eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV6) ? classify_ip6(pkt) : PUNT_OTHER;
}

void punt(struct burst *burst, struct rte_ring *to_kernel, struct lcore_stats *stats)
{
	unsigned n_waiting;

	if (likely(burst->n_punt == 0))
		return;
	// the main lcore only takes, so this may be too many, and never too few
	n_waiting = rte_ring_count(to_kernel);
	for (uint16_t i = 0; i < burst->n_punt; i++) {
		struct rte_mbuf *pkt = burst->punt[i];
		enum punt_class class;
		unsigned room;

		packet_put_ether(pkt);
		class = punt_classify(pkt);
		room = rte_ring_get_capacity(to_kernel) * ring_parts[class] / RING_PARTS;
		pkt->hash.usr = class;
		pkt->port = burst->port; // a bond left its member's there
		if (n_waiting < room && rte_ring_sp_enqueue(to_kernel, pkt) == 0) {
			n_waiting++;
		} else {
			stats->punt[class].full_pkts++;
			burst_drop(burst, pkt, DROP_PUNT_FULL);
		}
	}
	burst->n_punt = 0;
}
