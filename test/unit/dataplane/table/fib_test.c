/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The FIB alone: both engines against a plain trie, full tables, and the library's faults that
 * fib_dir24.c works around. What a reader sees meanwhile is in fib_concurrency_test.c.
 */
#include "dataplane/table/fib.h"

#include "test/unit/support.h"

#include <rte_common.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_BATCH 64u

/** librte_lpm searches its rules in a line; fewer steps take it as long. */
#define STEPS_DIR24 1000000u
#define STEPS_LPM   200000u

struct fixture {
	struct epoch epoch;
	struct fib *fib;
};

static void create_fib(struct fixture *f, enum fib_engine engine, uint32_t max_routes,
	uint32_t n_tbl8)
{
	struct fib_config config = {
		.engine = engine,
		.max_routes = max_routes,
		.n_tbl8 = n_tbl8,
		.socket = SOCKET_ID_ANY,
	};

	support_eal_init(512);
	assert_int_equal(epoch_init(&f->epoch, 1), 0);
	assert_int_equal(fib_create(&f->fib, &config, &f->epoch), 0);
}

static void free_fib(struct fixture *f)
{
	fib_free(f->fib);
	epoch_fini(&f->epoch);
}

static enum fib_engine engine_of(void **state)
{
	return *(enum fib_engine *)*state;
}

static uint32_t mask(uint8_t depth)
{
	return (uint32_t)(UINT64_MAX << (32 - depth));
}

static int apply_one(struct fixture *f, enum fib_op_kind kind, uint32_t prefix, uint8_t depth,
	uint32_t nh)
{
	struct fib_op op = {.prefix = prefix, .nh = nh, .depth = depth, .kind = (uint8_t)kind};
	unsigned n_refused = fib_apply(f->fib, &op, 1);

	assert_int_equal(n_refused, op.error != 0);
	return op.error;
}

static int set(struct fixture *f, uint32_t prefix, uint8_t depth, uint32_t nh)
{
	return apply_one(f, FIB_OP_SET, prefix, depth, nh);
}

static int del(struct fixture *f, uint32_t prefix, uint8_t depth)
{
	return apply_one(f, FIB_OP_DEL, prefix, depth, 0);
}

static uint32_t look_up(struct fixture *f, uint32_t addr)
{
	uint32_t nh, prefix, matched_nh = 0;
	uint8_t depth;

	fib_lookup_bulk(f->fib, &addr, &nh, 1);
	// the control side's copy agrees
	if (fib_match(f->fib, addr, &prefix, &depth, &matched_nh) == 0)
		assert_int_equal(addr & mask(depth), prefix);
	assert_int_equal(matched_nh, nh);
	return nh;
}

static void test_create_chooses_engine(void **state)
{
	static const struct {
		enum fib_engine engine;
		uint32_t max_routes;
		const char *name;
	} rows[] = {
		{FIB_ENGINE_AUTO, FIB_LPM_MAX_ROUTES, "librte_lpm"},
		{FIB_ENGINE_AUTO, FIB_LPM_MAX_ROUTES + 1, "librte_fib dir24-8"},
		{FIB_ENGINE_LPM, FIB_LPM_MAX_ROUTES + 1, "librte_lpm"},
		{FIB_ENGINE_DIR24_8, 1, "librte_fib dir24-8"},
	};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct fixture f;

		create_fib(&f, rows[i].engine, rows[i].max_routes, 1);
		assert_string_equal(fib_engine_name(f.fib), rows[i].name);
		free_fib(&f);
	}
}

static void test_create_refuses(void **state)
{
	enum fib_engine engine = engine_of(state);
	static const struct {
		uint32_t max_routes, n_tbl8;
		int rc;
	} rows[] = {
		{0, 1, -EINVAL},
		{1, 0, -EINVAL},
		{UINT32_MAX, 1, -EINVAL},
		{1, UINT32_MAX, -EINVAL},
		{1, 1u << 20, -ENOMEM}, // a gigabyte
		{1u << 22, 1, -ENOMEM},
	};
	struct epoch epoch;

	support_eal_init(512);
	assert_int_equal(epoch_init(&epoch, 1), 0);
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct fib_config config = {engine, rows[i].max_routes, rows[i].n_tbl8,
			SOCKET_ID_ANY};
		struct fib *fib = NULL;

		assert_int_equal(fib_create(&fib, &config, &epoch), rows[i].rc);
		assert_null(fib);
	}
	epoch_fini(&epoch);
	fib_free(NULL);
}

static void test_apply_refuses(void **state)
{
	struct fib_op ops[] = {
		{.prefix = 0x0a000001, .depth = 24, .nh = 1, .kind = FIB_OP_SET},
		{.prefix = 0x0a000001, .depth = 0, .nh = 1, .kind = FIB_OP_SET},
		{.prefix = 0x0a000000, .depth = 33, .nh = 1, .kind = FIB_OP_SET},
		{.prefix = 0x0a000000, .depth = 255, .nh = 1, .kind = FIB_OP_DEL},
		{.prefix = 0x0a000000, .depth = 24, .nh = 0, .kind = FIB_OP_SET},
		{.prefix = 0x0a000000, .depth = 24, .nh = 1 << 24, .kind = FIB_OP_SET},
		{.prefix = 0x0a000000, .depth = 24, .nh = 1, .kind = 7},
		{.prefix = 0x0a000000, .depth = 24, .kind = FIB_OP_DEL},
		{.prefix = 0x0a000000, .depth = 8, .nh = 0xffffff, .kind = FIB_OP_SET},
	};
	struct fixture f;

	create_fib(&f, engine_of(state), 16, 16);
	assert_int_equal(fib_apply(f.fib, ops, RTE_DIM(ops)), 8);
	for (unsigned i = 0; i < 7; i++)
		assert_int_equal(ops[i].error, -EINVAL);
	assert_int_equal(ops[7].error, -ENOENT);
	assert_int_equal(ops[8].error, 0);
	assert_int_equal(fib_counts(f.fib).n_routes, 1);
	assert_int_equal(look_up(&f, 0x0aabcdef), 0xffffff);
	assert_int_equal(fib_apply(f.fib, NULL, 0), 0);
	free_fib(&f);
}

static void test_apply_takes_the_later(void **state)
{
	struct fib_op ops[] = {
		{.prefix = 0x0a000000, .depth = 24, .nh = 1, .kind = FIB_OP_SET},
		{.prefix = 0x0a000100, .depth = 24, .nh = 2, .kind = FIB_OP_SET},
		{.prefix = 0x0a000000, .depth = 24, .nh = 3, .kind = FIB_OP_SET},
		{.prefix = 0x0a000100, .depth = 24, .kind = FIB_OP_DEL},
		{.prefix = 0x0a000100, .depth = 24, .kind = FIB_OP_DEL},
		{.prefix = 0x0a000200, .depth = 24, .kind = FIB_OP_DEL},
		{.prefix = 0x0a000200, .depth = 24, .nh = 4, .kind = FIB_OP_SET},
	};
	struct fixture f;

	create_fib(&f, engine_of(state), 16, 16);
	assert_int_equal(fib_apply(f.fib, ops, RTE_DIM(ops)), 2);
	assert_int_equal(look_up(&f, 0x0a000001), 3);
	assert_int_equal(look_up(&f, 0x0a000101), 0);
	assert_int_equal(ops[3].error, 0);
	assert_int_equal(ops[4].error, -ENOENT);
	assert_int_equal(ops[5].error, -ENOENT);
	assert_int_equal(look_up(&f, 0x0a000201), 4);
	// the caller finds its ops where they were
	assert_int_equal(ops[2].nh, 3);
	free_fib(&f);
}

static void test_apply_default_route(void **state)
{
	struct fixture f;
	uint32_t nh;

	create_fib(&f, engine_of(state), 16, 16);
	assert_int_equal(look_up(&f, 0), 0);
	assert_int_equal(set(&f, 0, 0, 7), 0);
	assert_int_equal(look_up(&f, 0), 7);
	assert_int_equal(look_up(&f, UINT32_MAX), 7);
	assert_int_equal(set(&f, 0x0a000000, 8, 8), 0);
	assert_int_equal(look_up(&f, 0x0a000001), 8);
	assert_int_equal(set(&f, 0, 0, 9), 0);
	assert_int_equal(look_up(&f, 0x0b000001), 9);
	assert_int_equal(fib_get(f.fib, 0, 0, &nh), 0);
	assert_int_equal(nh, 9);
	assert_int_equal(del(&f, 0, 0), 0);
	assert_int_equal(look_up(&f, 0x0b000001), 0);
	assert_int_equal(look_up(&f, 0x0a000001), 8);
	assert_int_equal(del(&f, 0, 0), -ENOENT);
	assert_int_equal(fib_get(f.fib, 0, 0, &nh), -ENOENT);
	assert_int_equal(fib_get(f.fib, 0, 33, &nh), -ENOENT);
	free_fib(&f);
}

/** Fault 2 of fib_dir24.c: the library's count of groups wraps, and it has none left for ever. */
static void test_apply_equal_next_hop_inside(void **state)
{
	struct fixture f;

	create_fib(&f, engine_of(state), 16, 16);
	assert_int_equal(set(&f, 0x0a000000, 24, 5), 0);
	assert_int_equal(set(&f, 0x0a000001, 32, 5), 0);
	assert_int_equal(fib_counts(f.fib).n_tbl8, 1);
	assert_int_equal(del(&f, 0x0a000001, 32), 0);
	assert_int_equal(fib_counts(f.fib).n_tbl8, 0);
	assert_int_equal(set(&f, 0x0a000102, 32, 6), 0);
	assert_int_equal(look_up(&f, 0x0a000102), 6);
	assert_int_equal(look_up(&f, 0x0a000001), 5);
	free_fib(&f);
}

/** Fault 3 of fib_dir24.c: the library overwrites the whole table. */
static void test_apply_filled_to_the_end(void **state)
{
	struct fixture f;

	create_fib(&f, engine_of(state), 16, 16);
	assert_int_equal(set(&f, 0x0a000000, 8, 10), 0);
	assert_int_equal(set(&f, 0xe0000000, 4, 2), 0);
	assert_int_equal(set(&f, 0xf0000000, 4, 3), 0);
	assert_int_equal(set(&f, 0x80000000, 1, 4), 0);
	assert_int_equal(set(&f, 0, 1, 5), 0);
	assert_int_equal(set(&f, 0, 0, 6), 0);
	assert_int_equal(look_up(&f, 0x0a000001), 10);
	assert_int_equal(look_up(&f, 0x0b000001), 5);
	assert_int_equal(look_up(&f, 0xc0000001), 4);
	assert_int_equal(look_up(&f, 0xe0000001), 2);
	assert_int_equal(look_up(&f, 0xf0000001), 3);
	assert_int_equal(del(&f, 0x80000000, 1), 0);
	assert_int_equal(look_up(&f, 0xc0000001), 6);
	assert_int_equal(look_up(&f, 0x0a000001), 10);
	assert_int_equal(look_up(&f, UINT32_MAX), 3);
	free_fib(&f);
}

/** What the table says when it is full, and that it goes on when there is room again. */
static void test_apply_full_of_routes(void **state)
{
	struct fib_op ops[3];
	struct fixture f;

	create_fib(&f, engine_of(state), 100, 16);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(set(&f, i << 24, 8, 1 + i), 0);
	assert_int_equal(set(&f, 200u << 24, 8, 7), -ENOSPC);
	assert_int_equal(set(&f, 0, 0, 7), -ENOSPC);
	assert_int_equal(look_up(&f, 200u << 24), 0);
	assert_int_equal(set(&f, 5u << 24, 8, 1000), 0);
	assert_int_equal(look_up(&f, 5u << 24), 1000);

	// one goes, two come, by address before the one that goes: one of them finds room
	ops[0] = (struct fib_op){.prefix = 1, .depth = 32, .nh = 8, .kind = FIB_OP_SET};
	ops[1] = (struct fib_op){.prefix = 2, .depth = 32, .nh = 9, .kind = FIB_OP_SET};
	ops[2] = (struct fib_op){.prefix = 99u << 24, .depth = 8, .kind = FIB_OP_DEL};
	assert_int_equal(fib_apply(f.fib, ops, 3), 1);
	assert_int_equal(ops[0].error, 0);
	assert_int_equal(ops[1].error, -ENOSPC);
	assert_int_equal(ops[2].error, 0);
	assert_int_equal(look_up(&f, 1), 8);
	assert_int_equal(look_up(&f, 2), 1); // 0.0.0.0/8
	assert_int_equal(fib_counts(f.fib).n_routes, 100);

	// room by the tail counts too
	ops[0].kind = FIB_OP_DEL;
	assert_int_equal(fib_apply(f.fib, ops, 1), 0);
	assert_int_equal(set(&f, 0, 0, 7), 0);
	ops[0] = (struct fib_op){.prefix = 200u << 24, .depth = 8, .nh = 8, .kind = FIB_OP_SET};
	ops[1] = (struct fib_op){.prefix = 0, .depth = 0, .kind = FIB_OP_DEL};
	assert_int_equal(fib_apply(f.fib, ops, 2), 0);
	assert_int_equal(look_up(&f, 200u << 24), 8);
	free_fib(&f);
}

static void test_apply_full_of_groups(void **state)
{
	static const uint32_t sizes[] = {1, 4, 64, 65, 128};

	for (unsigned s = 0; s < RTE_DIM(sizes); s++) {
		uint32_t n = sizes[s];
		struct fib_op ops[2];
		struct fixture f;

		create_fib(&f, engine_of(state), 1000, n);
		// the upper end of a /24 is where librte_fib wants two groups for one
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(set(&f, 0x0a000080 + (i << 8), 25, 1 + i), 0);
		assert_int_equal(fib_counts(f.fib).n_tbl8, n);
		assert_int_equal(set(&f, 0x0b000000, 32, 7), -ENOSPC);
		assert_int_equal(fib_counts(f.fib).n_routes, n);
		assert_int_equal(look_up(&f, 0x0b000000), 0);
		// short ones need none, nor do more in the same /24
		assert_int_equal(set(&f, 0x0b000000, 24, 8), 0);
		assert_int_equal(set(&f, 0x0a000000, 32, 9), 0);
		assert_int_equal(set(&f, 0x0a000000, 16, 10), 0);
		assert_int_equal(del(&f, 0x0a000000, 32), 0);

		ops[0] = (struct fib_op){.prefix = 0x0a000080 + ((n - 1) << 8),
			.depth = 25,
			.kind = FIB_OP_DEL};
		ops[1] = (struct fib_op){.prefix = 0x09000080,
			.depth = 25,
			.nh = 11,
			.kind = FIB_OP_SET};
		assert_int_equal(fib_apply(f.fib, ops, 2), 0);
		assert_int_equal(look_up(&f, 0x09000081), 11);
		assert_int_equal(look_up(&f, 0x0a0000ff + ((n - 1) << 8)), 10);
		for (uint32_t i = 0; i < n - 1; i++)
			assert_int_equal(look_up(&f, 0x0a0000ff + (i << 8)), 1 + i);
		assert_int_equal(fib_counts(f.fib).n_tbl8, n);
		free_fib(&f);
	}
}

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
	op.prefix = regions[region].base | ((uint32_t)(r >> 8) & ~mask(regions[region].min_depth));
	op.prefix &= mask(op.depth);
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
	uint32_t last = op->prefix | ~mask(op->depth);
	uint32_t addrs[] = {op->prefix, last, op->prefix - 1, last + 1,
		op->prefix | ((uint32_t)support_random(random) & ~mask(op->depth))};
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

#define both_engines(test)                                                                         \
	{#test " lpm", test, NULL, NULL, &lpm},                                                    \
	{                                                                                          \
#test " dir24-8", test, NULL, NULL, &dir24                                         \
	}

int main(void)
{
	static enum fib_engine lpm = FIB_ENGINE_LPM, dir24 = FIB_ENGINE_DIR24_8;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create_chooses_engine),
		both_engines(test_create_refuses),
		both_engines(test_apply_refuses),
		both_engines(test_apply_takes_the_later),
		both_engines(test_apply_default_route),
		both_engines(test_apply_equal_next_hop_inside),
		both_engines(test_apply_filled_to_the_end),
		both_engines(test_apply_full_of_routes),
		both_engines(test_apply_full_of_groups),
		both_engines(test_apply_equals_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
