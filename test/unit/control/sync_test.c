/* SPDX-License-Identifier: BSD-3-Clause */
/* Wanted minus acknowledged, against a fake dataplane that checks the order. */
#include "test/unit/control/sync_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

static void test_sync_pump_order(void **state)
{
	static const enum wire_type order[] = {WIRE_PATH_SET, WIRE_GROUP_SET, WIRE_ROUTE_SET};

	(void)state;
	fake_connect(&fake, sync_);
	want(NET(1), 24, via(GW(1), GW(2)));
	want(NET(0), 24, via(GW(1), 0));
	want_fixed(0, 0, WIRE_NH_PUNT);
	fake_settle(&fake, sync_);
	assert_int_equal(fake.n_log, 3);
	assert_memory_equal(fake.log, order, sizeof(order));
	assert_int_equal(fake_route(&fake, 0, 0), WIRE_NH_PUNT);
	assert_int_equal(fake_route(&fake, NET(1), 24) & WIRE_NH_GROUP, WIRE_NH_GROUP);
	assert_true(fake.is_sorted);
	assert_int_equal(sync_phase(sync_), SYNC_IN_SYNC);
	assert_int_equal(state_of(NET(1), 24), SYNC_STATE_IN_SYNC);
}

/* The route moves before its old group and paths go, each when nothing uses it. */
static void test_sync_pump_delete_order(void **state)
{
	static const enum wire_type order[] = {WIRE_PATH_SET, WIRE_ROUTE_SET, WIRE_ROUTE_DEL,
		WIRE_GROUP_DEL, WIRE_PATH_DEL};

	(void)state;
	fake_connect(&fake, sync_);
	want(NET(1), 24, via(GW(1), GW(2)));
	want(NET(2), 24, via(GW(2), 0));
	fake_settle(&fake, sync_);
	fake.n_log = 0;
	want(NET(1), 24, via(GW(3), 0));
	sync_unwant_route(sync_, NET(2), 24, 0);
	fake_settle(&fake, sync_);
	assert_int_equal(fake.n_log, 5);
	assert_memory_equal(fake.log, order, sizeof(order));
	assert_int_equal(sync_counts(sync_).paths.n_acked, 1);
	assert_int_equal(sync_counts(sync_).groups.n_acked, 0);
	assert_int_equal(fake.n_routes, 1);
}

static void test_sync_pump_window(void **state)
{
	(void)state;
	fake_connect(&fake, sync_);
	for (int i = FAKE_ROUTES - 1; i >= 0; i--)
		want_fixed(0x0a000000u + (uint32_t)i * 7919u % FAKE_ROUTES, 32, WIRE_NH_BLACKHOLE);
	for (int i = 0; i < 20; i++)
		sync_pump(sync_);
	assert_int_equal(fake_serve(&fake, 100), 4); // no more than the window without an answer
	fake_settle(&fake, sync_);
	assert_int_equal(fake.n_routes, FAKE_ROUTES);
	assert_true(fake.is_sorted);
	assert_int_equal(n_of(WIRE_ROUTE_SET), FAKE_ROUTES / 2048);
}

static void want_ends(uint32_t n_sources)
{
	struct wire_endpoint end = {.addr = GW(10),
		.kind = WIRE_TUNNEL_VXLAN,
		.vni = 4096,
		.udp_port = 4789};
	struct wire_source sources[8] = {{0}};

	for (uint32_t i = 0; i < n_sources; i++)
		sources[i] = (struct wire_source){.prefix = GW(i), .depth = 32};
	assert_int_equal(sync_want_endpoints(sync_, &end, 1), 0);
	assert_int_equal(sync_want_sources(sync_, sources, n_sources), 0);
}

/* Sources before paths; ends and then pools only when all routes are there; later ends at once. */
static void test_sync_lists_order(void **state)
{
	static const enum wire_type order[] = {WIRE_SOURCE_SET, WIRE_PATH_SET, WIRE_ROUTE_SET,
		WIRE_ENDPOINT_SET, WIRE_POOL_SET};
	static const enum wire_type later[] = {WIRE_SOURCE_SET, WIRE_ENDPOINT_SET, WIRE_PATH_SET,
		WIRE_ROUTE_SET};
	struct wire_pool pool = {.prefix = NET(0), .depth = 16};
	struct wire_endpoint ends[2] = {{.addr = GW(10), .kind = WIRE_TUNNEL_IPIP},
		{.addr = GW(11)}};

	(void)state;
	fake_connect(&fake, sync_);
	sync_want_pools(sync_, &pool, 1);
	want_ends(2);
	want(NET(1), 24, via(GW(1), 0));
	fake_settle(&fake, sync_);
	assert_int_equal(n_of(WIRE_ENDPOINT_SET), 0); // nor would pools be
	sync_allow_pools(sync_);
	fake_settle(&fake, sync_);
	assert_int_equal(fake.n_log, 5);
	assert_memory_equal(fake.log, order, sizeof(order));
	assert_int_equal(fake.n_sources, 2);

	fake.n_log = 0;
	sync_allow_deletes(sync_);
	want_ends(3);
	sync_want_endpoints(sync_, ends, 2);
	want(NET(2), 24, via(GW(2), 0));
	fake_settle(&fake, sync_);
	assert_int_equal(fake.n_log, 4);
	assert_memory_equal(fake.log, later, sizeof(later));
	assert_int_equal(fake.n_endpoints, 2);
	fake.n_log = 0;
	want_ends(3);
	sync_want_endpoints(sync_, ends, 2);
	fake_settle(&fake, sync_);
	assert_int_equal(fake.n_log, 0); // the same again is not sent
}

/* A control that comes back knows few nodes at first: it shuts nobody out until it knows all. */
static void test_sync_sources_stay_until_replay(void **state)
{
	struct wire_source stranger = {.prefix = GW(7), .depth = 32};

	(void)state;
	fake.source[0] = stranger;
	fake.source[1] = (struct wire_source){.prefix = GW(0), .depth = 32};
	fake.n_sources = 2;
	fake_connect(&fake, sync_);
	want_ends(1);
	fake_settle(&fake, sync_);
	assert_int_equal(n_of(WIRE_SOURCE_SET), 0);
	want_ends(2);
	fake_settle(&fake, sync_);
	assert_int_equal(n_of(WIRE_SOURCE_SET), 1);
	assert_int_equal(fake.n_sources, 3);
	sync_allow_deletes(sync_);
	fake_settle(&fake, sync_);
	assert_int_equal(fake.n_sources, 2);
	for (uint32_t i = 0; i < fake.n_sources; i++)
		assert_int_not_equal(fake.source[i].prefix, stranger.prefix);
}

/* Two pools with two policies: two paths to one next hop, also after a restart. */
static void test_sync_policies_apart(void **state)
{
	struct route_target plain = via(GW(1), 0), tunnel = via(GW(1), 0);

	(void)state;
	tunnel.member[0].key.policy = hop_policy(ENCAP_IPIP, ENCAP_ALWAYS);
	fake_connect(&fake, sync_);
	want(NET(1), 24, plain);
	assert_int_equal(sync_want_route(sync_, NET(2), 24, &tunnel, 0), 0);
	fake_settle(&fake, sync_);
	assert_int_not_equal(fake_route(&fake, NET(1), 24), fake_route(&fake, NET(2), 24));
	sync_free(sync_);
	fake.n_log = 0;
	sync_ = sync_new(fake_send, &fake);
	fake_connect(&fake, sync_);
	want(NET(1), 24, plain);
	assert_int_equal(sync_want_route(sync_, NET(2), 24, &tunnel, 0), 0);
	sync_allow_deletes(sync_);
	fake_settle(&fake, sync_);
	assert_int_equal(fake.n_log, 0);
}

/* A path that changes in place is sent, and nothing else. */
static void test_sync_hop_changed(void **state)
{
	(void)state;
	fake_connect(&fake, sync_);
	want(NET(1), 24, via(GW(1), 0));
	fake_settle(&fake, sync_);
	fake.n_log = 0;
	resolve_hop_to(GW(1), 1);
	fake_settle(&fake, sync_);
	assert_int_equal(fake.n_log, 0);
	resolve_hop_to(GW(1), 9);
	sync_pump(sync_);
	resolve_hop_to(GW(1), 10); // while the 9 is on the way
	fake_settle(&fake, sync_);
	assert_int_equal(fake.n_log, 2);
	assert_int_equal(fake.path[fake_route(&fake, NET(1), 24)].dst_mac[5], 10);
}

static void test_sync_refused_route(void **state)
{
	struct sync_route_view view;

	(void)state;
	fake.max_routes = 2;
	fake_connect(&fake, sync_);
	for (uint32_t i = 0; i < 3; i++)
		want_fixed(NET(i), 24, WIRE_NH_BLACKHOLE);
	fake_settle(&fake, sync_);
	assert_int_equal(sync_counts(sync_).routes.n_refused, 1);
	assert_int_equal(sync_counts(sync_).n_refusals, 1);
	assert_true(sync_view_route(sync_, NET(2), 24, &view));
	assert_int_equal(view.state, SYNC_STATE_REFUSED);
	assert_int_equal(view.error, -ENOSPC);
	// Room appears: tried again at once.
	sync_unwant_route(sync_, NET(0), 24, 0);
	fake_settle(&fake, sync_);
	assert_int_equal(sync_counts(sync_).routes.n_refused, 0);
	assert_int_equal(fake_route(&fake, NET(2), 24), WIRE_NH_BLACKHOLE);
}

/* Without its path or group a route punts; once that is taken, it leads there. */
static void test_sync_refused_path(void **state)
{
	(void)state;
	fake.refuse_paths = true;
	fake_connect(&fake, sync_);
	want(NET(1), 24, via(GW(1), 0));
	want(NET(2), 24, via(GW(1), GW(2)));
	fake_settle(&fake, sync_);
	assert_int_equal(fake_route(&fake, NET(1), 24), WIRE_NH_PUNT);
	assert_int_equal(fake_route(&fake, NET(2), 24), WIRE_NH_PUNT);
	assert_int_equal(state_of(NET(1), 24), SYNC_STATE_REFUSED);
	fake.refuse_paths = false;
	sync_retry(sync_);
	fake_settle(&fake, sync_);
	assert_true(fake_route(&fake, NET(1), 24) >= WIRE_NH_PATH_FIRST);
	assert_int_equal(fake_route(&fake, NET(2), 24) & WIRE_NH_GROUP, WIRE_NH_GROUP);
	assert_int_equal(state_of(NET(1), 24), SYNC_STATE_IN_SYNC);
}

static void test_sync_paths_run_out(void **state)
{
	(void)state;
	fake_connect(&fake, sync_);
	for (uint32_t i = 0; i < FAKE_PATHS; i++)
		want(NET(i), 24, via(GW(i), 0));
	fake_settle(&fake, sync_);
	assert_int_equal(sync_counts(sync_).paths.n_refused, WIRE_NH_PATH_FIRST);
	assert_int_equal(fake.n_routes, FAKE_PATHS);
	for (uint32_t i = 0; i < WIRE_NH_PATH_FIRST; i++)
		sync_unwant_route(sync_, NET(i), 24, 0);
	fake_settle(&fake, sync_);
	sync_retry(sync_);
	fake_settle(&fake, sync_);
	assert_int_equal(sync_counts(sync_).paths.n_refused, 0);
	for (uint32_t i = WIRE_NH_PATH_FIRST; i < FAKE_PATHS; i++)
		assert_true(fake_route(&fake, NET(i), 24) >= WIRE_NH_PATH_FIRST);
}

static void test_sync_recent(void **state)
{
	struct sync_trace traces[SYNC_TRACES];
	struct route_target target = {.fixed = WIRE_NH_BLACKHOLE};

	(void)state;
	fake_connect(&fake, sync_);
	for (uint32_t i = 0; i < SYNC_TRACES + 5; i++)
		sync_want_route(sync_, NET(i), 24, &target, 1000 + i);
	assert_int_equal(sync_recent(sync_, traces), SYNC_TRACES);
	assert_int_equal(traces[0].prefix, NET(SYNC_TRACES + 4));
	assert_int_equal(traces[0].acked_us, 0);
	fake_settle(&fake, sync_);
	sync_recent(sync_, traces);
	assert_int_equal(traces[0].cause_us, 1000 + SYNC_TRACES + 4);
	assert_true(traces[0].acked_us > traces[0].cause_us);
}

/* Random wishes, refusals, losses; the fake checks every step, and in the end all must be right. */
static void test_sync_random(void **state)
{
	(void)state;
	srandom(1);
	fake_connect(&fake, sync_);
	for (int i = 0; i < 20000; i++) {
		uint32_t net = NET(random() % 40);
		long what = random() % 100;

		if (what < 45)
			want(net, 24,
				via(GW(random() % 8), random() % 2 ? GW(8 + random() % 4) : 0));
		else if (what < 55)
			want_fixed(net, 24, WIRE_NH_PUNT + (uint32_t)(random() % 4));
		else if (what < 75)
			sync_unwant_route(sync_, net, 24, 0);
		else if (what < 85)
			resolve_hop_to(GW(random() % 12), (uint8_t)random());
		else if (what < 86)
			fake.refuse_paths = random() % 4 == 0;
		else if (what < 87)
			fake.refuse_groups = random() % 4 == 0;
		else if (what < 88)
			fake.max_routes = random() % 4 == 0 ? 20 : FAKE_ROUTES;
		else if (what < 90)
			sync_retry(sync_);
		else if (what < 91 && i > 10000)
			sync_allow_deletes(sync_);
		else if (what == 91 && random() % 20 == 0) {
			fake_serve(&fake, UINT32_MAX);
			while (recv(fake.client_fd, &(char){0}, 1, 0) > 0)
				;
			sync_disconnected(sync_);
			fake_connect(&fake, sync_);
		}
		if (random() % 2 == 0)
			sync_pump(sync_);
		fake_serve(&fake, (uint32_t)(random() % 3));
		if (random() % 2 == 0)
			fake_deliver(&fake, sync_);
	}
	fake.refuse_paths = fake.refuse_groups = false;
	fake.max_routes = FAKE_ROUTES;
	sync_allow_deletes(sync_);
	for (int i = 0; i < 3; i++) {
		fake_settle(&fake, sync_);
		sync_retry(sync_);
	}
	fake_settle(&fake, sync_);
	assert_int_equal(sync_phase(sync_), SYNC_IN_SYNC);
	assert_int_equal(sync_counts(sync_).routes.n_wanted, fake.n_routes);
	assert_int_equal(
		sync_counts(sync_).routes.n_refused + sync_counts(sync_).routes.n_in_flight, 0);
	for (uint32_t i = 0; i < 40; i++) {
		struct sync_route_view view = {.nh = WIRE_NH_NONE};

		if (sync_view_route(sync_, NET(i), 24, &view))
			assert_int_equal(view.state, SYNC_STATE_IN_SYNC);
		assert_int_equal(fake_route(&fake, NET(i), 24), view.nh);
	}
	for (uint32_t i = 0; i < 40; i++)
		sync_unwant_route(sync_, NET(i), 24, 0);
	fake_settle(&fake, sync_);
	assert_int_equal(fake.n_routes, 0);
	assert_int_equal(sync_counts(sync_).paths.n_acked, 0);
	assert_int_equal(sync_counts(sync_).groups.n_acked, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sync_pump_order),
		TEST(test_sync_pump_delete_order),
		TEST(test_sync_pump_window),
		TEST(test_sync_hop_changed),
		TEST(test_sync_lists_order),
		TEST(test_sync_sources_stay_until_replay),
		TEST(test_sync_policies_apart),
		TEST(test_sync_refused_route),
		TEST(test_sync_refused_path),
		TEST(test_sync_paths_run_out),
		TEST(test_sync_recent),
		TEST(test_sync_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
