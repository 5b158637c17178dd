/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/unit/dataplane/stage/burst.h"

#include "dataplane/stage/ip4_check.h"

#define SRC RTE_IPV4(10, 244, 0, 10)
#define DST RTE_IPV4(10, 244, 1, 10)

static struct rte_mempool *pool;

static int run(struct rte_mbuf *pkt)
{
	struct burst burst = burst_of(pkt);

	ip4_check(&burst);
	return burst_end(&burst);
}

static struct rte_mbuf *plain(void)
{
	return support_packet_build(pool,
		&(struct support_packet){.src = SRC, .dst = DST, .payload_bytes = 26});
}

static void test_ip4_check_addresses(void **state)
{
	static const struct {
		uint32_t src, dst;
		int end;
	} rows[] = {
		{SRC, DST, BURST_STAYS},
		{RTE_IPV4(0, 0, 0, 0), DST, DROP_MARTIAN_SOURCE},
		{RTE_IPV4(0, 1, 2, 3), DST, DROP_MARTIAN_SOURCE},
		{RTE_IPV4(127, 0, 0, 1), DST, DROP_MARTIAN_SOURCE},
		{RTE_IPV4(224, 0, 0, 1), DST, DROP_MARTIAN_SOURCE},
		{RTE_IPV4(240, 0, 0, 1), DST, DROP_MARTIAN_SOURCE},
		{UINT32_MAX, DST, DROP_MARTIAN_SOURCE},
		{RTE_IPV4(126, 255, 255, 255), DST, BURST_STAYS},
		{RTE_IPV4(223, 255, 255, 255), DST, BURST_STAYS},
		{SRC, RTE_IPV4(0, 0, 0, 0), DROP_MARTIAN_DESTINATION},
		{SRC, RTE_IPV4(127, 0, 0, 1), DROP_MARTIAN_DESTINATION},
		{SRC, RTE_IPV4(240, 0, 0, 1), DROP_MARTIAN_DESTINATION},
		{SRC, RTE_IPV4(224, 0, 0, 5), BURST_PUNTED},
		{SRC, UINT32_MAX, BURST_PUNTED},
	};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct support_packet packet = {.src = rows[i].src, .dst = rows[i].dst};

		print_message("row %u\n", i);
		assert_int_equal(run(support_packet_build(pool, &packet)), rows[i].end);
	}
}

static void test_ip4_check_leaves_destination(void **state)
{
	struct burst burst = burst_of(plain());

	(void)state;
	ip4_check(&burst);
	assert_int_equal(burst.dst[0], DST);
	assert_int_equal(burst_end(&burst), BURST_STAYS);
}

static void test_ip4_check_version(void **state)
{
	(void)state;
	for (unsigned version = 0; version < 16; version++) {
		struct rte_mbuf *pkt = plain();

		support_packet_ip4(pkt)->version_ihl = (uint8_t)(version << 4 | 5);
		support_packet_fix_checksum(pkt);
		assert_int_equal(run(pkt), version == 4 ? BURST_STAYS : DROP_BAD_HEADER);
	}
}

/* RFC 1812 5.2.2 (4): five words at least, and all of them inside the packet. */
static void test_ip4_check_header_length(void **state)
{
	(void)state;
	for (unsigned words = 0; words < 16; words++) {
		struct rte_mbuf *pkt = plain(); // 54 bytes: 13 words fit
		struct rte_ipv4_hdr *ip = support_packet_ip4(pkt);
		int end = DROP_BAD_HEADER;

		ip->version_ihl = (uint8_t)(0x40 | words);
		if (words >= 5 && words <= 13) {
			ip->hdr_checksum = 0;
			ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, words * 4);
			end = words == 5 ? BURST_STAYS : BURST_PUNTED; // options
		}
		assert_int_equal(run(pkt), end);
	}
}

static void test_ip4_check_total_length(void **state)
{
	(void)state;
	for (unsigned total = 0; total < 200; total++) {
		struct rte_mbuf *pkt = plain(); // 20 + 8 + 26 = 54 bytes
		int end = BURST_STAYS;

		support_packet_ip4(pkt)->total_length = rte_cpu_to_be_16((uint16_t)total);
		support_packet_fix_checksum(pkt);
		if (total < 20)
			end = DROP_BAD_HEADER;
		else if (total > 54)
			end = DROP_TRUNCATED;
		assert_int_equal(run(pkt), end);
	}
}

static void test_ip4_check_cuts_padding(void **state)
{
	struct rte_mbuf *pkt = plain();
	struct burst burst;

	(void)state;
	support_packet_ip4(pkt)->total_length = RTE_BE16(30);
	support_packet_fix_checksum(pkt);
	burst = burst_of(pkt);
	ip4_check(&burst);
	assert_int_equal(pkt->pkt_len, RTE_ETHER_HDR_LEN + 30);
	assert_int_equal(burst_end(&burst), BURST_STAYS);
}

static void test_ip4_check_checksum(void **state)
{
	struct rte_mbuf *pkt;

	(void)state;
	for (unsigned bit = 0; bit < 160; bit++) {
		int end;

		pkt = plain();
		((uint8_t *)support_packet_ip4(pkt))[bit / 8] ^= (uint8_t)(1 << bit % 8);
		end = run(pkt);
		assert_int_not_equal(end, BURST_STAYS);
		assert_int_not_equal(end, BURST_PUNTED);
	}
	// the NIC looked already
	pkt = plain();
	support_packet_ip4(pkt)->hdr_checksum ^= 1;
	pkt->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	assert_int_equal(run(pkt), BURST_STAYS);
}

static void test_ip4_check_punts_options(void **state)
{
	struct support_packet packet = {.src = SRC, .dst = DST, .n_option_words = 1};

	(void)state;
	assert_int_equal(run(support_packet_build(pool, &packet)), BURST_PUNTED);
	packet.n_option_words = 10;
	assert_int_equal(run(support_packet_build(pool, &packet)), BURST_PUNTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip4_check_addresses),
		cmocka_unit_test(test_ip4_check_leaves_destination),
		cmocka_unit_test(test_ip4_check_version),
		cmocka_unit_test(test_ip4_check_header_length),
		cmocka_unit_test(test_ip4_check_total_length),
		cmocka_unit_test(test_ip4_check_cuts_padding),
		cmocka_unit_test(test_ip4_check_checksum),
		cmocka_unit_test(test_ip4_check_punts_options),
	};

	support_eal_init(64);
	pool = support_pool_create("ip4_check", 255);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
