/* SPDX-License-Identifier: BSD-3-Clause */
/* What a driver has to say of packets whose checksums its device is to finish. */
#include "test/unit/support.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include <stdio.h>
#include <string.h>

#include "dataplane/stage/tx.h"
#include "dataplane/table/adjacency.h"

#define RING_PKTS     64u
#define REFUSED_BYTES 77u
#define N_PATHS	      2u
#define OTHER	      0u /* port numbers */
#define DEVICE	      1u

static struct rte_mempool *pool;
static struct rte_ring *tx_ring[2];
static struct port_table ports = {.n = 2};
static struct lcore_stats stats;
static uint64_t path_counts[WIRE_PATH_N_KINDS][N_PATHS];
static const struct path_pkts path_pkts = {
	{path_counts[0], path_counts[1], path_counts[2], path_counts[3]}};
static unsigned n_asked;

/* As drivers do: a burst ends before the first one that they refuse. */
static uint16_t refuse_some(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t i = 0;

	(void)queue;
	while (i < n && pkts[i]->pkt_len != REFUSED_BYTES)
		i++;
	n_asked += i < n ? i + 1u : i;
	return i;
}

static void make_port(uint16_t i)
{
	struct rte_eth_conf conf = {0};
	struct port *port = &ports.port[i];
	char name[16];

	snprintf(name, sizeof(name), "tx%u", i);
	tx_ring[i] = rte_ring_create(name, RING_PKTS, SOCKET_ID_ANY, 0);
	assert_non_null(tx_ring[i]);
	*port = (struct port){.idx = i, .n_txq = 1, .is_up = true, .finishes_l4 = i == DEVICE};
	port->eth_id = (uint16_t)rte_eth_from_rings(name, &tx_ring[i], 1, &tx_ring[i], 1, 0);
	assert_int_equal(rte_eth_dev_configure(port->eth_id, 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(port->eth_id, 0, 0, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_tx_queue_setup(port->eth_id, 0, 0, 0, NULL), 0);
	assert_int_equal(rte_eth_dev_start(port->eth_id), 0);
	rte_eth_fp_ops[port->eth_id].tx_pkt_prepare = refuse_some;
}

/* What a burst is, and where all of it or every second packet goes. */
struct journey {
	bool is_uniform, is_one_path, has_unfinished;
	uint16_t port[2];
};

/* Number @i has the i-th path of its port in turn; those of @refused have a length of their own. */
static void send_burst(struct burst *burst, const struct journey *journey, uint32_t refused)
{
	static struct adjacency adjacencies[N_PATHS];

	*burst = (struct burst){.is_uniform = journey->is_uniform,
		.is_one_path = journey->is_one_path,
		.has_unfinished = journey->has_unfinished};
	for (uint16_t path = 0; path < N_PATHS; path++)
		adjacencies[path] = (struct adjacency){.kind = ADJACENCY_NATIVE,
			.port = journey->port[path],
			.hdr_len = RTE_ETHER_HDR_LEN};
	for (unsigned i = 0; i < BURST_MAX; i++) {
		struct rte_mbuf *pkt = rte_pktmbuf_alloc(pool);

		assert_non_null(rte_pktmbuf_append(pkt,
			(uint16_t)(refused >> i & 1 ? REFUSED_BYTES : 100 + i)));
		burst->path[i] = journey->is_one_path ? 0 : i % N_PATHS;
		burst->adjacency[i] = &adjacencies[burst->path[i]];
		burst_add(burst, pkt);
	}
	stats = (struct lcore_stats){0};
	memset(path_counts, 0, sizeof(path_counts));
	n_asked = 0;
	tx(burst, &ports, 0, &stats, &path_pkts);
	assert_int_equal(burst->n, 0);
}

/* Everything that came out of a port. Returns: which of the burst, a bit for each */
static uint32_t collect(unsigned port)
{
	uint32_t found = 0, n_bytes = 0, n = 0;
	struct rte_mbuf *pkt = NULL;

	for (; rte_ring_dequeue(tx_ring[port], (void **)&pkt) == 0; n++) {
		// in order
		if (pkt->pkt_len != REFUSED_BYTES) {
			assert_int_equal(found >> (pkt->pkt_len - 100), 0);
			found |= UINT32_C(1) << (pkt->pkt_len - 100);
		}
		n_bytes += pkt->pkt_len;
		rte_pktmbuf_free(pkt);
	}
	assert_int_equal(stats.port[port].tx_pkts, n);
	assert_int_equal(stats.port[port].tx_bytes, n_bytes);
	return found;
}

static unsigned free_drops(struct burst *burst, enum drop_reason reason)
{
	unsigned n = burst->n_drop;

	for (unsigned i = 0; i < n; i++)
		assert_int_equal(burst->reason[i], reason);
	rte_pktmbuf_free_bulk(burst->drop, n);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
	return n;
}

/* Its no ends those packets alone, by name; the others are sent, and counted for their paths. */
static void test_tx_counts_what_is_refused(void **state)
{
	static const uint32_t patterns[] = {0, 1, UINT32_C(1) << 31, 0x80000001, 0x00f0f00f,
		0xaaaaaaaa, 0x55555555, UINT32_MAX};
	static const struct journey kinds[] = {{true, true, true, {DEVICE, DEVICE}},
		{true, false, true, {DEVICE, DEVICE}}, {false, false, true, {DEVICE, DEVICE}},
		{false, false, true, {DEVICE, OTHER}}};
	struct burst burst;

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(kinds) * RTE_DIM(patterns); i++) {
		const struct journey *kind = &kinds[i / RTE_DIM(patterns)];
		const uint32_t of_device = kind->port[1] == DEVICE ? UINT32_MAX : 0x55555555;
		const uint32_t refused = patterns[i % RTE_DIM(patterns)];
		const uint32_t sent = of_device & ~refused;
		const uint32_t first = kind->is_one_path ? UINT32_MAX : 0x55555555;

		send_burst(&burst, kind, refused);
		assert_int_equal(n_asked, __builtin_popcount(of_device));
		assert_int_equal(collect(DEVICE), sent);
		assert_int_equal(collect(OTHER), ~of_device & ~refused);
		assert_int_equal(path_counts[WIRE_PATH_NATIVE][0],
			__builtin_popcount(sent & first));
		assert_int_equal(path_counts[WIRE_PATH_NATIVE][1],
			__builtin_popcount((sent | ~of_device) & ~first));
		assert_int_equal(free_drops(&burst, DROP_TX_REFUSED),
			__builtin_popcount(of_device & refused));
	}
}

/* A packet in two pieces goes out as it is, but by a device that would send the first one alone. */
static void test_tx_flattens_chains(void **state)
{
	static struct adjacency adjacency = {.kind = ADJACENCY_NATIVE,
		.port = OTHER,
		.hdr_len = RTE_ETHER_HDR_LEN};

	(void)state;
	for (unsigned is_flat = 0; is_flat < 2; is_flat++) {
		struct burst burst = {.is_uniform = true, .has_segments = true};
		struct rte_mbuf *pkt = rte_pktmbuf_alloc(pool), *more = rte_pktmbuf_alloc(pool);

		assert_non_null(rte_pktmbuf_append(pkt, 100));
		assert_non_null(rte_pktmbuf_append(more, 50));
		assert_int_equal(rte_pktmbuf_chain(pkt, more), 0);
		burst.adjacency[0] = &adjacency;
		burst_add(&burst, pkt);
		ports.port[OTHER].sends_flat = is_flat != 0;
		tx(&burst, &ports, 0, &stats, &path_pkts);
		assert_int_equal(rte_ring_dequeue(tx_ring[OTHER], (void **)&pkt), 0);
		assert_int_equal(pkt->nb_segs, is_flat != 0 ? 1 : 2);
		assert_int_equal(pkt->pkt_len, 150);
		rte_pktmbuf_free(pkt);
		assert_int_equal(rte_mempool_in_use_count(pool), 0);
	}
	ports.port[OTHER].sends_flat = false;
}

/* It is not asked of bursts without such packets, nor where we finish them, nor without a link. */
static void test_tx_asks_no_more(void **state)
{
	static const struct journey finished = {true, true, false, {DEVICE, DEVICE}},
				    other = {true, true, true, {OTHER, OTHER}},
				    unfinished = {true, true, true, {DEVICE, DEVICE}};
	struct burst burst;

	(void)state;
	send_burst(&burst, &finished, 0);
	assert_int_equal(n_asked, 0);
	assert_int_equal(collect(DEVICE), UINT32_MAX);
	send_burst(&burst, &other, 0);
	assert_int_equal(n_asked, 0);
	assert_int_equal(collect(OTHER), UINT32_MAX);
	ports.port[DEVICE].is_up = false;
	send_burst(&burst, &unfinished, 0);
	ports.port[DEVICE].is_up = true;
	assert_int_equal(free_drops(&burst, DROP_PORT_DOWN), BURST_MAX);
	assert_int_equal(n_asked, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tx_counts_what_is_refused),
		cmocka_unit_test(test_tx_asks_no_more),
		cmocka_unit_test(test_tx_flattens_chains),
	};

	support_eal_init(64);
	pool = support_pool_create("tx", 255);
	make_port(OTHER);
	make_port(DEVICE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
