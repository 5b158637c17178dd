/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 8 of the packet's walk: the forwarding decision was made, this carries it out on the header.
 */
#include "dataplane/stage/forward.h"

#include <rte_branch_prediction.h>

#include <assert.h>

#include "dataplane/table/adjacency.h"
#include "dataplane/table/outer_ip4.h"

static_assert((int)ADJACENCY_IPIP - (int)ADJACENCY_NATIVE == (int)ENCAP_IPIP, "same order");
static_assert((int)ADJACENCY_VXLAN - (int)ADJACENCY_NATIVE == (int)ENCAP_VXLAN, "same order");

#define TTL_OFFSET (RTE_ETHER_HDR_LEN + offsetof(struct rte_ipv4_hdr, time_to_live))

/* Of IP4_WORD_TTL, as it lies: TTL, protocol, checksum. */
#define TTL_MASK       0x000000ffu
#define TTL_ONE	       0x00000001u
#define CKSUM_ONE_MORE 0x00010000u /* 0x0100 as a number */
#define CKSUM_ENDS     0xfffe0000u /* from here on one more makes a carry */
#define CKSUM_CARRY    0x00010000u

/* RFC 1624: TTL is the high byte of its word, so one less there is 0x0100 more in the checksum. */
static void decrement_ttl(struct rte_ipv4_hdr *ip)
{
	uint32_t cksum = (uint32_t)ip->hdr_checksum + RTE_BE16(0x0100);

	ip->hdr_checksum = (uint16_t)(cksum + (cksum >= 0xffff));
	ip->time_to_live--;
}

/* With DF the sender is told, about the packet as it was; without, its fragments go on. */
static void end_too_big(struct burst *burst, struct burst *big, unsigned at)
{
	const struct adjacency *adjacency = burst->adjacency[at];
	struct rte_mbuf *pkt = burst->pkt[at];
	struct rte_ipv4_hdr *ip = packet_ip4(pkt);

	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_DF_FLAG)) {
		pkt->hash.usr = adjacency->mtu;
		burst_drop(burst, pkt, DROP_TOO_BIG);
		return;
	}
	decrement_ttl(ip);
	big->path[big->n] = burst->path[at];
	big->adjacency[big->n] = adjacency;
	big->pkt[big->n++] = pkt;
}

/* One that cannot go on as it is. */
static __rte_cold void end_here(struct burst *burst, struct burst *big, unsigned at)
{
	struct rte_mbuf *pkt = burst->pkt[at];

	if (packet_ip4(pkt)->time_to_live <= 1)
		burst_punt(burst, pkt);
	else if (pkt->pkt_len - RTE_ETHER_HDR_LEN > burst->adjacency[at]->mtu)
		end_too_big(burst, big, at);
	else
		burst_drop(burst, pkt, DROP_NO_HEADROOM);
}

static inline uint32_t room_of(const struct adjacency *adjacency)
{
	return outer_room((uint32_t)adjacency->hdr_len - RTE_ETHER_HDR_LEN);
}

/* A packet has room for any header, unless a driver keeps less than DPDK's default. */
static inline bool may_go_on(const struct rte_mbuf *pkt, const struct rte_ipv4_hdr *ip,
	const struct adjacency *adjacency)
{
	return ip->time_to_live > 1 && pkt->pkt_len - RTE_ETHER_HDR_LEN <= adjacency->mtu &&
	       pkt->data_off >= room_of(adjacency);
}

static enum encap encap_of(const struct adjacency *adjacency)
{
	return (enum encap)(adjacency->kind - ADJACENCY_NATIVE);
}

/* Which of them get which header. */
static void split(struct burst *burst)
{
	memset(burst->n_encap, 0, sizeof(burst->n_encap));
	for (uint16_t i = 0; i < burst->n; i++)
		burst_set_encap(burst, i, encap_of(burst->adjacency[i]));
}

/* The same, when all get the same. */
static void split_uniform(struct burst *burst)
{
	const enum encap encap = encap_of(burst->adjacency[0]);

	memset(burst->n_encap, 0, sizeof(burst->n_encap));
	for (unsigned i = 0; i < BURST_MAX; i++)
		burst->encap[encap][i] = (uint8_t)i;
	burst->n_encap[encap] = (uint8_t)burst->n;
}

static bool have_room(const struct burst *burst, uint32_t needed)
{
	const unsigned n = burst->n;
	uint32_t left = 0;

	if (needed == 0)
		return true;
#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++)
		left |= (uint32_t)burst->pkt[i]->data_off - needed;
	return left >> 31 == 0; // the sign is that of the least
}

/* may_go_on() of all packets of a uniform burst. */
static bool may_all_go_on(struct burst *burst)
{
	const struct adjacency *adjacency = burst->adjacency[0];
	const uint32_t max_bytes = adjacency->mtu + RTE_ETHER_HDR_LEN;
	burst_words odd = {0};

	for (unsigned at = 0; at < burst->n; at += BURST_STEP) {
		burst_words ttl = *burst_step(burst->ip4[IP4_WORD_TTL], at) & TTL_MASK;

		odd |= (burst_words)(ttl <= TTL_ONE);
		odd |= (burst_words)(*burst_step(burst->len, at) > max_bytes);
	}
	return !burst_is_any(odd) && have_room(burst, room_of(adjacency));
}

/* decrement_ttl() of all packets. */
static void decrement_all(struct burst *burst)
{
	const unsigned n = burst->n;
	uint32_t *words = burst->ip4[IP4_WORD_TTL];

	for (unsigned at = 0; at < n; at += BURST_STEP) {
		burst_words word = *burst_step(words, at);

		word += CKSUM_ONE_MORE - TTL_ONE +
			((burst_words)(word >= CKSUM_ENDS) & CKSUM_CARRY);
		*burst_step(words, at) = word;
	}
#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++)
		memcpy(burst->frame[i] + TTL_OFFSET, &words[i], sizeof(words[i]));
}

static void forward_each(struct burst *burst, struct burst *big)
{
	const unsigned n_before = burst->n;
	unsigned n = 0;

	for (unsigned i = 0; i < n_before; i++) {
		struct rte_mbuf *pkt = burst->pkt[i];
		const struct adjacency *adjacency = burst->adjacency[i];
		struct rte_ipv4_hdr *ip = packet_ip4(pkt);

		if (unlikely(!may_go_on(pkt, ip, adjacency))) {
			end_here(burst, big, i);
			continue;
		}
		decrement_ttl(ip);
		memcpy(&burst->ip4[IP4_WORD_TTL][i], &ip->time_to_live, sizeof(uint32_t));
		if (unlikely(n != i))
			burst_keep(burst, n, i);
		n++;
	}
	burst->n = (uint16_t)n;
	split(burst);
}

void forward(struct burst *burst, struct burst *big)
{
	big->n = 0;
	if (likely(burst->is_uniform && may_all_go_on(burst))) {
		decrement_all(burst);
		split_uniform(burst);
	} else {
		forward_each(burst, big);
	}
}
