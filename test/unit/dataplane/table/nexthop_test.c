/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Path slots, groups, and that no adjacency is reused while a worker may hold it.
 */
#include "dataplane/table/nexthop.h"

#include "test/unit/dataplane/table/nexthop_fixture.h"

#include <rte_cycles.h>
#include <rte_ether.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_WORKERS  2u
#define MAX_GROUPS 8u

static int setup(void **state)
{
	return nexthop_fixture_make(state, MAX_GROUPS, N_WORKERS);
}

/** The last byte of both MACs, the MTU and the next hop all say which version it is. */
static struct wire_path native_path(uint32_t idx, uint8_t version)
{
	return (struct wire_path){
		.idx = idx,
		.nexthop = 0x0a000000u | version,
		.kind = WIRE_PATH_NATIVE,
		.port = 1,
		.mtu = (uint16_t)(1000 + version),
		.dst_mac = {2, 0, 0, 0, 1, version},
		.src_mac = {2, 0, 0, 0, 2, version},
	};
}

static void set_path(struct fixture *f, uint32_t idx, uint8_t version)
{
	struct wire_path path = native_path(idx, version);

	assert_int_equal(nexthop_path_set(f->table, &path), 0);
}

static void test_create_refuses(void **state)
{
	struct epoch epoch;
	struct nexthop_table *table = NULL;

	(void)state;
	support_eal_init(64);
	assert_int_equal(epoch_init(&epoch, 0), -EINVAL);
	assert_int_equal(epoch_init(&epoch, 1), 0);
	assert_int_equal(nexthop_create(&table, FIRST, 1, SOCKET_ID_ANY, &epoch), -EINVAL);
	assert_int_equal(nexthop_create(&table, GROUP, 1, SOCKET_ID_ANY, &epoch), -EINVAL);
	assert_int_equal(nexthop_create(&table, FIRST + 1, GROUP, SOCKET_ID_ANY, &epoch), -EINVAL);
	assert_int_equal(nexthop_create(&table, GROUP - 1, 0, SOCKET_ID_ANY, &epoch), -ENOMEM);
	assert_null(table);
	assert_int_equal(nexthop_create(&table, FIRST + 1, 0, SOCKET_ID_ANY, &epoch), 0);
	nexthop_free(table);
	nexthop_free(NULL);
	epoch_fini(&epoch);
}

static void test_resolve_fixed_paths(void **state)
{
	struct fixture *f = *state;

	for (uint32_t nh = WIRE_NH_NONE; nh <= WIRE_NH_PROBE; nh++) {
		const struct adjacency *adjacency = nexthop_resolve(f->view, nh, 0);

		assert_int_equal(adjacency->kind, nh);
		assert_int_equal(nexthop_path(f->view, nh, 0), nh);
		assert_int_equal(nexthop_is_set(f->table, nh), nh != WIRE_NH_NONE);
	}
	for (uint32_t nh = WIRE_NH_PROBE + 1; nh < MAX_PATHS; nh++) {
		assert_int_equal(nexthop_resolve(f->view, nh, 0)->kind, ADJACENCY_NONE);
		assert_false(nexthop_is_set(f->table, nh));
	}
	assert_int_equal(nexthop_path_get(f->table, WIRE_NH_PUNT)->idx, WIRE_NH_PUNT);
	assert_int_equal(nexthop_counts(f->table).n_paths, 0);
}

static void test_path_set_native(void **state)
{
	static const uint8_t l2[14] = {2, 0, 0, 0, 1, 7, 2, 0, 0, 0, 2, 7, 0x08, 0x00};
	struct fixture *f = *state;
	const struct adjacency *adjacency;

	set_path(f, FIRST, 7);
	adjacency = nexthop_resolve(f->view, FIRST, 12345);
	assert_int_equal(adjacency->kind, ADJACENCY_NATIVE);
	assert_int_equal(adjacency->port, 1);
	assert_int_equal(adjacency->mtu, 1007);
	assert_int_equal(adjacency->hdr_len, sizeof(l2));
	assert_memory_equal(adjacency->hdr, l2, sizeof(l2));
	assert_int_equal(nexthop_path_get(f->table, FIRST)->nexthop, 0x0a000007);
	assert_int_equal(nexthop_counts(f->table).n_paths, 1);

	// the same again keeps the adjacency, another replaces it
	set_path(f, FIRST, 7);
	assert_ptr_equal(nexthop_resolve(f->view, FIRST, 0), adjacency);
	set_path(f, FIRST, 8);
	assert_ptr_not_equal(nexthop_resolve(f->view, FIRST, 0), adjacency);
	assert_int_equal(nexthop_counts(f->table).n_paths, 1);

	assert_int_equal(nexthop_path_del(f->table, FIRST), 0);
	assert_int_equal(nexthop_resolve(f->view, FIRST, 0)->kind, ADJACENCY_NONE);
	assert_null(nexthop_path_get(f->table, FIRST));
	assert_int_equal(nexthop_path_del(f->table, FIRST), -ENOENT);
	assert_int_equal(nexthop_counts(f->table).n_paths, 0);
}

static void test_path_set_punt(void **state)
{
	struct fixture *f = *state;
	struct wire_path path = {.idx = FIRST + 3, .kind = WIRE_PATH_PUNT};

	assert_int_equal(nexthop_path_set(f->table, &path), 0);
	assert_int_equal(nexthop_resolve(f->view, FIRST + 3, 0)->kind, ADJACENCY_PUNT);
}

/* Slots differ above the index where and only where something differs that a packet has to meet. */
static void test_slot_has_conditions(void **state)
{
	struct fixture *f = *state;
	struct wire_path rows[6];
	uint64_t slot;

	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		rows[i] = (struct wire_path){.idx = FIRST + i,
			.kind = WIRE_PATH_VXLAN,
			.mtu = 1450,
			.tunnel = {1, 2, .udp_dst = 4789, .udp_src_min = 1, .udp_src_max = 2}};
	rows[1].tunnel.dst = 3;
	rows[2].mtu = 1451;
	rows[3].port = RTE_MAX_ETHPORTS - 1;
	rows[4].tunnel.has_udp_checksum = 1;
	rows[5].kind = WIRE_PATH_IPIP;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		assert_int_equal(nexthop_path_set(f->table, &rows[i]), 0);
		slot = nexthop_slot(f->view, FIRST + i) ^ nexthop_slot(f->view, FIRST);
		assert_int_equal((slot & ~NEXTHOP_SLOT_IDX) != 0, i > 1);
		assert_int_equal(slot != 0, i > 0);
		assert_true(nexthop_slot_sends(nexthop_slot(f->view, FIRST + i)));
	}
	assert_int_equal(nexthop_path_del(f->table, FIRST), 0);
	for (uint32_t nh = WIRE_NH_NONE; nh <= FIRST; nh++)
		assert_false(nexthop_slot_sends(nexthop_slot(f->view, nh)));
}

static void test_path_set_refuses(void **state)
{
	struct fixture *f = *state;
	struct wire_path good = native_path(FIRST, 1);
	struct wire_path bad[7];

	for (unsigned i = 0; i < RTE_DIM(bad); i++)
		bad[i] = good;
	bad[0].idx = 0;
	bad[1].idx = FIRST - 1;
	bad[2].idx = MAX_PATHS;
	bad[3].idx = GROUP;
	bad[4].kind = WIRE_PATH_N_KINDS;
	bad[5].port = RTE_MAX_ETHPORTS;
	bad[6].mtu = 67;
	for (unsigned i = 0; i < RTE_DIM(bad); i++)
		assert_int_equal(nexthop_path_set(f->table, &bad[i]), -EINVAL);
	assert_int_equal(nexthop_path_del(f->table, FIRST - 1), -EINVAL);
	assert_int_equal(nexthop_path_del(f->table, MAX_PATHS), -EINVAL);
	assert_false(nexthop_is_set(f->table, UINT32_MAX));
	assert_false(nexthop_is_set(f->table, GROUP | MAX_GROUPS));
	assert_null(nexthop_path_get(f->table, UINT32_MAX));
	assert_null(nexthop_group_get(f->table, UINT32_MAX));
	assert_int_equal(nexthop_counts(f->table).n_paths, 0);
}

static void count_buckets(const struct fixture *f, uint32_t group, uint32_t *n)
{
	memset(n, 0, MAX_PATHS * sizeof(*n));
	for (uint32_t hash = 0; hash < NEXTHOP_GROUP_BUCKETS; hash++)
		n[nexthop_path(f->view, GROUP | group, hash)]++;
}

static void test_group_set_deals_by_weight(void **state)
{
	struct fixture *f = *state;
	static const struct {
		uint32_t n_members, weight[4], n_buckets[4];
	} rows[] = {
		{1, {1}, {256}},
		{2, {1, 1}, {128, 128}},
		{3, {1, 1, 1}, {86, 85, 85}},
		{3, {65536, 65536, 65536}, {86, 85, 85}},
		{2, {1, 3}, {64, 192}},
		{4, {1, 2, 3, 4}, {26, 51, 77, 102}},
		{2, {1, 65536}, {0, 256}},
	};

	for (uint32_t i = 0; i < 4; i++)
		set_path(f, FIRST + i, (uint8_t)i);
	for (unsigned r = 0; r < RTE_DIM(rows); r++) {
		struct wire_group group = {.idx = 2, .n_members = rows[r].n_members};
		uint32_t n[MAX_PATHS];

		for (uint32_t i = 0; i < rows[r].n_members; i++)
			group.member[i] = (struct wire_member){FIRST + i, rows[r].weight[i]};
		assert_int_equal(nexthop_group_set(f->table, &group), 0);
		count_buckets(f, 2, n);
		for (uint32_t i = 0; i < 4; i++)
			assert_int_equal(n[FIRST + i], rows[r].n_buckets[i]);
		assert_int_equal(nexthop_counts(f->table).n_groups, 1);
	}
}

/** A member that goes leaves the others' flows where they are; one that comes takes its share only.
 */
static void test_group_set_disturbs_little(void **state)
{
	struct fixture *f = *state;
	struct wire_group group = {.n_members = 3};
	uint32_t before[NEXTHOP_GROUP_BUCKETS];
	uint32_t n_moved = 0, n_total[MAX_PATHS];

	for (uint32_t i = 0; i < 3; i++) {
		set_path(f, FIRST + i, (uint8_t)i);
		group.member[i] = (struct wire_member){FIRST + i, 1};
	}
	assert_int_equal(nexthop_group_set(f->table, &group), 0);
	for (uint32_t b = 0; b < NEXTHOP_GROUP_BUCKETS; b++)
		before[b] = nexthop_path(f->view, GROUP, b);

	group.n_members = 2;
	assert_int_equal(nexthop_group_set(f->table, &group), 0);
	for (uint32_t b = 0; b < NEXTHOP_GROUP_BUCKETS; b++)
		if (before[b] != FIRST + 2)
			assert_int_equal(nexthop_path(f->view, GROUP, b), before[b]);

	for (uint32_t b = 0; b < NEXTHOP_GROUP_BUCKETS; b++)
		before[b] = nexthop_path(f->view, GROUP, b);
	group.n_members = 3;
	assert_int_equal(nexthop_group_set(f->table, &group), 0);
	for (uint32_t b = 0; b < NEXTHOP_GROUP_BUCKETS; b++)
		n_moved += nexthop_path(f->view, GROUP, b) != before[b];
	count_buckets(f, 0, n_total);
	assert_int_equal(n_moved, n_total[FIRST + 2]);
}

static void test_group_follows_slots(void **state)
{
	struct fixture *f = *state;
	struct wire_group group = {.idx = MAX_GROUPS - 1, .n_members = 2};

	set_path(f, FIRST, 1);
	group.member[0] = (struct wire_member){FIRST, 1};
	group.member[1] = (struct wire_member){WIRE_NH_PUNT, 1};
	assert_int_equal(nexthop_group_set(f->table, &group), 0);
	assert_true(nexthop_is_set(f->table, GROUP | group.idx));
	assert_int_equal(nexthop_group_get(f->table, group.idx)->n_members, 2);
	set_path(f, FIRST, 2);
	assert_int_equal(nexthop_resolve(f->view, GROUP | group.idx, 0)->mtu, 1002);

	// nobody should still use it, but who does is sent to the kernel
	assert_int_equal(nexthop_path_del(f->table, FIRST), 0);
	assert_int_equal(nexthop_resolve(f->view, GROUP | group.idx, 0)->kind, ADJACENCY_NONE);
	assert_int_equal(nexthop_group_del(f->table, group.idx), 0);
	for (uint32_t b = 0; b < NEXTHOP_GROUP_BUCKETS; b++)
		assert_int_equal(nexthop_resolve(f->view, GROUP | group.idx, b)->kind,
			ADJACENCY_NONE);
	assert_int_equal(nexthop_group_del(f->table, group.idx), -ENOENT);
	assert_int_equal(nexthop_group_del(f->table, MAX_GROUPS), -EINVAL);
	assert_null(nexthop_group_get(f->table, group.idx));
	assert_int_equal(nexthop_counts(f->table).n_groups, 0);
}

static void test_group_set_refuses(void **state)
{
	struct fixture *f = *state;
	struct wire_group bad[8];

	set_path(f, FIRST, 1);
	for (unsigned i = 0; i < RTE_DIM(bad); i++)
		bad[i] = (struct wire_group){.n_members = 1, .member = {{FIRST, 1}}};
	bad[0].idx = MAX_GROUPS;
	bad[1].n_members = 0;
	bad[2].n_members = WIRE_GROUP_MEMBERS + 1;
	bad[3].member[0].weight = 0;
	bad[4].member[0].weight = 65537;
	bad[5].member[0].path = FIRST + 1; // not set
	bad[6].member[0].path = GROUP;	   // no groups of groups
	bad[7].member[0].path = MAX_PATHS;
	for (unsigned i = 0; i < RTE_DIM(bad); i++)
		assert_int_equal(nexthop_group_set(f->table, &bad[i]), -EINVAL);
	assert_int_equal(nexthop_counts(f->table).n_groups, 0);
}

/** While a worker has not been quiescent, what it holds keeps its contents. */
static void test_path_set_keeps_held_adjacency(void **state)
{
	struct fixture *f = *state;
	const struct adjacency *held;
	struct adjacency copy;

	epoch_enter(&f->epoch, 0);
	set_path(f, FIRST, 1);
	held = nexthop_resolve(f->view, FIRST, 0);
	copy = *held;
	for (uint8_t version = 2; version < 40; version++) {
		set_path(f, FIRST, version);
		assert_memory_equal(held, &copy, sizeof(copy));
	}
	// now the pool may use it again, and does before it takes a fresh one
	epoch_quiescent(&f->epoch, 0);
	epoch_leave(&f->epoch, 0);
	for (uint32_t idx = FIRST; idx < MAX_PATHS; idx++)
		set_path(f, idx, 200);
	assert_memory_not_equal(held, &copy, sizeof(copy));
}

struct holder {
	struct fixture *f;
	bool is_holding, has_let_go;
};

/* A worker that looked an index up and is kept from going on for a while. */
static void *hold_index(void *arg)
{
	struct holder *holder = arg;

	epoch_enter(&holder->f->epoch, 1);
	__atomic_store_n(&holder->is_holding, true, __ATOMIC_RELEASE);
	rte_delay_us_sleep(50000);
	__atomic_store_n(&holder->has_let_go, true, __ATOMIC_RELEASE);
	epoch_leave(&holder->f->epoch, 1);
	return NULL;
}

static pthread_t start_holder(struct holder *holder)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, hold_index, holder), 0);
	while (!__atomic_load_n(&holder->is_holding, __ATOMIC_ACQUIRE))
		rte_pause();
	return thread;
}

/* A route was moved away from it, it was deleted, and set anew: the worker must not go there. */
static void test_path_set_waits_for_holders(void **state)
{
	struct fixture *f = *state;
	struct holder holder = {.f = f};
	pthread_t thread;

	set_path(f, FIRST, 1);
	thread = start_holder(&holder);
	assert_int_equal(nexthop_path_del(f->table, FIRST), 0);
	assert_false(__atomic_load_n(&holder.has_let_go, __ATOMIC_ACQUIRE));
	set_path(f, FIRST + 1, 2); // another index does not wait
	assert_false(__atomic_load_n(&holder.has_let_go, __ATOMIC_ACQUIRE));
	set_path(f, FIRST, 3);
	assert_true(__atomic_load_n(&holder.has_let_go, __ATOMIC_ACQUIRE));
	pthread_join(thread, NULL);
}

static void test_group_set_waits_for_holders(void **state)
{
	struct fixture *f = *state;
	struct holder holder = {.f = f};
	struct wire_group group = {.n_members = 1, .member = {{FIRST, 1}}};
	pthread_t thread;

	set_path(f, FIRST, 1);
	assert_int_equal(nexthop_group_set(f->table, &group), 0);
	thread = start_holder(&holder);
	assert_int_equal(nexthop_group_del(f->table, 0), 0);
	assert_false(__atomic_load_n(&holder.has_let_go, __ATOMIC_ACQUIRE));
	assert_int_equal(nexthop_group_set(f->table, &group), 0);
	assert_true(__atomic_load_n(&holder.has_let_go, __ATOMIC_ACQUIRE));
	pthread_join(thread, NULL);
}

struct reader {
	struct fixture *f;
	uint64_t n_wrong, n_lookups;
	bool is_done;
};

/** Every field of what a worker holds belongs to one version, until the worker is quiescent. */
static bool is_whole(const struct adjacency *adjacency)
{
	uint8_t version = adjacency->hdr[5];

	return adjacency->kind == ADJACENCY_NATIVE && adjacency->hdr[11] == version &&
	       adjacency->mtu == 1000 + version && adjacency->node == (0x0a000000u | version);
}

static void *read_paths(void *arg)
{
	struct reader *reader = arg;
	struct fixture *f = reader->f;

	epoch_enter(&f->epoch, 1);
	while (!__atomic_load_n(&reader->is_done, __ATOMIC_RELAXED)) {
		const struct adjacency *held[32];

		for (uint32_t i = 0; i < RTE_DIM(held); i++) {
			uint32_t nh = i % 2 ? FIRST + i % 8 : GROUP;

			held[i] = nexthop_resolve(f->view, nh, i * 8);
			reader->n_wrong += !is_whole(held[i]);
		}
		for (uint32_t i = 0; i < RTE_DIM(held); i++)
			reader->n_wrong += !is_whole(held[i]);
		reader->n_lookups += 2 * RTE_DIM(held);
		epoch_quiescent(&f->epoch, 1);
	}
	epoch_leave(&f->epoch, 1);
	return NULL;
}

static void test_path_set_under_a_reader(void **state)
{
	struct fixture *f = *state;
	struct reader reader = {.f = f};
	struct wire_group group = {.n_members = 8};
	pthread_t thread;
	uint64_t random = 1;

	for (uint32_t i = 0; i < 8; i++) {
		set_path(f, FIRST + i, 0);
		group.member[i] = (struct wire_member){FIRST + i, 1 + i};
	}
	assert_int_equal(nexthop_group_set(f->table, &group), 0);
	assert_int_equal(pthread_create(&thread, NULL, read_paths, &reader), 0);
	for (unsigned i = 0; i < 200000; i++) {
		uint64_t r = support_random(&random);

		set_path(f, FIRST + r % 8, (uint8_t)(r >> 8));
		if (i % 64 != 0)
			continue;
		group.n_members = 1 + (uint32_t)(r >> 16) % 8;
		assert_int_equal(nexthop_group_set(f->table, &group), 0);
	}
	__atomic_store_n(&reader.is_done, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	print_message("%lu resolved under change\n", (unsigned long)reader.n_lookups);
	assert_true(reader.n_lookups > 0);
	assert_int_equal(reader.n_wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_refuses),
		cmocka_unit_test_setup_teardown(test_resolve_fixed_paths, setup,
			nexthop_fixture_free),
		cmocka_unit_test_setup_teardown(test_path_set_native, setup, nexthop_fixture_free),
		cmocka_unit_test_setup_teardown(test_path_set_punt, setup, nexthop_fixture_free),
		cmocka_unit_test_setup_teardown(test_slot_has_conditions, setup,
			nexthop_fixture_free),
		cmocka_unit_test_setup_teardown(test_path_set_refuses, setup, nexthop_fixture_free),
		cmocka_unit_test_setup_teardown(test_group_set_deals_by_weight, setup,
			nexthop_fixture_free),
		cmocka_unit_test_setup_teardown(test_group_set_disturbs_little, setup,
			nexthop_fixture_free),
		cmocka_unit_test_setup_teardown(test_group_follows_slots, setup,
			nexthop_fixture_free),
		cmocka_unit_test_setup_teardown(test_group_set_refuses, setup,
			nexthop_fixture_free),
		cmocka_unit_test_setup_teardown(test_path_set_keeps_held_adjacency, setup,
			nexthop_fixture_free),
		cmocka_unit_test_setup_teardown(test_path_set_waits_for_holders, setup,
			nexthop_fixture_free),
		cmocka_unit_test_setup_teardown(test_group_set_waits_for_holders, setup,
			nexthop_fixture_free),
		cmocka_unit_test_setup_teardown(test_path_set_under_a_reader, setup,
			nexthop_fixture_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
