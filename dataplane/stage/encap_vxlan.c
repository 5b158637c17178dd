/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 9 of the packet's walk: Ethernet in VXLAN.
 */
#include "dataplane/stage/encap_vxlan.h"

#include <rte_udp.h>

#include "dataplane/table/outer_ip4.h"

#define IP_BYTES    20u
#define UDP_BYTES   8u
#define OUTER_BYTES (IP_BYTES + UDP_BYTES + 8u + RTE_ETHER_HDR_LEN) /* 8 of VXLAN */

/* The inner packet begins where it did before the outer header came in front. */
static void fill_udp(struct rte_udp_hdr *udp, struct rte_mbuf *pkt,
	const struct adjacency *adjacency, uint16_t inner_bytes, uint32_t hash)
{
	uint16_t udp_bytes = (uint16_t)(inner_bytes + OUTER_BYTES - IP_BYTES);
	uint32_t port = adjacency->udp_src_min +
			(uint32_t)(((uint64_t)hash * (adjacency->udp_src_span + 1u)) >> 32);
	uint16_t inner_sum;
	uint32_t sum;

	udp->src_port = be_16((uint16_t)port);
	udp->dgram_len = be_16(udp_bytes);
	if (!adjacency->has_udp_checksum)
		return;
	// the length counts twice: in the pseudo header and in the header
	sum = adjacency->udp_sum + udp->src_port + 2u * udp->dgram_len;
	if (packet_raw_cksum(pkt, RTE_ETHER_HDR_LEN + OUTER_BYTES, inner_bytes, &inner_sum) < 0)
		return;
	udp->dgram_cksum = fold_checksum(sum + inner_sum);
	if (udp->dgram_cksum == 0)
		udp->dgram_cksum = UINT16_MAX; // RFC 768: 0 is "none"
}

static void encap_one(struct rte_mbuf *pkt, const struct adjacency *adjacency, uint16_t id)
{
	const struct rte_ipv4_hdr *inner = packet_ip4(pkt);
	uint16_t inner_bytes = be_16(inner->total_length);
	uint32_t hash = packet_flow_hash(pkt);
	struct outer_words words = {
		.total_bytes = (uint16_t)(inner_bytes + OUTER_BYTES),
		.id = id,
		.inner_tos = inner->type_of_service,
	};
	// forward made sure of the room
	uint8_t *hdr = (uint8_t *)rte_pktmbuf_prepend(pkt, OUTER_BYTES);

	memcpy(hdr, adjacency->hdr, RTE_ETHER_HDR_LEN + OUTER_BYTES);
	fill_outer_ip4((struct rte_ipv4_hdr *)(hdr + RTE_ETHER_HDR_LEN), adjacency, &words);
	fill_udp((struct rte_udp_hdr *)(hdr + RTE_ETHER_HDR_LEN + IP_BYTES), pkt, adjacency,
		inner_bytes, hash);
}

void encap_vxlan(struct burst *burst, uint16_t *id)
{
	const unsigned n = burst->n_encap[ENCAP_VXLAN];
	uint16_t next_id = *id;

	for (unsigned i = 0; i < n; i++) {
		unsigned at = burst->encap[ENCAP_VXLAN][i];

		encap_one(burst->pkt[at], burst->adjacency[at], next_id++);
	}
	*id = next_id;
}
