/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 4 of the packet's walk: Ethernet. ARP, IPv6, VLAN tags and the rest go to the kernel.
 */
#include "dataplane/stage/l2_input.h"

#include <rte_branch_prediction.h>

#define IP4_MULTICAST_FIRST RTE_IPV4(224u, 0, 0, 0)

/* IPv4 multicast and the limited broadcast belong into a broadcast frame; unicast never does. */
static void end_group_addressed(struct burst *burst, struct rte_mbuf *pkt)
{
	if (rte_be_to_cpu_32(packet_ip4(pkt)->dst_addr) >= IP4_MULTICAST_FIRST)
		burst_punt(burst, pkt);
	else
		burst_drop(burst, pkt, DROP_L2_BROADCAST);
}

void l2_input(struct burst *burst, const struct rte_ether_addr *mac)
{
	uint16_t n = 0;

	for (uint16_t i = 0; i < burst->n; i++) {
		struct rte_mbuf *pkt = burst->pkt[i];
		const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *);

		if (unlikely(pkt->data_len < sizeof(*eth))) {
			burst_drop(burst, pkt, DROP_TRUNCATED);
		} else if (unlikely(eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4))) {
			burst_punt(burst, pkt);
		} else if (unlikely(pkt->data_len < sizeof(*eth) + sizeof(struct rte_ipv4_hdr))) {
			burst_drop(burst, pkt, DROP_TRUNCATED);
		} else if (likely(rte_is_same_ether_addr(&eth->dst_addr, mac))) {
			burst->pkt[n++] = pkt;
		} else if (rte_is_multicast_ether_addr(&eth->dst_addr)) {
			end_group_addressed(burst, pkt);
		} else {
			burst_drop(burst, pkt, DROP_NOT_FOR_US);
		}
	}
	burst->n = n;
}
