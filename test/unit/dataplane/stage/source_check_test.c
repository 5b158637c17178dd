/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What source_check says of packets that are punted: the kernel gets them without their sender, so they
 * are judged as the others are. tunnel_decap_test has the packets that go on.
 */
#include "test/unit/dataplane/stage/burst.h"

#include <string.h>

#include "dataplane/stage/ip4_check.h"
#include "dataplane/stage/source_check.h"

/* RTE_IPV4() shifts an int, which UBSan reports above 127. */
#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

#define OUR_NODE   IP4(192, 168, 1, 10)
#define THE_NODE   IP4(192, 168, 1, 11)
#define OUR_POD	   IP4(10, 244, 0, 10)
#define THE_POD	   IP4(10, 244, 1, 10)
#define GROUP	   IP4(224, 0, 0, 5)
#define POD_IFIDX  7u
#define VXLAN_PORT 4789

#define PUNTED (-1)

static struct rte_mempool *pool;
static struct epoch epoch;
static struct endpoint_table *endpoints;
static struct nexthop_table *nexthops;
static struct fib *fib;

struct row {
	const char *name;
	struct support_packet packet;
	int end;
};

/* Through both checks of the pipeline as what it was sent by. Frees the packet. */
static int run(struct rte_mbuf *pkt, uint32_t node)
{
	struct burst burst = burst_of(pkt);
	int end = PUNTED;

	ip4_check(&burst);
	assert_int_equal(burst.n_punt, 1);
	pkt->hash.usr = node;
	burst.has_nodes = node != 0;
	if (node != 0)
		source_check_tunnel(&burst, endpoint_view(endpoints), fib, nexthop_view(nexthops));
	else
		source_check_pod(&burst, endpoint_view(endpoints), fib, nexthop_view(nexthops),
			POD_TUNNELS_DROP);
	assert_int_equal(burst.n, 0);
	assert_int_equal(burst.n_drop + burst.n_punt, 1);
	if (burst.n_drop == 1)
		end = burst.reason[0];
	rte_pktmbuf_free(pkt);
	return end;
}

static void test_source_check_pod_punted(void **state)
{
	static const struct row rows[] = {
		{"options, own source", {.src = OUR_POD, .dst = THE_POD, .n_option_words = 1},
			PUNTED},
		{"options, another source", {.src = THE_POD, .dst = THE_POD, .n_option_words = 1},
			DROP_POD_SOURCE},
		{"group, another source", {.src = THE_POD, .dst = GROUP}, DROP_POD_SOURCE},
		{"options, IPIP", {.src = OUR_POD, .dst = THE_POD, .n_option_words = 1, .proto = 4},
			DROP_POD_TUNNEL},
		{"all options, VXLAN",
			{.src = OUR_POD,
				.dst = THE_POD,
				.n_option_words = 10,
				.dst_port = VXLAN_PORT},
			DROP_POD_TUNNEL},
	};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct rte_mbuf *pkt = support_packet_build(pool, &rows[i].packet);
		struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *);

		memcpy(eth->src_addr.addr_bytes, (uint8_t[]){2, 0x70, 0, 0, 0, POD_IFIDX}, 6);
		print_message("%s\n", rows[i].name);
		assert_int_equal(run(pkt, 0), rows[i].end);
	}
}

static void test_source_check_tunnel_punted(void **state)
{
	static const struct row rows[] = {
		{"options, the node's source",
			{.src = THE_POD, .dst = OUR_POD, .n_option_words = 1}, PUNTED},
		{"options, another source", {.src = OUR_POD, .dst = OUR_POD, .n_option_words = 1},
			DROP_TUNNEL_INNER_SOURCE},
		{"group, another source", {.src = OUR_POD, .dst = GROUP}, DROP_TUNNEL_INNER_SOURCE},
		{"options, IPIP", {.src = THE_POD, .dst = OUR_POD, .n_option_words = 1, .proto = 4},
			DROP_TUNNEL_NESTED},
		{"options, VXLAN",
			{.src = THE_POD,
				.dst = OUR_POD,
				.n_option_words = 1,
				.dst_port = VXLAN_PORT},
			DROP_TUNNEL_NESTED},
	};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		print_message("%s\n", rows[i].name);
		assert_int_equal(run(support_packet_build(pool, &rows[i].packet), THE_NODE),
			rows[i].end);
	}
}

/* ARP and the like have no source address; they stay the kernel's. */
static void test_source_check_leaves_what_is_not_ip(void **state)
{
	struct support_packet packet = {.src = THE_POD, .dst = THE_POD};
	struct burst burst = {.n_punt = 1};

	(void)state;
	burst.punt[0] = support_packet_build(pool, &packet);
	rte_pktmbuf_mtod(burst.punt[0], struct rte_ether_hdr *)->ether_type =
		RTE_BE16(RTE_ETHER_TYPE_ARP);
	rte_pktmbuf_trim(burst.punt[0], (uint16_t)(burst.punt[0]->pkt_len - RTE_ETHER_HDR_LEN));
	source_check_pod(&burst, endpoint_view(endpoints), fib, nexthop_view(nexthops),
		POD_TUNNELS_DROP);
	assert_int_equal(burst.n_punt, 1);
	rte_pktmbuf_free(burst.punt[0]);
}

static int setup(void **state)
{
	struct fib_config config = {.engine = FIB_ENGINE_LPM, .max_routes = 64, .n_tbl8 = 64};
	struct wire_endpoint end = {.addr = OUR_NODE,
		.kind = WIRE_TUNNEL_VXLAN,
		.udp_port = VXLAN_PORT,
		.vni = 4096,
		.has_inner_check = 1};
	struct wire_path node = {.idx = 16,
		.nexthop = THE_NODE,
		.kind = WIRE_PATH_NATIVE,
		.mtu = 1500};
	struct wire_path pod = {.idx = 17,
		.nexthop = OUR_POD,
		.ifindex = POD_IFIDX,
		.kind = WIRE_PATH_NATIVE,
		.mtu = 1500};
	struct fib_op ops[] = {
		{.prefix = IP4(10, 244, 1, 0), .depth = 26, .nh = 16},
		{.prefix = OUR_POD, .depth = 32, .nh = 17},
	};

	(void)state;
	assert_int_equal(epoch_init(&epoch, 1), 0);
	assert_int_equal(endpoint_create(&endpoints, &epoch), 0);
	assert_int_equal(endpoint_set(endpoints, &end, 1), 0);
	assert_int_equal(fib_create(&fib, &config, &epoch), 0);
	assert_int_equal(nexthop_create(&nexthops, 64, 16, SOCKET_ID_ANY, &epoch), 0);
	assert_int_equal(nexthop_path_set(nexthops, &node), 0);
	assert_int_equal(nexthop_path_set(nexthops, &pod), 0);
	assert_int_equal(fib_apply(fib, ops, RTE_DIM(ops)), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	nexthop_free(nexthops);
	fib_free(fib);
	endpoint_free(endpoints);
	epoch_fini(&epoch);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_source_check_pod_punted),
		cmocka_unit_test(test_source_check_tunnel_punted),
		cmocka_unit_test(test_source_check_leaves_what_is_not_ip),
	};

	support_eal_init(256);
	pool = support_pool_create("source_check", 255);
	return cmocka_run_group_tests(tests, setup, teardown);
}
