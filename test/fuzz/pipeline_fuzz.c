/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer: one frame from receive to transmit through every stage. It and each fragment made of it
 * must end exactly once, and give its mbuf back. The first byte of the input says how the frame is split into segments.
 */
#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include <stdlib.h>
#include <string.h>

#include "dataplane/pipeline.h"

#define POOL_PKTS 255u

static struct rte_mempool *pool;
static struct rte_ring *rx_ring, *tx_ring;
static struct port_table ports;
static struct lcore_stats stats;
static uint64_t path_counts[WIRE_PATH_N_KINDS][64];
static const struct path_pkts path_pkts = {
	{path_counts[0], path_counts[1], path_counts[2], path_counts[3]}};
static struct pipeline pipeline;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_true)
{
	if (!is_true)
		abort();
}

static struct rte_ring *make_ring(const char *name)
{
	struct rte_ring *ring =
		rte_ring_create(name, 64, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);

	must(ring != NULL);
	return ring;
}

static void make_port(void)
{
	struct rte_eth_conf conf = {0};
	int eth_id;

	rx_ring = make_ring("rx");
	tx_ring = make_ring("tx");
	eth_id = rte_eth_from_rings("fuzz", &rx_ring, 1, &tx_ring, 1, 0);
	must(eth_id >= 0);
	must(rte_eth_dev_configure((uint16_t)eth_id, 1, 1, &conf) == 0);
	must(rte_eth_rx_queue_setup((uint16_t)eth_id, 0, 0, 0, NULL, pool) == 0);
	must(rte_eth_tx_queue_setup((uint16_t)eth_id, 0, 0, 0, NULL) == 0);
	must(rte_eth_dev_start((uint16_t)eth_id) == 0);
	ports.n = 1;
	ports.port[0] = (struct port){.eth_id = (uint16_t)eth_id,
		.n_rxq = 1,
		.n_txq = 1,
		.is_up = true,
		.complete_checksums = true};
}

static void make_tables(void)
{
	static struct epoch epoch;
	struct fib_config config = {.engine = FIB_ENGINE_LPM, .max_routes = 64, .n_tbl8 = 64};
	struct wire_path path = {.idx = 16, .kind = WIRE_PATH_NATIVE, .mtu = 1400};
	struct wire_path tunnel = {.idx = 17,
		.kind = WIRE_PATH_VXLAN,
		.mtu = 1400,
		.tunnel = {.src = 14u << 24,
			.dst = 15u << 24,
			.vni = 4096,
			.udp_dst = 4789,
			.udp_src_min = 1,
			.udp_src_max = 9,
			.has_udp_checksum = 1}};
	struct wire_path narrow = tunnel;
	struct wire_endpoint ends[] = {
		{.addr = 14u << 24, .kind = WIRE_TUNNEL_IPIP},
		{.addr = 14u << 24, .kind = WIRE_TUNNEL_VXLAN, .udp_port = 4789, .vni = 4096},
	};
	struct wire_source anyone = {0};
	struct wire_group group = {.n_members = 1, .member = {{16, 1}}};
	struct fib_op ops[] = {
		{.prefix = 10u << 24, .depth = 8, .nh = 16},
		{.prefix = 11u << 24, .depth = 8, .nh = WIRE_NH_GROUP},
		{.prefix = 12u << 24, .depth = 8, .nh = WIRE_NH_NO_ROUTE},
		{.prefix = 13u << 24, .depth = 8, .nh = WIRE_NH_PUNT},
		{.prefix = 15u << 24, .depth = 8, .nh = 17},
		{.prefix = 16u << 24, .depth = 8, .nh = 18},
		{.prefix = 17u << 24, .depth = 8, .nh = WIRE_NH_PROBE},
	};
	struct nexthop_table *nexthops;
	struct endpoint_table *endpoints;
	struct fib *fib;

	// the least there is: the most fragments
	narrow.idx = 18;
	narrow.mtu = 68;
	must(epoch_init(&epoch, 1) == 0);
	must(fib_create(&fib, &config, &epoch) == 0);
	must(nexthop_create(&nexthops, 64, 16, SOCKET_ID_ANY, &epoch) == 0);
	must(endpoint_create(&endpoints, &epoch) == 0);
	must(endpoint_set(endpoints, ends, RTE_DIM(ends)) == 0);
	must(endpoint_set_sources(endpoints, &anyone, 1) == 0);
	must(nexthop_path_set(nexthops, &path) == 0);
	must(nexthop_path_set(nexthops, &tunnel) == 0);
	must(nexthop_path_set(nexthops, &narrow) == 0);
	must(nexthop_group_set(nexthops, &group) == 0);
	must(fib_apply(fib, ops, RTE_DIM(ops)) == 0);
	pipeline = (struct pipeline){.fib = fib,
		.nexthops = nexthop_view(nexthops),
		.endpoints = endpoints,
		.ports = &ports,
		.to_kernel = make_ring("punt"),
		.to_icmp = make_ring("icmp"),
		.answerer = {.fib = fib,
			.nexthops = nexthop_view(nexthops),
			.heard = rte_ring_create_elem("heard", sizeof(struct probe_heard), 64,
				SOCKET_ID_ANY, 0),
			// without a limit
			.answers = {.depth_cycles = 1}},
		.stats = &stats,
		.path_pkts = &path_pkts};
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char *const words[] = {"--no-huge", "--no-shconf", "--no-pci",
		"--no-telemetry", "-m256", "--lcores=0", "--log-level=lib.*:3"};
	char *args[RTE_DIM(words) + 2] = {(*argv)[0]};

	(void)argc;
	for (unsigned i = 0; i < RTE_DIM(words); i++)
		args[i + 1] = strdup(words[i]);
	must(rte_eal_init(RTE_DIM(words) + 1, args) >= 0);
	pool = rte_pktmbuf_pool_create("fuzz", POOL_PKTS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
		SOCKET_ID_ANY);
	must(pool != NULL);
	make_port();
	make_tables();
	return 0;
}

static struct rte_mbuf *segment(const uint8_t *data, size_t size)
{
	struct rte_mbuf *seg = rte_pktmbuf_alloc(pool);
	char *room;

	must(seg != NULL);
	room = rte_pktmbuf_append(seg, (uint16_t)size);
	must(room != NULL);
	memcpy(room, data, size);
	return seg;
}

static unsigned empty_ring(struct rte_ring *ring)
{
	struct rte_mbuf *pkt;
	unsigned n = 0;

	for (; rte_ring_dequeue(ring, (void **)&pkt) == 0; n++)
		rte_pktmbuf_free(pkt);
	return n;
}

static unsigned empty_heard(void)
{
	struct probe_heard heard;
	unsigned n = 0;

	for (; rte_ring_dequeue_elem(pipeline.answerer.heard, &heard, sizeof(heard)) == 0; n++)
		rte_pktmbuf_free(heard.pkt);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rte_mbuf *pkt;
	uint64_t n_dropped = 0;
	unsigned n_punted;
	size_t first;

	if (size < 2 || size > 2000)
		return 0;
	first = 1 + data[0] % (size - 1);
	pkt = segment(data + 1, first);
	if (first < size - 1)
		must(rte_pktmbuf_chain(pkt, segment(data + 1 + first, size - 1 - first)) == 0);

	stats = (struct lcore_stats){0};
	must(rte_ring_enqueue(rx_ring, pkt) == 0);
	must(pipeline.answerer.heard != NULL);
	must(pipeline_run(&pipeline, &ports.port[0], 0) == 1);
	must(empty_ring(tx_ring) == stats.tx_pkts);
	n_punted = empty_ring(pipeline.to_kernel) + empty_heard();
	empty_ring(pipeline.to_icmp);
	for (unsigned reason = 0; reason < DROP_N_REASONS; reason++)
		n_dropped += stats.drop_pkts[reason];
	must(stats.tx_pkts + n_punted + n_dropped == 1 + stats.made_pkts);
	must(rte_mempool_avail_count(pool) == POOL_PKTS);
	return 0;
}
