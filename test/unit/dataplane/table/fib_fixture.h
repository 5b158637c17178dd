/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of the FIB share: a table of one of the engines, and single operations on it.
 */
#ifndef PODLANE_TEST_UNIT_DATAPLANE_TABLE_FIB_FIXTURE_H
#define PODLANE_TEST_UNIT_DATAPLANE_TABLE_FIB_FIXTURE_H

#include <stdint.h>

#include <rte_memory.h>

#include "dataplane/table/fib.h"
#include "dataplane/table/fib_rules.h"
#include "test/unit/support.h"

struct fixture {
	struct epoch epoch;
	struct fib *fib;
};

static inline void create_fib(struct fixture *f, enum fib_engine engine, uint32_t max_routes,
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

static inline void free_fib(struct fixture *f)
{
	fib_free(f->fib);
	epoch_fini(&f->epoch);
}

static inline enum fib_engine engine_of(void **state)
{
	return *(enum fib_engine *)*state;
}

static inline int apply_one(struct fixture *f, enum fib_op_kind kind, uint32_t prefix,
	uint8_t depth, uint32_t nh)
{
	struct fib_op op = {.prefix = prefix, .nh = nh, .depth = depth, .kind = (uint8_t)kind};
	unsigned n_refused = fib_apply(f->fib, &op, 1);

	assert_int_equal(n_refused, op.error != 0);
	return op.error;
}

static inline int set(struct fixture *f, uint32_t prefix, uint8_t depth, uint32_t nh)
{
	return apply_one(f, FIB_OP_SET, prefix, depth, nh);
}

static inline int del(struct fixture *f, uint32_t prefix, uint8_t depth)
{
	return apply_one(f, FIB_OP_DEL, prefix, depth, 0);
}

static inline uint32_t look_up(struct fixture *f, uint32_t addr)
{
	uint32_t nh, prefix, matched_nh = 0;
	uint8_t depth;

	fib_lookup_bulk(f->fib, &addr, &nh, 1);
	// the control side's copy agrees
	if (fib_match(f->fib, addr, &prefix, &depth, &matched_nh) == 0)
		assert_int_equal(addr & fib_depth_mask(depth), prefix);
	assert_int_equal(matched_nh, nh);
	return nh;
}

/** A test for both; the file has static enum fib_engine lpm, dir24. */
#define both_engines(test)                                                                         \
	{#test " lpm", test, NULL, NULL, &lpm},                                                    \
	{                                                                                          \
#test " dir24-8", test, NULL, NULL, &dir24                                         \
	}

#endif
