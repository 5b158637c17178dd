/* SPDX-License-Identifier: BSD-3-Clause */
/* The probe plan against simulated nodes: budget, who comes first, how soon a dead path is noticed. */
#include "test/unit/control/probe_plan_fixture.h"

/* The most that were sent in any second, wherever it begins. */
static uint32_t worst_second(void)
{
	uint32_t worst = 0;

	for (uint32_t first = 0, i = 0; i < net.n_sent; i++) {
		while (net.sent_ms[i] >= net.sent_ms[first] + 1000)
			first++;
		if (i - first + 1 > worst)
			worst = i - first + 1;
	}
	return worst;
}

static void test_probe_plan_keeps_budget(void **state)
{
	static const struct {
		uint32_t n_nodes, n_busy, budget_pps;
	} cases[] = {{4000, 0, 500}, {4000, 212, 500}, {4000, 4000, 500}, {4000, 100, 1},
		{4000, 100, 7}, {4000, 100, 20000}, {1, 1, 500}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start(cases[i].n_nodes, cases[i].budget_pps);
		// Everything dead, so that everybody wants to ask again.
		for (uint32_t n = 0; n < cases[i].n_nodes; n += 2)
			net.is_dead[n] = ~0u;
		run_busy_ms(cases[i].n_busy, 8000);
		assert_in_range(worst_second(), 1, cases[i].budget_pps);
		assert_in_range(probe_plan_counts(net.plan).used_pps, 0, cases[i].budget_pps);
		stop();
	}
}

/* Fewer and more again, while probes are under way: kept at once, and nothing is taken for lost. */
static void test_probe_plan_set_budget(void **state)
{
	static const uint32_t budgets[] = {500, 20, 1000, 0, 300};
	struct probe_counts counts;

	(void)state;
	start(40, 500);
	for (size_t i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++) {
		assert_int_equal(probe_plan_set_budget(net.plan, budgets[i]), 0);
		run_busy_ms(40, 1000); // the second before was the old budget's
		net.n_sent = 0;
		run_busy_ms(40, 5000);
		assert_in_range(worst_second(), budgets[i] > 0, budgets[i]);
	}
	counts = probe_plan_counts(net.plan);
	assert_int_equal(counts.n_lost, 0);
	for (uint32_t n = 0; n < 40; n++)
		assert_int_equal(state_of(n, WIRE_PATH_NATIVE), PROBE_UP);
	stop();
}

/* 4,000 nodes: those with traffic have theirs often, and the others all get their turn. */
static void test_probe_plan_traffic_first(void **state)
{
	uint32_t least_busy = UINT32_MAX, most_rest = 0, n_rest = 0;

	(void)state;
	start(4000, 500);
	run_busy_ms(50, 60000);
	for (uint32_t n = 0; n < 4000; n++) {
		if (n < 50 && net.n_sent_to[n] < least_busy)
			least_busy = net.n_sent_to[n];
		if (n >= 50 && net.n_sent_to[n] > most_rest)
			most_rest = net.n_sent_to[n];
		n_rest += n >= 50 && net.n_sent_to[n] > 0;
	}
	// Five a second of the path in use, one of each other one: 7 times 60, less a margin.
	assert_in_range(least_busy, 350, 450);
	// What is left of the budget in a minute is one round of 12,000 paths.
	assert_in_range(most_rest, 1, 12);
	assert_in_range(n_rest, 500, 3950);
	assert_int_equal(probe_plan_counts(net.plan).n_busy, 50);
	stop();

	// With nobody busy all are probed within the half minute that 12,000 paths need.
	start(4000, 500);
	run_ms(30000);
	for (uint32_t n = 0; n < 4000; n++)
		assert_in_range(net.n_sent_to[n], 3, 9);
	stop();
}

/* Even if more have traffic than the budget allows: nobody is forgotten. */
static void test_probe_plan_all_busy(void **state)
{
	(void)state;
	start(4000, 500);
	run_busy_ms(4000, 120000);
	for (uint32_t n = 0; n < 4000; n++)
		assert_in_range(net.n_sent_to[n], 3, 40);
	stop();
}

/* How long after its path died is a node told of? */
static uint64_t time_to_down(uint32_t n, enum wire_path_kind kind, uint32_t n_busy)
{
	uint64_t began = net.now_ms;

	net.is_dead[n] |= 1u << kind;
	while (state_of(n, kind) != PROBE_DOWN && net.now_ms < began + 60000) {
		step();
		if (net.now_ms % 1000 == 0) {
			offer_all();
			for (uint32_t i = 0; i < n_busy; i++)
				make_busy(i);
		}
	}
	return net.now_ms - began;
}

static void test_probe_plan_leaves_dead_path_in_a_second(void **state)
{
	static const uint32_t n_busy[] = {1, 60, 120};

	(void)state;
	for (size_t i = 0; i < sizeof(n_busy) / sizeof(n_busy[0]); i++) {
		start(4000, 500);
		run_busy_ms(n_busy[i], 5000);
		assert_int_equal(state_of(0, WIRE_PATH_NATIVE), PROBE_UP);
		assert_in_range(probe_plan_counts(net.plan).detect_ms, 1, 1000);
		// Whenever it dies within the interval between two probes.
		for (uint32_t n = 0; n < 16 && n < n_busy[i]; n++) {
			assert_in_range(time_to_down(n, WIRE_PATH_NATIVE, n_busy[i]),
				PROBE_TIMEOUT_MS, 1000);
			assert_int_equal(state_of(n, WIRE_PATH_IPIP), PROBE_UP);
			assert_int_equal(state_of(n, WIRE_PATH_VXLAN), PROBE_UP);
		}
		stop();
	}
}

/* A node without traffic has lost a probe of its path: it need not wait for its turn. */
static void test_probe_plan_calls_idle_nodes(void **state)
{
	(void)state;
	start(4000, 500);
	run_ms(60000);
	net.is_dead[7] = 1u << WIRE_PATH_NATIVE;
	run_ms(35000); // its turn, and a second
	assert_int_equal(state_of(7, WIRE_PATH_NATIVE), PROBE_DOWN);
	assert_int_equal(probe_plan_counts(net.plan).n_busy, 0);
	stop();
}

static void test_probe_plan_comes_back_later(void **state)
{
	uint64_t began;

	(void)state;
	start(3, 500);
	run_busy_ms(3, 3000);
	(void)time_to_down(1, WIRE_PATH_NATIVE, 3);
	net.is_dead[1] = 0;
	began = net.now_ms;
	while (state_of(1, WIRE_PATH_NATIVE) != PROBE_UP && net.now_ms < began + 60000)
		run_busy_ms(3, 1000);
	assert_in_range(net.now_ms - began, PROBE_HOLD_MS - 1000, PROBE_HOLD_MS + 3000);
	assert_int_equal(state_of(0, WIRE_PATH_NATIVE), PROBE_UP);
	stop();
}

static void test_probe_plan_sweeps(void **state)
{
	struct probe_node_view view;
	uint32_t node;

	(void)state;
	start(3, 500);
	run_ms(500);
	assert_int_equal(probe_plan_pin(net.plan, NODE + 2, WIRE_PATH_VXLAN), 0);
	assert_int_equal(probe_plan_pin(net.plan, NODE + 9, WIRE_PATH_VXLAN), -2);
	net.n_nodes = 1;
	offer_all();
	assert_false(probe_plan_view(net.plan, NODE + 1, &view));
	// A pin outlives the routes; its paths do not.
	assert_true(probe_plan_view(net.plan, NODE + 2, &view));
	assert_int_equal(view.pin, WIRE_PATH_VXLAN);
	assert_null(view.path[WIRE_PATH_NATIVE]);
	while (probe_plan_next_changed(net.plan, &node))
		assert_int_not_equal(node, NODE + 1);
	run_ms(1000); // answers to those who are gone
	assert_int_equal(probe_plan_pin(net.plan, NODE + 2, WIRE_PATH_PUNT), 0);
	offer_all();
	assert_int_equal(probe_plan_counts(net.plan).n_nodes, 1);
	stop();
}

/* Of two hops to a node the one with the higher policy says how its ways go. */
static void test_probe_plan_one_say(void **state)
{
	static struct candidate_list other;
	struct probe_offer follow = {.node = NODE,
		.probe_addr = PROBED,
		.key = {.nexthop = NODE, .ifindex = 9},
		.candidates = &other};

	(void)state;
	start(1, 500);
	other = net.list[0];
	for (int i = 0; i < 3; i++)
		other.candidate[i].path.nexthop = 1; // send_probe() would see it
	assert_int_equal(probe_plan_take(net.plan, &follow), 0);
	run_ms(3000);
	assert_true(net.n_sent > 3);
	stop();
}

static void test_probe_plan_without_addresses(void **state)
{
	(void)state;
	start(3, 500);
	probe_plan_set_source(net.plan, 0);
	net.n_sent = 0;
	run_busy_ms(3, 2000);
	assert_int_equal(net.n_sent, 0);
	assert_int_equal(state_of(0, WIRE_PATH_NATIVE), PROBE_NONE);
	stop();

	start(3, 0);
	run_busy_ms(3, 2000);
	assert_int_equal(net.n_sent, 0);
	assert_int_equal(state_of(0, WIRE_PATH_NATIVE), PROBE_NONE);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe_plan_keeps_budget),
		cmocka_unit_test(test_probe_plan_set_budget),
		cmocka_unit_test(test_probe_plan_traffic_first),
		cmocka_unit_test(test_probe_plan_all_busy),
		cmocka_unit_test(test_probe_plan_leaves_dead_path_in_a_second),
		cmocka_unit_test(test_probe_plan_calls_idle_nodes),
		cmocka_unit_test(test_probe_plan_comes_back_later),
		cmocka_unit_test(test_probe_plan_sweeps),
		cmocka_unit_test(test_probe_plan_one_say),
		cmocka_unit_test(test_probe_plan_without_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
