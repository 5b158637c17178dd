/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of prefixes under random change, against a plain array. */
#include "control/table.h"

#include "test/unit/support.h"

#include <stdlib.h>
#include <string.h>

#define N_NUMBERS 20000u
#define N_STEPS	  400000u
#define KIND	  32u

struct entry {
	uint32_t number;
	uint32_t value;
};

static struct table table;
static uint32_t value_of[N_NUMBERS]; /* 0: not there */

static int setup(void **state)
{
	(void)state;
	memset(value_of, 0, sizeof(value_of));
	return table_init(&table, sizeof(struct entry));
}

static int teardown(void **state)
{
	(void)state;
	table_free(&table);
	return 0;
}

static uint32_t find(uint32_t number)
{
	uint32_t hash = table_hash(&table, number, KIND), idx;
	size_t at = hash;

	do
		idx = table_next_of(&table, hash, &at);
	while (idx != TABLE_NONE && ((struct entry *)table_at(&table, idx))->number != number);
	return idx;
}

static void add(uint32_t number, uint32_t value)
{
	struct entry *entry;
	uint32_t idx;

	assert_int_equal(table_add(&table, table_hash(&table, number, KIND), &idx), 0);
	entry = table_at(&table, idx);
	assert_int_equal(entry->number, 0);
	assert_int_equal(entry->value, 0);
	*entry = (struct entry){.number = number, .value = value};
	value_of[number] = value;
}

static void del(uint32_t number)
{
	table_remove(&table, table_hash(&table, number, KIND), find(number));
	value_of[number] = 0;
}

static void check(uint32_t number)
{
	uint32_t idx = find(number);

	assert_int_equal(idx != TABLE_NONE, value_of[number] != 0);
	if (idx != TABLE_NONE)
		assert_int_equal(((struct entry *)table_at(&table, idx))->value, value_of[number]);
}

static void test_table_random(void **state)
{
	uint32_t n = 0;

	(void)state;
	srandom(1);
	for (uint32_t step = 1; step <= N_STEPS; step++) {
		uint32_t number = (uint32_t)random() % N_NUMBERS;

		if (value_of[number] == 0)
			add(number, step);
		else
			del(number);
		n = value_of[number] != 0 ? n + 1 : n - 1;
		check(number);
		check((uint32_t)random() % N_NUMBERS);
	}
	assert_int_equal(table.n_entries, n);
	for (uint32_t number = 0; number < N_NUMBERS; number++)
		check(number);
}

/* What went is used again: a table that churns does not grow. */
static void test_table_reuse(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 100; round++) {
		for (uint32_t number = 0; number < 1000; number++)
			add(number, number + 1);
		for (uint32_t number = 0; number < 1000; number++)
			del(number);
	}
	assert_int_equal(table.n_entries, 0);
	assert_int_equal(table.n_made, 1000);
	for (size_t i = 0; i < table.n_slots; i++)
		assert_int_equal(table.slot[i].idx, TABLE_NONE);
}

/* Eight neighbours share a line; others, and other lengths, are anywhere. */
static void test_table_hash_neighbours(void **state)
{
	uint32_t first = table_hash(&table, 0x0a000000, KIND);
	uint32_t n_near = 0;

	(void)state;
	for (uint32_t i = 1; i < 8; i++)
		assert_int_equal(table_hash(&table, 0x0a000000 + i, KIND), first + i);
	for (uint32_t i = 8; i < 8008; i++)
		n_near += table_hash(&table, 0x0a000000 + i, KIND) >> 10 == first >> 10;
	assert_in_range(n_near, 0, 16);
	assert_int_not_equal(table_hash(&table, 0x0a000000, KIND - 1), first);
}

/* Nobody outside knows what collides. */
static void test_table_hash_seed(void **state)
{
	struct table other;

	(void)state;
	assert_int_equal(table_init(&other, sizeof(struct entry)), 0);
	assert_int_not_equal(table_hash(&table, 1 << 20, KIND) >> 3,
		table_hash(&other, 1 << 20, KIND) >> 3);
	table_free(&other);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_table_random),
		TEST(test_table_reuse),
		TEST(test_table_hash_neighbours),
		TEST(test_table_hash_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
