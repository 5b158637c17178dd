/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Both FIB engines against a plain trie, under random changes.
 */
#include "test/unit/dataplane/table/fib_fixture.h"

#include <rte_common.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_BATCH 64u

/** librte_lpm searches its rules in a line; fewer steps take it as long. */
#define STEPS_DIR24 1000000u
#define STEPS_LPM   200000u

/* The model: a binary trie, one node for each bit. */

struct model_node {
	uint32_t child[2];
	uint32_t nh;
};

struct model {
	struct model_node *node; /* 0 is the root */
	uint32_t n, max, n_routes;
};

static struct model_node *model_find(struct model *model, uint32_t prefix, uint8_t depth)
{
	uint32_t at = 0;

	for (unsigned bit = 0; bit < depth; bit++) {
		unsigned side = prefix >> (31 - bit) & 1;

		if (model->n == model->max) {
			model->max = RTE_MAX(2 * model->max, 1024u);
			model->node = realloc(model->node, model->max * sizeof(*model->node));
			assert_non_null(model->node);
			if (model->n == 0)
				model->node[model->n++] = (struct model_node){0};
		}
		if (model->node[at].child[side] == 0) {
			model->node[at].child[side] = model->n;
			model->node[model->n++] = (struct model_node){0};
		}
		at = model->node[at].child[side];
	}
	return &model->node[at];
}

static int model_apply(struct model *model, const struct fib_op *op)
{
	struct model_node *node = model_find(model, op->prefix, op->depth);
	bool was_there = node->nh != 0;

	if (op->kind == FIB_OP_DEL && !was_there)
		return -ENOENT;
	node->nh = op->kind == FIB_OP_SET ? op->nh : 0;
	model->n_routes += (uint32_t)(op->kind == FIB_OP_SET) - was_there;
	return 0;
}

static uint32_t model_look_up(const struct model *model, uint32_t addr)
{
	uint32_t nh = 0, at = 0;

	for (unsigned bit = 0;; bit++) {
		if (model->node[at].nh != 0)
			nh = model->node[at].nh;
		if (bit == 32)
			return nh;
		at = model->node[at].child[addr >> (31 - bit) & 1];
		if (at == 0)
			return nh;
	}
}

/** Prefixes that lie over, beside and inside each other; the widest seldom, they are slow to set.
 */
static struct fib_op random_op(uint64_t *random)
{
	static const struct {
		uint32_t base;
		uint8_t min_depth, max_depth;
		unsigned weight;
	} regions[] = {
		{0x00000000, 0, 7, 1},
		{0x00000000, 8, 14, 20},
		{0xf0000000, 4, 14, 10},
		{0x0a010000, 16, 32, 2000},
		{0x0a010700, 24, 32, 1000},
		{0x0a010800, 25, 27, 300},
		{0xfffff000, 20, 32, 700},
		{0xffffff00, 24, 32, 300},
	};
	uint64_t r = support_random(random);
	unsigned sum = 0, region = 0, pick;
	struct fib_op op;

	for (unsigned i = 0; i < RTE_DIM(regions); i++)
		sum += regions[i].weight;
	pick = (unsigned)(r % sum);
	while (pick >= regions[region].weight)
		pick -= regions[region++].weight;

	r = support_random(random);
	op.depth = (uint8_t)(regions[region].min_depth +
			     r % (regions[region].max_depth - regions[region].min_depth + 1u));
	op.prefix = regions[region].base |
		    ((uint32_t)(r >> 8) & ~fib_depth_mask(regions[region].min_depth));
	op.prefix &= fib_depth_mask(op.depth);
	// few next hops, so that neighbours are often equal
	op.nh = (r >> 40) % 8 == 0 ? 0xfffff0 + (uint32_t)(r >> 44) % 8
				   : 1 + (uint32_t)(r >> 44) % 3;
	op.kind = (r >> 60) % 2 ? FIB_OP_SET : FIB_OP_DEL;
	op.error = 1;
	return op;
}

/** The ends of the prefix, what lies beside it, and somewhere inside. */
static void check_around(struct fixture *f, const struct model *model, const struct fib_op *op,
	uint64_t *random)
{
	uint32_t last = op->prefix | ~fib_depth_mask(op->depth);
	uint32_t addrs[] = {op->prefix, last, op->prefix - 1, last + 1,
		op->prefix | ((uint32_t)support_random(random) & ~fib_depth_mask(op->depth))};
	uint32_t nh[RTE_DIM(addrs)];

	fib_lookup_bulk(f->fib, addrs, nh, RTE_DIM(addrs));
	for (unsigned i = 0; i < RTE_DIM(addrs); i++)
		assert_int_equal(nh[i], model_look_up(model, addrs[i]));
	look_up(f, addrs[4]);
}

struct walk_check {
	struct model *model;
	uint64_t last_key;
	uint32_t n;
	uint32_t stop_at;
};

static bool check_visited(uint32_t prefix, uint8_t depth, uint32_t nh, void *arg)
{
	struct walk_check *check = arg;
	uint64_t key = (uint64_t)prefix << 8 | depth;

	assert_true(check->n == 0 || key > check->last_key);
	assert_int_equal(model_find(check->model, prefix, depth)->nh, nh);
	check->last_key = key;
	check->n++;
	return check->n != check->stop_at;
}

static void check_walk(struct fixture *f, struct model *model)
{
	struct walk_check check = {.model = model};
	struct walk_check stopped = {.model = model, .stop_at = model->n_routes / 2};

	fib_walk(f->fib, check_visited, &check);
	assert_int_equal(check.n, model->n_routes);
	assert_int_equal(fib_counts(f->fib).n_routes, model->n_routes);
	fib_walk(f->fib, check_visited, &stopped);
	assert_int_equal(stopped.n, model->n_routes / 2);
}

struct collect {
	struct fib_op *ops;
	unsigned n;
};

static bool collect_deletion(uint32_t prefix, uint8_t depth, uint32_t nh, void *arg)
{
	struct collect *collect = arg;

	(void)nh;
	collect->ops[collect->n++] =
		(struct fib_op){.prefix = prefix, .depth = depth, .kind = FIB_OP_DEL};
	return true;
}

/** Everything goes, and nothing is left of it. */
static void empty_fib(struct fixture *f, uint64_t *random)
{
	struct fib_counts counts = fib_counts(f->fib);
	struct collect collect = {.ops = calloc(counts.n_routes + 1, sizeof(struct fib_op))};

	fib_walk(f->fib, collect_deletion, &collect);
	assert_int_equal(collect.n, counts.n_routes);
	assert_int_equal(fib_apply(f->fib, collect.ops, collect.n), 0);
	free(collect.ops);
	counts = fib_counts(f->fib);
	assert_int_equal(counts.n_routes, 0);
	assert_int_equal(counts.n_tbl8, 0);
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(look_up(f, random_op(random).prefix), 0);
}

static void test_apply_equals_model(void **state)
{
	enum fib_engine engine = engine_of(state);
	unsigned n_steps = engine == FIB_ENGINE_LPM ? STEPS_LPM : STEPS_DIR24;
	struct model model = {0};
	struct fixture f;
	uint64_t random = 42;

	create_fib(&f, engine, 65536, 300);
	model_find(&model, 0, 1);
	for (unsigned step = 0; step < n_steps;) {
		struct fib_op ops[MAX_BATCH];
		int error[MAX_BATCH];
		unsigned n = 1 + (unsigned)(support_random(&random) % MAX_BATCH), n_refused = 0;

		for (unsigned i = 0; i < n; i++) {
			ops[i] = random_op(&random);
			error[i] = model_apply(&model, &ops[i]);
			n_refused += error[i] != 0;
		}
		assert_int_equal(fib_apply(f.fib, ops, n), n_refused);
		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(ops[i].error, error[i]);
			check_around(&f, &model, &ops[i], &random);
		}
		step += n;
	}
	print_message("%s: %u routes, %u groups at the end of %u steps\n", fib_engine_name(f.fib),
		fib_counts(f.fib).n_routes, fib_counts(f.fib).n_tbl8, n_steps);
	check_walk(&f, &model);
	empty_fib(&f, &random);
	free(model.node);
	free_fib(&f);
}

int main(void)
{
	static enum fib_engine lpm = FIB_ENGINE_LPM, dir24 = FIB_ENGINE_DIR24_8;
	const struct CMUnitTest tests[] = {both_engines(test_apply_equals_model)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
