/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The next hops of the RIB: groups in any nesting, and sets that routes share.
 */
#include "test/unit/control/rib_fixture.h"

/* Groups */

static void test_group_of_groups(void **state)
{
	(void)state;
	set_nexthop(1, 1);
	set_nexthop(2, 2);
	set_nexthop(3, 3);
	set_pair(10, 1, 2);
	set_group(20, (const struct fpm_nexthop_member[]){{10, 3}, {3, 1}}, 2);
	set_route_by_id(1, 20);
	check_weights(1, (const uint32_t[]){3, 3, 2}, 3); // 3/4 halved, and 1/4
}

static void test_group_member_twice(void **state)
{
	(void)state;
	set_nexthop(1, 1);
	set_nexthop(2, 2);
	set_group(10, (const struct fpm_nexthop_member[]){{1, 1}, {2, 1}, {1, 1}}, 3);
	set_route_by_id(1, 10);
	check_weights(1, (const uint32_t[]){2, 1}, 2);
}

static void test_group_too_deep(void **state)
{
	(void)state;
	set_nexthop(1, 1);
	for (uint32_t id = 2; id <= 6; id++) {
		set_group(id, &(const struct fpm_nexthop_member){id - 1, 1}, 1);
		set_route_by_id((uint8_t)id, id);
	}
	assert_true(is_via(5, 1)); // four groups, one in the other
	assert_null(route(6)->nexthops);
}

static void test_group_in_a_circle(void **state)
{
	(void)state;
	set_nexthop(1, 1);
	set_nexthop(2, 2);
	set_nexthop(4, 4);
	set_pair(3, 1, 4);
	set_route_by_id(1, 3);
	set_pair(1, 3, 2); // 3 holds 1 holds 3
	assert_true(route(1)->is_pending);
	set_route_by_id(2, 1);
	assert_null(route(2)->nexthops);
	set_nexthop(1, 1); // and is mended
	check_weights(1, (const uint32_t[]){1, 1}, 2);
	assert_true(is_via(2, 1));

	set_group(7, &(const struct fpm_nexthop_member){7, 1}, 1); // of itself
	delete_nexthop(7);
	set_nexthop(8, 8);
	set_group(8, &(const struct fpm_nexthop_member){8, 1}, 1);
	delete_nexthop(8);
}

static void test_group_member_deleted(void **state)
{
	(void)state;
	set_nexthop(1, 1);
	set_nexthop(2, 2);
	set_pair(10, 1, 2);
	set_route_by_id(1, 10);
	drain();
	delete_nexthop(2);
	assert_true(route(1)->is_pending);
	assert_int_equal(drain(), 0);
	set_group(10, &(const struct fpm_nexthop_member){1, 5}, 1);
	assert_true(is_via(1, 1));
	assert_int_equal(route(1)->nexthops->nh[0].weight, 1); // the whole of it
}

static void test_group_wider_than_a_set(void **state)
{
	static struct fpm_nexthop_member members[FPM_MAX_NH];

	(void)state;
	for (uint32_t i = 0; i < FPM_MAX_NH; i++) {
		set_nexthop(i + 1, 1);
		event.nexthop.nh.gateway[2] = (uint8_t)i;
		apply();
		members[i] = (struct fpm_nexthop_member){i + 1, 1};
	}
	set_group(1000, members, FPM_MAX_NH);
	set_nexthop(2000, 7);
	set_pair(1001, 1000, 2000);
	set_route_by_id(1, 1000);
	set_route_by_id(2, 1001);
	assert_int_equal(route(1)->nexthops->n, FPM_MAX_NH);
	assert_int_equal(route(2)->nexthops->n, FPM_MAX_NH);
}

/* Interned sets */

static void test_sets_are_shared(void **state)
{
	struct fpm_nh forth[2] = {nh(1, 1), nh(2, 3)}, back[2] = {nh(2, 3), nh(1, 1)};

	(void)state;
	set_route(1, forth, 2);
	set_route(2, back, 2);
	set_nexthop(11, 1);
	set_nexthop(12, 2);
	set_group(30, (const struct fpm_nexthop_member[]){{11, 1}, {12, 3}}, 2);
	set_route_by_id(3, 30);
	assert_ptr_equal(route(1)->nexthops, route(2)->nexthops);
	assert_ptr_equal(route(1)->nexthops, route(3)->nexthops);
	assert_int_equal(rib_counts(rib).n_sets, 3);
	back[0].weight = 4;
	set_route(2, back, 2);
	assert_ptr_not_equal(route(1)->nexthops, route(2)->nexthops);
	assert_int_equal(rib_counts(rib).n_sets, 4);
}

static void test_sets_live_until_drained(void **state)
{
	const struct rib_nexthops *old;

	(void)state;
	set_route_via(1, 5);
	drain();
	old = route(1)->nexthops;
	delete_route(1);
	assert_int_equal(rib_counts(rib).n_sets, 0);
	assert_int_equal(old->nh[0].gateway[3], 5); // a freed one would trip the sanitizer
	drain();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_group_of_groups),
		TEST(test_group_member_twice),
		TEST(test_group_too_deep),
		TEST(test_group_in_a_circle),
		TEST(test_group_member_deleted),
		TEST(test_group_wider_than_a_set),
		TEST(test_sets_are_shared),
		TEST(test_sets_live_until_drained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
