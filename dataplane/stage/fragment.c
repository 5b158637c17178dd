/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between steps 8 and 9 of the packet's walk: too big for its path, and DF not set. The inner packet
 * is fragmented, and each fragment gets an outer header of its own.
 *
 * librte_ip_frag's ways are not for us: rte_ipv4_fragment_packet() makes chains of a header and an
 * indirect buffer, which net_af_xdp does not send; the copying variant wants its packet in one
 * segment and room for all fragments at once. This allocates and copies per packet: the slow lane.
 */
#include "dataplane/stage/fragment.h"

#include <rte_branch_prediction.h>

#include "dataplane/table/adjacency.h"

#define IP_BYTES     20u /* options went to the kernel before */
#define OFFSET_UNIT  8u
#define DATAGRAM_MAX 65535u

/* A packet's payload: where it stands in its datagram, and how much a fragment takes of it. */
struct plan {
	uint32_t at_bytes;
	uint32_t bytes;
	uint32_t step_bytes; /* a multiple of 8: the last fragment alone may have others, RFC 791 */
	uint16_t flags_be;   /* without offset; MF as the packet has it */
};

static struct plan plan_fragments(struct rte_mbuf *pkt, uint16_t mtu)
{
	const struct rte_ipv4_hdr *ip = packet_ip4(pkt);
	uint32_t room = rte_pktmbuf_data_room_size(pkt->pool) - RTE_PKTMBUF_HEADROOM;
	// what came in segments may be larger than a buffer
	uint32_t max = RTE_MIN((uint32_t)mtu, room - RTE_ETHER_HDR_LEN);
	uint16_t fragment = rte_be_to_cpu_16(ip->fragment_offset);

	return (struct plan){
		.at_bytes = (fragment & RTE_IPV4_HDR_OFFSET_MASK) * OFFSET_UNIT,
		.bytes = rte_be_to_cpu_16(ip->total_length) - IP_BYTES,
		.step_bytes = (max - IP_BYTES) & ~(OFFSET_UNIT - 1),
		.flags_be = ip->fragment_offset & RTE_BE16((uint16_t)~RTE_IPV4_HDR_OFFSET_MASK),
	};
}

/* Ethernet header and IP header as the packet has them, but for length, MF, offset and checksum. */
static void fill_headers(struct rte_mbuf *piece, struct rte_mbuf *pkt, const struct plan *plan,
	uint32_t done, uint32_t bytes)
{
	struct rte_ipv4_hdr *ip = packet_ip4(piece);
	bool is_last = done + bytes == plan->bytes;
	uint32_t offset = (plan->at_bytes + done) / OFFSET_UNIT;

	memcpy(rte_pktmbuf_mtod(piece, void *), rte_pktmbuf_mtod(pkt, void *),
		RTE_ETHER_HDR_LEN + IP_BYTES);
	ip->total_length = rte_cpu_to_be_16((uint16_t)(IP_BYTES + bytes));
	ip->fragment_offset = plan->flags_be | rte_cpu_to_be_16((uint16_t)offset);
	if (!is_last)
		ip->fragment_offset |= RTE_BE16(RTE_IPV4_HDR_MF_FLAG);
	ip->hdr_checksum = 0;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

/* Errors: NULL, no buffer */
static struct rte_mbuf *make_piece(struct rte_mbuf *pkt, const struct plan *plan, uint32_t done)
{
	uint32_t bytes = RTE_MIN(plan->step_bytes, plan->bytes - done);
	struct rte_mbuf *piece = rte_pktmbuf_alloc(pkt->pool);
	const void *from;
	uint8_t *to;

	if (unlikely(piece == NULL))
		return NULL;
	to = (uint8_t *)rte_pktmbuf_append(piece, (uint16_t)(RTE_ETHER_HDR_LEN + IP_BYTES + bytes));
	fill_headers(piece, pkt, plan, done, bytes);
	to += RTE_ETHER_HDR_LEN + IP_BYTES;
	// copies only what is not in one segment
	from = rte_pktmbuf_read(pkt, RTE_ETHER_HDR_LEN + IP_BYTES + done, bytes, to);
	if (from != to)
		memcpy(to, from, bytes);
	return piece;
}

static void put_piece(struct burst *pieces, struct rte_mbuf *piece, const struct burst *big,
	unsigned at)
{
	const struct adjacency *adjacency = big->adjacency[at];

	burst_set_encap(pieces, pieces->n, (enum encap)(adjacency->kind - ADJACENCY_NATIVE));
	pieces->path[pieces->n] = big->path[at];
	pieces->adjacency[pieces->n] = adjacency;
	burst_add(pieces, piece);
	burst_read_ip4(pieces, pieces->n - 1u);
}

/*
 * A packet's next fragments. Of the packet and its fragments together one came in: all fragments but
 * the last, which takes its place, were made here; if it ends early, what is left of it does.
 *
 * Returns: is the packet done with?
 */
static bool continue_packet(struct burst *big, struct fragment_cursor *cursor, struct burst *pieces,
	struct lcore_stats *stats)
{
	struct rte_mbuf *pkt = big->pkt[cursor->pkt];
	struct plan plan = plan_fragments(pkt, big->adjacency[cursor->pkt]->mtu);

	// no datagram is so long, and its offsets would run over into the flags
	if (unlikely(plan.at_bytes + plan.bytes > DATAGRAM_MAX - IP_BYTES)) {
		burst_drop(big, pkt, DROP_BAD_HEADER);
		return true;
	}
	while (pieces->n < BURST_MAX) {
		struct rte_mbuf *piece = make_piece(pkt, &plan, cursor->bytes);

		if (unlikely(piece == NULL)) {
			burst_drop(big, pkt, DROP_NO_BUFFER);
			return true;
		}
		put_piece(pieces, piece, big, cursor->pkt);
		if (plan.bytes - cursor->bytes <= plan.step_bytes) {
			rte_pktmbuf_free(pkt);
			return true;
		}
		cursor->bytes = (uint16_t)(cursor->bytes + plan.step_bytes);
		stats->made_pkts++;
	}
	return false;
}

bool fragment(struct burst *big, struct fragment_cursor *cursor, struct burst *pieces,
	struct lcore_stats *stats)
{
	pieces->n = 0;
	pieces->is_uniform = pieces->has_segments = false;
	memset(pieces->n_encap, 0, sizeof(pieces->n_encap));
	while (cursor->pkt < big->n && continue_packet(big, cursor, pieces, stats)) {
		cursor->pkt++;
		cursor->bytes = 0;
	}
	return pieces->n > 0;
}
