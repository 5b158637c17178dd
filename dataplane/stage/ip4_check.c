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

/*
 * 0/8, 127/8, multicast and class E are nobody's source address, and destinations no lookup decides
 * on: multicast and broadcast are the kernel's, others an error.
 */
static inline bool is_special(uint32_t addr)
{
	// 0 becomes the largest
	return IP4_NET_BYTE(addr) - 1u >= IP4_MULTICAST - 1u || IP4_NET_BYTE(addr) == IP4_LOOPBACK;
}

static void end_special_destination(struct burst *burst, struct rte_mbuf *pkt, uint32_t dst)
{
	bool is_group = IP4_NET_BYTE(dst) >= IP4_MULTICAST && IP4_NET_BYTE(dst) < IP4_CLASS_E;

	if (is_group || dst == IP4_BROADCAST)
		burst_punt(burst, pkt);
	else
		burst_drop(burst, pkt, DROP_MARTIAN_DESTINATION);
}

/*
 * RFC 1071 2 (B) lets us add 32 bits at once. Folding is taking the rest of a division by 0xffff,
 * which the compiler makes a multiplication of; and no rest is what makes the folded sum all ones.
 */
static inline bool is_plain_checksum_right(const struct rte_ipv4_hdr *ip)
{
	uint32_t first, second, third;

	memcpy(&first, ip, sizeof(first));
	memcpy(&second, &ip->packet_id, sizeof(second));
	memcpy(&third, &ip->time_to_live, sizeof(third));
	return ((uint64_t)first + second + third + ip->src_addr + ip->dst_addr) % 0xffff == 0;
}

/* Can nothing of all that be wrong? Then it is what nearly every packet is, and goes on at once. */
static inline bool is_plain(const struct rte_mbuf *pkt, const struct rte_ipv4_hdr *ip, uint32_t dst)
{
	uint32_t total_bytes = rte_be_to_cpu_16(ip->total_length);

	return ip->version_ihl == VERSION_IHL_PLAIN && total_bytes >= sizeof(*ip) &&
	       total_bytes == pkt->pkt_len - RTE_ETHER_HDR_LEN && !is_special(dst) &&
	       !is_special(rte_be_to_cpu_32(ip->src_addr)) && is_plain_checksum_right(ip);
}

/* Name what is wrong, or find that it is only rare. Returns: does it go on? */
static __rte_cold bool check_closely(struct burst *burst, struct rte_mbuf *pkt, uint32_t dst)
{
	const struct rte_ipv4_hdr *ip = packet_ip4(pkt);
	enum drop_reason reason;
	uint32_t padding;

	if (check_header(pkt, ip, &reason) < 0) {
		burst_drop(burst, pkt, reason);
		return false;
	}
	if (is_special(dst)) {
		end_special_destination(burst, pkt, dst);
		return false;
	}
	if (is_special(rte_be_to_cpu_32(ip->src_addr))) {
		burst_drop(burst, pkt, DROP_MARTIAN_SOURCE);
		return false;
	}
	padding = pkt->pkt_len - RTE_ETHER_HDR_LEN - rte_be_to_cpu_16(ip->total_length);
	if (padding > 0)
		rte_pktmbuf_trim(pkt, (uint16_t)padding);
	// options are rare and many: the kernel knows them all
	if (ip->version_ihl != VERSION_IHL_PLAIN) {
		burst_punt(burst, pkt);
		return false;
	}
	return true;
}

void ip4_check(struct burst *burst)
{
	const unsigned n_before = burst->n;
	unsigned n = 0;

	for (unsigned i = 0; i < n_before; i++) {
		struct rte_mbuf *pkt = burst->pkt[i];
		const struct rte_ipv4_hdr *ip = packet_ip4(pkt);
		uint32_t dst = rte_be_to_cpu_32(ip->dst_addr);

		if (likely(is_plain(pkt, ip, dst)) || check_closely(burst, pkt, dst)) {
			burst->dst[n] = dst;
			burst->pkt[n++] = pkt;
		}
	}
	burst->n = (uint16_t)n;
}
