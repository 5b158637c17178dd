/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Outer headers on the way in: decap and source_check take what tunnel_encap_test checks byte by byte, and
 * the same spoiled in every way; after RFC 7348 and RFC 6040.
 */
#include "test/unit/dataplane/tunnel_fixture.h"

#include <errno.h>
#include <string.h>

#include "dataplane/stage/decap.h"
#include "dataplane/stage/ip4_check.h"
#include "dataplane/stage/source_check.h"
#include "dataplane/stage/translated.h"
#include "dataplane/steer/translated_mac.h"

#define BAD_NODE  IP4(192, 168, 1, 99)
#define ELSE_POD  IP4(10, 244, 2, 10)
#define POD_IFIDX 7u

#define STAYS  -1
#define PUNTED -2

static struct epoch epoch;
static struct endpoint_table *endpoints;
static struct nexthop_table *nexthops;
static struct fib *fib;

static void fix_outer(struct rte_mbuf *pkt)
{
	support_packet_fix_checksum(pkt);
}

enum way { AT_A_GLANCE, CLOSELY };

static bool has_xdp;

/* Through decap, the second check and the source check, as in the pipeline. Frees the packet. */
static int run_way(struct rte_mbuf *pkt, struct rte_ipv4_hdr *out, enum way way)
{
	const struct endpoint_view *view = endpoint_view(endpoints);
	struct burst burst = burst_of(pkt);
	struct burst inner = {.n = 0};
	bool is_all;
	int end = STAYS;

	pkt->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_BAD | RTE_MBUF_F_RX_L4_CKSUM_BAD;
	ip4_check(&burst);
	is_all = way == AT_A_GLANCE && decap_all(&burst, view, has_xdp);
	if (is_all) {
		inner = burst;
		burst.n = 0;
	} else {
		decap(&burst, &inner, view, DECAP_VERIFY);
	}
	ip4_check(&inner);
	source_check_tunnel(&inner, view, fib, nexthop_view(nexthops));
	if (!is_all && has_xdp)
		translated(&inner);
	burst_append(&burst, &inner);
	assert_int_equal(burst.n + burst.n_drop + burst.n_punt, 1);
	if (burst.n_drop == 1)
		end = burst.reason[0];
	else if (burst.n_punt == 1)
		end = PUNTED;
	else if (out != NULL)
		*out = *support_packet_ip4(pkt);
	// they are about the outer headers
	if (pkt->ol_flags & (PACKET_FROM_IPIP | PACKET_FROM_VXLAN))
		assert_int_equal(
			pkt->ol_flags & (RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK),
			0);
	rte_pktmbuf_free(pkt);
	return end;
}

/* Both ways, with the same result. Frees the packet. */
static int run(struct rte_mbuf *pkt, struct rte_ipv4_hdr *out)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(pkt, pool, 0, UINT32_MAX);
	struct rte_ipv4_hdr glanced = {0};
	int end, end_at_a_glance;

	assert_non_null(copy);
	end_at_a_glance = run_way(copy, &glanced, AT_A_GLANCE);
	end = run_way(pkt, out, CLOSELY);
	assert_int_equal(end_at_a_glance, end);
	if (end == STAYS && out != NULL)
		assert_memory_equal(&glanced, out, sizeof(glanced));
	return end;
}

static void test_decap_gives_back_the_inner_packet(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
		struct rte_mbuf *pkt = inner_packet(0, 0, THE_POD);
		struct rte_ipv4_hdr before = *support_packet_ip4(pkt), after;

		assert_int_equal(run(from_node(kinds[i], pkt), &after), STAYS);
		assert_memory_equal(&before, &after, sizeof(before));
	}
}

/* RFC 6040 4.2, figure 4: rows are the inner field, columns the outer; -1 is drop. */
static void test_decap_ecn_table(void **state)
{
	static const int table[4][4] = {
		/* Not-ECT, ECT(1), ECT(0), CE outside */
		{0, 0, 0, -1}, /* Not-ECT inside */
		{1, 1, 1, 3},  /* ECT(1) */
		{2, 1, 2, 3},  /* ECT(0) */
		{3, 3, 3, 3},  /* CE */
	};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
		for (uint8_t cell = 0; cell < 16; cell++) {
			uint8_t ecn = cell / 4, outer = cell % 4;
			struct rte_mbuf *pkt =
				from_node(kinds[i], inner_packet(0xb8 | ecn, 0, THE_POD));
			struct rte_ipv4_hdr after = {0};
			int end;

			support_packet_ip4(pkt)->type_of_service = outer;
			fix_outer(pkt);
			end = run(pkt, &after);
			if (table[ecn][outer] < 0) {
				assert_int_equal(end, DROP_TUNNEL_ECN);
				continue;
			}
			assert_int_equal(end, STAYS);
			assert_int_equal(after.type_of_service, 0xb8 | table[ecn][outer]);
			assert_int_equal(sum_be((uint8_t *)&after, 20, 0), 0xffff);
		}
	}
}

static void test_decap_refuses(void **state)
{
	static const struct {
		const char *name;
		unsigned at; /* byte of the frame to set */
		uint8_t value;
		int end;
	} rows[] = {
		{"unknown source", 29, 99, DROP_TUNNEL_SOURCE},
		{"not to us", 33, 77, STAYS}, /* no tunnel of ours: goes on as it is */
		{"another port", 37, 0, STAYS},
		{"fragment", 20, 0x20, PUNTED},
		{"no VNI flag", 42, 0, DROP_TUNNEL_HEADER},
		{"other flags are ignored", 42, 0xff, STAYS},
		{"another VNI", 47, 1, DROP_TUNNEL_VNI},
		{"arp inside", 63, 6, DROP_TUNNEL_INNER},
		{"any inner MAC", 50, 0xff, STAYS},
		{"UDP length", 39, 1, DROP_TUNNEL_HEADER},
	};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct rte_mbuf *pkt = from_node(WIRE_PATH_VXLAN, inner_packet(0, 0, THE_POD));

		rte_pktmbuf_mtod(pkt, uint8_t *)[rows[i].at] = rows[i].value;
		*rte_pktmbuf_mtod_offset(pkt, uint16_t *, 40) = 0; // no UDP checksum
		fix_outer(pkt);
		print_message("%s\n", rows[i].name);
		assert_int_equal(run(pkt, NULL), rows[i].end);
	}
}

static void test_decap_nodeport_vni_is_the_kernels(void **state)
{
	struct rte_mbuf *pkt = from_node(WIRE_PATH_VXLAN, inner_packet(0, 0, THE_POD));
	uint8_t *vni = rte_pktmbuf_mtod_offset(pkt, uint8_t *, 46);

	(void)state;
	vni[0] = 0xca;
	vni[1] = 0x11;
	vni[2] = 0xc0;
	assert_int_equal(run(pkt, NULL), PUNTED);
}

static void test_decap_udp_checksum(void **state)
{
	struct rte_mbuf *pkt = from_node(WIRE_PATH_VXLAN, inner_packet(0, 0, THE_POD));

	(void)state;
	*rte_pktmbuf_mtod_offset(pkt, uint16_t *, 40) ^= 0x0100;
	assert_int_equal(run(pkt, NULL), DROP_TUNNEL_CHECKSUM);
	pkt = from_node(WIRE_PATH_VXLAN, inner_packet(0, 0, THE_POD));
	*rte_pktmbuf_mtod_offset(pkt, uint16_t *, 40) = 0;
	assert_int_equal(run(pkt, NULL), STAYS);
}

/* Cut at every byte: never taken for whole, never read behind its end (ASan watches). */
static void test_decap_every_cut(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
		struct rte_mbuf *whole = from_node(kinds[i], inner_packet(0, 0, THE_POD));
		uint16_t len = (uint16_t)whole->pkt_len;

		rte_pktmbuf_free(whole);
		for (uint16_t cut = RTE_ETHER_HDR_LEN + 20; cut < len; cut++) {
			struct rte_mbuf *pkt = from_node(kinds[i], inner_packet(0, 0, THE_POD));
			int end;

			// the outer header says so too: a short datagram, not a cut frame
			rte_pktmbuf_trim(pkt, (uint16_t)(len - cut));
			support_packet_ip4(pkt)->total_length =
				rte_cpu_to_be_16((uint16_t)(cut - RTE_ETHER_HDR_LEN));
			fix_outer(pkt);
			end = run(pkt, NULL);
			if (kinds[i] == WIRE_PATH_IPIP || cut >= 42)
				assert_true(end >= 0);
		}
	}
}

static void test_decap_inner_checks(void **state)
{
	static const struct {
		uint32_t src;
		int end;
	} rows[] = {
		{THE_POD, STAYS},
		{ELSE_POD, DROP_TUNNEL_INNER_SOURCE},
		{OUR_POD, DROP_TUNNEL_INNER_SOURCE},
		{IP4(127, 0, 0, 1), DROP_MARTIAN_SOURCE},
		{IP4(8, 8, 8, 8), DROP_TUNNEL_INNER_SOURCE},
	};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows) * RTE_DIM(kinds); i++) {
		unsigned row = i % RTE_DIM(rows);
		struct rte_mbuf *inner = inner_packet(0, 0, rows[row].src);

		assert_int_equal(run(from_node(kinds[i / RTE_DIM(rows)], inner), NULL),
			rows[row].end);
	}
}

static void test_decap_nested(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct rte_mbuf *pkt = from_node(kinds[i % 2], inner_packet(0, 0, THE_POD));

		assert_int_equal(run(from_node(kinds[i / 2], pkt), NULL), DROP_TUNNEL_NESTED);
	}
}

/* What XDP has marked is the kernel's; by a port without XDP the mark is an address like others. */
static void test_decap_translated(void **state)
{
	static const struct rte_ether_addr mac = {{TRANSLATED_MAC_0, TRANSLATED_MAC_1}};

	(void)state;
	for (unsigned i = 0; i < 2 * RTE_DIM(kinds); i++) {
		struct rte_mbuf *pkt = from_node(kinds[i / 2], inner_packet(0, 0, THE_POD));

		rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *)->src_addr = mac;
		has_xdp = i % 2 == 1;
		assert_int_equal(run(pkt, NULL), has_xdp ? PUNTED : STAYS);
	}
	has_xdp = false;
}

static enum pod_tunnels pod_tunnels;

static int run_pod(struct rte_mbuf *pkt, uint32_t ifindex)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *);
	struct burst burst = burst_of(pkt);
	int end = STAYS;

	memcpy(eth->src_addr.addr_bytes, (uint8_t[]){2, 0x70, 0, 0, 0, (uint8_t)ifindex}, 6);
	ip4_check(&burst);
	source_check_pod(&burst, endpoint_view(endpoints), fib, nexthop_view(nexthops),
		pod_tunnels);
	assert_int_equal(burst.n + burst.n_drop, 1);
	if (burst.n_drop == 1)
		end = burst.reason[0];
	rte_pktmbuf_free(pkt);
	return end;
}

static void test_pod_source(void **state)
{
	(void)state;
	assert_int_equal(run_pod(inner_packet(0, 0, OUR_POD), POD_IFIDX), STAYS);
	assert_int_equal(run_pod(inner_packet(0, 0, OUR_POD), POD_IFIDX + 1), DROP_POD_SOURCE);
	assert_int_equal(run_pod(inner_packet(0, 0, THE_POD), POD_IFIDX), DROP_POD_SOURCE);
	assert_int_equal(run_pod(inner_packet(0, 0, IP4(9, 9, 9, 9)), POD_IFIDX), DROP_POD_SOURCE);
	for (unsigned i = 0; i < RTE_DIM(kinds); i++)
		assert_int_equal(run_pod(from_node(kinds[i], inner_packet(0, 0, OUR_POD)),
					 POD_IFIDX),
			DROP_POD_TUNNEL);
	// one that may send them still uses its own addresses only
	pod_tunnels = POD_TUNNELS_PASS;
	assert_int_equal(run_pod(from_node(kinds[0], inner_packet(0, 0, OUR_POD)), POD_IFIDX),
		DROP_POD_SOURCE);
	assert_int_equal(run_pod(inner_packet(0, 0, OUR_POD), POD_IFIDX), STAYS);
	pod_tunnels = POD_TUNNELS_DROP;
}

static void test_endpoint_sources(void **state)
{
	struct wire_source many[3001];
	const struct endpoint_view *view;

	(void)state;
	for (uint32_t i = 0; i < 3000; i++)
		many[i] = (struct wire_source){.prefix = (20u << 24) + i * 3, .depth = 32};
	many[3000] = (struct wire_source){.prefix = 30u << 24, .depth = 8};
	assert_int_equal(endpoint_set_sources(endpoints, many, 3001), 0);
	view = endpoint_view(endpoints);
	for (uint32_t i = 0; i < 9000; i++)
		assert_int_equal(endpoint_is_source(view, (20u << 24) + i), i % 3 == 0);
	assert_true(endpoint_is_source(view, (30u << 24) + 12345));
	assert_false(endpoint_is_source(view, (31u << 24)));
	many[0].depth = 33;
	assert_int_equal(endpoint_set_sources(endpoints, many, 1), -EINVAL);
	assert_true(endpoint_is_source(endpoint_view(endpoints), 20u << 24));
}

static int setup(void **state)
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
	struct wire_path node = path_of(WIRE_PATH_VXLAN);
	struct wire_path other = path_of(WIRE_PATH_NATIVE);
	struct wire_path pod = path_of(WIRE_PATH_NATIVE);
	struct fib_op ops[] = {
		{.prefix = IP4(10, 244, 1, 0), .depth = 26, .nh = 16},
		{.prefix = IP4(10, 244, 2, 0), .depth = 26, .nh = 17},
		{.prefix = OUR_POD, .depth = 32, .nh = 18},
	};

	(void)state;
	other.idx = 17;
	other.nexthop = BAD_NODE;
	pod.idx = 18;
	pod.nexthop = OUR_POD;
	pod.ifindex = POD_IFIDX;
	assert_int_equal(epoch_init(&epoch, 1), 0);
	assert_int_equal(endpoint_create(&endpoints, &epoch), 0);
	assert_int_equal(endpoint_set(endpoints, ends, 2), 0);
	assert_int_equal(endpoint_set_sources(endpoints, &source, 1), 0);
	assert_int_equal(fib_create(&fib, &config, &epoch), 0);
	assert_int_equal(nexthop_create(&nexthops, 64, 16, SOCKET_ID_ANY, &epoch), 0);
	assert_int_equal(nexthop_path_set(nexthops, &node), 0);
	assert_int_equal(nexthop_path_set(nexthops, &other), 0);
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
		cmocka_unit_test(test_decap_translated),
		cmocka_unit_test(test_decap_gives_back_the_inner_packet),
		cmocka_unit_test(test_decap_ecn_table),
		cmocka_unit_test(test_decap_refuses),
		cmocka_unit_test(test_decap_nodeport_vni_is_the_kernels),
		cmocka_unit_test(test_decap_udp_checksum),
		cmocka_unit_test(test_decap_every_cut),
		cmocka_unit_test(test_decap_inner_checks),
		cmocka_unit_test(test_decap_nested),
		cmocka_unit_test(test_pod_source),
		cmocka_unit_test(test_endpoint_sources),
	};

	support_eal_init(256);
	pool = support_pool_create("tunnel", 1023);
	return cmocka_run_group_tests(tests, setup, teardown);
}
