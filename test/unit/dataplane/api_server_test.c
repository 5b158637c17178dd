/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The API over a real socket: who may say what, what is refused, and that a dump gives back what
 * was set.
 */
#include "test/unit/dataplane/api_fixture.h"

static bool is_closed(int fd)
{
	return recv(fd, buf, sizeof(buf), 0) == 0;
}

static void test_api_hello_comes_first(void **state)
{
	int fd = dial();

	(void)state;
	assert_int_equal(ask(fd, WIRE_INFO, NULL, 0), -EPROTO);
	assert_int_equal(greet(fd, WIRE_ROLE_READER), 0);
	say(fd, WIRE_INFO, NULL, 0);
	hang_up(fd);
}

static void test_api_readers_do_not_write(void **state)
{
	struct wire_route route = {.prefix = 0x0a000000, .depth = 8, .nh = WIRE_NH_PUNT};
	int fd = dial();

	(void)state;
	assert_int_equal(greet(fd, WIRE_ROLE_READER), 0);
	assert_int_equal(ask(fd, WIRE_ROUTE_SET, &route, 1), -EPERM);
	assert_int_equal(fib_counts(tables.fib).n_routes, 0);
	hang_up(fd);
}

static void test_api_one_control(void **state)
{
	int first = dial();
	int second = dial();

	(void)state;
	assert_int_equal(greet(first, WIRE_ROLE_CONTROL), 0);
	assert_int_equal(greet(second, WIRE_ROLE_CONTROL), -EBUSY);
	assert_true(tables.is_controlled);
	hang_up(first);
	assert_false(tables.is_controlled);
	assert_int_equal(greet(second, WIRE_ROLE_CONTROL), 0);
	hang_up(second);
}

/* A role is for good: who drops it without going would keep control's place for ever. */
static void test_api_hello_comes_once(void **state)
{
	int fd = dial();

	(void)state;
	assert_int_equal(greet(fd, WIRE_ROLE_CONTROL), 0);
	assert_int_equal(greet(fd, WIRE_ROLE_READER), -EPROTO);
	hang_up(fd);
	assert_false(tables.is_controlled);
}

static void test_api_broken_messages_close(void **state)
{
	size_t len = wire_build(buf, WIRE_INFO, 1, NULL, 0);

	(void)state;
	for (size_t cut = 1; cut <= len + 1; cut++) {
		uint8_t copy[64] = {0};
		int fd = dial();

		memcpy(copy, buf, len);
		if (cut == len)
			copy[0] ^= 0xff; // whole, of another version
		assert_int_equal(send(fd, copy, cut, 0), (ssize_t)cut);
		api_server_run(server);
		assert_true(is_closed(fd));
		wire_build(buf, WIRE_INFO, 1, NULL, 0);
		close(fd);
	}
}

static void test_api_refuses_by_item(void **state)
{
	struct wire_path path_rows[] = {
		{.idx = 16, .kind = WIRE_PATH_NATIVE, .port = 0, .mtu = 1500},
		{.idx = 17, .kind = WIRE_PATH_NATIVE, .port = 1, .mtu = 1500}, // no such port
		{.idx = 3, .kind = WIRE_PATH_NATIVE},			       // a fixed one
		{.idx = 64, .kind = WIRE_PATH_NATIVE},			       // beyond the table
		{.idx = 18, .kind = WIRE_PATH_N_KINDS},
		{.idx = 19, // 2010 with its outer header: more than a buffer of the port holds
			.kind = WIRE_PATH_IPIP,
			.mtu = 1990,
			.tunnel = {.src = 1, .dst = 2}},
		{.idx = 20, .kind = WIRE_PATH_IPIP, .mtu = 1980, .tunnel = {.src = 1, .dst = 2}},
	};
	struct wire_route routes[] = {
		{.prefix = 0x0a000000, .depth = 8, .nh = 16},
		{.prefix = 0x0b000000, .depth = 8, .nh = 17}, // path not set
		{.prefix = 0x0a000001, .depth = 8, .nh = 16}, // stray bit
		{.prefix = 0x0c000000, .depth = 33, .nh = 16},
		{.prefix = 0x0c000000, .depth = 8, .nh = WIRE_NH_GROUP | 2},
		{.prefix = 0x0d000000, .depth = 8, .nh = 0},
	};
	const struct wire_refusal *refusals;
	const struct wire_hdr *hdr;
	int fd = dial();

	(void)state;
	assert_int_equal(greet(fd, WIRE_ROLE_CONTROL), 0);
	say(fd, WIRE_PATH_SET, path_rows, 7);
	hdr = hear(fd, WIRE_ACK, (const void **)&refusals);
	assert_int_equal(hdr->n_items, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(refusals[i].item, i + 1);
	assert_int_equal(refusals[4].error, -EMSGSIZE);

	say(fd, WIRE_ROUTE_SET, routes, 6);
	hdr = hear(fd, WIRE_ACK, (const void **)&refusals);
	assert_int_equal(hdr->n_items, 5);
	assert_int_equal(fib_counts(tables.fib).n_routes, 1);

	assert_int_equal(ask(fd, WIRE_ROUTE_DEL, routes, 1), 0);
	assert_int_equal(ask(fd, WIRE_ROUTE_DEL, routes, 1), -ENOENT);
	assert_int_equal(ask(fd, WIRE_PATH_DEL, path_rows, 1), 0);
	assert_int_equal(ask(fd, WIRE_PATH_DEL, &path_rows[6], 1), 0);
	hang_up(fd);
}

/* Control takes for done what is not listed, and reads the list in the order of the items. */
static void test_api_refuses_all_in_order(void **state)
{
	enum { N = 2000 };
	static struct wire_route routes[N];
	const struct wire_refusal *refusals;
	const struct wire_hdr *hdr;
	int fd = dial();

	(void)state;
	for (uint32_t i = 0; i < N; i++)
		routes[i] = (struct wire_route){.prefix = i << 8, .depth = 24, .nh = WIRE_NH_PUNT};
	for (uint32_t i = 0; i < N; i += 3)
		routes[i].prefix |= 1; // the FIB's to refuse
	for (uint32_t i = 1; i < N; i += 3)
		routes[i].nh = 40; // not set
	assert_int_equal(greet(fd, WIRE_ROLE_CONTROL), 0);
	say(fd, WIRE_ROUTE_SET, routes, N);
	hdr = hear(fd, WIRE_ACK, (const void **)&refusals);
	assert_int_equal(hdr->error, -EINVAL);
	assert_int_equal(hdr->n_items, N - N / 3);
	for (uint32_t i = 0; i < hdr->n_items; i++) {
		assert_int_equal(refusals[i].item, i / 2 * 3 + i % 2);
		assert_int_equal(refusals[i].error, i % 2 == 0 ? -EINVAL : -ENOENT);
	}
	for (uint32_t i = 0; i < N; i++)
		routes[i].prefix &= ~0xffu;
	say(fd, WIRE_ROUTE_DEL, routes, N);
	hear(fd, WIRE_ACK, (const void **)&refusals);
	assert_int_equal(fib_counts(tables.fib).n_routes, 0);
	hang_up(fd);
}

static void test_api_no_pools(void **state)
{
	struct wire_pool pool = {.prefix = 0x0a000000, .depth = 8};
	int fd = dial();

	(void)state;
	assert_int_equal(greet(fd, WIRE_ROLE_CONTROL), 0);
	assert_int_equal(ask(fd, WIRE_POOL_SET, &pool, 1), 0);
	assert_true(tables.is_steering);
	assert_int_equal(ask(fd, WIRE_POOL_SET, NULL, 0), 0);
	assert_false(tables.is_steering);
	hang_up(fd);
}

static void count_call(void *arg)
{
	++*(unsigned *)arg;
}

/* A message of 5,000 routes takes librte_lpm a third of a second: punted packets do not wait. */
static void test_api_lets_others_in_between(void **state)
{
	enum { N = 5000 };
	static struct wire_route routes[N];
	unsigned n_calls = 0;
	int fd = dial();

	(void)state;
	for (uint32_t i = 0; i < N; i++)
		routes[i] = (struct wire_route){.prefix = i << 8, .depth = 24, .nh = WIRE_NH_PUNT};
	tables.between = count_call;
	tables.between_arg = &n_calls;
	assert_int_equal(greet(fd, WIRE_ROLE_CONTROL), 0);
	assert_int_equal(ask(fd, WIRE_ROUTE_SET, routes, N), 0);
	assert_true(n_calls >= N / 100);
	assert_int_equal(ask(fd, WIRE_ROUTE_DEL, routes, N), 0);
	assert_int_equal(fib_counts(tables.fib).n_routes, 0);
	tables.between = NULL;
	hang_up(fd);
}

static void load(int fd)
{
	static struct wire_route routes[N_ROUTES];
	struct wire_path path_row = {.idx = 20,
		.kind = WIRE_PATH_NATIVE,
		.mtu = 1500,
		.nexthop = 77};
	struct wire_group group = {.idx = 5, .n_members = 1, .member = {{20, 1}}};
	size_t per_msg = wire_max_items(WIRE_ROUTE_SET);

	for (uint32_t i = 0; i < N_ROUTES; i++)
		routes[i] = (struct wire_route){.prefix = (10u << 24) + i * 4,
			.depth = 32,
			.nh = i % 2 ? 20 : WIRE_NH_GROUP | 5};
	assert_int_equal(ask(fd, WIRE_PATH_SET, &path_row, 1), 0);
	assert_int_equal(ask(fd, WIRE_GROUP_SET, &group, 1), 0);
	for (size_t i = 0; i < N_ROUTES; i += per_msg)
		assert_int_equal(
			ask(fd, WIRE_ROUTE_SET, &routes[i], RTE_MIN(per_msg, N_ROUTES - i)), 0);
}

static void test_api_dump_gives_back_what_was_set(void **state)
{
	struct wire_pool pool = {.prefix = 10u << 24, .depth = 8};
	unsigned n[WIRE_N_TYPES] = {0};
	const struct wire_hdr *hdr;
	const void *items;
	uint32_t next = 0;
	int fd = dial();

	(void)state;
	assert_int_equal(greet(fd, WIRE_ROLE_CONTROL), 0);
	load(fd);
	assert_int_equal(ask(fd, WIRE_POOL_SET, &pool, 1), 0);
	say(fd, WIRE_DUMP, NULL, 0);
	do {
		ssize_t len = recv(fd, buf, sizeof(buf), 0);

		assert_true(len > 0);
		assert_int_equal(wire_parse(buf, (size_t)len, &hdr, &items), 0);
		assert_int_equal(hdr->seq, 9);
		n[hdr->type] += hdr->n_items;
		for (uint32_t i = 0; hdr->type == WIRE_ROUTE_SET && i < hdr->n_items; i++, next++)
			assert_int_equal(((const struct wire_route *)items)[i].prefix,
				(10u << 24) + next * 4);
	} while (hdr->type != WIRE_ACK);
	assert_int_equal(n[WIRE_PORT], 1);
	assert_int_equal(n[WIRE_POOL_SET], 1);
	assert_int_equal(n[WIRE_PATH_SET], 1);
	assert_int_equal(n[WIRE_GROUP_SET], 1);
	assert_int_equal(n[WIRE_ROUTE_SET], N_ROUTES);
	hang_up(fd);
}

static void test_api_lookup(void **state)
{
	struct wire_lookup asked = {.addr = (10u << 24) + 4};
	const struct wire_lookup *found;
	int fd = dial();

	(void)state;
	assert_int_equal(greet(fd, WIRE_ROLE_READER), 0);
	say(fd, WIRE_LOOKUP, &asked, 1);
	hear(fd, WIRE_LOOKUP, (const void **)&found);
	assert_int_equal(found->nh, 20);
	assert_int_equal(found->depth, 32);
	assert_int_equal(found->path.nexthop, 77);
	hear(fd, WIRE_ACK, (const void **)&found);
	asked.addr = 1;
	say(fd, WIRE_LOOKUP, &asked, 1);
	hear(fd, WIRE_LOOKUP, (const void **)&found);
	assert_int_equal(found->nh, WIRE_NH_NONE);
	hang_up(fd);
}

/* Each lcore counts what ends there: the worker what finds no room, the main lcore the rest. */
static void test_api_stats_punts_by_class(void **state)
{
	const struct wire_punt_stats *punts = NULL;
	const struct wire_hdr *hdr;
	int fd = dial();

	(void)state;
	stats[0].punt[PUNT_BGP] =
		(struct punt_stats){.given_pkts = 5, .policed_pkts = 6, .error_pkts = 7};
	stats[1].punt[PUNT_BGP] = (struct punt_stats){.full_pkts = 8};
	assert_int_equal(greet(fd, WIRE_ROLE_READER), 0);
	say(fd, WIRE_STATS, NULL, 0);
	do {
		ssize_t len = recv(fd, buf, sizeof(buf), 0);

		assert_true(len > 0);
		assert_int_equal(wire_parse(buf, (size_t)len, &hdr, (const void **)&punts), 0);
	} while (hdr->type != WIRE_PUNT_STATS);
	assert_int_equal(hdr->n_items, PUNT_N_CLASSES);
	assert_string_equal(punts[PUNT_ARP].class, "arp");
	assert_int_equal(punts[PUNT_ARP].given_pkts, 0);
	assert_string_equal(punts[PUNT_BGP].class, "bgp");
	assert_int_equal(punts[PUNT_BGP].given_pkts, 5);
	assert_int_equal(punts[PUNT_BGP].policed_pkts, 6);
	assert_int_equal(punts[PUNT_BGP].error_pkts, 7);
	assert_int_equal(punts[PUNT_BGP].full_pkts, 8);
	hang_up(fd);
	memset(stats, 0, sizeof(stats));
}

static void test_api_second_server_is_refused(void **state)
{
	struct api_server *other;
	char error[256];

	(void)state;
	assert_int_equal(api_server_create(&other, path, &tables, error, sizeof(error)),
		-EADDRINUSE);
	assert_non_null(strstr(error, path));
	api_server_run(server); // the probe's connection
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_api_hello_comes_first),
		cmocka_unit_test(test_api_readers_do_not_write),
		cmocka_unit_test(test_api_one_control),
		cmocka_unit_test(test_api_hello_comes_once),
		cmocka_unit_test(test_api_broken_messages_close),
		cmocka_unit_test(test_api_refuses_by_item),
		cmocka_unit_test(test_api_refuses_all_in_order),
		cmocka_unit_test(test_api_no_pools),
		cmocka_unit_test(test_api_lets_others_in_between),
		cmocka_unit_test(test_api_dump_gives_back_what_was_set),
		cmocka_unit_test(test_api_lookup),
		cmocka_unit_test(test_api_stats_punts_by_class),
		cmocka_unit_test(test_api_second_server_is_refused),
	};

	support_eal_init(256);
	return cmocka_run_group_tests(tests, api_setup, api_teardown);
}
