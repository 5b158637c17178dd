/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fragments, against a plain fragmenter written down from RFC 791 and a reassembler that wants each
 * byte once; both know nothing of mbufs.
 */
#include "test/unit/support.h"

#include <string.h>

#include <rte_ether.h>

#include "dataplane/stage/fragment.h"
#include "dataplane/table/adjacency.h"
#include "dataplane/table/outer_ip4.h"

#define POOL_PKTS   2047u
#define IP_BYTES    20u
#define FRAMES_MAX  1600u
#define FRAME_MAX   2048u
#define PAYLOAD_MAX (65535u - IP_BYTES)

/* What a fragment must be: an IP packet of its own. */
struct frame {
	uint16_t bytes;
	uint8_t ip[FRAME_MAX];
};

static struct rte_mempool *pool;
static struct lcore_stats stats;
static uint64_t random_state = 7;
static struct frame expected[FRAMES_MAX], got[FRAMES_MAX];
static unsigned n_got;

static uint32_t random_between(uint32_t low, uint32_t high)
{
	return low + (uint32_t)(support_random(&random_state) % (high - low + 1));
}

/* RFC 1071, on bytes. */
static uint16_t checksum(const uint8_t *ip)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < IP_BYTES; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put_checksum(uint8_t *ip)
{
	put16(ip + 10, 0);
	put16(ip + 10, checksum(ip));
}

/* RFC 791, page 26, one fragment after the other. Returns: how many */
static unsigned model(const uint8_t *ip, uint32_t payload, uint32_t mtu)
{
	uint32_t units = (mtu - IP_BYTES) / 8;
	uint32_t fragment = (uint32_t)(ip[6] << 8 | ip[7]);
	unsigned n = 0;

	for (uint32_t at = 0; at < payload; at += units * 8, n++) {
		uint32_t left = payload - at;
		uint32_t bytes = left > units * 8 ? units * 8 : left;
		uint32_t more = left > units * 8 ? 0x2000 : fragment & 0x2000;
		struct frame *frame = &expected[n];

		assert_true(n < FRAMES_MAX);
		memcpy(frame->ip, ip, IP_BYTES);
		memcpy(frame->ip + IP_BYTES, ip + IP_BYTES + at, bytes);
		put16(frame->ip + 2, IP_BYTES + bytes);
		// the reserved bit is nobody's: it stays
		put16(frame->ip + 6, (fragment & 0x8000) | more | ((fragment & 0x1fff) + at / 8));
		put_checksum(frame->ip);
		frame->bytes = (uint16_t)(IP_BYTES + bytes);
	}
	return n;
}

/* An Ethernet header and an IP packet of random bytes, in segments of random sizes. */
static struct rte_mbuf *build(const uint8_t *ip, uint32_t ip_bytes)
{
	uint8_t frame[RTE_ETHER_HDR_LEN + 65535];
	uint32_t bytes = RTE_ETHER_HDR_LEN + ip_bytes;
	struct rte_mbuf *pkt = NULL;

	memset(frame, 0xee, RTE_ETHER_HDR_LEN);
	memcpy(frame + RTE_ETHER_HDR_LEN, ip, ip_bytes);
	for (uint32_t at = 0; at < bytes;) {
		struct rte_mbuf *seg = rte_pktmbuf_alloc(pool);
		// the headers are in the first one, ip4_check saw to that
		uint32_t take =
			random_between(at == 0 ? RTE_ETHER_HDR_LEN + IP_BYTES : 1, FRAME_MAX);

		assert_non_null(seg);
		take = RTE_MIN(take, bytes - at);
		memcpy(rte_pktmbuf_append(seg, (uint16_t)take), frame + at, take);
		if (pkt == NULL)
			pkt = seg;
		else
			assert_int_equal(rte_pktmbuf_chain(pkt, seg), 0);
		at += take;
	}
	return pkt;
}

static void fill_ip(uint8_t *ip, uint32_t payload, uint32_t fragment)
{
	for (unsigned i = 0; i < IP_BYTES + payload; i++)
		ip[i] = (uint8_t)support_random(&random_state);
	ip[0] = 0x45;
	put16(ip + 2, IP_BYTES + payload);
	put16(ip + 6, fragment);
	put_checksum(ip);
}

/* What a burst of fragments holds, freed. */
static void take_pieces(struct burst *pieces, const struct adjacency *adjacency)
{
	enum encap encap = (enum encap)(adjacency->kind - ADJACENCY_NATIVE);

	assert_true(pieces->n <= BURST_MAX);
	assert_int_equal(pieces->n_encap[encap], pieces->n);
	for (uint16_t i = 0; i < pieces->n; i++) {
		struct rte_mbuf *piece = pieces->pkt[i];
		struct frame *frame = &got[n_got++];

		assert_true(n_got <= FRAMES_MAX);
		assert_int_equal(piece->nb_segs, 1);
		assert_int_equal(piece->pkt_len, piece->data_len);
		assert_true(rte_pktmbuf_headroom(piece) >= outer_room(50));
		assert_ptr_equal(pieces->adjacency[i], adjacency);
		assert_int_equal(pieces->encap[encap][i], i);
		frame->bytes = (uint16_t)(piece->pkt_len - RTE_ETHER_HDR_LEN);
		memcpy(frame->ip, rte_pktmbuf_mtod_offset(piece, void *, RTE_ETHER_HDR_LEN),
			frame->bytes);
		rte_pktmbuf_free(piece);
	}
}

/* All rounds of a burst; the fragments are in got[]. Returns: what was dropped */
static unsigned run(struct burst *big, const struct adjacency *adjacency)
{
	struct fragment_cursor cursor = {0};
	struct burst pieces = {.n = 5, .n_encap = {5, 5, 5}}; // left from the turn before
	unsigned n_in = big->n;
	unsigned n_drop;

	n_got = 0;
	stats.made_pkts = 0;
	while (fragment(big, &cursor, &pieces, &stats))
		take_pieces(&pieces, adjacency);
	n_drop = big->n_drop;
	for (unsigned i = 0; i < n_drop; i++)
		rte_pktmbuf_free(big->drop[i]);
	assert_int_equal(n_in + stats.made_pkts, n_got + n_drop);
	return n_drop;
}

/* Every byte of the payload comes once, and only the last fragment may say that it is the last. */
static void check_reassembly(const uint8_t *ip, uint32_t payload)
{
	static uint8_t whole[PAYLOAD_MAX];
	uint32_t base = (uint32_t)(ip[6] << 8 | ip[7]) & 0x1fff;
	uint32_t n_bytes = 0;

	memset(whole, 0, payload);
	for (unsigned i = 0; i < n_got; i++) {
		const uint8_t *piece = got[i].ip;
		uint32_t fragment = (uint32_t)(piece[6] << 8 | piece[7]);
		uint32_t at = ((fragment & 0x1fff) - base) * 8;
		uint32_t bytes = got[i].bytes - IP_BYTES;

		assert_int_equal(at, n_bytes); // in order
		assert_true(at + bytes <= payload);
		memcpy(whole + at, piece + IP_BYTES, bytes);
		n_bytes += bytes;
		assert_int_equal(checksum(piece), 0);
		if (i + 1 < n_got)
			assert_true((fragment & 0x2000) && bytes % 8 == 0);
		else
			assert_int_equal(fragment & 0x2000, ip[6] << 8 & 0x2000);
	}
	assert_int_equal(n_bytes, payload);
	assert_memory_equal(whole, ip + IP_BYTES, payload);
}

static void check_one(uint32_t payload, uint32_t fragment_field, const struct adjacency *adjacency)
{
	static uint8_t ip[65535];
	struct burst big = {.n = 1, .adjacency = {adjacency}};
	unsigned n;

	fill_ip(ip, payload, fragment_field);
	n = model(ip, payload, adjacency->mtu);
	big.pkt[0] = build(ip, IP_BYTES + payload);
	assert_int_equal(run(&big, adjacency), 0);
	assert_int_equal(n_got, n);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(got[i].bytes, expected[i].bytes);
		assert_true(got[i].bytes <= adjacency->mtu);
		assert_memory_equal(got[i].ip, expected[i].ip, expected[i].bytes);
	}
	check_reassembly(ip, payload);
	assert_int_equal(rte_mempool_avail_count(pool), POOL_PKTS);
}

static void test_fragment_like_the_model(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct adjacency adjacency = {.kind = (uint8_t)random_between(ADJACENCY_NATIVE,
						      ADJACENCY_VXLAN),
			.mtu = (uint16_t)random_between(68, i % 4 == 0 ? 1500 : 120)};
		uint32_t offset = 0, more = 0;
		uint32_t payload = random_between(adjacency.mtu - IP_BYTES + 1, 3000);

		if (i % 2 == 0) {
			offset = random_between(0, (PAYLOAD_MAX - payload) / 8);
			more = random_between(0, 1) << 13;
		}
		check_one(payload, random_between(0, 1) << 15 | more | offset, &adjacency);
	}
}

static void test_fragment_largest(void **state)
{
	struct adjacency adjacency = {.kind = ADJACENCY_IPIP, .mtu = 68};

	(void)state;
	check_one(PAYLOAD_MAX, 0, &adjacency);
	check_one(PAYLOAD_MAX - 8, 1, &adjacency);
	adjacency.mtu = 1480;
	check_one(PAYLOAD_MAX, 0, &adjacency);
	check_one(1461, 0, &adjacency); // the last has one byte
	check_one(2 * 1456, 0, &adjacency);
}

/* What reaches beyond the longest datagram would carry its offset over into the flags. */
static void test_fragment_beyond_the_end(void **state)
{
	static uint8_t ip[1500];
	struct adjacency adjacency = {.kind = ADJACENCY_NATIVE, .mtu = 576};
	struct burst big = {.n = 1, .adjacency = {&adjacency}};

	(void)state;
	fill_ip(ip, 1000, 0x1fff);
	big.pkt[0] = build(ip, IP_BYTES + 1000);
	assert_int_equal(run(&big, &adjacency), 1);
	assert_int_equal(big.reason[0], DROP_BAD_HEADER);
	assert_int_equal(n_got, 0);
}

/* A full burst, whose fragments need many: order kept, and the header of each is its packet's. */
static void test_fragment_many_bursts(void **state)
{
	struct adjacency adjacency = {.kind = ADJACENCY_VXLAN, .mtu = 576};
	struct burst big = {.n = BURST_MAX};
	uint32_t last = 0;

	(void)state;
	for (unsigned i = 0; i < BURST_MAX; i++) {
		uint8_t ip[1500];

		fill_ip(ip, 1480, 0);
		put16(ip + 4, i); // identification
		put_checksum(ip);
		big.pkt[i] = build(ip, sizeof(ip));
		big.adjacency[i] = &adjacency;
	}
	assert_int_equal(run(&big, &adjacency), 0);
	assert_int_equal(n_got, 3 * BURST_MAX);
	for (unsigned i = 0; i < n_got; i++) {
		uint32_t order =
			(uint32_t)got[i].ip[5] << 16 | (got[i].ip[6] & 0x1f) << 8 | got[i].ip[7];

		assert_int_equal(got[i].ip[5], i / 3);
		assert_true(i == 0 || order > last);
		last = order;
	}
	assert_int_equal(rte_mempool_avail_count(pool), POOL_PKTS);
}

/* Buffers run out at each place in turn: what is left of a packet ends by name, the sums agree. */
static void test_fragment_without_buffers(void **state)
{
	static struct rte_mbuf *held[POOL_PKTS];
	struct adjacency adjacency = {.kind = ADJACENCY_IPIP, .mtu = 576};
	uint8_t ip[1500];

	(void)state;
	fill_ip(ip, 1480, 0);
	for (unsigned n_left = 0; n_left <= 7; n_left++) {
		struct burst big = {.n = 2, .adjacency = {&adjacency, &adjacency}};
		unsigned n_held, n_drop;

		for (unsigned i = 0; i < 2; i++) {
			big.pkt[i] = rte_pktmbuf_alloc(pool);
			memcpy(rte_pktmbuf_append(big.pkt[i], RTE_ETHER_HDR_LEN + sizeof(ip)) +
					RTE_ETHER_HDR_LEN,
				ip, sizeof(ip));
		}
		n_held = rte_mempool_avail_count(pool) - n_left;
		assert_int_equal(rte_pktmbuf_alloc_bulk(pool, held, n_held), 0);
		n_drop = run(&big, &adjacency);
		// the first packet gives its own buffer back when its third fragment is made
		assert_int_equal(n_drop, n_left < 3 ? 2 : n_left < 5 ? 1 : 0);
		for (unsigned i = 0; i < n_drop; i++)
			assert_int_equal(big.reason[i], DROP_NO_BUFFER);
		rte_pktmbuf_free_bulk(held, n_held);
		assert_int_equal(rte_mempool_avail_count(pool), POOL_PKTS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fragment_like_the_model),
		cmocka_unit_test(test_fragment_largest),
		cmocka_unit_test(test_fragment_beyond_the_end),
		cmocka_unit_test(test_fragment_many_bursts),
		cmocka_unit_test(test_fragment_without_buffers),
	};

	support_eal_init(64);
	pool = support_pool_create("fragment", POOL_PKTS);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
