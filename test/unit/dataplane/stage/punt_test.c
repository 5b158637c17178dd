/* SPDX-License-Identifier: BSD-3-Clause */
/* What class a punted packet is of, and that a flood leaves room for the classes above it. */
#include "test/unit/support.h"

#include <rte_ether.h>

#include "dataplane/stage/punt.h"

#define RING_PKTS 64u
#define ROOM	  (RING_PKTS - 1) /* a ring holds one less than its size */

static struct rte_mempool *pool;
static struct lcore_stats stats;

/* A frame by its first bytes behind the MAC addresses; for IPv4 and IPv6 what matters of them. */
struct row {
	const char *name;
	enum punt_class class;
	uint16_t ether_type;
	uint8_t proto;
	uint16_t fragment_offset;
	uint8_t l4[4]; /* ports, or type and code */
	uint8_t n_option_words;
};

#define BGP_PORT 0, 179
#define BFD_PORT 0x0e, 0xc8 /* 3784 */
#define ANY_PORT 0x80, 0

static const struct row rows[] = {
	{"arp", PUNT_ARP, RTE_ETHER_TYPE_ARP, 0, 0, {0}, 0},
	{"lldp", PUNT_OTHER, 0x88cc, 0, 0, {0}, 0},
	{"vlan", PUNT_OTHER, RTE_ETHER_TYPE_VLAN, 0, 0, {0}, 0},
	{"bgp server", PUNT_BGP, RTE_ETHER_TYPE_IPV4, IPPROTO_TCP, 0, {BGP_PORT, ANY_PORT}, 0},
	{"bgp client", PUNT_BGP, RTE_ETHER_TYPE_IPV4, IPPROTO_TCP, 0, {ANY_PORT, BGP_PORT}, 0},
	{"bgp, options", PUNT_BGP, RTE_ETHER_TYPE_IPV4, IPPROTO_TCP, 0, {ANY_PORT, BGP_PORT}, 2},
	{"udp 179", PUNT_OTHER, RTE_ETHER_TYPE_IPV4, IPPROTO_UDP, 0, {ANY_PORT, BGP_PORT}, 0},
	{"ssh", PUNT_OTHER, RTE_ETHER_TYPE_IPV4, IPPROTO_TCP, 0, {ANY_PORT, 0, 22}, 0},
	{"bfd", PUNT_BFD, RTE_ETHER_TYPE_IPV4, IPPROTO_UDP, 0, {ANY_PORT, BFD_PORT}, 0},
	{"bfd echo", PUNT_BFD, RTE_ETHER_TYPE_IPV4, IPPROTO_UDP, 0, {ANY_PORT, 0x0e, 0xc9}, 0},
	{"bfd multihop", PUNT_BFD, RTE_ETHER_TYPE_IPV4, IPPROTO_UDP, 0, {ANY_PORT, 0x12, 0xb0}, 0},
	{"from bfd's port", PUNT_OTHER, RTE_ETHER_TYPE_IPV4, IPPROTO_UDP, 0, {BFD_PORT, ANY_PORT},
		0},
	{"icmp", PUNT_ICMP, RTE_ETHER_TYPE_IPV4, IPPROTO_ICMP, 0, {8}, 0},
	{"later fragment", PUNT_OTHER, RTE_ETHER_TYPE_IPV4, IPPROTO_TCP, 1, {ANY_PORT, BGP_PORT},
		0},
	{"ipip", PUNT_OTHER, RTE_ETHER_TYPE_IPV4, IPPROTO_IPIP, 0, {0}, 0},
	{"bgp on ipv6", PUNT_BGP, RTE_ETHER_TYPE_IPV6, IPPROTO_TCP, 0, {ANY_PORT, BGP_PORT}, 0},
	{"neighbour advertisement", PUNT_ARP, RTE_ETHER_TYPE_IPV6, IPPROTO_ICMPV6, 0, {136}, 0},
	{"echo on ipv6", PUNT_ICMP, RTE_ETHER_TYPE_IPV6, IPPROTO_ICMPV6, 0, {128}, 0},
	{"udp on ipv6", PUNT_OTHER, RTE_ETHER_TYPE_IPV6, IPPROTO_UDP, 0, {0}, 0},
};

static struct rte_mbuf *make_frame(const struct row *row)
{
	struct support_packet packet = {
		.proto = row->proto != 0 ? row->proto : IPPROTO_RAW,
		.fragment = row->fragment_offset,
		.n_option_words = row->n_option_words,
		.payload_bytes = 64,
	};
	struct rte_mbuf *pkt = support_packet_build(pool, &packet);
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *);
	uint8_t *ip = (uint8_t *)(eth + 1);

	eth->ether_type = rte_cpu_to_be_16(row->ether_type);
	if (row->ether_type == RTE_ETHER_TYPE_IPV6) {
		ip[6] = row->proto;
		memcpy(ip + 40, row->l4, sizeof(row->l4));
	} else {
		memcpy(ip + 20 + 4 * row->n_option_words, row->l4, sizeof(row->l4));
	}
	return pkt;
}

static void test_punt_classify_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		struct rte_mbuf *pkt = make_frame(&rows[i]);

		print_message("%s\n", rows[i].name);
		assert_int_equal(punt_classify(pkt), rows[i].class);
		rte_pktmbuf_free(pkt);
	}
}

/* A frame that ends early is what its bytes say, or "other"; behind its end nothing counts. */
static void test_punt_classify_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < RTE_DIM(rows); i++) {
		for (uint16_t len = 0; len < 60; len++) {
			struct rte_mbuf *pkt = make_frame(&rows[i]);
			enum punt_class class;

			pkt->data_len = len;
			pkt->pkt_len = len;
			class = punt_classify(pkt);
			assert_true(class == rows[i].class || class == PUNT_OTHER);
			if (len < RTE_ETHER_HDR_LEN)
				assert_int_equal(class, PUNT_OTHER);
			rte_pktmbuf_free(pkt);
		}
	}
}

/* Punt one frame. Returns: did the ring take it? */
static bool punt_one(struct rte_ring *ring, const struct row *row)
{
	struct burst burst = {.n_punt = 1, .punt = {make_frame(row)}};

	punt(&burst, ring, &stats);
	assert_int_equal(burst.n_punt, 0);
	if (burst.n_drop == 0)
		return true;
	assert_int_equal(burst.reason[0], DROP_PUNT_FULL);
	rte_pktmbuf_free(burst.drop[0]);
	return false;
}

static void test_punt_leaves_room(void **state)
{
	// in the order of the classes
	static const char *const floods[] = {"ssh", "icmp", "arp", "bgp server", "bfd"};
	struct rte_ring *ring =
		rte_ring_create("kernel", RING_PKTS, 0, RING_F_SP_ENQ | RING_F_SC_DEQ);
	unsigned n_before = 0;
	void *pkt;

	(void)state;
	assert_non_null(ring);
	for (unsigned class = 0; class < PUNT_N_CLASSES; class ++) {
		const struct row *row = rows;

		while (strcmp(row->name, floods[class]) != 0)
			row++;
		for (unsigned i = 0; i < 2 * RING_PKTS; i++)
			punt_one(ring, row);
		assert_true(rte_ring_count(ring) > n_before);
		assert_int_equal(stats.punt[class].full_pkts,
			2 * RING_PKTS - (rte_ring_count(ring) - n_before));
		n_before = rte_ring_count(ring);
	}
	assert_int_equal(n_before, ROOM);
	for (unsigned i = 0; rte_ring_dequeue(ring, &pkt) == 0; i++) {
		uint32_t class = ((struct rte_mbuf *)pkt)->hash.usr;

		assert_int_equal(class, i < ROOM / 2 ? (uint32_t)PUNT_OTHER : class);
		rte_pktmbuf_free(pkt);
	}
	rte_ring_free(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_punt_classify_rows),
		cmocka_unit_test(test_punt_classify_cut),
		cmocka_unit_test(test_punt_leaves_room),
	};

	support_eal_init(64);
	pool = support_pool_create("punt", 255);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
