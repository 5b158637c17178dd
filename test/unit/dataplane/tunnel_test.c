/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Outer headers, there and back: adjacency, encap_ipip, encap_vxlan, decap and source_check, against
 * bytes written down by hand from RFC 2003, RFC 7348, RFC 6040 and what Linux sends.
 */
#include "test/unit/dataplane/stage/burst.h"

#include <errno.h>
#include <string.h>

#include "dataplane/stage/decap.h"
#include "dataplane/stage/encap_ipip.h"
#include "dataplane/stage/encap_vxlan.h"
#include "dataplane/stage/ip4_check.h"
#include "dataplane/stage/source_check.h"

/* RTE_IPV4() shifts an int, which UBSan reports above 127. */
#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

#define OUR_NODE  IP4(192, 168, 1, 10)
#define THE_NODE  IP4(192, 168, 1, 11)
#define BAD_NODE  IP4(192, 168, 1, 99)
#define OUR_POD	  IP4(10, 244, 0, 10)
#define THE_POD	  IP4(10, 244, 1, 10)
#define ELSE_POD  IP4(10, 244, 2, 10)
#define POD_IFIDX 7u

#define STAYS  -1
#define PUNTED -2

static struct rte_mempool *pool;
static struct epoch epoch;
static struct endpoint_table *endpoints;
static struct nexthop_table *nexthops;
static struct fib *fib;

static struct wire_path path_of(uint8_t kind)
{
	return (struct wire_path){
		.idx = 16,
		.nexthop = THE_NODE,
		.ifindex = 2,
		.kind = kind,
		.mtu = 1400,
		.dst_mac = {2, 0, 0, 0, 0, 0xb},
		.src_mac = {2, 0, 0, 0, 0, 0xa},
		.tunnel =
			{
				.src = OUR_NODE,
				.dst = THE_NODE,
				.vni = kind == WIRE_PATH_VXLAN ? 4096 : 0,
				.udp_dst = kind == WIRE_PATH_VXLAN ? 4789 : 0,
				.udp_src_min = kind == WIRE_PATH_VXLAN ? 32768 : 0,
				.udp_src_max = kind == WIRE_PATH_VXLAN ? 60999 : 0,
				.inner_dst_mac = {0x66, 1, 2, 3, 4, 5},
				.inner_src_mac = {0x66, 6, 7, 8, 9, 10},
				.has_udp_checksum = kind == WIRE_PATH_VXLAN,
			},
	};
}

static struct rte_mbuf *inner_packet(uint8_t tos, uint16_t fragment, uint32_t src)
{
	struct support_packet packet = {.src = src,
		.dst = OUR_POD,
		.src_port = 1000,
		.dst_port = 2000,
		.tos = tos,
		.ttl = 63,
		.fragment = fragment,
		.payload_bytes = 21};

	return support_packet_build(pool, &packet);
}

/* One packet through an encap stage. */
static void encap(struct rte_mbuf *pkt, const struct wire_path *wire, uint16_t id)
{
	struct burst burst = burst_of(pkt);
	struct adjacency adjacency;

	assert_int_equal(adjacency_make(&adjacency, wire), 0);
	burst.adjacency[0] = &adjacency;
	burst.n_encap[adjacency.kind - ADJACENCY_NATIVE] = 1;
	encap_ipip(&burst, &id);
	encap_vxlan(&burst, &id);
	assert_int_equal(burst.n, 1);
}

/* Sum of 16-bit words as read from the wire, RFC 1071; an odd byte at the end counts high. */
static uint32_t sum_be(const uint8_t *bytes, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i++)
		sum += (uint32_t)bytes[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void test_encap_ipip_bytes(void **state)
{
	static const uint8_t expected[34] = {2, 0, 0, 0, 0, 0xb, 2, 0, 0, 0, 0, 0xa, 8,
		0,					     /* Ethernet */
		0x45, 0x01, 0, 20 + 49, 0x12, 0x34, 0x40, 0, /* ECN, length, id, DF */
		63, 4, 0, 0,				     /* inner TTL, protocol 4 */
		192, 168, 1, 10, 192, 168, 1, 11};
	struct wire_path wire = path_of(WIRE_PATH_IPIP);
	struct rte_mbuf *pkt = inner_packet(0xb9, RTE_IPV4_HDR_DF_FLAG, THE_POD); // EF, ECT(1)
	uint8_t got[34], inner[49];

	(void)state;
	memcpy(inner, support_packet_ip4(pkt), sizeof(inner));
	encap(pkt, &wire, 0x1234);
	assert_int_equal(pkt->pkt_len, sizeof(expected) + sizeof(inner));
	memcpy(got, rte_pktmbuf_mtod(pkt, void *), sizeof(got));
	assert_int_equal(sum_be(got + 14, 20, 0), 0xffff);
	got[24] = got[25] = 0;
	assert_memory_equal(got, expected, sizeof(got));
	assert_memory_equal(rte_pktmbuf_mtod_offset(pkt, void *, 34), inner, sizeof(inner));
	rte_pktmbuf_free(pkt);
}

static void test_encap_vxlan_bytes(void **state)
{
	static const uint8_t expected[64] = {2, 0, 0, 0, 0, 0xb, 2, 0, 0, 0, 0, 0xa, 8,
		0, /* Ethernet */
		0x45, 0x02, 0, 50 + 49, 0xff, 0xff, 0, 0, 64, 17, 0, 0, 192, 168, 1, 10, 192, 168,
		1, 11,						  /* no DF, TTL 64 */
		0, 0, 4789 >> 8, 4789 & 0xff, 0, 30 + 49, 0, 0,	  /* UDP */
		8, 0, 0, 0, 0, 0x10, 0, 0,			  /* I, VNI 4096 */
		0x66, 1, 2, 3, 4, 5, 0x66, 6, 7, 8, 9, 10, 8, 0}; /* inner Ethernet */
	struct wire_path wire = path_of(WIRE_PATH_VXLAN);
	struct rte_mbuf *pkt = inner_packet(0xba, RTE_IPV4_HDR_DF_FLAG, THE_POD); // EF, ECT(0)
	uint8_t got[64], inner[49];
	const uint8_t *udp;
	uint16_t port;

	(void)state;
	memcpy(inner, support_packet_ip4(pkt), sizeof(inner));
	encap(pkt, &wire, 0xffff);
	assert_int_equal(pkt->pkt_len, sizeof(expected) + sizeof(inner));
	udp = rte_pktmbuf_mtod_offset(pkt, uint8_t *, 34);
	// pseudo header: addresses, protocol, length
	assert_int_equal(sum_be(udp, 30 + 49, sum_be(udp - 8, 8, 17 + 30 + 49)), 0xffff);
	memcpy(got, rte_pktmbuf_mtod(pkt, void *), sizeof(got));
	assert_int_equal(sum_be(got + 14, 20, 0), 0xffff);
	port = (uint16_t)(got[34] << 8 | got[35]);
	assert_true(port >= 32768 && port <= 60999);
	got[24] = got[25] = got[34] = got[35] = got[40] = got[41] = 0;
	assert_memory_equal(got, expected, sizeof(got));
	assert_memory_equal(rte_pktmbuf_mtod_offset(pkt, void *, 64), inner, sizeof(inner));
	rte_pktmbuf_free(pkt);
}

static void test_encap_vxlan_checksum_zero(void **state)
{
	struct wire_path wire = path_of(WIRE_PATH_VXLAN);
	struct rte_mbuf *pkt = inner_packet(0, 0, THE_POD);

	(void)state;
	wire.tunnel.has_udp_checksum = 0;
	encap(pkt, &wire, 1);
	assert_int_equal(*rte_pktmbuf_mtod_offset(pkt, uint16_t *, 40), 0);
	rte_pktmbuf_free(pkt);
}

/* Both ends of the range are used, nothing outside, and a flow keeps its port. */
static void test_encap_vxlan_source_ports(void **state)
{
	struct wire_path wire = path_of(WIRE_PATH_VXLAN);
	bool seen[4] = {false};

	(void)state;
	wire.tunnel.udp_src_min = 5000;
	wire.tunnel.udp_src_max = 5003;
	for (uint16_t flow = 0; flow < 200; flow++) {
		uint16_t port[2];

		for (unsigned i = 0; i < 2; i++) {
			struct support_packet packet = {.src = THE_POD,
				.dst = OUR_POD,
				.src_port = flow,
				.payload_bytes = 10};
			struct rte_mbuf *pkt = support_packet_build(pool, &packet);

			encap(pkt, &wire, 1);
			port[i] = rte_be_to_cpu_16(*rte_pktmbuf_mtod_offset(pkt, uint16_t *, 34));
			rte_pktmbuf_free(pkt);
		}
		assert_int_equal(port[0], port[1]);
		assert_in_range(port[0], 5000, 5003);
		seen[port[0] - 5000] = true;
	}
	assert_true(seen[0] && seen[1] && seen[2] && seen[3]);
}

static void test_adjacency_refuses(void **state)
{
	struct wire_path rows[8];
	struct adjacency adjacency;

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		rows[i] = path_of(WIRE_PATH_VXLAN);
	assert_int_equal(adjacency_make(&adjacency, &rows[0]), 0);
	rows[0].tunnel.src = 0;
	rows[1].tunnel.dst = 0;
	rows[2].tunnel.vni = 1 << 24;
	rows[3].tunnel.udp_dst = 0;
	rows[4].tunnel.udp_src_min = 61000;
	rows[5].mtu = 67;
	rows[6].kind = WIRE_PATH_N_KINDS;
	rows[7].port = RTE_MAX_ETHPORTS;
	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		assert_int_equal(adjacency_make(&adjacency, &rows[i]), -EINVAL);
}

/* The packet as it comes to us: encapsulated by the other node, Ethernet for our port. */
static struct rte_mbuf *from_node(uint8_t kind, struct rte_mbuf *inner)
{
	struct wire_path wire = path_of(kind);

	wire.tunnel.src = THE_NODE;
	wire.tunnel.dst = OUR_NODE;
	encap(inner, &wire, 77);
	return inner;
}

static void fix_outer(struct rte_mbuf *pkt)
{
	support_packet_fix_checksum(pkt);
}

enum way { AT_A_GLANCE, CLOSELY };

/* Through decap, the second check and the source check, as in the pipeline. Frees the packet. */
static int run_way(struct rte_mbuf *pkt, struct rte_ipv4_hdr *out, enum way way)
{
	const struct endpoint_view *view = endpoint_view(endpoints);
	struct burst burst = burst_of(pkt);
	struct burst inner = {.n = 0};
	int end = STAYS;

	ip4_check(&burst);
	if (way == AT_A_GLANCE && decap_all(&burst, view)) {
		inner = burst;
		burst.n = 0;
	} else {
		decap(&burst, &inner, view, DECAP_VERIFY);
	}
	ip4_check(&inner);
	source_check_tunnel(&inner, view, fib, nexthop_view(nexthops));
	burst_append(&burst, &inner);
	assert_int_equal(burst.n + burst.n_drop + burst.n_punt, 1);
	if (burst.n_drop == 1)
		end = burst.reason[0];
	else if (burst.n_punt == 1)
		end = PUNTED;
	else if (out != NULL)
		*out = *support_packet_ip4(pkt);
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

static const uint8_t kinds[] = {WIRE_PATH_IPIP, WIRE_PATH_VXLAN};

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

/* RFC 6040 4.1, normal mode: all four are copied; DSCP is not. */
static void test_encap_ecn_copied(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
		for (uint8_t ecn = 0; ecn < 4; ecn++) {
			struct rte_mbuf *pkt =
				from_node(kinds[i], inner_packet(0xfc | ecn, 0, THE_POD));

			assert_int_equal(support_packet_ip4(pkt)->type_of_service, ecn);
			rte_pktmbuf_free(pkt);
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
		cmocka_unit_test(test_encap_ipip_bytes),
		cmocka_unit_test(test_encap_vxlan_bytes),
		cmocka_unit_test(test_encap_vxlan_checksum_zero),
		cmocka_unit_test(test_encap_vxlan_source_ports),
		cmocka_unit_test(test_encap_ecn_copied),
		cmocka_unit_test(test_adjacency_refuses),
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
