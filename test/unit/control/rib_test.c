/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The RIB by itself: order of arrival, pending routes, replay and sweep, what is reported.
 */
#include "test/unit/control/rib_fixture.h"

/* Order of arrival */

static void test_apply_route_before_nexthop(void **state)
{
	(void)state;
	set_route_by_id(1, 17);
	assert_true(route(1)->is_pending);
	assert_null(route(1)->nexthops);
	assert_int_equal(rib_counts(rib).n_pending, 1);
	assert_int_equal(drain(), 0);

	set_nexthop(17, 11);
	assert_false(route(1)->is_pending);
	assert_true(is_via(1, 11));
	assert_int_equal(drain(), 1);
	assert_ptr_equal(changes[0].nexthops, route(1)->nexthops);
	assert_int_equal(rib_counts(rib).n_pending, 0);
}

static void test_apply_group_before_members(void **state)
{
	(void)state;
	set_route_by_id(1, 30);
	set_pair(30, 11, 12);
	set_nexthop(12, 2);
	assert_null(route(1)->nexthops);
	set_nexthop(11, 1);
	check_weights(1, (const uint32_t[]){1, 1}, 2);
	assert_int_equal(drain(), 1);
}

static void test_apply_pending_keeps_next_hops(void **state)
{
	const struct rib_nexthops *before;

	(void)state;
	set_route_via(1, 5);
	drain();
	before = route(1)->nexthops;
	set_route_by_id(1, 17);
	assert_true(route(1)->is_pending);
	assert_ptr_equal(route(1)->nexthops, before);
	assert_int_equal(drain(), 0);
	assert_ptr_equal(route(1)->nexthops, before);

	set_nexthop(17, 6);
	assert_true(is_via(1, 6));
	assert_int_equal(drain(), 1);
}

static void test_apply_nexthop_deleted_before_route(void **state)
{
	(void)state;
	set_nexthop(17, 11);
	set_route_by_id(1, 17);
	drain();
	delete_nexthop(17);
	assert_true(is_via(1, 11));
	assert_int_equal(drain(), 0);
	assert_int_equal(rib_counts(rib).n_nexthop_ids, 0);
	delete_route(1);
	assert_int_equal(drain(), 1);
	assert_null(changes[0].nexthops);
	assert_int_equal(rib_counts(rib).n_pending, 0);
	assert_int_equal(rib_counts(rib).n_sets, 0);
}

static void test_apply_nexthop_replaced(void **state)
{
	(void)state;
	set_nexthop(17, 11);
	set_nexthop(18, 12);
	set_pair(30, 17, 18);
	set_route_by_id(1, 17);
	set_route_by_id(2, 17);
	set_route_by_id(3, 30);
	set_route_by_id(4, 18);
	assert_int_equal(drain(), 4);
	set_nexthop(17, 13);
	assert_int_equal(drain(), 3);
	assert_true(is_via(1, 13));
	assert_true(is_via(2, 13));
	assert_true(is_via(4, 12));
	assert_int_equal(route(3)->nexthops->nh[1].gateway[3], 13);
}

static void test_apply_delete_of_unknown(void **state)
{
	(void)state;
	delete_route(1);
	delete_nexthop(17);
	assert_int_equal(drain(), 0);
	assert_null(route(1));
}

static void test_apply_route_leaves_its_id(void **state)
{
	(void)state;
	set_nexthop(17, 11);
	for (uint8_t i = 1; i <= 4; i++)
		set_route_by_id(i, 17);
	set_route_via(2, 9); // from the middle, the ends, and the only one
	delete_route(1);
	delete_route(4);
	set_nexthop(17, 12);
	assert_true(is_via(2, 9));
	assert_true(is_via(3, 12));
	set_route_via(3, 9);
	set_nexthop(17, 13);
	assert_true(is_via(3, 9));
}

static void test_apply_other_types(void **state)
{
	static const uint8_t types[] = {RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT};

	(void)state;
	for (uint8_t i = 0; i < 3; i++) {
		set_route_via(i, 5);
		event.route.type = types[i];
		event.route.n_nh = 0;
		apply();
		assert_int_equal(route(i)->nexthops->type, types[i]);
		assert_int_equal(route(i)->nexthops->n, 0);
	}
	set_nexthop(17, 0);
	set_route_by_id(4, 17);
	assert_int_equal(route(4)->nexthops->type, RTN_BLACKHOLE);
}

static void test_apply_tables_are_apart(void **state)
{
	(void)state;
	set_route_via(1, 5);
	event.route.prefix.table = 100;
	event.route.nh[0].gateway[3] = 6;
	apply();
	assert_true(is_via(1, 5));
	assert_int_equal(rib_counts(rib).n_routes, 2);
}

/* What is reported */

static void test_drain_reports_once(void **state)
{
	(void)state;
	set_route_via(2, 1);
	set_route_via(1, 1);
	set_route_via(2, 2);
	set_route_via(2, 3);
	assert_int_equal(drain(), 2);
	assert_memory_equal(&changes[0].prefix, prefix(2), sizeof(struct fpm_prefix));
	assert_int_equal(changes[0].nexthops->nh[0].gateway[3], 3);
	assert_int_equal(drain(), 0);
}

static void test_drain_is_silent_on_what_came_back(void **state)
{
	(void)state;
	set_route_via(1, 1);
	drain();
	set_route_via(1, 1); // again the same
	set_route_via(1, 2); // there and back
	set_route_via(1, 1);
	delete_route(1);
	set_route_via(1, 1);
	set_route_via(2, 1); // came and went
	delete_route(2);
	assert_int_equal(drain(), 0);
	assert_true(is_via(1, 1));
	assert_null(route(2));
}

static void test_drain_reports_gone(void **state)
{
	(void)state;
	set_route_via(1, 1);
	drain();
	delete_route(1);
	assert_null(route(1));
	assert_int_equal(drain(), 1);
	assert_null(changes[0].nexthops);
	set_route_via(1, 1);
	assert_int_equal(drain(), 1);
	assert_non_null(changes[0].nexthops);
}

/* Replay and sweep */

static void test_replay_gap(void **state)
{
	(void)state;
	set_nexthop(17, 11);
	for (uint8_t i = 1; i <= 3; i++)
		set_route_by_id(i, 17);
	drain();

	rib_begin_replay(rib);
	assert_int_equal(rib_counts(rib).n_stale, 3);
	assert_int_equal(rib_counts(rib).n_nexthop_ids, 0);
	assert_true(is_via(1, 11));
	set_nexthop(17, 99); // the number means another next hop now
	assert_true(is_via(1, 11));
	set_nexthop(4, 11);
	set_route_by_id(1, 4);	// as before, under another id
	set_route_by_id(2, 17); // moved while we were away; 3 was withdrawn
	assert_int_equal(drain(), 1);
	assert_memory_equal(&changes[0].prefix, prefix(2), sizeof(struct fpm_prefix));
	assert_true(is_via(3, 11)); // stale, and still in use

	assert_int_equal(rib_sweep(rib), 1);
	assert_int_equal(drain(), 1);
	assert_memory_equal(&changes[0].prefix, prefix(3), sizeof(struct fpm_prefix));
	assert_null(changes[0].nexthops);
	assert_int_equal(rib_sweep(rib), 0);
	assert_int_equal(rib_counts(rib).n_routes, 2);
}

static void test_replay_broken_off(void **state)
{
	(void)state;
	set_route_via(1, 1);
	set_route_via(2, 1);
	set_route_by_id(3, 17); // never known
	rib_begin_replay(rib);
	set_route_via(1, 1);
	rib_begin_replay(rib); // shorter than before: nothing may go
	assert_int_equal(rib_counts(rib).n_stale, 3);
	assert_int_equal(rib_counts(rib).n_pending, 0);
	assert_true(is_via(1, 1) && is_via(2, 1));
	delete_route(2);
	assert_int_equal(rib_sweep(rib), 2);
	assert_int_equal(rib_counts(rib).n_routes, 0);
	assert_int_equal(rib_counts(rib).n_stale, 0);
}

static void test_replay_pending_keeps_stale_next_hops(void **state)
{
	(void)state;
	set_route_via(1, 1);
	drain();
	rib_begin_replay(rib);
	set_route_by_id(1, 17);
	assert_int_equal(rib_sweep(rib), 0);
	assert_true(is_via(1, 1) && route(1)->is_pending);
	assert_int_equal(drain(), 0);
}

/* Looking things up */

static void set_prefix(uint32_t addr, uint8_t len, uint32_t table)
{
	set_route_via(0, len);
	delete_route(0);
	event.kind = FPM_ROUTE_SET;
	event.route.prefix = prefix_of(addr, len);
	event.route.prefix.table = table;
	apply();
}

static void test_match4_longest(void **state)
{
	(void)state;
	assert_null(rib_match4(rib, 0x0af40b02));
	set_prefix(0, 0, FPM_MAIN_TABLE);
	set_prefix(0x0af40b00, 26, FPM_MAIN_TABLE);
	set_prefix(0x0af40b02, 32, FPM_MAIN_TABLE);
	set_prefix(0x0af40b03, 32, 100); // not the main table
	assert_int_equal(rib_match4(rib, 0x0af40b02)->prefix.len, 32);
	assert_int_equal(rib_match4(rib, 0x0af40b03)->prefix.len, 26);
	assert_int_equal(rib_match4(rib, 0x0af40b40)->prefix.len, 0);
	assert_int_equal(rib_match4(rib, 0xffffffff)->prefix.len, 0);
}

static void check_order(const struct rib_route *visited, void *arg)
{
	static const uint32_t expected[][3] = {{100, 0x0a000000, 8}, {254, 0, 0},
		{254, 0x0a000000, 8}, {254, 0x0a000000, 16}, {254, 0x0b000000, 8}};
	size_t *n = arg;
	struct fpm_prefix wanted = prefix_of(expected[*n][1], (uint8_t)expected[*n][2]);

	wanted.table = expected[*n][0];
	assert_memory_equal(&visited->prefix, &wanted, sizeof(wanted));
	++*n;
}

static void test_walk_order(void **state)
{
	size_t n = 0;

	(void)state;
	set_prefix(0x0b000000, 8, FPM_MAIN_TABLE);
	set_prefix(0x0a000000, 16, FPM_MAIN_TABLE);
	set_prefix(0x0a000000, 8, 100);
	set_prefix(0, 0, FPM_MAIN_TABLE);
	set_prefix(0x0a000000, 8, FPM_MAIN_TABLE);
	assert_int_equal(rib_walk(rib, check_order, &n), 0);
	assert_int_equal(n, 5);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_apply_route_before_nexthop),
		TEST(test_apply_group_before_members),
		TEST(test_apply_pending_keeps_next_hops),
		TEST(test_apply_nexthop_deleted_before_route),
		TEST(test_apply_nexthop_replaced),
		TEST(test_apply_delete_of_unknown),
		TEST(test_apply_route_leaves_its_id),
		TEST(test_apply_other_types),
		TEST(test_apply_tables_are_apart),
		TEST(test_drain_reports_once),
		TEST(test_drain_is_silent_on_what_came_back),
		TEST(test_drain_reports_gone),
		TEST(test_replay_gap),
		TEST(test_replay_broken_off),
		TEST(test_replay_pending_keeps_stale_next_hops),
		TEST(test_match4_longest),
		TEST(test_walk_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
