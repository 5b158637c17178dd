/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An option after step 5 of the packet's walk: pods behind veth, and stock nodes across a veth
 * bridge, send with checksum offload to a device that has none. The kernel finishes such checksums
 * when a packet leaves by a NIC; nobody does when it comes to us.
 */
#include "dataplane/stage/l4_checksum.h"

#include <rte_branch_prediction.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#define L4_OFFSET   (RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr))
#define SCTP_BYTES  12u
#define SCTP_CKSUM  8u /* offset of the checksum in the common header, RFC 9260 3.1 */
#define CRC32C_POLY 0x82f63b78u

static uint32_t crc32c_add(uint32_t crc, const uint8_t *bytes, uint32_t len)
{
	// bit by bit: SCTP between pods of one node is too rare to pay for a table
	for (uint32_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? CRC32C_POLY : 0);
	}
	return crc;
}

static void complete_sctp(struct rte_mbuf *pkt, uint8_t *l4)
{
	uint32_t offset = L4_OFFSET;
	uint32_t crc = UINT32_MAX;
	uint32_t zero = 0;

	if (memcmp(l4 + SCTP_CKSUM, &zero, sizeof(zero)) != 0)
		return;
	for (struct rte_mbuf *seg = pkt; seg != NULL; seg = seg->next) {
		crc = crc32c_add(crc, rte_pktmbuf_mtod_offset(seg, uint8_t *, offset),
			seg->data_len - offset);
		offset = 0;
	}
	crc = rte_cpu_to_le_32(~crc);
	memcpy(l4 + SCTP_CKSUM, &crc, sizeof(crc));
}

/* The checksum field is at @l4 + @at; UDP may send 0 for "none". */
static void complete_tcp_udp(struct rte_mbuf *pkt, const struct rte_ipv4_hdr *ip, uint8_t *l4,
	uint16_t at)
{
	uint16_t field, cksum;

	memcpy(&field, l4 + at, sizeof(field));
	if (likely(field != rte_ipv4_phdr_cksum(ip, 0)))
		return;

	// the pseudo header's sum stands in the field already: what is summed now includes it
	if (packet_raw_cksum(pkt, L4_OFFSET, pkt->pkt_len - L4_OFFSET, &cksum) < 0)
		return;
	cksum = (uint16_t)~cksum;
	// RFC 768: 0 would mean "no checksum"; for TCP both forms are the same number
	if (cksum == 0)
		cksum = UINT16_MAX;
	memcpy(l4 + at, &cksum, sizeof(cksum));
}

static void complete_one(struct rte_mbuf *pkt)
{
	const struct rte_ipv4_hdr *ip = packet_ip4(pkt);
	uint8_t *l4 = rte_pktmbuf_mtod_offset(pkt, uint8_t *, L4_OFFSET);
	uint32_t l4_bytes = pkt->data_len - L4_OFFSET;

	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK))
		return;
	if (ip->next_proto_id == IPPROTO_TCP && l4_bytes >= sizeof(struct rte_tcp_hdr))
		complete_tcp_udp(pkt, ip, l4, offsetof(struct rte_tcp_hdr, cksum));
	else if (ip->next_proto_id == IPPROTO_UDP && l4_bytes >= sizeof(struct rte_udp_hdr))
		complete_tcp_udp(pkt, ip, l4, offsetof(struct rte_udp_hdr, dgram_cksum));
	else if (ip->next_proto_id == IPPROTO_SCTP && l4_bytes >= SCTP_BYTES)
		complete_sctp(pkt, l4);
}

void l4_checksum(struct burst *burst)
{
	for (uint16_t i = 0; i < burst->n; i++)
		complete_one(burst->pkt[i]);
}
