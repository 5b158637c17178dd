/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Groups over two ports, one of which loses its link: what control would have to say later is done at
 * once, flow by flow, and undone when the link is back.
 */
#include "dataplane/table/nexthop.h"

#include "test/unit/dataplane/table/nexthop_fixture.h"

#include <rte_cycles.h>

#include <stdlib.h>
#include <string.h>

#define N_WORKERS  1u
#define MAX_GROUPS 4096u
#define OF_MANY	   3u /* members of each group, when there are many */

static int setup(void **state)
{
	return nexthop_fixture_make(state, MAX_GROUPS, N_WORKERS);
}

/* Path FIRST + port goes out by this port. */
static void set_native(struct fixture *f, uint32_t idx, uint16_t port)
{
	struct wire_path path = {.idx = idx, .kind = WIRE_PATH_NATIVE, .port = port, .mtu = 1500};

	assert_int_equal(nexthop_path_set(f->table, &path), 0);
}

static void set_punt(struct fixture *f, uint32_t idx, bool is_waiting)
{
	struct wire_path path = {.idx = idx, .kind = WIRE_PATH_PUNT, .is_waiting = is_waiting};

	assert_int_equal(nexthop_path_set(f->table, &path), 0);
}

static void set_group(struct fixture *f, uint32_t idx, uint32_t n_members)
{
	struct wire_group group = {.idx = idx, .n_members = n_members};

	for (uint32_t i = 0; i < n_members; i++)
		group.member[i] = (struct wire_member){FIRST + i, 1};
	assert_int_equal(nexthop_group_set(f->table, &group), 0);
}

static void read_buckets(const struct fixture *f, uint32_t group, uint32_t *path)
{
	for (uint32_t b = 0; b < NEXTHOP_GROUP_BUCKETS; b++)
		path[b] = nexthop_path(f->view, GROUP | group, b);
}

static uint32_t count(const struct fixture *f, uint32_t group, uint32_t path)
{
	uint32_t bucket[NEXTHOP_GROUP_BUCKETS], n = 0;

	read_buckets(f, group, bucket);
	for (uint32_t b = 0; b < NEXTHOP_GROUP_BUCKETS; b++)
		n += bucket[b] == path;
	return n;
}

static void test_port_set_moves_the_dead_ports_flows(void **state)
{
	struct fixture *f = *state;
	uint32_t before[NEXTHOP_GROUP_BUCKETS], after[NEXTHOP_GROUP_BUCKETS];

	for (uint16_t port = 0; port < 3; port++)
		set_native(f, FIRST + port, port);
	set_group(f, 0, 3);
	read_buckets(f, 0, before);

	nexthop_port_set(f->table, 1, false);
	read_buckets(f, 0, after);
	assert_int_equal(count(f, 0, FIRST + 1), 0);
	for (uint32_t b = 0; b < NEXTHOP_GROUP_BUCKETS; b++)
		if (before[b] != FIRST + 1)
			assert_int_equal(after[b], before[b]); // others' flows stay
	nexthop_port_set(f->table, 1, true);
	assert_in_range(count(f, 0, FIRST + 1), 85, 86);
}

/* What is said while a port is dead counts, too. */
static void test_port_set_before_group(void **state)
{
	struct fixture *f = *state;

	nexthop_port_set(f->table, 1, false);
	set_native(f, FIRST, 0);
	set_native(f, FIRST + 1, 1);
	set_group(f, 2, 2);
	assert_int_equal(count(f, 2, FIRST), NEXTHOP_GROUP_BUCKETS);
	nexthop_port_set(f->table, 1, true);
	assert_int_equal(count(f, 2, FIRST), NEXTHOP_GROUP_BUCKETS / 2);
	assert_int_equal(nexthop_group_get(f->table, 2)->n_members, 2);
}

/* With nothing alive the packets go where they went, and are counted there. */
static void test_port_set_all_dead(void **state)
{
	struct fixture *f = *state;

	set_native(f, FIRST, 0);
	set_native(f, FIRST + 1, 1);
	set_group(f, 0, 2);
	nexthop_port_set(f->table, 0, false);
	nexthop_port_set(f->table, 1, false);
	assert_int_equal(count(f, 0, FIRST), NEXTHOP_GROUP_BUCKETS / 2);
	assert_int_equal(count(f, 0, FIRST + 1), NEXTHOP_GROUP_BUCKETS / 2);
	nexthop_port_set(f->table, 1, true);
	assert_int_equal(count(f, 0, FIRST + 1), NEXTHOP_GROUP_BUCKETS);
}

/* Control withdraws the path, the link comes back, control resolves it again. */
static void test_path_set_waiting_gets_no_share(void **state)
{
	struct fixture *f = *state;

	set_native(f, FIRST, 0);
	set_native(f, FIRST + 1, 1);
	set_group(f, 0, 2);
	nexthop_port_set(f->table, 1, false);
	set_punt(f, FIRST + 1, true);
	nexthop_port_set(f->table, 1, true);
	assert_int_equal(count(f, 0, FIRST), NEXTHOP_GROUP_BUCKETS);
	set_native(f, FIRST + 1, 1);
	assert_int_equal(count(f, 0, FIRST), NEXTHOP_GROUP_BUCKETS / 2);
	set_punt(f, FIRST + 1, false); // for good: it is the kernel's share
	assert_int_equal(count(f, 0, FIRST + 1), NEXTHOP_GROUP_BUCKETS / 2);
	set_punt(f, FIRST, true);
	set_punt(f, FIRST + 1, true); // nobody can: the kernel gets all
	assert_int_equal(count(f, 0, FIRST), NEXTHOP_GROUP_BUCKETS / 2);
}

/* A tunnel's path moves to the other port: its groups take it in again. */
static void test_path_set_leaves_dead_port(void **state)
{
	struct fixture *f = *state;

	set_native(f, FIRST, 0);
	set_native(f, FIRST + 1, 1);
	set_group(f, 0, 2);
	nexthop_port_set(f->table, 1, false);
	set_native(f, FIRST + 1, 0);
	assert_int_equal(count(f, 0, FIRST + 1), NEXTHOP_GROUP_BUCKETS / 2);
}

/* As many groups as there can be by default, well within what a link failure may take. */
static void test_port_set_many_groups(void **state)
{
	struct fixture *f = *state;
	uint64_t tsc;

	for (uint16_t port = 0; port < OF_MANY; port++)
		set_native(f, FIRST + port, port);
	for (uint32_t idx = 0; idx < MAX_GROUPS; idx++)
		set_group(f, idx, OF_MANY);
	tsc = rte_rdtsc();
	nexthop_port_set(f->table, 1, false);
	tsc = (rte_rdtsc() - tsc) * 1000000 / rte_get_tsc_hz();
	print_message("%u groups moved in %lu us\n", MAX_GROUPS, (unsigned long)tsc);
	for (uint32_t idx = 0; idx < MAX_GROUPS; idx++)
		assert_int_equal(count(f, idx, FIRST + 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_port_set_moves_the_dead_ports_flows, setup,
			nexthop_fixture_free),
		cmocka_unit_test_setup_teardown(test_port_set_before_group, setup,
			nexthop_fixture_free),
		cmocka_unit_test_setup_teardown(test_port_set_all_dead, setup,
			nexthop_fixture_free),
		cmocka_unit_test_setup_teardown(test_path_set_waiting_gets_no_share, setup,
			nexthop_fixture_free),
		cmocka_unit_test_setup_teardown(test_path_set_leaves_dead_port, setup,
			nexthop_fixture_free),
		cmocka_unit_test_setup_teardown(test_port_set_many_groups, setup,
			nexthop_fixture_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
