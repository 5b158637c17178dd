/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The API's part in comparing paths: probes for control, their answers, what each path carried.
 */
#include "test/unit/dataplane/api_fixture.h"

#include <rte_cycles.h>

/* The counters of path 16, and that there are no others. */
static const struct wire_path_stats *hear_path_16(int fd)
{
	const struct wire_path_stats *got;
	const struct wire_hdr *hdr;

	say(fd, WIRE_PATH_STATS, NULL, 0);
	hdr = hear(fd, WIRE_PATH_STATS, (const void **)&got);
	assert_int_equal(hdr->n_items, 1);
	assert_int_equal(got[0].idx, 16);
	return got;
}

/* A slot counts what it carried, also over changes of its kind, and anew after it was deleted. */
static void test_api_path_stats(void **state)
{
	struct wire_path row = {.idx = 16, .kind = WIRE_PATH_NATIVE, .mtu = 1500};
	const struct wire_path_stats *got;
	const void *ack;
	int fd = dial();

	(void)state;
	assert_int_equal(greet(fd, WIRE_ROLE_CONTROL), 0);
	worker_pkts[WIRE_PATH_NATIVE][16] = 5; // of an earlier life
	assert_int_equal(ask(fd, WIRE_PATH_SET, &row, 1), 0);
	worker_pkts[WIRE_PATH_NATIVE][16] += 3;
	row.kind = WIRE_PATH_PUNT;
	assert_int_equal(ask(fd, WIRE_PATH_SET, &row, 1), 0);
	worker_pkts[WIRE_PATH_PUNT][16] += 2;
	got = hear_path_16(fd);
	assert_int_equal(got->pkts[WIRE_PATH_NATIVE], 3);
	assert_int_equal(got->pkts[WIRE_PATH_PUNT], 2);
	hear(fd, WIRE_ACK, &ack);

	assert_int_equal(ask(fd, WIRE_PATH_DEL, &row, 1), 0);
	assert_int_equal(ask(fd, WIRE_PATH_STATS, NULL, 0), 0); // and no other message
	assert_int_equal(ask(fd, WIRE_PATH_SET, &row, 1), 0);
	got = hear_path_16(fd);
	assert_int_equal(got->pkts[WIRE_PATH_NATIVE] + got->pkts[WIRE_PATH_PUNT], 0);
	hear(fd, WIRE_ACK, &ack);
	assert_int_equal(ask(fd, WIRE_PATH_DEL, &row, 1), 0);
	hang_up(fd);
}

static struct wire_probe probe_row(uint32_t id)
{
	return (struct wire_probe){.id = id,
		.src = 0x0af40001,
		.dst = 0x0af40101,
		.bytes = 28,
		.path = {.kind = WIRE_PATH_NATIVE, .mtu = 1500}};
}

/* Only control probes; what is refused is named by its place, the rest waits for the worker. */
static void test_api_probe(void **state)
{
	static const int errors[] = {0, -EINVAL, -EINVAL, -EINVAL, -EINVAL, -EMSGSIZE, -EINVAL, 0};
	struct wire_probe probes[RTE_DIM(errors)];
	const struct wire_refusal *refusals;
	const struct wire_hdr *hdr;
	struct probe_order order;
	int fd = dial();
	unsigned at = 0;

	(void)state;
	for (uint32_t i = 0; i < RTE_DIM(probes); i++)
		probes[i] = probe_row(i);
	probes[1].path.kind = WIRE_PATH_PUNT;
	probes[2].path.port = 1;
	probes[3].bytes = 27;
	probes[4].bytes = 9001;
	probes[5].bytes = 1501;
	probes[6].path.mtu = 0;
	assert_int_equal(greet(fd, WIRE_ROLE_READER), 0);
	assert_int_equal(ask(fd, WIRE_PROBE, probes, 1), -EPERM);
	hang_up(fd);

	fd = dial();
	assert_int_equal(greet(fd, WIRE_ROLE_CONTROL), 0);
	say(fd, WIRE_PROBE, probes, RTE_DIM(probes));
	hdr = hear(fd, WIRE_ACK, (const void **)&refusals);
	assert_int_equal(hdr->n_items, RTE_DIM(errors) - 2);
	for (uint32_t i = 0; i < RTE_DIM(errors); i++) {
		if (errors[i] == 0)
			continue;
		assert_int_equal(refusals[at].item, i);
		assert_int_equal(refusals[at++].error, errors[i]);
	}
	ports.port[0].is_up = false;
	assert_int_equal(ask(fd, WIRE_PROBE, probes, 1), -ENETDOWN);
	ports.port[0].is_up = true;
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(
			rte_ring_sc_dequeue_elem(prober_waiting(prober), &order, sizeof(order)), 0);
		assert_int_equal(order.slot, i * 7);
		rte_pktmbuf_free(order.pkt);
	}
	assert_true(rte_ring_empty(prober_waiting(prober)));
	hang_up(fd);
}

/* The answer is an event, unasked. */
static void test_api_probe_reply(void **state)
{
	struct wire_probe probe = probe_row(77);
	struct rte_ring *heard =
		rte_ring_create_elem("heard", sizeof(struct probe_heard), 16, SOCKET_ID_ANY, 0);
	struct probe_heard answer = {.id = 77, .src = probe.dst, .node = 5, .kind = WIRE_PATH_IPIP};
	const struct wire_probe_reply *reply;
	struct probe_order order;
	int fd = dial();

	(void)state;
	assert_int_equal(greet(fd, WIRE_ROLE_CONTROL), 0);
	assert_int_equal(ask(fd, WIRE_PROBE, &probe, 1), 0);
	assert_int_equal(rte_ring_sc_dequeue_elem(prober_waiting(prober), &order, sizeof(order)),
		0);
	prober_sent_tsc(prober)[order.slot] = 1000;
	answer.tsc = 1000 + rte_get_tsc_hz() / 1000;
	answer.pkt = order.pkt;
	rte_ring_enqueue_elem(heard, &answer, sizeof(answer));
	assert_int_equal(prober_drain(prober, heard), 1);
	assert_int_equal(hear(fd, WIRE_PROBE_REPLY, (const void **)&reply)->seq, 0);
	assert_int_equal(reply->id, 77);
	assert_int_equal(reply->src, probe.dst);
	assert_int_equal(reply->node, 5);
	assert_int_equal(reply->kind, WIRE_PATH_IPIP);
	assert_in_range(reply->rtt_ns, 999000, 1000000);
	assert_int_equal(stats[0].taken_pkts, 1);
	assert_int_equal(n_foreign, 0);
	rte_ring_free(heard);
	hang_up(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_api_path_stats),
		cmocka_unit_test(test_api_probe),
		cmocka_unit_test(test_api_probe_reply),
	};

	support_eal_init(256);
	return cmocka_run_group_tests(tests, api_setup, api_teardown);
}
