/* SPDX-License-Identifier: BSD-3-Clause */
/* What the probe plan makes of an answer, of one that is missing, and of one that it did not ask for. */
#include "test/unit/control/probe_plan_fixture.h"

/* The loop stood still: what came meanwhile is taken late, and nothing was lost. */
static void test_probe_plan_own_pause_is_no_loss(void **state)
{
	(void)state;
	start(3, 500);
	run_busy_ms(3, 3000);
	for (int i = 0; i < 20; i++) {
		run_ms(100);
		net.now_ms += 700;
	}
	assert_int_equal(probe_plan_counts(net.plan).n_lost, 0);
	assert_int_equal(state_of(0, WIRE_PATH_NATIVE), PROBE_UP);
	stop();
}

static void test_probe_plan_takes_only_answers(void **state)
{
	struct wire_probe_reply reply = {.kind = WIRE_PATH_NATIVE};

	(void)state;
	start(1, 500);
	net.is_dead[0] = ~0u;
	step();
	step();
	assert_in_range(net.n_sent, 3, 3);
	reply.id = 0xfffffff0u;
	reply.src = PROBED + 1;
	probe_plan_answer(net.plan, &reply); // somebody else's address
	reply.src = PROBED;
	reply.kind = WIRE_PATH_N_KINDS;
	probe_plan_answer(net.plan, &reply);
	assert_int_equal(probe_plan_counts(net.plan).n_strange, 2);
	reply.kind = WIRE_PATH_VXLAN;
	reply.id = 0xffffffefu;
	probe_plan_answer(net.plan, &reply); // nobody asked
	assert_int_equal(state_of(0, WIRE_PATH_NATIVE), PROBE_UNKNOWN);
	reply.id = 0xfffffff0u;
	probe_plan_answer(net.plan, &reply);
	assert_int_equal(state_of(0, WIRE_PATH_NATIVE), PROBE_UP);
	probe_plan_answer(net.plan, &reply); // twice
	assert_int_equal(probe_plan_counts(net.plan).n_late, 2);
	assert_int_equal(probe_plan_counts(net.plan).n_answered, 1);
	stop();
}

/* What never left is not lost. */
static void test_probe_plan_forgets(void **state)
{
	(void)state;
	start(2, 500);
	for (int i = 0; i < 200; i++) {
		net.n_flight = 0;
		step();
		for (uint32_t j = 0; j < net.n_flight; j++)
			probe_plan_forget(net.plan, net.flight[j].id);
		net.n_flight = 0;
	}
	assert_int_equal(probe_plan_counts(net.plan).n_lost, 0);
	assert_int_equal(state_of(0, WIRE_PATH_NATIVE), PROBE_UNKNOWN);
	run_ms(2000);
	assert_int_equal(state_of(0, WIRE_PATH_NATIVE), PROBE_UP);
	stop();
}

static void test_probe_plan_finds_mtu(void **state)
{
	static const uint16_t mtus[] = {1499, 1450, 1400, 577, 576, 1280};

	(void)state;
	for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++) {
		start(3, 500);
		net.mtu[1] = mtus[i];
		run_busy_ms(3, 30000);
		assert_int_equal(probe_plan_health(net.plan, NODE + 1, WIRE_PATH_IPIP).mtu,
			mtus[i]);
		assert_int_equal(probe_plan_health(net.plan, NODE + 0, WIRE_PATH_IPIP).mtu, 0);
		assert_int_equal(state_of(1, WIRE_PATH_IPIP), PROBE_UP);

		// It is looked at again: less, as before, and then all.
		net.mtu[1] = 576;
		run_busy_ms(3, 90000);
		assert_int_equal(probe_plan_health(net.plan, NODE + 1, WIRE_PATH_IPIP).mtu, 576);
		net.mtu[1] = 0;
		run_busy_ms(3, 90000);
		assert_int_equal(probe_plan_health(net.plan, NODE + 1, WIRE_PATH_IPIP).mtu, 0);
		stop();
	}
}

/* A path that is dead altogether says nothing of its MTU. */
static void test_probe_plan_dead_path_has_no_mtu(void **state)
{
	(void)state;
	start(1, 500);
	run_busy_ms(1, 59000);
	net.is_dead[0] = ~0u;
	run_busy_ms(1, 20000);
	assert_int_equal(probe_plan_health(net.plan, NODE, WIRE_PATH_NATIVE).mtu, 0);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe_plan_own_pause_is_no_loss),
		cmocka_unit_test(test_probe_plan_takes_only_answers),
		cmocka_unit_test(test_probe_plan_forgets),
		cmocka_unit_test(test_probe_plan_finds_mtu),
		cmocka_unit_test(test_probe_plan_dead_path_has_no_mtu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
