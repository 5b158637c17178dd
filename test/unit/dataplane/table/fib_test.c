/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The FIB alone: what it refuses, full tables, and cases that engines got wrong. Random changes are
 * in fib_model_test.c, what a reader sees meanwhile in fib_concurrency_test.c.
 */
#include "test/unit/dataplane/table/fib_fixture.h"

#include <rte_common.h>

#include <errno.h>

static void test_create_chooses_engine(void **state)
{
	static const struct {
		enum fib_engine engine;
		uint32_t max_routes;
		const char *name;
	} rows[] = {
		{FIB_ENGINE_AUTO, FIB_LPM_MAX_ROUTES, "librte_lpm"},
		{FIB_ENGINE_AUTO, FIB_LPM_MAX_ROUTES + 1, "dir24-8"},
		{FIB_ENGINE_LPM, FIB_LPM_MAX_ROUTES + 1, "librte_lpm"},
		{FIB_ENGINE_DIR24_8, 1, "dir24-8"},
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
		{0, 1, -EINVAL}, {1, 0, -EINVAL}, {UINT32_MAX, 1, -EINVAL},
		{1, UINT32_MAX, -EINVAL}, {1, (1u << 24) + 1, -EINVAL},
		{1, 1u << 20, -ENOMEM}, // a gigabyte
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

/** With librte_fib of DPDK 22.11 the count of groups wraps, and there is none left for ever. */
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

/** librte_fib of DPDK 22.11 overwrites the whole table. */
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
