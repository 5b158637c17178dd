/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From XDP's mark on a tunnel packet to the kernel: decap keeps the mark, translated acts on it.
 */
#include "test/unit/support.h"

#include <string.h>

#include "dataplane/stage/decap.h"
#include "dataplane/stage/ip4_check.h"
#include "dataplane/stage/translated.h"

/* RTE_IPV4() shifts an int, which UBSan reports above 127. */
#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

#define OUR_NODE IP4(192, 168, 1, 10)
#define THE_NODE IP4(192, 168, 1, 11)

static struct rte_mempool *pool;

/* IPIP with an inner packet whose ident is @ident, in a frame from @src_mac. */
static struct rte_mbuf *tunnel_packet(const uint8_t src_mac[6], uint16_t ident)
{
	struct support_packet inner = {.src = IP4(10, 244, 1, 10),
		.dst = IP4(10, 244, 0, 10),
		.ident = ident,
		.payload_bytes = 9};
	struct support_packet outer = {.src = THE_NODE, .dst = OUR_NODE, .proto = IPPROTO_IPIP};
	struct rte_mbuf *inside = support_packet_build(pool, &inner), *pkt;

	memcpy(outer.src_mac, src_mac, sizeof(outer.src_mac));
	outer.payload_bytes = (uint16_t)(inside->pkt_len - RTE_ETHER_HDR_LEN);
	pkt = support_packet_build(pool, &outer);
	memcpy(support_packet_ip4(pkt) + 1, support_packet_ip4(inside), outer.payload_bytes);
	rte_pktmbuf_free(inside);
	return pkt;
}

static uint16_t ident_of(struct rte_mbuf *pkt)
{
	return rte_be_to_cpu_16(support_packet_ip4(pkt)->packet_id);
}

static void test_translated_punts_what_is_marked(void **state)
{
	static const uint8_t macs[][6] = {
		{2, 0x71, 0, 0, 0, 0},
		{2, 0x71, 0, 0, 0, 1},
		{2, 0, 0, 0, 0, 0xb},
		{2, 0x71, 0, 0, 0, 0},
		{0},
	};
	struct wire_endpoint end = {.addr = OUR_NODE, .kind = WIRE_TUNNEL_IPIP};
	struct wire_source source = {.prefix = THE_NODE, .depth = 32};
	struct burst burst = {.n = 0}, inner = {.n = 0};
	struct endpoint_table *endpoints;
	struct epoch epoch;

	(void)state;
	assert_int_equal(epoch_init(&epoch, 1), 0);
	assert_int_equal(endpoint_create(&endpoints, &epoch), 0);
	assert_int_equal(endpoint_set(endpoints, &end, 1), 0);
	assert_int_equal(endpoint_set_sources(endpoints, &source, 1), 0);
	for (unsigned i = 0; i < RTE_DIM(macs); i++) {
		burst_add(&burst, tunnel_packet(macs[i], (uint16_t)i));
		burst.pkt[i]->hash.fdir.hi = 77; // what a driver left
	}
	ip4_check(&burst);
	decap(&burst, &inner, endpoint_view(endpoints), DECAP_VERIFY);
	ip4_check(&inner);
	translated(&inner);

	assert_int_equal(inner.n, 3);
	assert_int_equal(inner.n_punt, 2);
	assert_int_equal(ident_of(inner.punt[0]), 0);
	assert_int_equal(ident_of(inner.punt[1]), 3);
	for (unsigned i = 0; i < 3; i++) {
		static const uint16_t idents[] = {1, 2, 4};

		assert_int_equal(ident_of(inner.pkt[i]), idents[i]);
		assert_int_equal(inner.dst[i], IP4(10, 244, 0, 10));
	}
	rte_pktmbuf_free_bulk(inner.pkt, inner.n);
	rte_pktmbuf_free_bulk(inner.punt, inner.n_punt);
	endpoint_free(endpoints);
	epoch_fini(&epoch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_translated_punts_what_is_marked),
	};

	support_eal_init(64);
	pool = support_pool_create("translated", 255);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
