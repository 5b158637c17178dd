/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long the FIB takes to load, and to look up: meson test -C build --benchmark fib --verbose
 */
#include "dataplane/table/fib.h"

#include "test/unit/support.h"

#include <rte_common.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FIRST_ADDR (10u << 24)
#define BULK	   32u
#define N_BULKS	   (1u << 20)

/** Operations in one fib_apply(): as many as one message of the socket holds. */
#define BATCH 5460u

struct row {
	enum fib_engine engine;
	uint32_t n_routes;
	bool is_shuffled;
};

static double now_sec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static struct fib_op *make_routes(const struct row *row)
{
	struct fib_op *ops = calloc(row->n_routes, sizeof(*ops));
	uint64_t random = 1;

	assert_non_null(ops);
	for (uint32_t i = 0; i < row->n_routes; i++) {
		// inside-out Fisher-Yates
		uint32_t at = row->is_shuffled ? (uint32_t)(support_random(&random) % (i + 1)) : i;

		ops[i] = ops[at];
		ops[at] = (struct fib_op){.prefix = FIRST_ADDR + i,
			.depth = 32,
			.nh = 16 + i % 64,
			.kind = FIB_OP_SET};
	}
	return ops;
}

static double look_up_ns(const struct fib *fib, uint32_t n_routes)
{
	uint32_t addrs[BULK], nh[BULK];
	uint64_t random = 1;
	double begin = now_sec(), made = 0;

	// the same without lookups first, to take off what making the addresses costs
	for (unsigned pass = 0;; pass++) {
		for (unsigned i = 0; i < N_BULKS; i++) {
			for (unsigned j = 0; j < BULK; j++)
				addrs[j] =
					FIRST_ADDR + (uint32_t)(support_random(&random) % n_routes);
			if (pass == 1)
				fib_lookup_bulk(fib, addrs, nh, BULK);
			__asm__ volatile("" : : "r"(addrs), "r"(nh) : "memory");
		}
		if (pass == 1)
			break;
		made = now_sec() - begin;
		begin = now_sec();
	}
	return (now_sec() - begin - made) * 1e9 / ((double)N_BULKS * BULK);
}

static void run_row(const struct row *row)
{
	struct fib_config config = {
		.engine = row->engine,
		.max_routes = row->n_routes,
		.n_tbl8 = row->n_routes / 256 + 1,
		.socket = SOCKET_ID_ANY,
	};
	struct fib_op *ops = make_routes(row);
	struct epoch epoch;
	struct fib *fib;
	double begin;

	assert_int_equal(epoch_init(&epoch, 1), 0);
	assert_int_equal(fib_create(&fib, &config, &epoch), 0);
	begin = now_sec();
	for (uint32_t done = 0; done < row->n_routes; done += BATCH)
		assert_int_equal(fib_apply(fib, &ops[done], RTE_MIN(BATCH, row->n_routes - done)),
			0);
	printf("%-20s %8u routes, %-8s load %7.3f s", fib_engine_name(fib), row->n_routes,
		row->is_shuffled ? "shuffled" : "sorted", now_sec() - begin);
	printf(", lookup %5.1f ns\n", look_up_ns(fib, row->n_routes));
	fflush(stdout);
	fib_free(fib);
	epoch_fini(&epoch);
	free(ops);
}

int main(void)
{
	// 1M routes in librte_lpm would take minutes: it searches its rules in a line
	static const struct row rows[] = {
		{FIB_ENGINE_LPM, 20000, false},
		{FIB_ENGINE_LPM, 65536, false},
		{FIB_ENGINE_LPM, 65536, true},
		{FIB_ENGINE_LPM, 100000, true},
		{FIB_ENGINE_DIR24_8, 100000, false},
		{FIB_ENGINE_DIR24_8, 100000, true},
		{FIB_ENGINE_DIR24_8, 1000000, false},
		{FIB_ENGINE_DIR24_8, 1000000, true},
	};

	support_eal_init(1024);
	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		run_row(&rows[i]);
	return 0;
}
