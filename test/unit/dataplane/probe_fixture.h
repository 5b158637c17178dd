/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One node with an uplink, a pod trunk and a probe address, on ports made of rings, for the tests of
 * probes and of their answers.
 */
#ifndef PODLANE_TEST_UNIT_DATAPLANE_PROBE_FIXTURE_H
#define PODLANE_TEST_UNIT_DATAPLANE_PROBE_FIXTURE_H

#include "test/unit/support.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include <string.h>

#include "dataplane/pipeline_code.h"
#include "dataplane/prober.h"
#include "test/unit/dataplane/probe_frame.h"

#define POOL_PKTS 2047u
#define RING_PKTS 256u
#define N_PORTS	  2u
#define UPLINK	  0u
#define TRUNK	  1u

/* RTE_IPV4() shifts an int, which UBSan reports above 127. */
#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

#define OUR_NODE  IP4(192, 168, 1, 10)
#define THE_NODE  IP4(192, 168, 1, 11)
#define OUR_PROBE IP4(10, 244, 0, 1)
#define THE_PROBE IP4(10, 244, 1, 1)
#define OUR_POD	  IP4(10, 244, 0, 10)
#define POD_IFIDX 7u
#define THE_PATH  16u
#define POD_PATH  17u

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 0xa}, the_mac[6] = {2, 0, 0, 0, 0, 0xb};
static const uint8_t our_vtep[6] = {0x66, 6, 7, 8, 9, 10}, the_vtep[6] = {0x66, 1, 2, 3, 4, 5};
static const uint8_t pod_mac[6] = {0xa, 1, 2, 3, 4, 5};
static const uint8_t pod_source[6] = {2, 0x70, 0, 0, 0, POD_IFIDX};

static struct rte_mempool *pool;
static struct rte_ring *rx_ring[N_PORTS], *tx_ring[N_PORTS];
static struct port_table ports;
static struct epoch epoch;
static struct nexthop_table *nexthops;
static struct endpoint_table *endpoints;
static struct fib *fib;
static struct prober *prober;
static struct lcore_stats stats, main_stats;
static uint64_t path_counts[WIRE_PATH_N_KINDS][64];
static const struct path_pkts path_pkts = {
	{path_counts[0], path_counts[1], path_counts[2], path_counts[3]}};
static struct pipeline pipeline;
static struct wire_probe_reply last_reply;
static unsigned n_answered, n_foreign;

static inline void on_answered(void *arg, const struct wire_probe_reply *reply)
{
	(void)arg;
	last_reply = *reply;
	n_answered++;
}

static inline void on_foreign(void *arg, struct rte_mbuf *pkt)
{
	(void)arg;
	assert_int_equal(pkt->port, UPLINK);
	n_foreign++;
	main_stats.punt_pkts++;
	rte_pktmbuf_free(pkt);
}

static inline struct wire_path path_of(uint8_t kind)
{
	struct wire_path path = {.idx = THE_PATH,
		.nexthop = THE_NODE,
		.kind = kind,
		.port = UPLINK,
		.mtu = 1400};

	memcpy(path.dst_mac, the_mac, 6);
	memcpy(path.src_mac, our_mac, 6);
	if (kind == WIRE_PATH_NATIVE)
		return path;
	path.tunnel = (struct wire_tunnel){.src = OUR_NODE, .dst = THE_NODE};
	if (kind == WIRE_PATH_IPIP)
		return path;
	path.tunnel.vni = 4096;
	path.tunnel.udp_dst = 4789;
	path.tunnel.udp_src_min = 32768;
	path.tunnel.udp_src_max = 60999;
	path.tunnel.has_udp_checksum = 1;
	memcpy(path.tunnel.inner_dst_mac, the_vtep, 6);
	memcpy(path.tunnel.inner_src_mac, our_vtep, 6);
	return path;
}

static inline struct wire_probe probe_of(uint8_t kind)
{
	return (struct wire_probe){.id = 0x12345678,
		.src = OUR_PROBE,
		.dst = THE_PROBE,
		.bytes = 101,
		.path = path_of(kind)};
}

/* An echo of the other node to our probe address, as it comes in. */
static inline struct frame request_of(uint8_t kind)
{
	struct frame frame = {.kind = kind,
		.outer = {.src = THE_NODE, .dst = OUR_NODE, .ttl = 61, .id = 0x1111},
		.udp_src = 40000,
		.has_udp_checksum = true,
		.inner = {.src = THE_PROBE, .dst = OUR_PROBE, .ttl = 63, .id = 0x2222},
		.proto = IPPROTO_ICMP,
		.type = 8,
		.echo_id = 0xcafe0001,
		.inner_bytes = 93,
		.pattern = 0x33};

	memcpy(frame.ether.dst, our_mac, 6);
	memcpy(frame.ether.src, the_mac, 6);
	memcpy(frame.inner_ether.dst, our_vtep, 6);
	memcpy(frame.inner_ether.src, the_vtep, 6);
	return frame;
}

static const uint8_t kinds[] = {WIRE_PATH_NATIVE, WIRE_PATH_IPIP, WIRE_PATH_VXLAN};

static inline struct rte_mbuf *to_mbuf(const struct frame *frame)
{
	struct rte_mbuf *pkt = rte_pktmbuf_alloc(pool);
	uint8_t bytes[FRAME_MAX];
	uint32_t len = frame_write(frame, bytes);

	assert_non_null(pkt);
	memcpy(rte_pktmbuf_append(pkt, (uint16_t)len), bytes, len);
	return pkt;
}

static inline void send_in(unsigned port, struct rte_mbuf *pkt)
{
	assert_int_equal(rte_ring_enqueue(rx_ring[port], pkt), 0);
	assert_int_equal(pipeline_code(0)->run(&pipeline, &ports.port[port], 0), 1);
}

static inline unsigned empty_ring(struct rte_ring *ring)
{
	struct rte_mbuf *pkt;
	unsigned n = 0;

	for (; rte_ring_dequeue(ring, (void **)&pkt) == 0; n++)
		rte_pktmbuf_free(pkt);
	return n;
}

/* The only packet of a ring, flat. Returns: its length */
static inline uint32_t take_out(struct rte_ring *ring, uint8_t *bytes)
{
	struct rte_mbuf *pkt = NULL;
	uint32_t len = 0;

	assert_int_equal(rte_ring_dequeue(ring, (void **)&pkt), 0);
	assert_true(rte_ring_empty(ring));
	for (struct rte_mbuf *seg = pkt; seg != NULL; seg = seg->next) {
		memcpy(bytes + len, rte_pktmbuf_mtod(seg, void *), seg->data_len);
		len += seg->data_len;
	}
	assert_int_equal(len, pkt->pkt_len);
	rte_pktmbuf_free(pkt);
	return len;
}

/* Every packet has ended once, and nothing is left anywhere. */
static inline void check_account(void)
{
	uint64_t n_dropped = 0;

	main_stats.punt_pkts += empty_ring(pipeline.to_kernel);
	empty_ring(tx_ring[UPLINK]);
	empty_ring(tx_ring[TRUNK]);
	empty_ring(pipeline.to_icmp);
	while (prober_drain(prober, pipeline.answerer.heard) > 0)
		;
	for (unsigned reason = 0; reason < DROP_N_REASONS; reason++)
		n_dropped += stats.drop_pkts[reason];
	assert_int_equal(stats.rx_pkts + stats.made_pkts,
		stats.tx_pkts + main_stats.punt_pkts + n_dropped + main_stats.taken_pkts);
	assert_int_equal(rte_mempool_avail_count(pool), POOL_PKTS);
}

static inline void expect_out(struct rte_ring *ring, const struct frame *expected)
{
	uint8_t got[FRAME_MAX], bytes[FRAME_MAX];
	uint32_t len = frame_write(expected, bytes);

	assert_int_equal(take_out(ring, got), len);
	assert_memory_equal(got, bytes, len);
}

static inline struct rte_ring *make_ring(const char *name, unsigned i)
{
	char full[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(full, sizeof(full), "%s%u", name, i);
	ring = rte_ring_create(full, RING_PKTS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	assert_non_null(ring);
	return ring;
}

static inline void make_port(unsigned i)
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
		.mtu = 1500,
		.kind = i == TRUNK ? WIRE_PORT_TRUNK : WIRE_PORT_VDEV,
		.is_up = true};
	memcpy(ports.port[i].mac.addr_bytes, our_mac, 6);
	ports.n++;
}

static inline void make_tables(void)
{
	struct fib_config config = {.engine = FIB_ENGINE_LPM, .max_routes = 64, .n_tbl8 = 64};
	struct wire_endpoint ends[] = {
		{.addr = OUR_NODE, .kind = WIRE_TUNNEL_IPIP, .has_inner_check = 1},
		{.addr = OUR_NODE,
			.kind = WIRE_TUNNEL_VXLAN,
			.udp_port = 4789,
			.vni = 4096,
			.has_inner_check = 1},
	};
	struct wire_source source = {.prefix = THE_NODE, .depth = 32};
	struct wire_path node = path_of(WIRE_PATH_NATIVE);
	struct wire_path pod = {.idx = POD_PATH,
		.kind = WIRE_PATH_NATIVE,
		.ifindex = POD_IFIDX,
		.port = TRUNK,
		.mtu = 1500};
	struct fib_op ops[] = {
		{.prefix = OUR_PROBE, .depth = 32, .nh = WIRE_NH_PROBE},
		{.prefix = OUR_POD, .depth = 32, .nh = POD_PATH},
		{.prefix = IP4(10, 244, 1, 0), .depth = 26, .nh = THE_PATH},
	};

	memcpy(pod.dst_mac, pod_mac, 6);
	memcpy(pod.src_mac, pod_source, 6);
	assert_int_equal(epoch_init(&epoch, 1), 0);
	assert_int_equal(fib_create(&fib, &config, &epoch), 0);
	assert_int_equal(nexthop_create(&nexthops, 64, 16, SOCKET_ID_ANY, &epoch), 0);
	assert_int_equal(endpoint_create(&endpoints, &epoch), 0);
	assert_int_equal(endpoint_set(endpoints, ends, RTE_DIM(ends)), 0);
	assert_int_equal(endpoint_set_sources(endpoints, &source, 1), 0);
	assert_int_equal(nexthop_path_set(nexthops, &node), 0);
	assert_int_equal(nexthop_path_set(nexthops, &pod), 0);
	assert_int_equal(fib_apply(fib, ops, RTE_DIM(ops)), 0);
}

static inline int probe_setup(void **state)
{
	const struct prober_events events = {on_answered, on_foreign, NULL};

	(void)state;
	pool = support_pool_create("probe", POOL_PKTS);
	make_port(UPLINK);
	make_port(TRUNK);
	make_tables();
	assert_int_equal(prober_create(&prober, pool, &ports, &events, &main_stats), 0);
	pipeline = (struct pipeline){.fib = fib,
		.nexthops = nexthop_view(nexthops),
		.endpoints = endpoints,
		.ports = &ports,
		.to_kernel = make_ring("punt", 0),
		.to_icmp = make_ring("icmp", 0),
		.probes = prober_waiting(prober),
		.probe_sent_tsc = prober_sent_tsc(prober),
		.answerer = {.fib = fib,
			.nexthops = nexthop_view(nexthops),
			.heard = rte_ring_create_elem("heard", sizeof(struct probe_heard),
				RING_PKTS, SOCKET_ID_ANY, 0),
			// without a limit
			.answers = {.depth_cycles = 1}},
		.stats = &stats,
		.path_pkts = &path_pkts};
	assert_non_null(pipeline.answerer.heard);
	return 0;
}

static inline int probe_teardown(void **state)
{
	(void)state;
	prober_free(prober);
	endpoint_free(endpoints);
	fib_free(fib);
	nexthop_free(nexthops);
	epoch_fini(&epoch);
	return 0;
}

#endif
