/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long the FIB takes to load, to look up and to empty, beside a bare loop over librte_fib:
 *
 *   meson test -C build --benchmark fib --verbose
 *
 * Everything is done in rounds, and the fastest counts, as others may use the machine. All addresses
 * of a lookup are made before: what is timed is the lookup alone, with its cache misses, but without
 * the packets that in the pipeline want the caches too.
 */
#include "dataplane/table/fib.h"

#include "test/unit/support.h"

#include <rte_common.h>
#include <rte_fib.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FIRST_ADDR   (10u << 24)
#define BULK	     32u
#define N_LOAD	     3u
#define N_LOOKUP     15u
#define N_MANY	     32768u
#define N_FEW	     4096u
#define GROUP_ADDRS  256u
#define SPARE_GROUPS 64u /* librte_fib counts them in blocks */

/** Operations in one fib_apply(): as many as one message of the socket holds. */
#define BATCH 5460u

enum contestant { OURS_LPM, OURS_DIR24, BARE_RTE_FIB };

struct row {
	enum contestant who;
	uint32_t n_routes;
	bool is_shuffled;
};

/** One of the two. */
struct table {
	struct fib *fib;
	struct rte_fib *rte_fib;
	struct epoch epoch;
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

static void create_table(struct table *table, const struct row *row)
{
	uint32_t n_groups = row->n_routes / GROUP_ADDRS + 1;
	struct fib_config config = {
		.engine = row->who == OURS_LPM ? FIB_ENGINE_LPM : FIB_ENGINE_DIR24_8,
		.max_routes = row->n_routes,
		.n_tbl8 = n_groups,
		.socket = SOCKET_ID_ANY,
	};
	struct rte_fib_conf bare = {
		.type = RTE_FIB_DIR24_8,
		.max_routes = (int)row->n_routes,
		.dir24_8 = {.nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = n_groups + SPARE_GROUPS},
	};

	*table = (struct table){0};
	if (row->who == BARE_RTE_FIB) {
		table->rte_fib = rte_fib_create("bare", SOCKET_ID_ANY, &bare);
		assert_non_null(table->rte_fib);
		return;
	}
	assert_int_equal(epoch_init(&table->epoch, 1), 0);
	assert_int_equal(fib_create(&table->fib, &config, &table->epoch), 0);
}

static void free_table(struct table *table)
{
	if (table->rte_fib != NULL) {
		rte_fib_free(table->rte_fib);
		return;
	}
	fib_free(table->fib);
	epoch_fini(&table->epoch);
}

/** Returns: seconds */
static double apply_all(struct table *table, struct fib_op *ops, uint32_t n, enum fib_op_kind kind)
{
	double begin;

	for (uint32_t i = 0; i < n; i++)
		ops[i].kind = (uint8_t)kind;
	begin = now_sec();
	for (uint32_t i = 0; table->rte_fib != NULL && i < n; i++) {
		if (kind == FIB_OP_SET)
			assert_int_equal(rte_fib_add(table->rte_fib, ops[i].prefix, ops[i].depth,
						 ops[i].nh),
				0);
		else
			assert_int_equal(
				rte_fib_delete(table->rte_fib, ops[i].prefix, ops[i].depth), 0);
	}
	for (uint32_t i = 0; table->fib != NULL && i < n; i += BATCH)
		assert_int_equal(fib_apply(table->fib, &ops[i], RTE_MIN(BATCH, n - i)), 0);
	return now_sec() - begin;
}

static void look_up(const struct table *table, uint32_t *addrs)
{
	uint32_t nh[BULK];
	uint64_t wide[BULK]; // librte_fib writes 8 bytes for each

	if (table->fib != NULL)
		fib_lookup_bulk(table->fib, addrs, nh, BULK);
	else
		rte_fib_lookup_bulk(table->rte_fib, addrs, wide, BULK);
	__asm__ volatile("" : : "r"(nh), "r"(wide) : "memory");
}

/** Random routed addresses, again and again the same in the same order. Returns: ns for each */
static double look_up_ns(const struct table *table, uint32_t n_routes, uint32_t n_addrs)
{
	uint32_t *addrs = calloc(n_addrs, sizeof(*addrs));
	uint64_t random = 1;
	double best = 1;

	assert_non_null(addrs);
	for (uint32_t i = 0; i < n_addrs; i++)
		addrs[i] = FIRST_ADDR + (uint32_t)(support_random(&random) % n_routes);
	for (unsigned round = 0; round < N_LOOKUP * (N_MANY / n_addrs); round++) {
		double begin = now_sec();

		for (uint32_t i = 0; i < n_addrs; i += BULK)
			look_up(table, &addrs[i]);
		best = RTE_MIN(best, now_sec() - begin);
	}
	free(addrs);
	return best * 1e9 / n_addrs;
}

static void run_row(const struct row *row)
{
	static const char *const names[] = {"librte_lpm, ours around", "dir24-8, ours",
		"librte_fib, bare loop"};
	double load = 1e9, empty = 1e9, few = 1e9, many = 1e9;
	struct fib_op *ops = make_routes(row);
	struct table table;

	for (unsigned round = 0; round < (row->who == OURS_LPM ? 1 : N_LOAD); round++) {
		create_table(&table, row);
		load = RTE_MIN(load, apply_all(&table, ops, row->n_routes, FIB_OP_SET));
		few = RTE_MIN(few, look_up_ns(&table, row->n_routes, N_FEW));
		many = RTE_MIN(many, look_up_ns(&table, row->n_routes, N_MANY));
		empty = RTE_MIN(empty, apply_all(&table, ops, row->n_routes, FIB_OP_DEL));
		free_table(&table);
	}
	printf("%-24s %7u routes, %-8s set %6.3f s, deleted %6.3f s; lookup of 4k, 32k addresses "
	       "%4.2f, %4.2f ns\n",
		names[row->who], row->n_routes, row->is_shuffled ? "shuffled" : "sorted", load,
		empty, few, many);
	fflush(stdout);
	free(ops);
}

int main(void)
{
	// 1M routes in librte_lpm would take minutes: it searches its rules in a line
	static const struct row rows[] = {
		{OURS_LPM, 20000, false},
		{OURS_LPM, 65536, false},
		{OURS_LPM, 65536, true},
		{OURS_DIR24, 1, false},
		{BARE_RTE_FIB, 1, false},
		{OURS_DIR24, 100000, false},
		{BARE_RTE_FIB, 100000, false},
		{OURS_DIR24, 100000, true},
		{BARE_RTE_FIB, 100000, true},
		{OURS_DIR24, 1000000, false},
		{BARE_RTE_FIB, 1000000, false},
		{OURS_DIR24, 1000000, true},
		{BARE_RTE_FIB, 1000000, true},
	};

	support_eal_init(1024);
	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		run_row(&rows[i]);
	return 0;
}
