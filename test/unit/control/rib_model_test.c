/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The RIB under random change, against a model that resolves everything anew after each step. What
 * the drains report must always add up to the model's answers.
 *
 * Usage: rib_model_test [SEED]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "control/step/rib.h"

enum {
	N_STEPS = 300000,
	N_PREFIXES = 300,
	N_PER_LEVEL = 6,
	N_LEVELS = 5, /**< single next hops, and groups four deep */
	N_IDS = N_PER_LEVEL * N_LEVELS,
	BLACKHOLE = 1 << 30,
};

// An answer is a bit for each gateway, or BLACKHOLE; 0 is no answer.

static struct {
	bool is_there, is_stale;
	uint32_t nh_id;
	uint32_t answer;
	uint32_t reported;
} prefixes[N_PREFIXES];

static struct {
	bool is_known;
	uint32_t answer; /**< of a single next hop */
	uint32_t n_members, member[4];
} ids[N_IDS + 1]; // id 0 is none

static uint64_t seed;
static struct rib *rib;
static struct fpm_event event;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

static uint32_t resolve(uint32_t id)
{
	uint32_t answer = 0;

	if (!ids[id].is_known)
		return 0;
	if (ids[id].n_members == 0)
		return ids[id].answer;
	for (uint32_t i = 0; i < ids[id].n_members; i++) {
		uint32_t inner = resolve(ids[id].member[i]);

		if (inner == 0)
			return 0;
		answer |= inner;
	}
	return answer == BLACKHOLE ? answer : answer & ~(uint32_t)BLACKHOLE;
}

static void resolve_prefixes(void)
{
	for (uint32_t i = 0; i < N_PREFIXES; i++) {
		uint32_t answer = prefixes[i].nh_id != 0 ? resolve(prefixes[i].nh_id) : 0;

		if (answer != 0)
			prefixes[i].answer = answer;
	}
}

static uint32_t answer_of(const struct rib_nexthops *nexthops)
{
	uint32_t answer = 0;

	if (nexthops == NULL)
		return 0;
	if (nexthops->type == RTN_BLACKHOLE)
		return BLACKHOLE;
	for (uint32_t i = 0; i < nexthops->n; i++)
		answer |= 1u << nexthops->nh[i].gateway[3];
	return answer;
}

static struct fpm_prefix prefix_of(uint32_t i)
{
	return (struct fpm_prefix){
		.table = FPM_MAIN_TABLE,
		.family = AF_INET,
		.len = 24,
		.addr = {10, (uint8_t)(i >> 8), (uint8_t)i},
	};
}

static struct fpm_nh nh_of(uint32_t gateway)
{
	return (struct fpm_nh){.gateway = {192, 168, 1, (uint8_t)gateway},
		.family = AF_INET,
		.weight = 1};
}

static void step_route_set(void)
{
	uint32_t i = random_below(N_PREFIXES);

	event.kind = FPM_ROUTE_SET;
	event.route.prefix = prefix_of(i);
	event.route.type = RTN_UNICAST;
	event.route.n_nh = 0;
	event.route.nh_id = random_below(4) > 0 ? 1 + random_below(N_IDS) : 0;
	if (event.route.nh_id == 0) {
		event.route.n_nh = 1 + random_below(3);
		prefixes[i].answer = 0;
		for (uint32_t j = 0; j < event.route.n_nh; j++) {
			uint32_t gateway = random_below(16);

			event.route.nh[j] = nh_of(gateway);
			prefixes[i].answer |= 1u << gateway;
		}
	}
	prefixes[i].is_there = true;
	prefixes[i].is_stale = false;
	prefixes[i].nh_id = event.route.nh_id;
	assert_int_equal(rib_apply(rib, &event), 0);
}

static void forget_prefix(uint32_t i)
{
	prefixes[i].is_there = prefixes[i].is_stale = false;
	prefixes[i].nh_id = 0;
	prefixes[i].answer = 0;
}

static void step_route_del(void)
{
	uint32_t i = random_below(N_PREFIXES);

	event.kind = FPM_ROUTE_DEL;
	event.route.prefix = prefix_of(i);
	forget_prefix(i);
	assert_int_equal(rib_apply(rib, &event), 0);
}

static void step_nexthop_set(void)
{
	uint32_t id = 1 + random_below(N_IDS);
	uint32_t n_lower = (id - 1) / N_PER_LEVEL * N_PER_LEVEL;

	event.kind = FPM_NEXTHOP_SET;
	event.nexthop.id = id;
	event.nexthop.is_blackhole = random_below(10) == 0;
	event.nexthop.n_members = n_lower > 0 && random_below(4) > 0 ? 1 + random_below(4) : 0;
	ids[id].is_known = true;
	ids[id].n_members = event.nexthop.n_members;
	for (uint32_t i = 0; i < event.nexthop.n_members; i++) {
		ids[id].member[i] = 1 + random_below(n_lower);
		event.nexthop.member[i] =
			(struct fpm_nexthop_member){ids[id].member[i], 1 + random_below(3)};
	}
	if (event.nexthop.n_members == 0) {
		uint32_t gateway = random_below(16);

		event.nexthop.nh = nh_of(gateway);
		ids[id].answer = event.nexthop.is_blackhole ? BLACKHOLE : 1u << gateway;
	}
	assert_int_equal(rib_apply(rib, &event), 0);
}

static void step_nexthop_del(void)
{
	event.kind = FPM_NEXTHOP_DEL;
	event.nexthop.id = 1 + random_below(N_IDS);
	ids[event.nexthop.id].is_known = false;
	assert_int_equal(rib_apply(rib, &event), 0);
}

static void step_replay(void)
{
	for (uint32_t i = 0; i < N_PREFIXES; i++) {
		prefixes[i].is_stale = prefixes[i].is_there;
		prefixes[i].nh_id = 0;
	}
	memset(ids, 0, sizeof(ids));
	rib_begin_replay(rib);
}

static void step_sweep(void)
{
	size_t n = 0;

	for (uint32_t i = 0; i < N_PREFIXES; i++) {
		if (!prefixes[i].is_stale)
			continue;
		forget_prefix(i);
		n++;
	}
	assert_int_equal(rib_sweep(rib), n);
}

static void step(void)
{
	uint32_t what = random_below(1000);

	if (what < 400)
		step_route_set();
	else if (what < 600)
		step_route_del();
	else if (what < 900)
		step_nexthop_set();
	else if (what < 996)
		step_nexthop_del();
	else if (what < 998)
		step_replay();
	else
		step_sweep();
	resolve_prefixes();
}

static void take_change(const struct fpm_prefix *prefix, const struct rib_route *route, void *arg)
{
	uint32_t i = (uint32_t)prefix->addr[1] << 8 | prefix->addr[2];

	(void)arg;
	assert_true(i < N_PREFIXES);
	assert_true(route != NULL || prefixes[i].reported != 0);
	prefixes[i].reported = route != NULL ? answer_of(route->nexthops) : 0;
}

static void check(void)
{
	struct rib_counts expected = {0}, counts;

	rib_drain(rib, take_change, NULL);
	for (uint32_t i = 0; i < N_PREFIXES; i++) {
		struct fpm_prefix prefix = prefix_of(i);
		const struct rib_route *route = rib_find(rib, &prefix);
		bool is_pending = prefixes[i].nh_id != 0 && resolve(prefixes[i].nh_id) == 0;

		assert_int_equal(prefixes[i].reported, prefixes[i].answer);
		assert_int_equal(route != NULL, prefixes[i].is_there);
		expected.n_routes += prefixes[i].is_there;
		expected.n_stale += prefixes[i].is_stale;
		expected.n_pending += is_pending;
		if (route == NULL)
			continue;
		assert_int_equal(answer_of(route->nexthops), prefixes[i].answer);
		assert_int_equal(route->is_pending, is_pending);
		assert_int_equal(route->is_stale, prefixes[i].is_stale);
		assert_int_equal(route->nh_id, prefixes[i].nh_id);
	}
	counts = rib_counts(rib);
	assert_int_equal(counts.n_routes, expected.n_routes);
	assert_int_equal(counts.n_stale, expected.n_stale);
	assert_int_equal(counts.n_pending, expected.n_pending);
}

static void test_rib_equals_model(void **state)
{
	(void)state;
	rib = rib_new();
	assert_non_null(rib);
	for (uint32_t i = 0; i < N_STEPS; i++) {
		step();
		if (random_below(20) == 0)
			check();
	}
	rib_begin_replay(rib);
	rib_sweep(rib);
	assert_int_equal(rib_counts(rib).n_sets, 0); // no use of a set was lost
	rib_free(rib);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(test_rib_equals_model)};

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
	printf("rib_model_test: seed=%llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
