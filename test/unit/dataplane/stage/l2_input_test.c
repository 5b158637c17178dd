/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/unit/dataplane/stage/burst.h"

#include "dataplane/stage/l2_input.h"

#define OURS                                                                                       \
	{                                                                                          \
		2, 0, 0, 0, 0, 1                                                                   \
	}

static struct rte_mempool *pool;
static const struct rte_ether_addr mac = {OURS};

struct row {
	const char *name;
	uint8_t dst_mac[6];
	uint32_t dst;
	uint16_t ether_type;  /* 0: IPv4 */
	uint16_t frame_bytes; /* 0: all */
	int end;
};

static const struct row rows[] = {
	{"ours", OURS, RTE_IPV4(10, 0, 0, 1), 0, 0, BURST_STAYS},
	{"other station", {2, 0, 0, 0, 0, 2}, RTE_IPV4(10, 0, 0, 1), 0, 0, DROP_NOT_FOR_US},
	{"broadcast frame, unicast packet", {255, 255, 255, 255, 255, 255}, RTE_IPV4(10, 0, 0, 1),
		0, 0, DROP_L2_BROADCAST},
	{"broadcast", {255, 255, 255, 255, 255, 255}, UINT32_MAX, 0, 0, BURST_PUNTED},
	{"multicast", {1, 0, 0x5e, 0, 0, 5}, RTE_IPV4(224, 0, 0, 5), 0, 0, BURST_PUNTED},
	{"arp", {255, 255, 255, 255, 255, 255}, 0, RTE_ETHER_TYPE_ARP, 0, BURST_PUNTED},
	{"ipv6", OURS, 0, RTE_ETHER_TYPE_IPV6, 0, BURST_PUNTED},
	{"vlan", OURS, 0, RTE_ETHER_TYPE_VLAN, 0, BURST_PUNTED},
	{"13 bytes", OURS, 0, 0, 13, DROP_TRUNCATED},
	{"33 bytes", OURS, 0, 0, 33, DROP_TRUNCATED},
	{"34 bytes", OURS, 0, 0, 34, BURST_STAYS},
};

static void test_l2_input_rows(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct support_packet packet = {.dst = rows[i].dst, .payload_bytes = 30};
		struct rte_ether_hdr *eth;
		struct rte_mbuf *pkt;
		struct burst burst;

		memcpy(packet.dst_mac, rows[i].dst_mac, 6);
		pkt = support_packet_build(pool, &packet);
		eth = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *);
		if (rows[i].ether_type != 0)
			eth->ether_type = rte_cpu_to_be_16(rows[i].ether_type);
		if (rows[i].frame_bytes != 0)
			assert_int_equal(rte_pktmbuf_trim(pkt,
						 (uint16_t)(pkt->pkt_len - rows[i].frame_bytes)),
				0);

		print_message("%s\n", rows[i].name);
		burst = burst_of(pkt);
		l2_input(&burst, &mac);
		assert_int_equal(burst_end(&burst), rows[i].end);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_l2_input_rows),
	};

	support_eal_init(64);
	pool = support_pool_create("l2_input", 255);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
