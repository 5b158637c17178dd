/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole walk, on ports made of rings: two ports, a FIB, and what comes out where.
 */
#include "test/unit/support.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include <string.h>

#include "dataplane/pipeline.h"

#define N_PORTS	  2u
#define POOL_PKTS 1023u
#define RING_PKTS 256u

#define ADDR_VIA_PORT1 RTE_IPV4(10, 244, 1, 10)
#define ADDR_GROUP     RTE_IPV4(10, 244, 2, 10)
#define ADDR_NO_ROUTE  RTE_IPV4(10, 244, 3, 10)
#define ADDR_BLACKHOLE RTE_IPV4(10, 244, 4, 10)
#define ADDR_NARROW    RTE_IPV4(10, 244, 5, 10) /* behind a path with an MTU of 100 */
#define ADDR_OTHER_HOP RTE_IPV4(10, 244, 6, 10) /* by port 1, too */
#define ADDR_OWN       RTE_IPV4(192u, 168, 1, 10)
#define ADDR_UNKNOWN   RTE_IPV4(8, 8, 8, 8)

static const uint8_t port_mac[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t hop_mac[2][6] = {{2, 0, 0, 0, 1, 0}, {2, 0, 0, 0, 1, 1}};

static struct rte_mempool *pool;
static struct rte_ring *rx_ring[N_PORTS], *tx_ring[N_PORTS];
static struct port_table ports;
static struct epoch epoch;
static struct nexthop_table *nexthops;
static struct endpoint_table *endpoints;
static struct fib *fib;
static struct lcore_stats stats;
static uint64_t path_counts[WIRE_PATH_N_KINDS][64];
static const struct path_pkts path_pkts = {
	{path_counts[0], path_counts[1], path_counts[2], path_counts[3]}};
static struct pipeline pipeline;

static struct rte_ring *make_ring(const char *name, unsigned i)
{
	char full[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(full, sizeof(full), "%s%u", name, i);
	ring = rte_ring_create(full, RING_PKTS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	assert_non_null(ring);
	return ring;
}

static void make_port(unsigned i)
{
	struct rte_eth_conf conf = {0};
	char name[16];
	int eth_id;

	rx_ring[i] = make_ring("rx", i);
	tx_ring[i] = make_ring("tx", i);
	snprintf(name, sizeof(name), "port%u", i);
	eth_id = rte_eth_from_rings(name, &rx_ring[i], 1, &tx_ring[i], 1, 0);
	assert_true(eth_id >= 0);
	assert_int_equal(rte_eth_dev_configure((uint16_t)eth_id, 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup((uint16_t)eth_id, 0, 0, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_tx_queue_setup((uint16_t)eth_id, 0, 0, 0, NULL), 0);
	assert_int_equal(rte_eth_dev_start((uint16_t)eth_id), 0);
	ports.port[i] = (struct port){.idx = (uint16_t)i,
		.eth_id = (uint16_t)eth_id,
		.n_rxq = 1,
		.n_txq = 1,
		.is_up = true};
	memcpy(ports.port[i].mac.addr_bytes, port_mac, 6);
	ports.n++;
}

static void set_path(uint32_t idx, uint16_t port, uint16_t mtu)
{
	struct wire_path path = {.idx = idx,
		.kind = WIRE_PATH_NATIVE,
		.port = port,
		.mtu = mtu,
		.nexthop = idx};

	memcpy(path.dst_mac, hop_mac[port], 6);
	memcpy(path.src_mac, port_mac, 6);
	assert_int_equal(nexthop_path_set(nexthops, &path), 0);
}

static void set_route(uint32_t prefix, uint8_t depth, uint32_t nh)
{
	struct fib_op op = {.prefix = prefix, .depth = depth, .nh = nh, .kind = FIB_OP_SET};

	assert_int_equal(fib_apply(fib, &op, 1), 0);
}

static int setup(void **state)
{
	struct fib_config config = {.engine = FIB_ENGINE_LPM, .max_routes = 64, .n_tbl8 = 64};
	struct wire_group group = {.idx = 3, .n_members = 2, .member = {{16, 1}, {17, 1}}};

	(void)state;
	make_port(0);
	make_port(1);
	assert_int_equal(epoch_init(&epoch, 1), 0);
	assert_int_equal(fib_create(&fib, &config, &epoch), 0);
	assert_int_equal(nexthop_create(&nexthops, 64, 16, SOCKET_ID_ANY, &epoch), 0);
	assert_int_equal(endpoint_create(&endpoints, &epoch), 0);
	set_path(16, 0, 1500);
	set_path(17, 1, 1500);
	set_path(18, 1, 100);
	set_path(19, 1, 1500);
	assert_int_equal(nexthop_group_set(nexthops, &group), 0);
	set_route(RTE_IPV4(10, 244, 0, 0), 16, WIRE_NH_NO_ROUTE);
	set_route(RTE_IPV4(10, 244, 1, 0), 26, 17);
	set_route(RTE_IPV4(10, 244, 2, 0), 26, 3 | WIRE_NH_GROUP);
	set_route(RTE_IPV4(10, 244, 4, 0), 26, WIRE_NH_BLACKHOLE);
	set_route(RTE_IPV4(10, 244, 5, 0), 26, 18);
	set_route(RTE_IPV4(10, 244, 6, 0), 26, 19);
	set_route(ADDR_OWN, 32, WIRE_NH_PUNT);
	pipeline = (struct pipeline){.fib = fib,
		.nexthops = nexthop_view(nexthops),
		.endpoints = endpoints,
		.ports = &ports,
		.to_kernel = make_ring("punt", 0),
		.to_icmp = make_ring("icmp", 0),
		.stats = &stats,
		.path_pkts = &path_pkts};
	return 0;
}

static struct rte_mbuf *build_sized(uint32_t dst, uint16_t src_port, uint8_t ttl, uint16_t bytes)
{
	struct support_packet packet = {.src = RTE_IPV4(10, 244, 0, 10),
		.dst = dst,
		.src_port = src_port,
		.dst_port = 80,
		.ttl = ttl,
		.payload_bytes = bytes};

	memcpy(packet.dst_mac, port_mac, 6);
	return support_packet_build(pool, &packet);
}

static struct rte_mbuf *build(uint32_t dst, uint16_t src_port, uint8_t ttl)
{
	return build_sized(dst, src_port, ttl, 30);
}

/* Everything in a ring, freed. Returns: how many. */
static unsigned empty_ring(struct rte_ring *ring)
{
	struct rte_mbuf *pkt;
	unsigned n = 0;

	for (; rte_ring_dequeue(ring, (void **)&pkt) == 0; n++)
		rte_pktmbuf_free(pkt);
	return n;
}

static void send_in(struct rte_mbuf *pkt)
{
	assert_int_equal(rte_ring_enqueue(rx_ring[0], pkt), 0);
	assert_int_equal(pipeline_run(&pipeline, &ports.port[0], 0), 1);
}

static void test_pipeline_forwards(void **state)
{
	struct rte_mbuf *pkt = NULL;
	struct rte_ether_hdr *eth;

	(void)state;
	send_in(build(ADDR_VIA_PORT1, 1000, 64));
	assert_int_equal(rte_ring_dequeue(tx_ring[1], (void **)&pkt), 0);
	eth = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *);
	assert_memory_equal(&eth->dst_addr, hop_mac[1], 6);
	assert_memory_equal(&eth->src_addr, port_mac, 6);
	assert_int_equal(eth->ether_type, RTE_BE16(RTE_ETHER_TYPE_IPV4));
	assert_int_equal(support_packet_ip4(pkt)->time_to_live, 63);
	assert_int_equal(rte_raw_cksum(support_packet_ip4(pkt), 20), 0xffff);
	assert_int_equal(pkt->pkt_len, 14 + 20 + 8 + 30);
	rte_pktmbuf_free(pkt);
}

/* However few came: what a turn takes in has left when the turn ends, it waits for no others. */
static void test_pipeline_holds_nothing_back(void **state)
{
	(void)state;
	for (uint16_t n = 1; n <= BURST_MAX; n++) {
		for (uint16_t i = 0; i < n; i++)
			assert_int_equal(rte_ring_enqueue(rx_ring[0], build(ADDR_VIA_PORT1, i, 64)),
				0);
		assert_int_equal(pipeline_run(&pipeline, &ports.port[0], 0), n);
		assert_int_equal(empty_ring(tx_ring[1]), n);
	}
}

static void test_pipeline_ends(void **state)
{
	(void)state;
	send_in(build(ADDR_OWN, 1, 64));
	send_in(build(ADDR_UNKNOWN, 1, 64));
	send_in(build(ADDR_VIA_PORT1, 1, 1)); // TTL expires: the kernel answers
	assert_int_equal(empty_ring(pipeline.to_kernel), 3);
	send_in(build(ADDR_BLACKHOLE, 1, 64));
	assert_int_equal(empty_ring(pipeline.to_icmp), 0); // silent
	send_in(build(ADDR_NO_ROUTE, 1, 64));
	assert_int_equal(empty_ring(pipeline.to_icmp), 1);
	assert_int_equal(stats.drop_pkts[DROP_BLACKHOLE], 1);
	assert_int_equal(stats.drop_pkts[DROP_NO_ROUTE], 1);
	assert_int_equal(empty_ring(tx_ring[0]) + empty_ring(tx_ring[1]), 0);
}

/* A flow stays on its member; many flows use both, about evenly. */
static void test_pipeline_ecmp(void **state)
{
	unsigned n[N_PORTS] = {0};

	(void)state;
	memset(path_counts, 0, sizeof(path_counts));
	for (uint16_t flow = 1; flow <= 1000; flow++) {
		unsigned first;

		send_in(build(ADDR_GROUP, flow, 64));
		first = empty_ring(tx_ring[0]);
		assert_int_equal(first + empty_ring(tx_ring[1]), 1);
		send_in(build(ADDR_GROUP, flow, 64));
		assert_int_equal(empty_ring(tx_ring[0]), first);
		assert_int_equal(empty_ring(tx_ring[1]), 1 - first);
		n[first]++;
	}
	assert_true(n[0] > 400 && n[1] > 400);
	assert_int_equal(path_counts[WIRE_PATH_NATIVE][16], 2 * n[1]);
	assert_int_equal(path_counts[WIRE_PATH_NATIVE][17], 2 * n[0]);
}

static void test_pipeline_keeps_order(void **state)
{
	struct rte_mbuf *pkt;
	uint16_t expected[N_PORTS] = {0};

	(void)state;
	for (uint16_t i = 0; i < BURST_MAX; i++)
		assert_int_equal(rte_ring_enqueue(rx_ring[0],
					 build(i % 3 == 0 ? ADDR_VIA_PORT1 : ADDR_GROUP,
						 (uint16_t)(100 + i), 64)),
			0);
	assert_int_equal(pipeline_run(&pipeline, &ports.port[0], 0), BURST_MAX);
	for (unsigned p = 0; p < N_PORTS; p++) {
		while (rte_ring_dequeue(tx_ring[p], (void **)&pkt) == 0) {
			uint16_t port;

			memcpy(&port, support_packet_ip4(pkt) + 1, 2);
			assert_true(rte_be_to_cpu_16(port) > expected[p]);
			expected[p] = rte_be_to_cpu_16(port);
			rte_pktmbuf_free(pkt);
		}
	}
}

/* A full burst of packets with thirteen fragments each: more than a burst holds, all in order. */
static void test_pipeline_fragments(void **state)
{
	struct rte_mbuf *pkt;
	unsigned n = 0;

	(void)state;
	stats = (struct lcore_stats){0};
	for (uint16_t i = 0; i < 16; i++)
		assert_int_equal(
			rte_ring_enqueue(rx_ring[0], build_sized(ADDR_NARROW, i, 64, 1000)), 0);
	assert_int_equal(pipeline_run(&pipeline, &ports.port[0], 0), 16);
	for (; rte_ring_dequeue(tx_ring[1], (void **)&pkt) == 0; n++) {
		const struct rte_ipv4_hdr *ip = support_packet_ip4(pkt);
		unsigned at = rte_be_to_cpu_16(ip->fragment_offset);

		assert_memory_equal(rte_pktmbuf_mtod(pkt, void *), hop_mac[1], 6);
		assert_int_equal(ip->time_to_live, 63);
		assert_int_equal(at, n % 13 * 10 | (n % 13 == 12 ? 0 : RTE_IPV4_HDR_MF_FLAG));
		if (n % 13 == 0)
			assert_int_equal(rte_be_to_cpu_16(
						 *(const uint16_t *)(const void *)(ip + 1)),
				n / 13);
		rte_pktmbuf_free(pkt);
	}
	assert_int_equal(n, 16 * 13);
	assert_int_equal(stats.tx_pkts, 16 * 13);
	assert_int_equal(stats.made_pkts, 16 * 12);
	assert_int_equal(empty_ring(pipeline.to_kernel), 0);
	assert_int_equal(rte_mempool_avail_count(pool), POOL_PKTS);
}

static void test_pipeline_too_big(void **state)
{
	struct rte_mbuf *pkt = build_sized(ADDR_NARROW, 1, 64, 1000);
	struct rte_mbuf *told = NULL;

	(void)state;
	stats = (struct lcore_stats){0};
	support_packet_ip4(pkt)->fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG);
	support_packet_fix_checksum(pkt);
	send_in(pkt);
	assert_int_equal(rte_ring_dequeue(pipeline.to_icmp, (void **)&told), 0);
	assert_int_equal(told->hash.usr, 100);
	assert_int_equal(support_packet_ip4(told)->time_to_live, 64); // quoted as it came
	rte_pktmbuf_free(told);
	assert_int_equal(stats.drop_pkts[DROP_TOO_BIG], 1);
	assert_int_equal(stats.made_pkts + stats.tx_pkts, 0);
	send_in(build_sized(ADDR_NARROW, 1, 1, 1000)); // TTL first: no fragments of what expires
	assert_int_equal(empty_ring(pipeline.to_kernel), 1);
}

/* Tunnel packets in fragments: the kernel puts them together, whatever a fragment begins with. */
static void test_pipeline_outer_fragments(void **state)
{
	static const uint16_t fragments[] = {RTE_IPV4_HDR_MF_FLAG, RTE_IPV4_HDR_MF_FLAG | 100, 100};
	struct wire_endpoint ends[] = {{.addr = ADDR_OWN, .kind = WIRE_TUNNEL_IPIP},
		{.addr = ADDR_OWN, .kind = WIRE_TUNNEL_VXLAN, .udp_port = 80, .vni = 4096}};
	struct wire_source anyone = {0};

	(void)state;
	assert_int_equal(endpoint_set(endpoints, ends, RTE_DIM(ends)), 0);
	assert_int_equal(endpoint_set_sources(endpoints, &anyone, 1), 0);
	for (unsigned i = 0; i < 2 * RTE_DIM(fragments); i++) {
		struct rte_mbuf *pkt = build_sized(ADDR_OWN, 1, 64, 1000);
		struct rte_ipv4_hdr *ip = support_packet_ip4(pkt);

		ip->fragment_offset = rte_cpu_to_be_16(fragments[i / 2]);
		ip->next_proto_id = i % 2 == 0 ? IPPROTO_IPIP : IPPROTO_UDP;
		support_packet_fix_checksum(pkt);
		send_in(pkt);
		assert_int_equal(empty_ring(pipeline.to_kernel), 1);
	}
	assert_int_equal(endpoint_set(endpoints, NULL, 0), 0);
}

static void test_pipeline_port_down(void **state)
{
	uint64_t before = stats.drop_pkts[DROP_PORT_DOWN];

	(void)state;
	ports.port[1].is_up = false;
	send_in(build(ADDR_VIA_PORT1, 1, 64));
	ports.port[1].is_up = true;
	assert_int_equal(stats.drop_pkts[DROP_PORT_DOWN], before + 1);
}

/* What was sent counts, by the path's kind of that time; what the port did not take does not. */
static void test_pipeline_counts_paths(void **state)
{
	struct wire_path unresolved = {.idx = 17, .kind = WIRE_PATH_PUNT, .nexthop = 17};

	(void)state;
	memset(path_counts, 0, sizeof(path_counts));
	for (uint16_t i = 0; i < 3; i++)
		send_in(build(ADDR_VIA_PORT1, 1, 64));
	ports.port[1].is_up = false;
	send_in(build(ADDR_VIA_PORT1, 1, 64));
	ports.port[1].is_up = true;
	send_in(build(ADDR_VIA_PORT1, 1, 1)); // TTL
	assert_int_equal(path_counts[WIRE_PATH_NATIVE][17], 3);
	assert_int_equal(path_counts[WIRE_PATH_PUNT][17], 0);
	assert_int_equal(nexthop_path_set(nexthops, &unresolved), 0);
	send_in(build(ADDR_VIA_PORT1, 1, 64));
	set_path(17, 1, 1500);
	assert_int_equal(path_counts[WIRE_PATH_NATIVE][17], 3);
	assert_int_equal(path_counts[WIRE_PATH_PUNT][17], 1);
	assert_int_equal(path_counts[WIRE_PATH_NATIVE][16], 0);
	empty_ring(pipeline.to_kernel);
	empty_ring(tx_ring[1]);
}

/* Packets of one burst that differ in nothing but their next hop. */
static void test_pipeline_counts_paths_of_a_burst(void **state)
{
	(void)state;
	memset(path_counts, 0, sizeof(path_counts));
	for (uint16_t i = 0; i < BURST_MAX; i++)
		assert_int_equal(
			rte_ring_enqueue(rx_ring[0],
				build(i % 4 == 3 ? ADDR_OTHER_HOP : ADDR_VIA_PORT1, i, 64)),
			0);
	assert_int_equal(pipeline_run(&pipeline, &ports.port[0], 0), BURST_MAX);
	assert_int_equal(path_counts[WIRE_PATH_NATIVE][17], BURST_MAX - BURST_MAX / 4);
	assert_int_equal(path_counts[WIRE_PATH_NATIVE][19], BURST_MAX / 4);
	assert_int_equal(empty_ring(tx_ring[1]), BURST_MAX);
}

/* Those that stay move up to where others ended; fragments count for the path they take. */
static void test_pipeline_counts_paths_of_what_is_left(void **state)
{
	(void)state;
	memset(path_counts, 0, sizeof(path_counts));
	for (uint16_t i = 0; i < BURST_MAX; i++)
		assert_int_equal(rte_ring_enqueue(rx_ring[0],
					 build(i % 2 == 0 ? ADDR_VIA_PORT1 : ADDR_OTHER_HOP, i,
						 i % 2 == 0 ? 1 : 64)),
			0);
	assert_int_equal(pipeline_run(&pipeline, &ports.port[0], 0), BURST_MAX);
	assert_int_equal(path_counts[WIRE_PATH_NATIVE][17], 0);
	assert_int_equal(path_counts[WIRE_PATH_NATIVE][19], BURST_MAX / 2);
	assert_int_equal(empty_ring(pipeline.to_kernel), BURST_MAX / 2);
	assert_int_equal(empty_ring(tx_ring[1]), BURST_MAX / 2);

	set_path(17, 1, 576);
	set_path(19, 1, 576);
	assert_int_equal(rte_ring_enqueue(rx_ring[0], build_sized(ADDR_VIA_PORT1, 1, 64, 600)), 0);
	assert_int_equal(rte_ring_enqueue(rx_ring[0], build_sized(ADDR_OTHER_HOP, 1, 64, 1500)), 0);
	assert_int_equal(pipeline_run(&pipeline, &ports.port[0], 0), 2);
	set_path(17, 1, 1500);
	set_path(19, 1, 1500);
	assert_int_equal(path_counts[WIRE_PATH_NATIVE][17], 2);
	assert_int_equal(path_counts[WIRE_PATH_NATIVE][19], BURST_MAX / 2 + 3);
	assert_int_equal(empty_ring(tx_ring[1]), 5);
}

static void damage(struct rte_mbuf *pkt, uint64_t *random)
{
	uint8_t *bytes = rte_pktmbuf_mtod(pkt, uint8_t *);

	for (unsigned i = 0; i < support_random(random) % 4; i++)
		bytes[support_random(random) % 40] ^= (uint8_t)support_random(random);
	if (support_random(random) % 4 == 0)
		support_packet_fix_checksum(pkt);
	if (support_random(random) % 4 == 0)
		rte_pktmbuf_trim(pkt, (uint16_t)(support_random(random) % pkt->pkt_len));
}

/* Broken packets of every kind: each ends exactly once, the sums agree, no mbuf is lost. */
static void test_pipeline_account(void **state)
{
	static const uint32_t dsts[] = {ADDR_VIA_PORT1, ADDR_GROUP, ADDR_NO_ROUTE, ADDR_BLACKHOLE,
		ADDR_OWN, ADDR_UNKNOWN, ADDR_NARROW};
	uint64_t random = 42;
	uint64_t n_punted = 0;
	uint64_t n_dropped = 0;

	(void)state;
	stats = (struct lcore_stats){0};
	ports.port[0].complete_checksums = true;
	for (unsigned i = 0; i < 100000; i++) {
		struct rte_mbuf *pkt = build_sized(dsts[i % RTE_DIM(dsts)], (uint16_t)i, 64,
			(uint16_t)(support_random(&random) % 400));

		damage(pkt, &random);
		send_in(pkt);
		empty_ring(tx_ring[0]);
		empty_ring(tx_ring[1]);
		empty_ring(pipeline.to_icmp);
		n_punted += empty_ring(pipeline.to_kernel);
	}
	for (unsigned reason = 0; reason < DROP_N_REASONS; reason++)
		n_dropped += stats.drop_pkts[reason];
	assert_int_equal(stats.rx_pkts, 100000);
	assert_int_equal(stats.rx_pkts + stats.made_pkts, stats.tx_pkts + n_punted + n_dropped);
	assert_true(stats.tx_pkts > 10000 && n_punted > 1000 && stats.made_pkts > 10000);
	assert_true(stats.drop_pkts[DROP_TRUNCATED] > 0 && stats.drop_pkts[DROP_BAD_CHECKSUM] > 0);
	assert_int_equal(rte_mempool_avail_count(pool), POOL_PKTS);
}

static int teardown(void **state)
{
	(void)state;
	fib_free(fib);
	nexthop_free(nexthops);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipeline_forwards),
		cmocka_unit_test(test_pipeline_holds_nothing_back),
		cmocka_unit_test(test_pipeline_ends),
		cmocka_unit_test(test_pipeline_ecmp),
		cmocka_unit_test(test_pipeline_keeps_order),
		cmocka_unit_test(test_pipeline_fragments),
		cmocka_unit_test(test_pipeline_too_big),
		cmocka_unit_test(test_pipeline_outer_fragments),
		cmocka_unit_test(test_pipeline_port_down),
		cmocka_unit_test(test_pipeline_counts_paths),
		cmocka_unit_test(test_pipeline_counts_paths_of_a_burst),
		cmocka_unit_test(test_pipeline_counts_paths_of_what_is_left),
		cmocka_unit_test(test_pipeline_account),
	};

	support_eal_init(256);
	pool = support_pool_create("pipeline", POOL_PKTS);
	return cmocka_run_group_tests(tests, setup, teardown);
}
