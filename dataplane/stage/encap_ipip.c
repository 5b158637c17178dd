/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 9 of the packet's walk: IPv4 in IPv4.
 */
#include "dataplane/stage/encap_ipip.h"

#include "dataplane/table/outer_ip4.h"

#define OUTER_BYTES 20u

static void encap_one(struct rte_mbuf *pkt, const struct adjacency *adjacency, uint16_t id)
{
	const struct rte_ipv4_hdr *inner = packet_ip4(pkt);
	struct outer_words words = {
		.total_bytes = (uint16_t)(be_16(inner->total_length) + OUTER_BYTES),
		.id = id,
		.fragment_be = inner->fragment_offset & RTE_BE16(RTE_IPV4_HDR_DF_FLAG),
		.inner_tos = inner->type_of_service,
		.hops = inner->time_to_live,
	};
	// forward made sure of the room
	uint8_t *hdr = (uint8_t *)rte_pktmbuf_prepend(pkt, OUTER_BYTES);

	memcpy(hdr, adjacency->hdr, RTE_ETHER_HDR_LEN + OUTER_BYTES);
	fill_outer_ip4((struct rte_ipv4_hdr *)(hdr + RTE_ETHER_HDR_LEN), adjacency, &words);
}

void encap_ipip(struct burst *burst, uint16_t *id)
{
	const unsigned n = burst->n_encap[ENCAP_IPIP];
	uint16_t next_id = *id;

	for (unsigned i = 0; i < n; i++) {
		unsigned at = burst->encap[ENCAP_IPIP][i];

		encap_one(burst->pkt[at], burst->adjacency[at], next_id++);
	}
	*id = next_id;
}
