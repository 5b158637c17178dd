/* SPDX-License-Identifier: BSD-3-Clause */
/* What is asked of devices that can this and that, and chains of buffers for those that send none. */
#include "test/unit/support.h"

#include <errno.h>
#include <string.h>

#include "dataplane/table/port_offload.h"
#include "dataplane/table/port_send.h"

#define STRIP	RTE_ETH_RX_OFFLOAD_VLAN_STRIP
#define FILTER	RTE_ETH_RX_OFFLOAD_VLAN_FILTER
#define CHAINS	RTE_ETH_RX_OFFLOAD_SCATTER
#define INSERT	RTE_ETH_TX_OFFLOAD_VLAN_INSERT
#define SEGS	RTE_ETH_TX_OFFLOAD_MULTI_SEGS
#define TCP	RTE_ETH_TX_OFFLOAD_TCP_CKSUM
#define UDP	RTE_ETH_TX_OFFLOAD_UDP_CKSUM
#define FIELDS	(RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP)
#define INNER	RTE_ETH_RSS_LEVEL_INNERMOST
#define N_BYTES 3000u

static struct rte_mempool *pool;

static const struct {
	uint64_t rx_can, tx_can, rss_can;
	uint16_t n_queues, vlan, mtu;
	uint32_t flags;
	int ret;
	uint64_t rx, tx, rss;
	bool sends_flat;
} rows[] = {
	// nothing can be had, nothing is asked
	{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, true},
	{0, 0, 0, 4, 100, 1500, 0, 0, 0, 0, 0, true},
	// everything can be had; one port wants little, one all
	{STRIP | FILTER | CHAINS, INSERT | SEGS, FIELDS | INNER, 1, 0, 1500, 0, 0, 0, SEGS, 0,
		false},
	{STRIP | FILTER | CHAINS, INSERT | SEGS, FIELDS | INNER, 2, 100, 1500, RTE_ETH_DEV_INTR_LSC,
		0, STRIP | FILTER, INSERT | SEGS, FIELDS | INNER, false},
	{STRIP, SEGS, FIELDS, 2, 100, 1500, 0, 0, STRIP, SEGS, FIELDS, false},
	// TCP's and UDP's checksums, both or none
	{0, TCP | UDP | SEGS, 0, 1, 0, 1500, 0, 0, 0, TCP | UDP | SEGS, 0, false},
	{0, TCP | SEGS, 0, 1, 0, 1500, 0, 0, 0, SEGS, 0, false},
	{0, UDP | SEGS, 0, 1, 0, 1500, 0, 0, 0, SEGS, 0, false},
	// what is not known to be of use is not asked for
	{RTE_ETH_RX_OFFLOAD_TCP_LRO, RTE_ETH_TX_OFFLOAD_TCP_TSO, RTE_ETH_RSS_MPLS, 2, 0, 0, 0, 0, 0,
		0, 0, true},
	// more than a buffer holds
	{CHAINS, SEGS, 0, 1, 0, 9000, 0, 0, CHAINS, SEGS, 0, false},
	{0, SEGS, 0, 1, 0, 9000, 0, -EMSGSIZE, 0, SEGS, 0, false},
};

static void test_port_choose_offloads_table(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct port_config config = {.mtu = rows[i].mtu, .pool = pool};
		struct port port = {.n_rxq = rows[i].n_queues, .vlan = rows[i].vlan};
		struct rte_eth_dev_info info = {
			.rx_offload_capa = rows[i].rx_can,
			.tx_offload_capa = rows[i].tx_can,
			.flow_type_rss_offloads = rows[i].rss_can,
			.dev_flags = &rows[i].flags,
		};
		struct rte_eth_conf conf = {0};
		int ret = port_choose_offloads(&port, &config, &info, &conf);

		if (ret != rows[i].ret || conf.rxmode.offloads != rows[i].rx ||
			conf.txmode.offloads != rows[i].tx ||
			conf.rx_adv_conf.rss_conf.rss_hf != rows[i].rss)
			fail_msg("row %u: %d %#lx %#lx", i, ret, (long)conf.rxmode.offloads,
				(long)conf.txmode.offloads);
		assert_int_equal(port.sends_flat, rows[i].sends_flat);
		assert_int_equal(port.strips_vlan, (rows[i].rx & STRIP) != 0);
		assert_int_equal(port.inserts_vlan, (rows[i].tx & INSERT) != 0);
		assert_int_equal(port.finishes_l4, (rows[i].tx & TCP) != 0);
		assert_int_equal(conf.intr_conf.lsc, rows[i].flags != 0);
	}
}

/* A packet of two buffers, whose bytes count up; the first has room for what is in the second or not. */
static struct rte_mbuf *make_chain(uint16_t first_bytes, uint16_t second_bytes)
{
	struct rte_mbuf *first = rte_pktmbuf_alloc(pool), *second = rte_pktmbuf_alloc(pool);
	uint8_t *at = (uint8_t *)rte_pktmbuf_append(first, first_bytes);

	for (unsigned i = 0; i < first_bytes; i++)
		at[i] = (uint8_t)i;
	at = (uint8_t *)rte_pktmbuf_append(second, second_bytes);
	for (unsigned i = 0; i < second_bytes; i++)
		at[i] = (uint8_t)(first_bytes + i);
	assert_int_equal(rte_pktmbuf_chain(first, second), 0);
	return first;
}

static void test_port_flatten(void **state)
{
	struct rte_mbuf *pkts[] = {make_chain(60, 1), make_chain(100, 900), rte_pktmbuf_alloc(pool),
		make_chain(2000, 1000), make_chain(60, 1)};

	(void)state;
	assert_int_equal(port_flatten(pkts, RTE_DIM(pkts)), 3);
	assert_int_equal(pkts[0]->nb_segs, 1);
	assert_int_equal(pkts[1]->nb_segs, 1);
	assert_int_equal(pkts[1]->data_len, 1000);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(*rte_pktmbuf_mtod_offset(pkts[1], uint8_t *, i), (uint8_t)i);
	assert_int_equal(pkts[3]->pkt_len, N_BYTES); // has no room, and is whole
	assert_int_equal(pkts[3]->nb_segs, 2);
	rte_pktmbuf_free_bulk(pkts, RTE_DIM(pkts));
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_choose_offloads_table),
		cmocka_unit_test(test_port_flatten),
	};

	support_eal_init(64);
	pool = support_pool_create("offload", 255);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
