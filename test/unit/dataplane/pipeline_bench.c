/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the pipeline costs above moving packets: meson test -C build --benchmark pipeline --verbose
 *
 * Single bursts are timed, and the tenth part that was fastest counts: on a machine that others use
 * too this stays the same to a cycle. Everything is in the cache, on pages of 4 KB, and each burst waits
 * for what it began: in a row, on huge pages and with more than the cache holds, tools/bench times them.
 */
#include "test/unit/support.h"

#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/pipeline_code.h"

#define N_BURSTS  20000u
#define RING_PKTS 64u
#define FRAME_MAX 128u

#define OURS	 RTE_IPV4(172, 16, 0, 1)
#define NODE	 RTE_IPV4(172, 17, 0, 0)
#define POD	 RTE_IPV4(10, 244, 1, 10)
#define N_PATHS	 64u
#define FIRST_NH 16u

enum form { PLAIN, IPIP, VXLAN };

struct row {
	const char *name;
	enum form form;
	uint8_t path; /* enum wire_path_kind */
	uint8_t has_check;
};

static struct rte_mempool *pool;
static struct rte_ring *rx_ring, *tx_ring;
static struct port_table ports;
static struct lcore_stats stats;
static uint64_t path_counts[WIRE_PATH_N_KINDS][128];
static const struct path_pkts path_pkts = {
	{path_counts[0], path_counts[1], path_counts[2], path_counts[3]}};
static struct pipeline pipeline;
static struct epoch epoch;
static struct nexthop_table *nexthops;
static struct endpoint_table *endpoints;
static struct rte_mbuf *pkts[BURST_MAX];
static uint8_t frames[BURST_MAX][FRAME_MAX];
static uint16_t frame_bytes;

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};

static struct wire_path make_path(uint32_t i, uint8_t kind)
{
	struct wire_path path = {.idx = FIRST_NH + i,
		.kind = kind,
		.nexthop = NODE,
		.mtu = 1500,
		.dst_mac = {2, 0, 0, 0, 1, (uint8_t)i}};

	if (kind == WIRE_PATH_NATIVE)
		return path;
	path.tunnel = (struct wire_tunnel){.src = OURS,
		.dst = NODE,
		.vni = 4096,
		.udp_dst = 4789,
		.udp_src_min = 32768,
		.udp_src_max = 60999};
	return path;
}

static void set_tables(const struct row *row)
{
	struct wire_endpoint ends[] = {
		{.addr = OURS, .kind = WIRE_TUNNEL_IPIP, .has_inner_check = row->has_check},
		{.addr = OURS,
			.kind = WIRE_TUNNEL_VXLAN,
			.vni = 4096,
			.udp_port = 4789,
			.has_inner_check = row->has_check},
	};
	struct wire_source nodes = {.prefix = RTE_IPV4(172, 16, 0, 0), .depth = 12};

	for (uint32_t i = 0; i < N_PATHS; i++) {
		struct wire_path path = make_path(i, row->path);

		assert_int_equal(nexthop_path_set(nexthops, &path), 0);
	}
	assert_int_equal(endpoint_set(endpoints, ends, RTE_DIM(ends)), 0);
	assert_int_equal(endpoint_set_sources(endpoints, &nodes, 1), 0);
}

static void make_tables(void)
{
	struct fib_config config = {.engine = FIB_ENGINE_LPM, .max_routes = 256, .n_tbl8 = 64};
	struct fib *fib;

	assert_int_equal(epoch_init(&epoch, 1), 0);
	assert_int_equal(fib_create(&fib, &config, &epoch), 0);
	assert_int_equal(nexthop_create(&nexthops, 128, 16, SOCKET_ID_ANY, &epoch), 0);
	assert_int_equal(endpoint_create(&endpoints, &epoch), 0);
	for (uint32_t i = 0; i < N_PATHS; i++) {
		struct fib_op op = {.prefix = POD + i, .depth = 32, .nh = FIRST_NH + i};

		assert_int_equal(fib_apply(fib, &op, 1), 0);
	}
	pipeline.fib = fib;
	pipeline.nexthops = nexthop_view(nexthops);
	pipeline.endpoints = endpoints;
}

static struct rte_ring *make_ring(const char *name)
{
	struct rte_ring *ring =
		rte_ring_create(name, RING_PKTS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);

	assert_non_null(ring);
	return ring;
}

static void make_port(void)
{
	struct rte_eth_conf conf = {0};
	uint16_t eth_id;

	rx_ring = make_ring("rx");
	tx_ring = make_ring("tx");
	eth_id = (uint16_t)rte_eth_from_rings("bench", &rx_ring, 1, &tx_ring, 1, 0);
	assert_int_equal(rte_eth_dev_configure(eth_id, 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(eth_id, 0, 0, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_tx_queue_setup(eth_id, 0, 0, 0, NULL), 0);
	assert_int_equal(rte_eth_dev_start(eth_id), 0);
	ports.n = 1;
	ports.port[0] = (struct port){.eth_id = eth_id,
		.n_rxq = 1,
		.n_txq = 1,
		.kind = WIRE_PORT_VDEV,
		.is_up = true};
	memcpy(ports.port[0].mac.addr_bytes, mac, sizeof(mac));
}

static uint16_t wrap(uint8_t *frame, enum form form, uint16_t inner_bytes)
{
	uint16_t room = form == IPIP ? 20 : form == VXLAN ? 50 : 0;
	struct rte_ipv4_hdr ip = {.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16((uint16_t)(inner_bytes + room)),
		.time_to_live = 64,
		.next_proto_id = form == IPIP ? IPPROTO_IPIP : IPPROTO_UDP,
		.src_addr = rte_cpu_to_be_32(NODE),
		.dst_addr = rte_cpu_to_be_32(OURS)};

	if (form == PLAIN)
		return inner_bytes;
	memmove(frame + 14 + room, frame + 14, inner_bytes);
	memset(frame + 14, 0, room);
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(frame + 14, &ip, sizeof(ip));
	if (form == IPIP)
		return (uint16_t)(inner_bytes + room);
	memcpy(frame + 36, (uint8_t[]){4789 >> 8, 4789 & 0xff, 0, (uint8_t)(30 + inner_bytes)}, 4);
	memcpy(frame + 42, (uint8_t[]){8, 0, 0, 0, 0, 0x10, 0, 0}, 8);
	frame[62] = 8;
	return (uint16_t)(inner_bytes + room);
}

static void make_frames(enum form form)
{
	for (unsigned i = 0; i < BURST_MAX; i++) {
		struct support_packet packet = {.src = POD + i,
			.dst = POD + i * 7 % N_PATHS,
			.src_port = (uint16_t)(1000 + i),
			.dst_port = 80,
			.payload_bytes = 18};
		struct rte_mbuf *mbuf;

		memcpy(packet.dst_mac, mac, sizeof(mac));
		mbuf = support_packet_build(pool, &packet);
		memcpy(frames[i], rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len);
		frame_bytes =
			(uint16_t)(14 + wrap(frames[i], form, (uint16_t)(mbuf->data_len - 14)));
		rte_pktmbuf_free(mbuf);
	}
}

/* What a driver does; outside of what is timed. */
static void receive(void)
{
	for (unsigned i = 0; i < BURST_MAX; i++) {
		rte_pktmbuf_reset(pkts[i]);
		memcpy(rte_pktmbuf_append(pkts[i], frame_bytes), frames[i], frame_bytes);
	}
	assert_int_equal(rte_ring_sp_enqueue_bulk(rx_ring, (void **)pkts, BURST_MAX, NULL),
		BURST_MAX);
}

static int compare_cycles(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void move_only(void)
{
	struct rte_mbuf *burst[BURST_MAX];
	uint16_t n = rte_eth_rx_burst(ports.port[0].eth_id, 0, burst, BURST_MAX);

	rte_eth_tx_burst(ports.port[0].eth_id, 0, burst, n);
}

/* Cycles per packet, through the pipeline or, without one, only moved. */
static double time_bursts(const struct pipeline_code *code)
{
	static uint64_t cycles[N_BURSTS];
	struct rte_mbuf *out[BURST_MAX];

	for (unsigned i = 0; i < N_BURSTS; i++) {
		receive();
		uint64_t begin = rte_rdtsc_precise();

		if (code == NULL)
			move_only();
		else
			code->run(&pipeline, &ports.port[0], 0);
		cycles[i] = rte_rdtsc_precise() - begin;
		assert_int_equal(rte_ring_sc_dequeue_bulk(tx_ring, (void **)out, BURST_MAX, NULL),
			BURST_MAX);
	}
	qsort(cycles, N_BURSTS, sizeof(*cycles), compare_cycles);
	return (double)cycles[N_BURSTS / 10] / BURST_MAX;
}

int main(void)
{
	static const struct row rows[] = {
		{"native", PLAIN, WIRE_PATH_NATIVE, 0},
		{"ipip encap", PLAIN, WIRE_PATH_IPIP, 0},
		{"vxlan encap", PLAIN, WIRE_PATH_VXLAN, 0},
		{"ipip decap", IPIP, WIRE_PATH_NATIVE, 0},
		{"vxlan decap", VXLAN, WIRE_PATH_NATIVE, 0},
		{"ipip decap, source checked", IPIP, WIRE_PATH_NATIVE, 1},
		{"vxlan decap, source checked", VXLAN, WIRE_PATH_NATIVE, 1},
	};

	support_eal_init(256);
	pool = support_pool_create("bench", 127);
	make_port();
	pipeline = (struct pipeline){.ports = &ports,
		.to_kernel = make_ring("punt"),
		.to_icmp = make_ring("icmp"),
		.stats = &stats,
		.path_pkts = &path_pkts};
	make_tables();
	assert_int_equal(rte_pktmbuf_alloc_bulk(pool, pkts, BURST_MAX), 0);
	printf("cycles per packet above moving it\n");
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		const struct pipeline_code *code;
		double moved;

		set_tables(&rows[i]);
		make_frames(rows[i].form);
		moved = time_bursts(NULL);
		printf("%-28s", rows[i].name);
		for (unsigned n = 0; (code = pipeline_code(n)) != NULL; n++)
			printf(" %s %5.1f", code->processor, time_bursts(code) - moved);
		printf(" (moving it %.1f)\n", moved);
		fflush(stdout);
	}
	return 0;
}
