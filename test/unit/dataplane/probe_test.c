/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Probes: sent as other packets are, heard once. Held against frames written down by probe_frame.h.
 */
#include "test/unit/dataplane/probe_fixture.h"

#include <rte_cycles.h>

#include <errno.h>

/* What an ordinary packet of these bytes gets on that path. */
static uint32_t forward_alike(const struct wire_probe *probe, uint8_t *out)
{
	struct frame frame = {.kind = WIRE_PATH_NATIVE,
		.inner = {.src = probe->src,
			.dst = probe->dst,
			.ttl = 65,
			.id = (uint16_t)probe->id,
			.fragment = probe->has_df ? 0x4000 : 0},
		.proto = IPPROTO_ICMP,
		.type = 8,
		.echo_id = probe->id,
		.inner_bytes = probe->bytes,
		.pattern = 0x50};

	memcpy(frame.ether.dst, our_mac, 6);
	assert_int_equal(nexthop_path_set(nexthops, &probe->path), 0);
	send_in(UPLINK, to_mbuf(&frame));
	return take_out(tx_ring[UPLINK], out);
}

static void test_probe_is_sent_as_a_packet(void **state)
{
	(void)state;
	for (unsigned row = 0; row < 2 * 2 * RTE_DIM(kinds); row++) {
		struct wire_probe probe = probe_of(kinds[row / 4]);
		uint8_t like[FRAME_MAX], got[FRAME_MAX];
		uint32_t len;

		probe.has_df = row % 2;
		if (probe.path.kind == WIRE_PATH_VXLAN)
			probe.path.tunnel.has_udp_checksum = row / 2 % 2;
		pipeline.ip_id = 0x4321;
		len = forward_alike(&probe, like);
		if (probe.has_df && probe.path.kind == WIRE_PATH_VXLAN) {
			// the one thing that others do not get
			assert_int_equal(like[20], 0);
			like[20] = 0x40;
			put16(like + 24, 0);
			put16(like + 24, ~frame_sum(like + 14, 20, 0));
		}
		pipeline.ip_id = 0x4321;
		assert_int_equal(prober_send(prober, &probe), 0);
		assert_int_equal(pipeline_code(0)->inject(&pipeline), 1);
		assert_int_equal(take_out(tx_ring[UPLINK], got), len);
		assert_memory_equal(got, like, len);
		if (probe.has_df && probe.path.kind != WIRE_PATH_NATIVE)
			assert_int_equal(got[20], 0x40);
	}
	assert_int_equal(pipeline_code(0)->inject(&pipeline), 0);
	check_account();
}

/* In several buffers, each checksum over all of them; and more than the path's MTU. */
static void test_probe_jumbo(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
		struct wire_probe probe = probe_of(kinds[i]);
		struct frame expected = frame_answer(request_of(kinds[i]));
		uint8_t got[FRAME_MAX], bytes[FRAME_MAX];
		uint32_t len;

		probe.bytes = 9000;
		ports.port[UPLINK].mtu = 9049;
		assert_int_equal(prober_send(prober, &probe),
			kinds[i] == WIRE_PATH_VXLAN ? -EMSGSIZE : 0);
		ports.port[UPLINK].mtu = 9050;
		if (kinds[i] == WIRE_PATH_VXLAN)
			assert_int_equal(prober_send(prober, &probe), 0);
		pipeline.ip_id = 7;
		assert_int_equal(pipeline_code(0)->inject(&pipeline), 1);
		len = take_out(tx_ring[UPLINK], got);
		expected.outer.id = 7;
		expected.outer.ttl = 64;
		expected.inner = (struct frame_ip4){OUR_PROBE, THE_PROBE, 0, 64, 0x5678, 0};
		expected.type = 8;
		expected.echo_id = probe.id;
		expected.inner_bytes = 9000;
		expected.pattern = 0x50;
		if (kinds[i] == WIRE_PATH_VXLAN)
			expected.udp_src = (uint16_t)(got[34] << 8 | got[35]);
		assert_int_equal(len, frame_write(&expected, bytes));
		assert_memory_equal(got, bytes, len);
		ports.port[UPLINK].mtu = 1500;
	}
	check_account();
}

static void test_probe_refused(void **state)
{
	struct wire_probe rows[15];
	int errors[RTE_DIM(rows)];

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		rows[i] = probe_of(WIRE_PATH_VXLAN);
		errors[i] = -EINVAL;
	}
	rows[0].path.kind = WIRE_PATH_PUNT;
	rows[1].path.kind = WIRE_PATH_N_KINDS;
	rows[2].path.port = N_PORTS;
	rows[3].bytes = 27;
	rows[4].bytes = 9001;
	rows[5].src = 0;
	rows[6].dst = IP4(224, 0, 0, 1);
	rows[7].dst = IP4(127, 0, 0, 1);
	rows[8].path.mtu = 67;
	rows[9].path.tunnel.vni = 1 << 24;
	rows[10].has_df = 2;
	rows[11].bytes = 1451;
	errors[11] = -EMSGSIZE;
	rows[12].bytes = 28;
	errors[12] = 0;
	rows[13].bytes = 1450;
	errors[13] = 0;
	rows[14].path.port = TRUNK; // AF_XDP as far as buffers go
	rows[14].bytes = 2035;
	errors[14] = -EMSGSIZE;
	ports.port[TRUNK].mtu = 3500;
	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		assert_int_equal(prober_send(prober, &rows[i]), errors[i]);
	ports.port[TRUNK].mtu = 1500;
	assert_int_equal(pipeline_code(0)->inject(&pipeline), 2);
	empty_ring(tx_ring[UPLINK]);

	ports.port[UPLINK].is_up = false;
	assert_int_equal(prober_send(prober, &rows[12]), -ENETDOWN);
	ports.port[UPLINK].is_up = true;
	check_account();
}

/* Too many at once, and a link that goes while they wait. */
static void test_probe_ring_full(void **state)
{
	struct wire_probe probe = probe_of(WIRE_PATH_IPIP);
	uint64_t made = stats.made_pkts, down = stats.drop_pkts[DROP_PORT_DOWN];
	unsigned n = 0;
	int ret;

	(void)state;
	for (ret = 0; ret == 0 && n < 5000; n++)
		ret = prober_send(prober, &probe);
	assert_int_equal(ret, -ENOBUFS);
	ports.port[UPLINK].is_up = false;
	while (pipeline_code(0)->inject(&pipeline) > 0)
		;
	ports.port[UPLINK].is_up = true;
	assert_int_equal(stats.made_pkts - made, n - 1);
	assert_int_equal(stats.drop_pkts[DROP_PORT_DOWN] - down, n - 1);
	check_account();
}

/* An answer to a probe counts once, from whom it was sent to; control learns how it came. */
static void test_reply_is_heard(void **state)
{
	(void)state;
	n_answered = n_foreign = 0;
	for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
		struct wire_probe probe = probe_of(kinds[(i + 1) % RTE_DIM(kinds)]);
		struct frame reply = request_of(kinds[i]);
		uint64_t start = rte_rdtsc();
		double most_ns;

		reply.type = 0;
		reply.echo_id = probe.id;
		assert_int_equal(prober_send(prober, &probe), 0);
		assert_int_equal(pipeline_code(0)->inject(&pipeline), 1);
		reply.echo_id ^= PROBE_SLOTS; // same slot, another probe
		send_in(UPLINK, to_mbuf(&reply));
		reply.echo_id ^= PROBE_SLOTS;
		reply.inner.src++; // not whom we asked
		send_in(UPLINK, to_mbuf(&reply));
		reply.inner.src--;
		prober_drain(prober, pipeline.answerer.heard);
		assert_int_equal(n_answered, i);
		assert_int_equal(n_foreign, 3 * i + 2);

		for (unsigned twice = 0; twice < 2; twice++)
			send_in(UPLINK, to_mbuf(&reply));
		most_ns = (double)(rte_rdtsc() - start) * 1e9 / (double)rte_get_tsc_hz();
		assert_int_equal(prober_drain(prober, pipeline.answerer.heard), 2);
		assert_int_equal(n_answered, i + 1);
		assert_int_equal(n_foreign, 3 * i + 3);
		assert_int_equal(last_reply.id, probe.id);
		assert_int_equal(last_reply.src, THE_PROBE);
		assert_int_equal(last_reply.node, kinds[i] == WIRE_PATH_NATIVE ? 0 : THE_NODE);
		assert_int_equal(last_reply.kind, kinds[i]);
		assert_true(last_reply.rtt_ns > 0 && last_reply.rtt_ns <= most_ns);
	}
	assert_int_equal(main_stats.taken_pkts, RTE_DIM(kinds));
	check_account();
}

static void test_probes_are_not_counted_as_carried(void **state)
{
	struct wire_probe probe = probe_of(WIRE_PATH_VXLAN);

	(void)state;
	assert_int_equal(nexthop_path_set(nexthops, &probe.path), 0);
	memset(path_counts, 0, sizeof(path_counts));
	for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
		struct frame request = request_of(kinds[i]);

		probe.path = path_of(kinds[i]);
		assert_int_equal(prober_send(prober, &probe), 0);
		send_in(UPLINK, to_mbuf(&request));
	}
	assert_int_equal(pipeline_code(0)->inject(&pipeline), 3);
	for (unsigned i = WIRE_NH_PATH_FIRST; i < RTE_DIM(path_counts[0]); i++) {
		for (unsigned kind = 0; kind < WIRE_PATH_N_KINDS; kind++)
			assert_int_equal(path_counts[kind][i], 0);
	}
	check_account();
}

/* Anything, damaged: each packet ends once, whatever it is. */
static void test_probe_account(void **state)
{
	uint64_t random = 99;

	(void)state;
	for (unsigned i = 0; i < 50000; i++) {
		struct frame frame = request_of(kinds[support_random(&random) % 3]);
		struct rte_mbuf *pkt;

		frame.type = support_random(&random) % 2 ? 8 : 0;
		frame.has_udp_checksum = support_random(&random) % 2;
		pkt = to_mbuf(&frame);
		for (uint64_t n = support_random(&random) % 3; n > 0; n--)
			rte_pktmbuf_mtod(pkt, uint8_t *)[support_random(&random) % pkt->pkt_len] ^=
				(uint8_t)support_random(&random);
		if (support_random(&random) % 4 == 0)
			support_packet_fix_checksum(pkt);
		if (support_random(&random) % 8 == 0)
			rte_pktmbuf_trim(pkt, (uint16_t)(support_random(&random) % pkt->pkt_len));
		send_in(support_random(&random) % 8 == 0 ? TRUNK : UPLINK, pkt);
		if (i % 64 == 0)
			check_account();
	}
	check_account();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe_is_sent_as_a_packet),
		cmocka_unit_test(test_probe_jumbo),
		cmocka_unit_test(test_probe_refused),
		cmocka_unit_test(test_probe_ring_full),
		cmocka_unit_test(test_reply_is_heard),
		cmocka_unit_test(test_probes_are_not_counted_as_carried),
		cmocka_unit_test(test_probe_account),
	};

	support_eal_init(256);
	return cmocka_run_group_tests(tests, probe_setup, probe_teardown);
}
