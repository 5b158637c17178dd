/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An option: pods behind veth, and stock nodes across a veth bridge, send with checksum offload to a
 * device that has none. The kernel finishes such checksums when a packet leaves by a NIC; when it comes
 * to us it is we, or the NIC by which it leaves.
 */
#include "dataplane/stage/l4_checksum.h"

#include <rte_branch_prediction.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "dataplane/table/adjacency.h"

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

/* What devices know how to finish. */
struct sum_protocol {
	uint16_t hdr_bytes;
	uint16_t cksum_at; /* in the header */
	uint64_t tx_flag;
};

static const struct sum_protocol tcp = {sizeof(struct rte_tcp_hdr),
	offsetof(struct rte_tcp_hdr, cksum), RTE_MBUF_F_TX_TCP_CKSUM};
static const struct sum_protocol udp = {sizeof(struct rte_udp_hdr),
	offsetof(struct rte_udp_hdr, dgram_cksum), RTE_MBUF_F_TX_UDP_CKSUM};

enum finisher { FINISHER_US, FINISHER_DEVICE };

/* UDP may send 0 for "none". */
static void complete_sum(struct rte_mbuf *pkt, uint8_t *field)
{
	uint16_t cksum;

	// the pseudo header's sum stands in the field already: what is summed now includes it
	if (packet_raw_cksum(pkt, L4_OFFSET, pkt->pkt_len - L4_OFFSET, &cksum) < 0)
		return;
	cksum = (uint16_t)~cksum;
	// RFC 768: 0 would mean "no checksum"; for TCP both forms are the same number
	if (cksum == 0)
		cksum = UINT16_MAX;
	memcpy(field, &cksum, sizeof(cksum));
}

/* A device, too, wants the pseudo header's sum in the field. Returns: is it left to the device? */
static bool finish_sum(struct rte_mbuf *pkt, const struct rte_ipv4_hdr *ip, uint8_t *l4,
	const struct sum_protocol *protocol, enum finisher finisher)
{
	uint16_t field;

	memcpy(&field, l4 + protocol->cksum_at, sizeof(field));
	if (likely(field != rte_ipv4_phdr_cksum(ip, 0)))
		return false;
	if (finisher == FINISHER_US) {
		complete_sum(pkt, l4 + protocol->cksum_at);
		return false;
	}
	pkt->ol_flags |= RTE_MBUF_F_TX_IPV4 | protocol->tx_flag;
	// all of it: a driver that receives leaves there what the buffer's last packet had
	pkt->tx_offload = rte_mbuf_tx_offload(RTE_ETHER_HDR_LEN, sizeof(*ip), protocol->hdr_bytes,
		0, 0, 0, 0);
	return true;
}

/* Returns: is it left to the device? */
static bool finish(struct rte_mbuf *pkt, enum finisher finisher)
{
	const struct rte_ipv4_hdr *ip = packet_ip4(pkt);
	uint8_t *l4 = rte_pktmbuf_mtod_offset(pkt, uint8_t *, L4_OFFSET);
	uint32_t l4_bytes = pkt->data_len - L4_OFFSET;

	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK))
		return false;
	if (ip->next_proto_id == IPPROTO_TCP && l4_bytes >= tcp.hdr_bytes)
		return finish_sum(pkt, ip, l4, &tcp, finisher);
	if (ip->next_proto_id == IPPROTO_UDP && l4_bytes >= udp.hdr_bytes)
		return finish_sum(pkt, ip, l4, &udp, finisher);
	if (ip->next_proto_id == IPPROTO_SCTP && l4_bytes >= SCTP_BYTES)
		complete_sctp(pkt, l4);
	return false;
}

/* Who finishes what takes this path: what gets a header in front is payload to a device. */
static enum finisher finisher_of(const struct adjacency *adjacency, const struct port_table *ports)
{
	return adjacency->kind == ADJACENCY_NATIVE && ports->port[adjacency->port].finishes_l4
		       ? FINISHER_DEVICE
		       : FINISHER_US;
}

/* What was punted before step 5 passed it may be anything. */
static bool is_whole_ip4(struct rte_mbuf *pkt)
{
	const struct rte_ether_hdr *ether = rte_pktmbuf_mtod(pkt, const struct rte_ether_hdr *);
	const struct rte_ipv4_hdr *ip = packet_ip4(pkt);

	return pkt->data_len >= L4_OFFSET && ether->ether_type == RTE_BE16(RTE_ETHER_TYPE_IPV4) &&
	       ip->version_ihl == RTE_IPV4_VHL_DEF &&
	       rte_be_to_cpu_16(ip->total_length) == pkt->pkt_len - RTE_ETHER_HDR_LEN;
}

void l4_checksum(struct burst *burst)
{
	for (uint16_t i = 0; i < burst->n; i++)
		finish(burst->pkt[i], FINISHER_US);
}

void l4_checksum_late(struct burst *burst, const struct burst *big, const struct port_table *ports)
{
	for (uint16_t i = 0; i < burst->n; i++)
		burst->has_unfinished |=
			finish(burst->pkt[i], finisher_of(burst->adjacency[i], ports));
	for (uint16_t i = 0; i < big->n; i++)
		finish(big->pkt[i], FINISHER_US);
	for (uint16_t i = 0; i < burst->n_punt; i++) {
		if (is_whole_ip4(burst->punt[i]))
			finish(burst->punt[i], FINISHER_US);
	}
}
