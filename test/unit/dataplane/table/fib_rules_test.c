/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The set of prefixes that the FIB engines keep, against an array.
 */
#include "dataplane/table/fib_rules.h"

#include "test/unit/support.h"

#include <errno.h>
#include <stdlib.h>

/** So few that each often comes, goes, and is in another's way. */
#define N_PREFIXES 4000u
#define N_STEPS	   1000000u

struct wanted {
	uint32_t prefix;
	uint8_t depth;
	uint32_t value; /* 0: not there */
};

static void choose_prefixes(struct wanted *wanted, uint64_t *random)
{
	for (unsigned i = 0; i < N_PREFIXES; i++) {
		// each its own: its number is in the bits that all these depths look at
		wanted[i].depth = (uint8_t)(12 + support_random(random) % 21);
		wanted[i].prefix = i << 20;
		wanted[i].prefix |= (uint32_t)support_random(random) & 0xfffff;
		wanted[i].prefix &= fib_depth_mask(wanted[i].depth);
	}
}

static void change_one(struct fib_rules *rules, struct wanted *one, uint64_t r)
{
	uint32_t value = 1 + (uint32_t)(r >> 32) % 0xffffff;

	if (r & 1) {
		assert_int_equal(fib_rules_set(rules, one->prefix, one->depth, value),
			one->value == 0);
		one->value = value;
	} else {
		assert_int_equal(fib_rules_del(rules, one->prefix, one->depth),
			one->value == 0 ? -ENOENT : 0);
		one->value = 0;
	}
}

static void check_sorted(const struct fib_rules *rules)
{
	uint64_t *sorted;

	assert_int_equal(fib_rules_sort(rules, &sorted), 0);
	for (uint32_t i = 0; i < rules->n; i++) {
		assert_true(i == 0 || sorted[i - 1] < sorted[i]);
		assert_int_equal(fib_rules_get(rules, fib_rule_prefix(sorted[i]),
					 fib_rule_depth(sorted[i])),
			fib_rule_value(sorted[i]));
	}
	free(sorted);
}

static void test_set_and_del_equal_array(void **state)
{
	struct wanted *wanted = calloc(N_PREFIXES, sizeof(*wanted));
	struct fib_rules rules = {0};
	uint64_t random = 3;
	uint32_t n = 0;

	(void)state;
	choose_prefixes(wanted, &random);
	for (unsigned step = 0; step < N_STEPS; step++) {
		struct wanted *one = &wanted[support_random(&random) % N_PREFIXES];

		change_one(&rules, one, support_random(&random));
		one = &wanted[support_random(&random) % N_PREFIXES];
		assert_int_equal(fib_rules_get(&rules, one->prefix, one->depth), one->value);
	}
	for (unsigned i = 0; i < N_PREFIXES; i++)
		n += wanted[i].value != 0;
	assert_int_equal(rules.n, n);
	check_sorted(&rules);
	fib_rules_free(&rules);
	assert_int_equal(rules.n, 0);
	free(wanted);
}

static void test_match_takes_the_longest(void **state)
{
	struct fib_rules rules = {0};

	(void)state;
	assert_int_equal(fib_rules_match(&rules, 0x0a010203, 1, 32), 0);
	assert_int_equal(fib_rules_set(&rules, 0x0a000000, 8, 1), 1);
	assert_int_equal(fib_rules_set(&rules, 0x0a010200, 24, 2), 1);
	assert_int_equal(fib_rules_set(&rules, 0x0a010203, 32, 3), 1);
	assert_int_equal(fib_rule_value(fib_rules_match(&rules, 0x0a010203, 1, 32)), 3);
	assert_int_equal(fib_rule_value(fib_rules_match(&rules, 0x0a010203, 1, 31)), 2);
	assert_int_equal(fib_rule_depth(fib_rules_match(&rules, 0x0a010203, 1, 31)), 24);
	assert_int_equal(fib_rule_prefix(fib_rules_match(&rules, 0x0a010203, 1, 23)), 0x0a000000);
	assert_int_equal(fib_rules_match(&rules, 0x0a010203, 9, 23), 0);
	assert_int_equal(fib_rules_match(&rules, 0x0b010203, 1, 32), 0);
	fib_rules_free(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_and_del_equal_array),
		cmocka_unit_test(test_match_takes_the_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
