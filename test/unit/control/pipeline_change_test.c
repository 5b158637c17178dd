/* SPDX-License-Identifier: BSD-3-Clause */
/* Other settings while control runs: what the dataplane is told, and what it is not. */
#include "test/unit/control/pipeline_fixture.h"

static void change(uint32_t prefix, enum encap encap, enum encap_scope scope)
{
	const struct route_pool pool = {.prefix = prefix,
		.depth = 16,
		.policy = hop_policy(encap, scope)};
	struct pipeline_options options = make_options(&pool);

	assert_int_equal(pipeline_change(pipeline, &options), 0);
	pipeline_turn(pipeline);
	settle();
}

/* Every policy to every other one; the fake refuses a route to a path that is not there. */
static void test_pipeline_change_encap(void **state)
{
	static const struct {
		enum encap encap;
		enum encap_scope scope;
		enum wire_path_kind kind;
		uint32_t n_ends;
	} rows[] = {
		{ENCAP_FOLLOW, ENCAP_ALWAYS, WIRE_PATH_NATIVE, 0},
		{ENCAP_NONE, ENCAP_ALWAYS, WIRE_PATH_NATIVE, 2},
		{ENCAP_IPIP, ENCAP_ALWAYS, WIRE_PATH_IPIP, 2},
		{ENCAP_IPIP, ENCAP_CROSS_SUBNET, WIRE_PATH_NATIVE, 2},
		{ENCAP_VXLAN, ENCAP_ALWAYS, WIRE_PATH_PUNT, 2}, // nobody says its VTEP's MAC
	};
	const size_t n = sizeof(rows) / sizeof(rows[0]);

	(void)state;
	push_route(BLOCK, 26, NODE, ETH0);
	for (size_t i = 0; i < n * n; i++) {
		const size_t turn[] = {i / n, i % n};

		for (size_t t = 0; t < 2; t++) {
			const struct wire_path *path;

			change(0x0af40000, rows[turn[t]].encap, rows[turn[t]].scope);
			path = path_of(BLOCK, 26);
			assert_int_equal(path->kind, rows[turn[t]].kind);
			assert_int_equal(path->policy,
				hop_policy(rows[turn[t]].encap, rows[turn[t]].scope));
			assert_int_equal(fake.n_endpoints, rows[turn[t]].n_ends);
		}
	}
}

static uint32_t n_of(enum wire_type type)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < fake.n_log; i++)
		n += fake.log[i] == type;
	return n;
}

/* Slots are rewritten, and no route; afterwards the hops are found as ever. */
static void test_pipeline_change_encap_in_place(void **state)
{
	uint32_t idx, n_routes, n_paths;

	(void)state;
	change(0x0af40000, ENCAP_NONE, ENCAP_ALWAYS);
	push_route(BLOCK, 26, NODE, ETH0);
	push_route(BLOCK + 64, 26, NODE, ETH0);
	idx = fake_route(&fake, BLOCK, 26);
	n_routes = n_of(WIRE_ROUTE_SET);
	n_paths = n_of(WIRE_PATH_SET);
	change(0x0af40000, ENCAP_IPIP, ENCAP_ALWAYS);
	expect_ipip(path_of(BLOCK, 26), NODE, ETH0);
	expect_ipip(path_of(BLOCK + 64, 26), NODE, ETH0);
	assert_int_equal(fake_route(&fake, BLOCK, 26), idx);
	assert_int_equal(n_of(WIRE_ROUTE_SET), n_routes);
	assert_int_equal(n_of(WIRE_PATH_SET), n_paths + 1);
	assert_int_equal(n_of(WIRE_PATH_DEL), 0);
	push_route(BLOCK + 128, 26, NODE, ETH0);
	assert_int_equal(fake_route(&fake, BLOCK + 128, 26), idx);
	change(0x0af40000, ENCAP_NONE, ENCAP_ALWAYS);
	assert_int_equal(path_of(BLOCK, 26)->kind, WIRE_PATH_NATIVE);
	assert_int_equal(fake_route(&fake, BLOCK, 26), idx);
}

/* One of two pools with a policy changes it: the other one's routes stay on their slot. */
static void test_pipeline_change_encap_of_one_pool(void **state)
{
	struct route_pool pools[2] = {
		{0x0af40000, 16, hop_policy(ENCAP_NONE, ENCAP_ALWAYS)},
		{0x0afa0000, 16, hop_policy(ENCAP_NONE, ENCAP_ALWAYS)},
	};
	struct pipeline_options options = make_options(pools);
	uint32_t idx;

	(void)state;
	options.n_pools = 2;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipeline_change(pipeline, &options), 0);
		pipeline_turn(pipeline);
		settle();
		push_route(BLOCK, 26, NODE, ETH0);
		push_route(0x0afa0100, 26, NODE, ETH0);
		if (i == 0)
			idx = fake_route(&fake, 0x0afa0100, 26);
		pools[0].policy = hop_policy(ENCAP_IPIP, ENCAP_ALWAYS);
	}
	expect_ipip(path_of(BLOCK, 26), NODE, ETH0);
	assert_int_equal(path_of(0x0afa0100, 26)->kind, WIRE_PATH_NATIVE);
	assert_int_equal(fake_route(&fake, 0x0afa0100, 26), idx);
	// And the two change places, which no renaming can do.
	pools[0].policy = hop_policy(ENCAP_NONE, ENCAP_ALWAYS);
	pools[1].policy = hop_policy(ENCAP_IPIP, ENCAP_ALWAYS);
	assert_int_equal(pipeline_change(pipeline, &options), 0);
	pipeline_turn(pipeline);
	settle();
	assert_int_equal(path_of(BLOCK, 26)->kind, WIRE_PATH_NATIVE);
	expect_ipip(path_of(0x0afa0100, 26), NODE, ETH0);
}

/* Routes with the same next hops, one after the other in one turn: each gets what is its own. */
static void test_same_nexthops_in_a_row(void **state)
{
	static struct builder b;

	(void)state;
	take_file("ipip-ends", 2);
	change(0x0af40000, ENCAP_IPIP, ENCAP_ALWAYS);
	b.len = 0;
	put_route(&b, BLOCK, 26, NODE, ETH0);
	put_route(&b, 0x0a800000, 16, NODE, ETH0); // in no pool
	put_route(&b, BLOCK + 64, 26, NODE, ETH0);
	put_route(&b, BLOCK + 128, 32, 0, TO_B); // itself is the next hop
	put_route(&b, BLOCK + 129, 32, 0, TO_B);
	put_route(&b, OURS, 32, NODE, ETH0);
	push(&b);
	expect_ipip(path_of(BLOCK, 26), NODE, ETH0);
	assert_int_equal(path_of(0x0a800000, 16)->kind, WIRE_PATH_NATIVE);
	assert_int_equal(fake_route(&fake, BLOCK, 26), fake_route(&fake, BLOCK + 64, 26));
	assert_int_equal(path_of(BLOCK + 128, 32)->nexthop, BLOCK + 128);
	assert_int_equal(path_of(BLOCK + 129, 32)->nexthop, BLOCK + 129);
	assert_int_equal(fake_route(&fake, OURS, 32), WIRE_NH_PUNT);
}

/* Another pool: its miss is "no route", the one before has none, and the kernel is told neither. */
static void test_pipeline_change_pool(void **state)
{
	(void)state;
	push_route(BLOCK, 26, NODE, ETH0);
	assert_int_equal(fake_route(&fake, 0x0af40000, 16), WIRE_NH_NO_ROUTE);
	change(0x0afa0000, ENCAP_IPIP, ENCAP_ALWAYS);
	assert_int_equal(fake_route(&fake, 0x0af40000, 16), WIRE_NH_NONE);
	assert_int_equal(fake_route(&fake, 0x0afa0000, 16), WIRE_NH_NO_ROUTE);
	assert_int_equal(fake.n_pools, 1);
	assert_int_equal(fake.pool[0].prefix, 0x0afa0000);
	assert_int_equal(path_of(BLOCK, 26)->kind, WIRE_PATH_NATIVE); // it is in none now
	change(0x0af40000, ENCAP_IPIP, ENCAP_ALWAYS);
	expect_ipip(path_of(BLOCK, 26), NODE, ETH0);
	assert_int_equal(fake_route(&fake, 0x0afa0000, 16), WIRE_NH_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pipeline_change_encap),
		TEST(test_pipeline_change_encap_in_place),
		TEST(test_pipeline_change_encap_of_one_pool),
		TEST(test_pipeline_change_pool),
		TEST(test_same_nexthops_in_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
