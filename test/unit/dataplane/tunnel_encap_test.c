/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Outer headers on the way out: adjacency, encap_ipip and encap_vxlan, against bytes written down by hand
 * from RFC 2003, RFC 7348, RFC 6040 and what Linux sends.
 */
#include "test/unit/dataplane/tunnel_fixture.h"

#include "dataplane/table/flow.h"
#include "dataplane/table/nexthop.h"

#include <errno.h>
#include <string.h>

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

#define N_FLOW_BYTES (3 * sizeof(uint32_t)) /* of destination, source, ports */

/*
 * How flows spread: over the buckets of a group, over 65,536 source ports, and over both together, of a port
 * its first byte.
 */
struct spread {
	bool bucket[NEXTHOP_GROUP_BUCKETS], port[1 << 16], both[NEXTHOP_GROUP_BUCKETS][256];
	unsigned n_buckets, n_ports, n_both;
};

static void spread_flow(struct spread *spread, const uint32_t *words)
{
	const uint32_t hash = flow_hash(words[0], words[1], words[2]);
	const uint32_t bucket = hash % NEXTHOP_GROUP_BUCKETS;

	spread->n_buckets += !spread->bucket[bucket];
	spread->n_ports += !spread->port[hash >> 16];
	spread->n_both += !spread->both[bucket][hash >> 24];
	spread->bucket[bucket] = spread->port[hash >> 16] = spread->both[bucket][hash >> 24] = true;
}

/* Of n places, m flows take n (1 - e^(-m/n)) by chance; nearly as many at least. */
static void spread_end(struct spread *spread, unsigned buckets_by_chance, unsigned ports_by_chance)
{
	assert_true(spread->n_buckets > buckets_by_chance * 3 / 4);
	assert_true(spread->n_ports > ports_by_chance * 7 / 8);
	assert_true(spread->n_both > ports_by_chance * 7 / 8);
	memset(spread, 0, sizeof(*spread));
}

/* Flows that differ in two bytes of a packet, whichever. */
static void test_flow_hash_spreads(void **state)
{
	static struct spread spread;

	(void)state;
	for (unsigned a = 0; a < N_FLOW_BYTES; a++) {
		for (unsigned b = a + 1; b < N_FLOW_BYTES; b++) {
			for (uint32_t flow = 0; flow < 4096; flow++) {
				uint32_t words[3] = {RTE_BE32(OUR_POD), RTE_BE32(THE_POD),
					0x00500050};

				words[a / 4] ^= (flow & 63) << (a % 4 * 8);
				words[b / 4] ^= flow >> 6 << (b % 4 * 8);
				spread_flow(&spread, words);
			}
			spread_end(&spread, 256, 3973);
		}
	}
}

/* What a server sends back: to one client, from one port, to ports as clients choose them. */
static void test_flow_hash_replies(void **state)
{
	static struct spread spread;

	(void)state;
	for (unsigned step = 1; step <= 2; step++) {
		for (unsigned flow = 0; flow < 64; flow++) {
			const uint32_t client = RTE_BE16((uint16_t)(40000 + flow * step));
			const uint32_t words[3] = {RTE_BE32(OUR_POD), RTE_BE32(THE_POD),
				client << 16 | RTE_BE16(80)};

			spread_flow(&spread, words);
		}
		spread_end(&spread, 57, 64);
	}
}

/* The stages write up to a multiple of 32 bytes in front of a packet, and no further. */
static void test_encap_stays_in_its_room(void **state)
{
	(void)state;
	for (unsigned k = 0; k < RTE_DIM(kinds); k++) {
		const unsigned room = kinds[k] == WIRE_PATH_IPIP ? 32 : 64;
		struct wire_path wire = path_of(kinds[k]);
		struct rte_mbuf *pkt = inner_packet(0, 0, THE_POD);
		uint8_t *frame = rte_pktmbuf_mtod(pkt, uint8_t *);

		memset(pkt->buf_addr, 0xa5, pkt->data_off);
		encap(pkt, &wire, 1);
		for (uint8_t *at = pkt->buf_addr; at < frame - room; at++)
			assert_int_equal(*at, 0xa5);
		rte_pktmbuf_free(pkt);
	}
}

/* The source port that a packet gets beside another one in its burst, which may be NULL. */
static uint16_t port_beside(const struct support_packet *packet, const struct support_packet *other)
{
	struct wire_path wire = path_of(WIRE_PATH_VXLAN);
	struct adjacency adjacency;
	struct burst burst = burst_of(support_packet_build(pool, packet));
	uint16_t port, id = 1;

	assert_int_equal(adjacency_make(&adjacency, &wire), 0);
	if (other != NULL) {
		burst_add(&burst, support_packet_build(pool, other));
		burst_read_ip4(&burst, 1);
	}
	burst.n_encap[ENCAP_VXLAN] = (uint8_t)burst.n;
	for (uint8_t i = 0; i < burst.n; i++) {
		burst.adjacency[i] = &adjacency;
		burst.encap[ENCAP_VXLAN][i] = i;
	}
	encap_vxlan(&burst, &id);
	port = rte_be_to_cpu_16(*rte_pktmbuf_mtod_offset(burst.pkt[0], uint16_t *, 34));
	rte_pktmbuf_free_bulk(burst.pkt, burst.n);
	return port;
}

/* A flow's port does not depend on what else is in the burst. */
static void test_encap_vxlan_source_port_beside(void **state)
{
	static const uint8_t protocols[] = {IPPROTO_UDP, IPPROTO_TCP, IPPROTO_SCTP, IPPROTO_ICMP};
	const struct support_packet plain = {.src = THE_POD, .dst = OUR_POD, .payload_bytes = 10};
	const struct support_packet piece = {.src = THE_POD,
		.dst = OUR_POD,
		.fragment = 3,
		.payload_bytes = 16};

	(void)state;
	for (unsigned p = 0; p < RTE_DIM(protocols); p++) {
		for (uint16_t flow = 1; flow < 50; flow++) {
			struct support_packet packet = {.src = THE_POD,
				.dst = OUR_POD + flow,
				.proto = protocols[p],
				.src_port = flow,
				.payload_bytes = 10};
			uint16_t port = port_beside(&packet, NULL);

			assert_int_equal(port_beside(&packet, &plain), port);
			assert_int_equal(port_beside(&packet, &piece), port);
		}
	}
}

/* All fragments of a datagram get one port: only the first has its UDP ports. */
static void test_encap_vxlan_source_port_fragments(void **state)
{
	(void)state;
	for (uint16_t flow = 1; flow < 50; flow++) {
		struct support_packet packet = {.src = THE_POD,
			.dst = OUR_POD + flow,
			.src_port = flow,
			.fragment = RTE_IPV4_HDR_MF_FLAG,
			.payload_bytes = 16};
		uint16_t port = port_beside(&packet, NULL);

		packet.src_port = (uint16_t)(flow + 1000);
		packet.fragment = 3;
		assert_int_equal(port_beside(&packet, NULL), port);
	}
}

/* Each packet has its own identification, in its burst and over bursts, up to the end of the numbers. */
static void test_encap_identification(void **state)
{
	const struct support_packet packet = {.src = THE_POD, .dst = OUR_POD, .payload_bytes = 10};

	(void)state;
	for (unsigned k = 0; k < RTE_DIM(kinds); k++) {
		struct wire_path wire = path_of(kinds[k]);
		struct adjacency adjacency;
		uint16_t id = 0xfff8, expected = id;

		assert_int_equal(adjacency_make(&adjacency, &wire), 0);
		for (unsigned n = 1; n <= BURST_MAX; n += 5) {
			struct burst burst = {.n = 0};

			for (unsigned i = 0; i < n; i++) {
				burst_add(&burst, support_packet_build(pool, &packet));
				burst_read_ip4(&burst, i);
				burst.adjacency[i] = &adjacency;
				burst_set_encap(&burst, (uint16_t)i,
					(enum encap)(adjacency.kind - ADJACENCY_NATIVE));
			}
			if (adjacency.kind == ADJACENCY_IPIP)
				encap_ipip(&burst, &id);
			else
				encap_vxlan(&burst, &id);
			for (unsigned i = 0; i < n; i++)
				assert_int_equal(
					rte_be_to_cpu_16(
						support_packet_ip4(burst.pkt[i])->packet_id),
					expected++);
			rte_pktmbuf_free_bulk(burst.pkt, n);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encap_ipip_bytes),
		cmocka_unit_test(test_encap_vxlan_bytes),
		cmocka_unit_test(test_encap_vxlan_checksum_zero),
		cmocka_unit_test(test_encap_vxlan_source_ports),
		cmocka_unit_test(test_flow_hash_spreads),
		cmocka_unit_test(test_flow_hash_replies),
		cmocka_unit_test(test_encap_stays_in_its_room),
		cmocka_unit_test(test_encap_vxlan_source_port_beside),
		cmocka_unit_test(test_encap_vxlan_source_port_fragments),
		cmocka_unit_test(test_encap_identification),
		cmocka_unit_test(test_encap_ecn_copied),
		cmocka_unit_test(test_adjacency_refuses),
	};

	support_eal_init(256);
	pool = support_pool_create("tunnel", 1023);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
