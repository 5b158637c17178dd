/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port with a VLAN, made of a ring that gives back what it is sent: tags in software, and the marks by
 * which a device is told to do it.
 */
#include "test/unit/support.h"

#include <rte_ethdev.h>

#include <stdlib.h>
#include <string.h>

#include "dataplane/stage/vlan_input.h"
#include "dataplane/table/port_send.h"
#include "dataplane/table/port_vlan.h"

#define VLAN	   100u
#define RING_SIZE  1024u /* what net_ring makes of 1024 descriptors, less one */
#define TAG_BYTES  4u
#define TAG_OFFSET 12u /* behind the MAC addresses */

static struct rte_mempool *pool;
static struct port_table ports;
static struct port *port;

static struct rte_mbuf *make_frame(void)
{
	struct support_packet packet = {.dst_mac = {2, 0, 0, 0, 0, 1},
		.src_mac = {2, 0, 0, 0, 0, 2},
		.src = 0x0a000001,
		.dst = 0x0a000002,
		.payload_bytes = 100};

	return support_packet_build(pool, &packet);
}

static void put_tag(struct rte_mbuf *pkt, uint16_t ether_type, uint16_t tci)
{
	uint8_t *frame = (uint8_t *)rte_pktmbuf_prepend(pkt, TAG_BYTES);

	if (frame == NULL)
		abort();
	memmove(frame, frame + TAG_BYTES, TAG_OFFSET);
	frame[TAG_OFFSET] = (uint8_t)(ether_type >> 8);
	frame[TAG_OFFSET + 1] = (uint8_t)ether_type;
	frame[TAG_OFFSET + 2] = (uint8_t)(tci >> 8);
	frame[TAG_OFFSET + 3] = (uint8_t)tci;
}

static void test_port_send_tags_frames(void **state)
{
	struct rte_mbuf *plain = make_frame(), *wanted = make_frame(), *pkt = make_frame(), *back;

	(void)state;
	put_tag(wanted, 0x8100, VLAN);
	assert_int_equal(port_send(port, 0, &pkt, 1, false), 1);
	assert_int_equal(rte_eth_rx_burst(port->eth_id, 0, &back, 1), 1);
	assert_int_equal(back->pkt_len, wanted->pkt_len);
	assert_memory_equal(rte_pktmbuf_mtod(back, void *), rte_pktmbuf_mtod(wanted, void *),
		wanted->data_len);

	assert_true(port_vlan_strip(port, back));
	assert_int_equal(back->pkt_len, plain->pkt_len);
	assert_memory_equal(rte_pktmbuf_mtod(back, void *), rte_pktmbuf_mtod(plain, void *),
		plain->data_len);
	rte_pktmbuf_free(back);
	rte_pktmbuf_free(wanted);
	rte_pktmbuf_free(plain);
}

/* What does not fit is as it was, so that it can be counted and told of. */
static void test_port_send_unsent_has_no_tag(void **state)
{
	struct rte_mbuf *plain = make_frame(), *pkt;
	unsigned n_sent = 0;

	(void)state;
	for (pkt = make_frame(); port_send(port, 0, &pkt, 1, false) == 1; pkt = make_frame())
		n_sent++;
	assert_true(n_sent > 0 && n_sent < RING_SIZE);
	assert_int_equal(pkt->pkt_len, plain->pkt_len);
	assert_memory_equal(rte_pktmbuf_mtod(pkt, void *), rte_pktmbuf_mtod(plain, void *),
		plain->data_len);
	rte_pktmbuf_free(pkt);
	rte_pktmbuf_free(plain);
	while (rte_eth_rx_burst(port->eth_id, 0, &pkt, 1) == 1)
		rte_pktmbuf_free(pkt);
}

/* A frame without room for the tag is not sent, nor what is behind it; the others are. */
static void test_port_send_no_headroom(void **state)
{
	struct rte_mbuf *pkts[] = {make_frame(), make_frame(), make_frame()};
	struct rte_mbuf *back;

	(void)state;
	pkts[1]->data_off = 2;
	assert_int_equal(port_send(port, 0, pkts, 3, false), 1);
	assert_int_equal(rte_eth_rx_burst(port->eth_id, 0, &back, 1), 1);
	rte_pktmbuf_free(back);
	rte_pktmbuf_free(pkts[1]);
	rte_pktmbuf_free(pkts[2]);
}

static void test_vlan_input_table(void **state)
{
	static const struct {
		uint16_t ether_type, tci; /* 0: no tag */
		bool goes_on;
	} rows[] = {
		{0x8100, VLAN, true},
		{0x8100, 0xf000 | VLAN, true}, // priority and DEI are not asked for
		{0x8100, VLAN + 1, false},
		{0x8100, 0, false}, // priority alone is no VLAN
		{0x88a8, VLAN, false},
		{0, 0, false},
	};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct burst burst = {.n = 1};

		burst.pkt[0] = make_frame();
		if (rows[i].ether_type != 0)
			put_tag(burst.pkt[0], rows[i].ether_type, rows[i].tci);
		vlan_input(&burst, port);
		if (burst.n != rows[i].goes_on || burst.n_drop != !rows[i].goes_on)
			fail_msg("row %u: %u on, %u dropped", i, burst.n, burst.n_drop);
		if (burst.n_drop > 0)
			assert_int_equal(burst.reason[0], DROP_VLAN);
		else
			assert_ptr_equal(burst.frame[0], rte_pktmbuf_mtod(burst.pkt[0], void *));
		rte_pktmbuf_free(burst.n > 0 ? burst.pkt[0] : burst.drop[0]);
	}
}

/* Cut at every byte: no tag is read where there is none. */
static void test_vlan_input_cut(void **state)
{
	(void)state;
	for (uint16_t len = 0; len < RTE_ETHER_HDR_LEN + TAG_BYTES; len++) {
		struct burst burst = {.n = 1, .pkt = {make_frame()}};

		put_tag(burst.pkt[0], 0x8100, VLAN);
		rte_pktmbuf_trim(burst.pkt[0], (uint16_t)(burst.pkt[0]->data_len - len));
		vlan_input(&burst, port);
		assert_int_equal(burst.n, 0);
		rte_pktmbuf_free(burst.drop[0]);
	}
}

/* The device does both: only marks are read and written. */
static void test_port_vlan_by_device(void **state)
{
	struct port device = *port;
	struct rte_mbuf *pkt = make_frame();
	uint32_t len = pkt->pkt_len;

	(void)state;
	device.strips_vlan = device.inserts_vlan = true;
	assert_int_equal(port_vlan_tag(&device, &pkt, 1), 1);
	assert_true(pkt->ol_flags & RTE_MBUF_F_TX_VLAN);
	assert_int_equal(pkt->vlan_tci, VLAN);
	port_vlan_untag(&device, &pkt, 1);
	assert_false(pkt->ol_flags & RTE_MBUF_F_TX_VLAN);
	assert_int_equal(pkt->pkt_len, len);

	assert_false(port_vlan_strip(&device, pkt)); // it stripped nothing
	pkt->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	assert_true(port_vlan_strip(&device, pkt));
	pkt->vlan_tci = VLAN + 1;
	assert_false(port_vlan_strip(&device, pkt));
	rte_pktmbuf_free(pkt);
}

static int setup(void **state)
{
	struct port_config config = {
		.name = "uplink0",
		.kind = WIRE_PORT_VDEV,
		.devargs = "net_ring0",
		.n_queues = 1,
		.n_senders = 1,
		.vlan = VLAN,
	};
	char error[400] = "";

	(void)state;
	config.pool = pool = support_pool_create("vlan", 2047);
	if (port_add(&ports, &config, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	port = &ports.port[0];
	assert_false(port->strips_vlan || port->inserts_vlan); // a ring does neither
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	port_close_all(&ports);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_send_tags_frames),
		cmocka_unit_test(test_port_send_unsent_has_no_tag),
		cmocka_unit_test(test_port_send_no_headroom),
		cmocka_unit_test(test_vlan_input_table),
		cmocka_unit_test(test_vlan_input_cut),
		cmocka_unit_test(test_port_vlan_by_device),
	};

	support_eal_init(64);
	return cmocka_run_group_tests(tests, setup, teardown);
}
