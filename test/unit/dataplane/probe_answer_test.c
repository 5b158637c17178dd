/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Echoes to our probe address: answered the way they came, or not by us. Held against frames written
 * down by probe_frame.h.
 */
#include "test/unit/dataplane/probe_fixture.h"

#include <rte_cycles.h>

static void test_answer_goes_back_the_same_way(void **state)
{
	uint64_t random = 7;

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		struct frame request = request_of(kinds[i % RTE_DIM(kinds)]);
		struct frame expected;

		request.has_udp_checksum = i / 3 % 2;
		request.outer.fragment = i / 6 % 2 ? 0x4000 : 0;
		request.inner.fragment = i / 12 % 2 ? 0x4000 : 0;
		request.outer.ttl = (uint8_t)(support_random(&random) % 255 + 1);
		request.inner.ttl = (uint8_t)(support_random(&random) % 255 + 1);
		request.outer.id = (uint16_t)support_random(&random);
		request.inner.id = (uint16_t)support_random(&random);
		request.inner.tos = (uint8_t)support_random(&random);
		request.outer.tos = request.inner.tos & 3;
		request.echo_id = (uint32_t)support_random(&random);
		request.pattern = (uint8_t)support_random(&random);
		request.inner_bytes = (uint16_t)(28 + support_random(&random) % 1400);
		expected = frame_answer(request);
		send_in(UPLINK, to_mbuf(&request));
		expect_out(tx_ring[UPLINK], &expected);
	}
	check_account();
}

/* RFC 6040: a mark outside comes back inside, with all checksums right. */
static void test_answer_with_congestion_marked(void **state)
{
	(void)state;
	for (unsigned i = 1; i < RTE_DIM(kinds); i++) {
		struct frame request = request_of(kinds[i]);
		struct frame expected;

		request.inner.tos = 2;
		request.outer.tos = 3;
		expected = frame_answer(request);
		expected.inner.tos = 3;
		send_in(UPLINK, to_mbuf(&request));
		expect_out(tx_ring[UPLINK], &expected);
	}
	check_account();
}

static void test_answer_to_a_pod(void **state)
{
	struct frame request = request_of(WIRE_PATH_NATIVE);
	uint64_t dropped = stats.drop_pkts[DROP_POD_SOURCE];
	struct frame expected;

	(void)state;
	request.inner.src = OUR_POD;
	memcpy(request.ether.src, pod_source, 6);
	expected = frame_answer(request);
	memcpy(expected.ether.dst, pod_mac, 6);
	memcpy(expected.ether.src, pod_source, 6);
	send_in(TRUNK, to_mbuf(&request));
	expect_out(tx_ring[TRUNK], &expected);

	request.inner.src = THE_PROBE; // not the pod's
	send_in(TRUNK, to_mbuf(&request));
	assert_int_equal(stats.drop_pkts[DROP_POD_SOURCE], dropped + 1);
	check_account();
}

/* A short datagram, its length right everywhere: 8 bytes of ICMP are an echo, less is not. */
static void test_answer_every_length(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
		for (uint16_t bytes = 20; bytes < 93; bytes++) {
			struct frame request = request_of(kinds[i]);
			struct frame expected;

			request.inner_bytes = bytes;
			expected = frame_answer(request);
			send_in(UPLINK, to_mbuf(&request));
			if (bytes >= PROBE_MIN_BYTES)
				expect_out(tx_ring[UPLINK], &expected);
			else
				assert_int_equal(empty_ring(pipeline.to_kernel), 1);
			if (bytes < PROBE_MIN_BYTES)
				main_stats.punt_pkts++;
		}
	}
	check_account();
}

/* A frame cut anywhere says more than it has: never answered, never read behind its end. */
static void test_answer_every_cut(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
		struct frame request = request_of(kinds[i]);
		uint8_t bytes[FRAME_MAX];
		uint32_t len = frame_write(&request, bytes);

		for (uint32_t cut = 1; cut <= len; cut++) {
			struct rte_mbuf *pkt = to_mbuf(&request);
			uint64_t n_tx = stats.tx_pkts;

			rte_pktmbuf_trim(pkt, (uint16_t)cut);
			send_in(UPLINK, pkt);
			assert_int_equal(stats.tx_pkts, n_tx);
		}
	}
	check_account();
}

/* What is no echo is the kernel's, with the Ethernet header of the frame that brought it. */
static void test_answer_leaves_the_rest_to_the_kernel(void **state)
{
	static const struct {
		const char *name;
		uint8_t proto, type, code;
		uint16_t fragment;
	} rows[] = {
		{"udp", IPPROTO_UDP, 8, 0, 0},
		{"code", IPPROTO_ICMP, 8, 1, 0},
		{"timestamp", IPPROTO_ICMP, 13, 0, 0},
		{"unreachable", IPPROTO_ICMP, 3, 0, 0},
		{"first fragment", IPPROTO_ICMP, 8, 0, 0x2000},
		{"last fragment", IPPROTO_ICMP, 8, 0, 0x0010},
		{"reply in a fragment", IPPROTO_ICMP, 0, 0, 0x2000},
	};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows) * RTE_DIM(kinds); i++) {
		struct frame request = request_of(kinds[i / RTE_DIM(rows)]);
		struct frame expected;

		request.proto = rows[i % RTE_DIM(rows)].proto;
		request.type = rows[i % RTE_DIM(rows)].type;
		request.code = rows[i % RTE_DIM(rows)].code;
		request.inner.fragment = rows[i % RTE_DIM(rows)].fragment;
		expected = request;
		expected.kind = WIRE_PATH_NATIVE;
		print_message("%s\n", rows[i % RTE_DIM(rows)].name);
		send_in(UPLINK, to_mbuf(&request));
		expect_out(pipeline.to_kernel, &expected);
		main_stats.punt_pkts++;
	}
	check_account();
}

static void test_answer_rate(void **state)
{
	struct bucket before = pipeline.answerer.answers;
	uint64_t n_tx = stats.tx_pkts;

	(void)state;
	// one token, and no other for some hundred years
	pipeline.answerer.answers = (struct bucket){
		.cycles_per_token = UINT64_MAX / 4,
		.depth_cycles = UINT64_MAX / 4,
		.filled_until = rte_rdtsc() - UINT64_MAX / 4,
	};
	for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
		struct frame request = request_of(kinds[i]);

		send_in(UPLINK, to_mbuf(&request));
	}
	pipeline.answerer.answers = before;
	assert_int_equal(stats.tx_pkts - n_tx, 1);
	assert_int_equal(stats.drop_pkts[DROP_PROBE_LIMITED], 2);
	check_account();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer_goes_back_the_same_way),
		cmocka_unit_test(test_answer_with_congestion_marked),
		cmocka_unit_test(test_answer_to_a_pod),
		cmocka_unit_test(test_answer_every_length),
		cmocka_unit_test(test_answer_every_cut),
		cmocka_unit_test(test_answer_leaves_the_rest_to_the_kernel),
		cmocka_unit_test(test_answer_rate),
	};

	support_eal_init(256);
	return cmocka_run_group_tests(tests, probe_setup, probe_teardown);
}
