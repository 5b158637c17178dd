/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 4 of the packet's walk: Ethernet. ARP, IPv6, VLAN tags and the rest go to the kernel.
 */
#include "dataplane/stage/l2_input.h"

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>

#define IP4_MULTICAST_FIRST RTE_IPV4(224u, 0, 0, 0)

#define HDR_BYTES (RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr))

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

/* The first 16 bytes of a frame. */
typedef uint64_t l2_bits __attribute__((vector_size(16)));

static inline l2_bits load_bits(const void *at)
{
	l2_bits bits;

	memcpy(&bits, at, sizeof(bits));
	return bits;
}

/*
 * What is IPv4 to us begins with; the source address may be any, and behind are two bytes of IPv4. Made of
 * words: what was just written byte by byte could not be loaded as a vector before it is in the cache.
 */
static const l2_bits mask = {RTE_BE64(UINT64_C(0xffffffffffff0000)),
	RTE_BE64(UINT64_C(0x00000000ffff0000))};

static inline l2_bits make_wanted(const struct rte_ether_addr *mac)
{
	uint64_t dst = 0;

	memcpy(&dst, mac, sizeof(*mac));
	return (l2_bits){dst, RTE_BE64((uint64_t)RTE_ETHER_TYPE_IPV4 << 16)};
}

/* Is there nothing else in the burst? */
static bool are_all_wanted(struct burst *burst, l2_bits wanted)
{
	const unsigned n = burst->n;
	uint32_t below = 0;
	l2_bits differ = {0};

	if (burst->has_segments)
		return false;
#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++) {
		differ |= load_bits(burst->frame[i]) ^ wanted;
		// the sign is that of the shortest
		below |= burst->len[i] - (uint32_t)HDR_BYTES;
	}
	differ &= mask;
	return (differ[0] | differ[1] | below >> 31) == 0;
}

void l2_input(struct burst *burst, const struct rte_ether_addr *mac)
{
	const unsigned n_before = burst->n;
	const l2_bits wanted = make_wanted(mac);
	unsigned n = 0;

	if (likely(are_all_wanted(burst, wanted)))
		return;
	for (unsigned i = 0; i < n_before; i++) {
		struct rte_mbuf *pkt = burst->pkt[i];
		l2_bits differ = (load_bits(burst->frame[i]) ^ wanted) & mask;

		if (pkt->data_len >= HDR_BYTES && (differ[0] | differ[1]) == 0)
			burst_keep(burst, n++, i);
		else
			end_here(burst, pkt);
	}
	burst->n = (uint16_t)n;
}
