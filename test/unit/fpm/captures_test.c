/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every recorded stream must end in exactly the routes of its .fib.tsv, however it is cut: through
 * the decoder, the RIB, and once more through what the RIB reports as changed.
 *
 * Usage: captures_test test/data/fpm
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "control/step/rib.h"
#include "fpm/fpm.h"
#include "test/unit/fpm/fib_text.h"
#include "tools/stream_file.h"

enum {
	N_RANDOM_CUTS = 10000,
	SMALL_BYTES = 65536, /**< below it a stream is cut at every byte */
};

static const struct stream {
	const char *name;
	bool is_packed, is_fib_packed;
	size_t second_connection; /**< where it begins; 0: there is one */
} streams[] = {
	{"churn"},
	{"ecmp-full"},
	{"ecmp-nhg-off-full"},
	{"ecmp-nhg-off-weighted"},
	{"ecmp-nhg-off"},
	{"ecmp-replay"},
	{"ecmp-weighted"},
	{"ecmp"},
	{"evpn-fdb"},
	{"linkdown"},
	{"nh-leak"},
	{"nhg-off"},
	{"no-kernel-nhg"},
	{"old-fpm-protobuf"},
	{"old-fpm"},
	{"reconnect-1"},
	{"reconnect-2"},
	{"reconnect", .second_connection = 1808},
	{"routes-100k-nhg-off-replay-then-withdraw", .is_packed = true},
	{"routes-100k-nhg-off", .is_packed = true, .is_fib_packed = true},
	{"routes-100k-replay-then-withdraw", .is_packed = true},
	{"routes-100k", .is_packed = true, .is_fib_packed = true},
	{"sentinel-replay", .is_packed = true, .is_fib_packed = true},
	{"small-cluster-replay"},
	{"small-cluster"},
	{"stall", .is_packed = true, .is_fib_packed = true},
	{"types-end"},
	{"types-nhg-off-end"},
	{"types-nhg-off"},
	{"types"},
	{"zebra-restart-K"},
	{"zebra-restart"},
};

#define N_STREAMS (sizeof(streams) / sizeof(streams[0]))

static const char *folder;
static uint64_t seed;

/** A stream on its way into a RIB. */
struct run {
	const struct stream *stream;
	uint8_t *bytes;
	size_t len;
	char *expected; /**< lines sorted */
	struct fpm_decoder *decoder;
	struct rib *rib;
	struct rib *shadow; /**< knows only what the drains reported; NULL: no drains */
	size_t pushed;
};

static void apply(const struct fpm_event *event, void *arg)
{
	struct run *run = arg;

	assert_int_equal(rib_apply(run->rib, event), 0);
}

/** Do what a change says to the shadow. */
static void copy_change(const struct fpm_prefix *prefix, const struct rib_route *route, void *arg)
{
	struct fpm_event event = {.kind = FPM_ROUTE_DEL, .route.prefix = *prefix};
	struct run *run = arg;

	if (route == NULL) {
		assert_non_null(rib_find(run->shadow, prefix));
	} else {
		event.kind = FPM_ROUTE_SET;
		event.route.type = route->nexthops->type;
		event.route.n_nh = route->nexthops->n;
		memcpy(event.route.nh, route->nexthops->nh,
			route->nexthops->n * sizeof(struct fpm_nh));
	}
	assert_int_equal(rib_apply(run->shadow, &event), 0);
}

static void push_within_connection(struct run *run, size_t n)
{
	// A copy of its own lets the address sanitizer see a read past the end of what was pushed.
	uint8_t *copy = n < SMALL_BYTES ? malloc(n) : NULL;

	if (copy != NULL)
		memcpy(copy, run->bytes + run->pushed, n);
	assert_int_equal(fpm_decoder_push(run->decoder,
				 copy != NULL ? copy : run->bytes + run->pushed, n, apply, run),
		0);
	free(copy);
	run->pushed += n;
	if (run->shadow != NULL)
		rib_drain(run->rib, copy_change, run);
}

/** Push the next @n bytes; where a second connection begins among them, reconnect. */
static void push(struct run *run, size_t n)
{
	size_t second = run->stream->second_connection;

	if (second > run->pushed && second <= run->pushed + n) {
		size_t n_first = second - run->pushed;

		push_within_connection(run, n_first);
		fpm_decoder_reset(run->decoder);
		rib_begin_replay(run->rib);
		n -= n_first;
	}
	if (n > 0)
		push_within_connection(run, n);
}

static void begin(struct run *run)
{
	fpm_decoder_reset(run->decoder);
	run->rib = rib_new();
	assert_non_null(run->rib);
	run->pushed = 0;
}

/** Everything was pushed: does the RIB say what the file says? */
static void end(struct run *run)
{
	char *text;

	assert_int_equal(run->pushed, run->len);
	assert_int_equal(fpm_decoder_counters(run->decoder)->bad_messages, 0);
	rib_sweep(run->rib);
	assert_int_equal(rib_counts(run->rib).n_stale, 0);
	text = fib_text_print(run->rib, FIB_TEXT_FULL);
	assert_string_equal(text, run->expected);
	free(text);

	if (run->shadow != NULL) {
		char *answers = fib_text_print(run->rib, FIB_TEXT_ANSWERS);

		rib_drain(run->rib, copy_change, run);
		text = fib_text_print(run->shadow, FIB_TEXT_ANSWERS);
		assert_string_equal(text, answers);
		free(answers);
		free(text);
		rib_free(run->shadow);
		run->shadow = NULL;
	}
	rib_free(run->rib);
}

static void begin_with_shadow(struct run *run)
{
	begin(run);
	run->shadow = rib_new();
	assert_non_null(run->shadow);
}

static void load(const char *name, const char *suffix, bool is_packed, uint8_t **bytes, size_t *len)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s%s%s", folder, name, suffix, is_packed ? ".xz" : "");
	assert_int_equal(stream_file_load(path, bytes, len), 0);
}

static int set_up(void **state)
{
	const struct stream *stream = *state;
	struct run *run = calloc(1, sizeof(*run));
	uint8_t *expected;
	size_t len;

	assert_non_null(run);
	run->stream = stream;
	load(stream->name, ".bin", stream->is_packed, &run->bytes, &run->len);
	load(stream->name, ".fib.tsv", stream->is_fib_packed, &expected, &len);
	run->expected = (char *)expected;
	fib_text_sort(run->expected);
	run->decoder = fpm_decoder_new();
	assert_non_null(run->decoder);
	*state = run;
	return 0;
}

static int tear_down(void **state)
{
	struct run *run = *state;

	fpm_decoder_free(run->decoder);
	free(run->expected);
	free(run->bytes);
	free(run);
	return 0;
}

static void test_captures_whole(void **state)
{
	struct run *run = *state;

	begin_with_shadow(run);
	push(run, run->len);
	end(run);
}

static void test_captures_byte_by_byte(void **state)
{
	struct run *run = *state;

	if (run->len < SMALL_BYTES)
		begin_with_shadow(run);
	else
		begin(run);
	for (size_t i = 0; i < run->len; i++)
		push(run, 1);
	end(run);
}

static void cut_at_every_byte(struct run *run)
{
	for (size_t cut = 1; cut < run->len; cut++) {
		begin(run);
		push(run, cut);
		push(run, run->len - cut);
		end(run);
	}
}

static uint64_t next_random(void)
{
	// splitmix64
	uint64_t z = seed += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static int compare_cuts(const void *left, const void *right)
{
	const size_t *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

static void cut_at_random_places(struct run *run)
{
	static size_t cut[N_RANDOM_CUTS];

	for (size_t i = 0; i < N_RANDOM_CUTS; i++)
		cut[i] = (size_t)(next_random() % run->len);
	qsort(cut, N_RANDOM_CUTS, sizeof(cut[0]), compare_cuts);

	begin_with_shadow(run);
	for (size_t i = 0; i < N_RANDOM_CUTS; i++)
		push(run, cut[i] - run->pushed);
	push(run, run->len - run->pushed);
	end(run);
}

static void test_captures_cut(void **state)
{
	struct run *run = *state;

	if (run->len < SMALL_BYTES)
		cut_at_every_byte(run);
	else
		cut_at_random_places(run);
}

struct kind {
	const char *name;
	CMUnitTestFunction function;
};

int main(int argc, char **argv)
{
	static const struct kind kinds[] = {
		{"whole", test_captures_whole},
		{"byte_by_byte", test_captures_byte_by_byte},
		{"cut", test_captures_cut},
	};
	enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };
	static struct CMUnitTest tests[N_STREAMS * N_KINDS];
	static char names[N_STREAMS * N_KINDS][96];

	if (argc < 2) {
		fprintf(stderr, "usage: captures_test FOLDER [SEED]\n");
		return 2;
	}
	folder = argv[1];
	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (uint64_t)time(NULL);
	printf("captures_test: seed=%llu\n", (unsigned long long)seed);

	for (size_t i = 0; i < N_STREAMS * N_KINDS; i++) {
		const struct kind *kind = &kinds[i % N_KINDS];
		const struct stream *stream = &streams[i / N_KINDS];

		snprintf(names[i], sizeof(names[i]), "%s, %s", stream->name, kind->name);
		tests[i] = (struct CMUnitTest){
			.name = names[i],
			.test_func = kind->function,
			.setup_func = set_up,
			.teardown_func = tear_down,
			.initial_state = (void *)(uintptr_t)stream,
		};
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
