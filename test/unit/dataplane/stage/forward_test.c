/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/unit/dataplane/stage/burst.h"

#include "dataplane/stage/forward.h"
#include "dataplane/table/nexthop.h"

#define TO_FRAGMENT -3

static struct rte_mempool *pool;
static const struct adjacency adjacency = {.kind = ADJACENCY_NATIVE, .mtu = 100, .hdr_len = 14};

static struct rte_mbuf *build(uint8_t ttl, uint16_t fragment, uint16_t ip_bytes)
{
	return support_packet_build(pool, &(struct support_packet){.src = RTE_IPV4(10, 244, 0, 10),
						  .dst = RTE_IPV4(10, 244, 1, 10),
						  .ttl = ttl,
						  .fragment = fragment,
						  .payload_bytes = (uint16_t)(ip_bytes - 28)});
}

static int run(struct rte_mbuf *pkt)
{
	struct burst burst = burst_of(pkt);
	struct burst big = {.n = 1}; // left from the turn before

	burst.path[0] = 77;
	burst.adjacency[0] = &adjacency;
	burst.is_uniform = true; // what cannot go on then is looked at alone
	forward(&burst, &big);
	if (big.n == 0)
		return burst_end(&burst);
	assert_int_equal(big.n, 1);
	assert_int_equal(burst.n + burst.n_drop + burst.n_punt, 0);
	assert_ptr_equal(big.pkt[0], pkt);
	assert_int_equal(big.path[0], 77);
	assert_ptr_equal(big.adjacency[0], &adjacency);
	rte_pktmbuf_free(pkt);
	return TO_FRAGMENT;
}

static void test_forward_ttl(void **state)
{
	(void)state;
	for (unsigned ttl = 1; ttl < 256; ttl++) {
		struct rte_mbuf *pkt = build((uint8_t)ttl, 0, 60);

		rte_mbuf_refcnt_update(pkt, 1); // looked at after the burst let go of it
		assert_int_equal(run(pkt), ttl == 1 ? BURST_PUNTED : BURST_STAYS);
		assert_int_equal(support_packet_ip4(pkt)->time_to_live, ttl == 1 ? 1 : ttl - 1);
		assert_int_equal(rte_raw_cksum(support_packet_ip4(pkt), 20), 0xffff);
		rte_pktmbuf_free(pkt);
	}
}

/* The checksum after forward, of a packet alone or of a burst that is taken as a whole. */
static uint16_t checksum_after(struct rte_mbuf *pkt, uint16_t ident, bool is_uniform)
{
	struct rte_ipv4_hdr *ip = support_packet_ip4(pkt);
	struct burst burst, big;

	ip->packet_id = ident;
	ip->time_to_live = 64;
	support_packet_fix_checksum(pkt);
	burst = burst_of(pkt);
	burst.adjacency[0] = &adjacency;
	burst.is_uniform = is_uniform;
	forward(&burst, &big);
	assert_int_equal(burst.n, 1);
	assert_int_equal(ip->time_to_live, 63);
	assert_int_equal(rte_raw_cksum(ip, 20), 0xffff);
	return ip->hdr_checksum;
}

/* RFC 1624's corner: every value of the checksum, by every identification. */
static void test_forward_checksum_every_value(void **state)
{
	struct rte_mbuf *pkt = build(64, 0, 60);

	(void)state;
	for (unsigned ident = 0; ident < 65536; ident++)
		assert_int_equal(checksum_after(pkt, (uint16_t)ident, false),
			checksum_after(pkt, (uint16_t)ident, true));
	rte_pktmbuf_free(pkt);
}

static void test_forward_mtu(void **state)
{
	static const struct {
		uint16_t fragment, ip_bytes;
		int end;
	} rows[] = {
		{RTE_IPV4_HDR_DF_FLAG, 100, BURST_STAYS},
		{RTE_IPV4_HDR_DF_FLAG, 101, DROP_TOO_BIG},
		{0, 100, BURST_STAYS},
		{0, 101, TO_FRAGMENT},
		{RTE_IPV4_HDR_MF_FLAG, 101, TO_FRAGMENT},
	};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct rte_mbuf *pkt = build(64, rows[i].fragment, rows[i].ip_bytes);

		rte_mbuf_refcnt_update(pkt, 1);
		assert_int_equal(run(pkt), rows[i].end);
		// what the sender is told about is as it came
		assert_int_equal(support_packet_ip4(pkt)->time_to_live,
			rows[i].end == DROP_TOO_BIG ? 64 : 63);
		assert_int_equal(rte_raw_cksum(support_packet_ip4(pkt), 20), 0xffff);
		if (rows[i].end == DROP_TOO_BIG)
			assert_int_equal(pkt->hash.usr, 100);
		rte_pktmbuf_free(pkt);
	}
}

/* An outer header is written in half lines: so much room there must be, of a burst as of one packet. */
static void test_forward_headroom(void **state)
{
	static const struct {
		struct adjacency adjacency;
		uint16_t n_bytes;
	} rows[] = {
		{{.kind = ADJACENCY_NATIVE, .mtu = 100, .hdr_len = 14}, 0},
		{{.kind = ADJACENCY_IPIP, .mtu = 100, .hdr_len = 34}, 32},
		{{.kind = ADJACENCY_VXLAN, .mtu = 100, .hdr_len = 64}, 64},
	};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows) * 4; i++) {
		const bool has_room = i % 2 == 0, is_uniform = i / 2 % 2 == 0;
		struct rte_mbuf *pkt = build(64, 0, 60);
		const uint16_t n_bytes = rows[i / 4].n_bytes;
		struct burst burst, big;

		if (!has_room && n_bytes == 0) {
			rte_pktmbuf_free(pkt);
			continue;
		}
		memmove((uint8_t *)pkt->buf_addr + n_bytes - !has_room,
			rte_pktmbuf_mtod(pkt, void *), pkt->pkt_len);
		pkt->data_off = (uint16_t)(n_bytes - !has_room);
		burst = burst_of(pkt);
		burst.adjacency[0] = &rows[i / 4].adjacency;
		burst.is_uniform = is_uniform;
		forward(&burst, &big);
		assert_int_equal(burst_end(&burst), has_room ? BURST_STAYS : DROP_NO_HEADROOM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forward_ttl),
		cmocka_unit_test(test_forward_checksum_every_value),
		cmocka_unit_test(test_forward_mtu),
		cmocka_unit_test(test_forward_headroom),
	};

	support_eal_init(64);
	pool = support_pool_create("forward", 255);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
