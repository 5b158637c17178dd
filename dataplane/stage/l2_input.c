/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 4 of the packet's walk: Ethernet. ARP, IPv6, VLAN tags and the rest go to the kernel.
 */
#include "dataplane/stage/l2_input.h"

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>

#define IP4_MULTICAST_FIRST RTE_IPV4(224u, 0, 0, 0)

/* IPv4 multicast and the limited broadcast belong into a broadcast frame; unicast never does. */
static void end_group_addressed(struct burst *burst, struct rte_mbuf *pkt)
{
	if (rte_be_to_cpu_32(packet_ip4(pkt)->dst_addr) >= IP4_MULTICAST_FIRST)
		burst_punt(burst, pkt);
	else
		burst_drop(burst, pkt, DROP_L2_BROADCAST);
}

/* Everything else than unicast IPv4 to us. */
static __rte_cold void end_here(struct burst *burst, struct rte_mbuf *pkt)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *);

	if (pkt->data_len < sizeof(*eth))
		burst_drop(burst, pkt, DROP_TRUNCATED);
	else if (eth->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4))
		burst_punt(burst, pkt);
	else if (pkt->data_len < sizeof(*eth) + sizeof(struct rte_ipv4_hdr))
		burst_drop(burst, pkt, DROP_TRUNCATED);
	else if (rte_is_multicast_ether_addr(&eth->dst_addr))
		end_group_addressed(burst, pkt);
	else
		burst_drop(burst, pkt, DROP_NOT_FOR_US);
}

/* The six bytes of an address and two of what follows it, which are shifted out. */
static inline uint64_t mac_bits(const void *at)
{
	uint64_t bits;

	memcpy(&bits, at, sizeof(bits));
	return rte_le_to_cpu_64(bits) << 16;
}

void l2_input(struct burst *burst, const struct rte_ether_addr *mac)
{
	const struct rte_ether_hdr ours = {.dst_addr = *mac};
	const uint64_t our_bits = mac_bits(&ours);
	const unsigned n_before = burst->n;
	unsigned n = 0;

	for (unsigned i = 0; i < n_before; i++) {
		struct rte_mbuf *pkt = burst->pkt[i];
		const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *);

		if (likely(pkt->data_len >= sizeof(*eth) + sizeof(struct rte_ipv4_hdr) &&
			    mac_bits(eth) == our_bits &&
			    eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4)))
			burst->pkt[n++] = pkt;
		else
			end_here(burst, pkt);
	}
	burst->n = (uint16_t)n;
}
