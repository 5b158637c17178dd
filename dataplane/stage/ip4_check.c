/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 5 of the packet's walk: is this an IPv4 header that may be forwarded?
 */
#include "dataplane/stage/ip4_check.h"

#include <rte_branch_prediction.h>

#include <stdbool.h>

#define IP4_NET_BYTE(addr) ((addr) >> 24)
#define IP4_LOOPBACK	   127u
#define IP4_MULTICAST	   224u /* and above: multicast, class E, broadcast */
#define IP4_CLASS_E	   240u
#define IP4_BROADCAST	   UINT32_MAX

#define VERSION_IHL_PLAIN 0x45 /* version 4, five words */

/* RFC 1812 5.2.2, in an order in which no check trusts a field that a later one looks at. */
static int check_header(const struct rte_mbuf *pkt, const struct rte_ipv4_hdr *ip,
	enum drop_reason *reason)
{
	uint32_t frame_bytes = pkt->pkt_len - RTE_ETHER_HDR_LEN;
	uint16_t hdr_bytes = rte_ipv4_hdr_len(ip);
	uint16_t total_bytes = rte_be_to_cpu_16(ip->total_length);

	*reason = DROP_BAD_HEADER;
	// (3) version, (4) header length
	if (ip->version_ihl >> 4 != 4 || hdr_bytes < sizeof(*ip))
		return -1;
	// (5) total length covers the header
	if (total_bytes < hdr_bytes)
		return -1;
	// (1) the frame holds it all, the header in its first segment
	*reason = DROP_TRUNCATED;
	if (total_bytes > frame_bytes || pkt->data_len < RTE_ETHER_HDR_LEN + hdr_bytes)
		return -1;
	// (2) checksum
	*reason = DROP_BAD_CHECKSUM;
	if ((pkt->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
		return 0;
	return rte_raw_cksum(ip, hdr_bytes) == 0xffff ? 0 : -1;
}

/* 0/8, 127/8, multicast and class E are nobody's source address. */
static bool is_martian_source(uint32_t src)
{
	return IP4_NET_BYTE(src) == 0 || IP4_NET_BYTE(src) == IP4_LOOPBACK ||
	       IP4_NET_BYTE(src) >= IP4_MULTICAST;
}

/* Destinations no lookup decides on: multicast and broadcast are the kernel's, others an error. */
static bool is_special_destination(uint32_t dst)
{
	return IP4_NET_BYTE(dst) == 0 || IP4_NET_BYTE(dst) == IP4_LOOPBACK ||
	       IP4_NET_BYTE(dst) >= IP4_MULTICAST;
}

static void end_special_destination(struct burst *burst, struct rte_mbuf *pkt, uint32_t dst)
{
	bool is_group = IP4_NET_BYTE(dst) >= IP4_MULTICAST && IP4_NET_BYTE(dst) < IP4_CLASS_E;

	if (is_group || dst == IP4_BROADCAST)
		burst_punt(burst, pkt);
	else
		burst_drop(burst, pkt, DROP_MARTIAN_DESTINATION);
}

void ip4_check(struct burst *burst)
{
	uint16_t n = 0;

	for (uint16_t i = 0; i < burst->n; i++) {
		struct rte_mbuf *pkt = burst->pkt[i];
		const struct rte_ipv4_hdr *ip = packet_ip4(pkt);
		uint32_t dst = rte_be_to_cpu_32(ip->dst_addr);
		enum drop_reason reason;
		uint32_t padding;

		if (unlikely(check_header(pkt, ip, &reason) < 0)) {
			burst_drop(burst, pkt, reason);
			continue;
		}
		if (unlikely(is_special_destination(dst))) {
			end_special_destination(burst, pkt, dst);
			continue;
		}
		if (unlikely(is_martian_source(rte_be_to_cpu_32(ip->src_addr)))) {
			burst_drop(burst, pkt, DROP_MARTIAN_SOURCE);
			continue;
		}
		padding = pkt->pkt_len - RTE_ETHER_HDR_LEN - rte_be_to_cpu_16(ip->total_length);
		if (unlikely(padding > 0))
			rte_pktmbuf_trim(pkt, (uint16_t)padding);
		// options are rare and many: the kernel knows them all
		if (unlikely(ip->version_ihl != VERSION_IHL_PLAIN)) {
			burst_punt(burst, pkt);
			continue;
		}
		burst->dst[n] = dst;
		burst->pkt[n++] = pkt;
	}
	burst->n = n;
}
