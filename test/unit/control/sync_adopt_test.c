/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Either side comes back: what sync takes over from the dataplane, what it sends again, and what waits for
 * the end of the replay. The fake dataplane checks the order.
 */
#include "test/unit/control/sync_fixture.h"

#include <errno.h>
#include <sys/socket.h>

static void fill(struct sync *with)
{
	struct sync *saved = sync_;

	sync_ = with;
	want(NET(1), 24, via(GW(1), GW(2)));
	want(NET(2), 24, via(GW(2), 0));
	want_fixed(0, 0, WIRE_NH_PUNT);
	sync_ = saved;
}

/* A control that was killed comes back and finds everything right: not one message. */
static void test_sync_adopt_all_right(void **state)
{
	(void)state;
	fake_connect(&fake, sync_);
	fill(sync_);
	fake_settle(&fake, sync_);
	sync_free(sync_);
	fake.n_log = 0;

	sync_ = sync_new(fake_send, &fake);
	fake_connect(&fake, sync_);
	fake_settle(&fake, sync_);
	assert_int_equal(state_of(NET(1), 24), SYNC_STATE_HELD);
	assert_int_equal(sync_counts(sync_).routes.n_held, 3);
	// The next hops come back in another order than their indexes.
	resolve_hop_to(GW(2), 1);
	resolve_hop_to(GW(1), 1);
	fill(sync_);
	fake_settle(&fake, sync_);
	sync_allow_deletes(sync_);
	fake_settle(&fake, sync_);
	assert_int_equal(fake.n_log, 0);
	assert_int_equal(sync_counts(sync_).routes.n_held, 0);
	assert_int_equal(state_of(NET(1), 24), SYNC_STATE_IN_SYNC);
}

static void test_sync_adopt_no_deletes_before_replay(void **state)
{
	(void)state;
	fake_connect(&fake, sync_);
	fill(sync_);
	fake_settle(&fake, sync_);
	sync_free(sync_);
	fake.n_log = 0;

	sync_ = sync_new(fake_send, &fake);
	fake_connect(&fake, sync_);
	want(NET(2), 24, via(GW(2), 0));
	want(NET(3), 24, via(GW(3), 0));
	fake_settle(&fake, sync_);
	sync_retry(sync_);
	fake_settle(&fake, sync_);
	assert_int_equal(n_of(WIRE_ROUTE_DEL) + n_of(WIRE_GROUP_DEL) + n_of(WIRE_PATH_DEL), 0);
	assert_int_equal(fake.n_routes, 4);
	// What was wanted since and is withdrawn goes at once.
	sync_unwant_route(sync_, NET(3), 24, 0);
	fake_settle(&fake, sync_);
	assert_int_equal(fake.n_routes, 3);
	sync_allow_deletes(sync_);
	fake_settle(&fake, sync_);
	assert_int_equal(fake.n_routes, 1);
	assert_int_equal(sync_counts(sync_).groups.n_acked, 0);
	assert_int_equal(sync_counts(sync_).paths.n_acked, 1);
}

/* A dataplane that was restarted has empty tables, and gets everything again. */
static void test_sync_adopt_nothing(void **state)
{
	(void)state;
	fake_connect(&fake, sync_);
	fill(sync_);
	fake_settle(&fake, sync_);
	sync_disconnected(sync_);
	assert_int_equal(sync_phase(sync_), SYNC_DISCONNECTED);
	fake_close(&fake);
	fake_open(&fake);
	sync_pump(sync_);
	assert_int_equal(fake_serve(&fake, 100), 0);
	fake_connect(&fake, sync_);
	fake_settle(&fake, sync_);
	assert_int_equal(fake.n_routes, 3);
	assert_int_equal(sync_phase(sync_), SYNC_IN_SYNC);
}

/* Lost with requests on the way, of which the dataplane did some. */
static void test_sync_reconnect_in_flight(void **state)
{
	(void)state;
	fake_connect(&fake, sync_);
	fill(sync_);
	sync_pump(sync_);
	fake_serve(&fake, 100);
	sync_disconnected(sync_);
	sync_unwant_route(sync_, NET(2), 24, 0);
	while (recv(fake.client_fd, &(char){0}, 1, 0) > 0)
		; // answers to the old connection
	fake_connect(&fake, sync_);
	sync_allow_deletes(sync_);
	fake_settle(&fake, sync_);
	assert_int_equal(fake.n_routes, 2);
	assert_int_equal(sync_phase(sync_), SYNC_IN_SYNC);
}

static void test_sync_adopt_broken_dump(void **state)
{
	struct wire_path path = {.idx = FAKE_PATHS};
	struct wire_path low = {.idx = 3};
	struct wire_group group = {.idx = 0, .n_members = 1, .member = {{.path = 40, .weight = 1}}};
	struct wire_group many = {.idx = 1, .n_members = WIRE_GROUP_MEMBERS + 1};
	struct wire_route route = {.depth = 33, .nh = 1};

	(void)state;
	assert_int_equal(sync_connected(sync_, FAKE_PATHS, FAKE_GROUPS), 0);
	assert_int_equal(sync_adopt(sync_, WIRE_PATH_SET, &path, 1), -EBADMSG);
	assert_int_equal(sync_adopt(sync_, WIRE_PATH_SET, &low, 1), -EBADMSG);
	assert_int_equal(sync_adopt(sync_, WIRE_GROUP_SET, &group, 1), -EBADMSG);
	assert_int_equal(sync_adopt(sync_, WIRE_GROUP_SET, &many, 1), -EBADMSG);
	assert_int_equal(sync_adopt(sync_, WIRE_ROUTE_SET, &route, 1), -EBADMSG);
}

/* Two paths with one key, as two controls could leave them: both are taken, one goes. */
static void test_sync_adopt_second_of_a_key(void **state)
{
	(void)state;
	for (uint32_t idx = 20; idx < 22; idx++) {
		fake.has_path[idx] = true;
		fake.path[idx] = (struct wire_path){.idx = idx, .nexthop = GW(1), .ifindex = 2};
		fake.route[fake.n_routes++] =
			(struct wire_route){.prefix = NET(idx), .depth = 24, .nh = idx};
	}
	fake_connect(&fake, sync_);
	resolve_hop_to(GW(1), 1);
	want(NET(20), 24, via(GW(1), 0));
	want(NET(21), 24, via(GW(1), 0));
	sync_allow_deletes(sync_);
	fake_settle(&fake, sync_);
	assert_int_equal(sync_counts(sync_).paths.n_acked, 1);
	assert_int_equal(fake_route(&fake, NET(20), 24), fake_route(&fake, NET(21), 24));
}

static void test_sync_pools_last(void **state)
{
	struct wire_pool pools[] = {{.prefix = NET(0), .depth = 16}};

	(void)state;
	sync_want_pools(sync_, pools, 1);
	fake_connect(&fake, sync_);
	fill(sync_);
	fake_settle(&fake, sync_);
	assert_int_equal(n_of(WIRE_POOL_SET), 0); // the replay is not complete
	want(NET(5), 24, via(GW(5), 0));
	sync_allow_pools(sync_);
	fake_settle(&fake, sync_);
	assert_int_equal(n_of(WIRE_POOL_SET), 1);
	assert_int_equal(fake.log[fake.n_log - 1], WIRE_POOL_SET);
	assert_true(sync_counts(sync_).pools_acked);
	// A reconnect finds them there.
	fake_connect(&fake, sync_);
	fake_settle(&fake, sync_);
	assert_int_equal(n_of(WIRE_POOL_SET), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sync_adopt_all_right),
		TEST(test_sync_adopt_no_deletes_before_replay),
		TEST(test_sync_adopt_nothing),
		TEST(test_sync_reconnect_in_flight),
		TEST(test_sync_adopt_broken_dump),
		TEST(test_sync_adopt_second_of_a_key),
		TEST(test_sync_pools_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
