/* SPDX-License-Identifier: BSD-3-Clause */
/* One path's results: up and down with hysteresis, loss, percentiles. */
#include "control/step/probe_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* '+': answered, '-': lost, each a second after the one before; the state after each: u, U, D. */
static const struct {
	const char *results, *states;
} rows[] = {
	{"+", "U"},
	{"-", "u"},
	{"--", "uu"},
	{"---", "uuD"},
	{"--+", "uuU"},
	{"+--+--+", "UUUUUUU"},
	{"+---", "UUUD"},
	// up again after five in a row, and ten seconds after the fall
	{"+---+++++++++++", "UUUDDDDDDDDDDUU"},
	{"+---+++++++-+++++++", "UUUDDDDDDDDDDDDDUUU"},
	{"---+++++++++++", "uuDDDDDDDDDDUU"},
	// a second fall soon after: twenty
	{"---++++++++++---++++++++++++++++++++", "uuDDDDDDDDDDUUUDDDDDDDDDDDDDDDDDDDDU"},
};

static void test_probe_path_hysteresis(void **state)
{
	static const char names[] = {[PROBE_UNKNOWN] = 'u', [PROBE_UP] = 'U', [PROBE_DOWN] = 'D'};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct probe_path path;
		uint64_t now_ms = 5000;

		probe_path_begin(&path, now_ms);
		for (size_t j = 0; rows[i].results[j] != '\0'; j++, now_ms += 1000) {
			uint8_t before = path.state;
			bool was_shaky = probe_path_is_shaky(&path);
			bool has_changed =
				rows[i].results[j] == '+'
					? probe_path_answered(&path, now_ms, 1, WIRE_PATH_IPIP)
					: probe_path_lost(&path, now_ms);

			if (names[path.state] != rows[i].states[j])
				fail_msg("row %zu, after %zu: %c", i, j + 1, names[path.state]);
			assert_int_equal(has_changed,
				before != path.state || was_shaky != probe_path_is_shaky(&path));
			if (before != path.state)
				assert_int_equal(path.since_ms, now_ms);
		}
	}
}

/* Falls soon after a return double the time, up to a limit; one after a calm time is a first one. */
static void test_probe_path_hold_grows(void **state)
{
	static const uint32_t hold_ms[] = {10000, 20000, 40000, 80000, 160000, 160000};
	struct probe_path path;
	uint64_t now_ms = 1;

	(void)state;
	probe_path_begin(&path, now_ms);
	for (size_t i = 0; i < sizeof(hold_ms) / sizeof(hold_ms[0]); i++) {
		while (path.state != PROBE_UP)
			probe_path_answered(&path, now_ms += 100, 1, WIRE_PATH_NATIVE);
		while (path.state != PROBE_DOWN)
			probe_path_lost(&path, now_ms += 100);
		assert_int_equal(path.hold_ms, hold_ms[i]);
	}
	while (path.state != PROBE_UP)
		probe_path_answered(&path, now_ms += 100, 1, WIRE_PATH_NATIVE);
	now_ms += PROBE_CALM_MS;
	while (path.state != PROBE_DOWN)
		probe_path_lost(&path, now_ms += 100);
	assert_int_equal(path.hold_ms, PROBE_HOLD_MS);
}

static void test_probe_path_loss(void **state)
{
	struct probe_path path;

	(void)state;
	probe_path_begin(&path, 0);
	for (unsigned i = 0; i < 200; i++) {
		if (i % 4 == 3)
			probe_path_lost(&path, i);
		else
			probe_path_answered(&path, i, 1, WIRE_PATH_NATIVE);
		if (i == 7)
			assert_int_equal(probe_path_n_lost(&path), 2);
	}
	assert_int_equal(path.n_results, PROBE_RESULTS);
	assert_int_equal(probe_path_n_lost(&path), 16);
	assert_int_equal(path.answer_kind, WIRE_PATH_NATIVE);
}

/* The nearest rank, by counting: the smallest value that at least percent of all are not above. */
static uint32_t plain_percentile(const uint32_t *all, unsigned n, unsigned percent)
{
	uint32_t best = UINT32_MAX;

	for (unsigned i = 0; i < n; i++) {
		unsigned n_below = 0;

		for (unsigned j = 0; j < n; j++)
			n_below += all[j] <= all[i];
		if (n_below * 100 >= percent * n && all[i] < best)
			best = all[i];
	}
	return best;
}

static void test_probe_path_percentiles(void **state)
{
	static uint32_t all[1000];
	struct probe_path path;

	(void)state;
	srand(1);
	probe_path_begin(&path, 0);
	assert_int_equal(probe_path_rtt_ns(&path, 50), 0);
	for (unsigned i = 0; i < 1000; i++) {
		unsigned n = i + 1 < PROBE_RTTS ? i + 1 : PROBE_RTTS;

		all[i] = (uint32_t)rand() % (i % 3 == 0 ? 10 : 1000000);
		probe_path_answered(&path, i, all[i], WIRE_PATH_NATIVE);
		assert_int_equal(probe_path_rtt_ns(&path, 50),
			plain_percentile(&all[i + 1 - n], n, 50));
		assert_int_equal(probe_path_rtt_ns(&path, 99),
			plain_percentile(&all[i + 1 - n], n, 99));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe_path_hysteresis),
		cmocka_unit_test(test_probe_path_hold_grows),
		cmocka_unit_test(test_probe_path_loss),
		cmocka_unit_test(test_probe_path_percentiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
