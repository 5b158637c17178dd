/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The FIB's rules that both engines share: what is allowed, in which order a batch is done, what is
 * counted. Written by the API server on the main lcore, read by the lookup stage of workers.
 *
 * Order, and why a worker never meets a gap:
 *
 *   additions and replacements | deletions, grace | deletion of the default route, grace | second
 *   attempts
 *
 * A worker is quiescent once in every stretch between two grace periods, so it can meet the effects
 * of one stretch only, and there something is only ever added before something is deleted. (A batch
 * without deletions has no grace period and belongs to the stretch of the next.) No engine frees a
 * group of 256 entries but by a deletion, so a freed one is not reused under a worker either.
 *
 * The default route is in no engine: librte_lpm cannot have it, and in DIR24-8 a change of it would
 * be 16 million stores. A miss is answered from here, after the table was read: hence the grace
 * period between what the table gets and what is taken away here.
 */
#include "dataplane/table/fib.h"

#include "dataplane/table/fib_dir24.h"
#include "dataplane/table/fib_lpm.h"
#include "dataplane/table/fib_rules.h"

#include <rte_common.h>
#include <rte_malloc.h>

#include <errno.h>
#include <stdlib.h>

#define NH_MASK	     0xffffffu
#define MAX_DEPTH    32u
#define MAX_ROUTES   (1u << 28)
#define ENGINE_LPM   "librte_lpm"
#define ENGINE_DIR24 "dir24-8"

/** An op's place in the order of prefixes. */
struct order {
	uint64_t key; /* prefix, then depth */
	uint32_t op_idx;
};

struct fib {
	/* read by workers */
	struct fib_lpm *lpm; /* one of the two is NULL */
	struct fib_dir24 *dir24;
	uint32_t default_nh; /* 0: no default route */

	/* the main lcore's */
	struct epoch *epoch __rte_cache_aligned;
	struct fib_counts counts; /* but for n_tbl8, which the engine knows */
	struct order *order;	  /* room for max_order */
	uint32_t max_order;
};

int fib_create(struct fib **fib, const struct fib_config *config, struct epoch *epoch)
{
	bool is_lpm =
		config->engine == FIB_ENGINE_LPM ||
		(config->engine == FIB_ENGINE_AUTO && config->max_routes <= FIB_LPM_MAX_ROUTES);
	struct fib *created;
	int rc;

	if (config->max_routes == 0 || config->max_routes > MAX_ROUTES || config->n_tbl8 == 0)
		return -EINVAL;

	created = rte_zmalloc_socket("fib", sizeof(*created), RTE_CACHE_LINE_SIZE, config->socket);
	if (created == NULL)
		return -ENOMEM;
	created->epoch = epoch;
	created->counts.max_routes = config->max_routes;
	created->counts.max_tbl8 = config->n_tbl8;

	if (is_lpm)
		rc = fib_lpm_create(&created->lpm, config, epoch);
	else
		rc = fib_dir24_create(&created->dir24, config);
	if (rc < 0) {
		rte_free(created);
		return rc;
	}
	*fib = created;
	return 0;
}

void fib_free(struct fib *fib)
{
	if (fib == NULL)
		return;
	fib_lpm_free(fib->lpm);
	fib_dir24_free(fib->dir24);
	free(fib->order);
	rte_free(fib);
}

const char *fib_engine_name(const struct fib *fib)
{
	return fib->lpm != NULL ? ENGINE_LPM : ENGINE_DIR24;
}

static bool is_op_valid(const struct fib_op *op)
{
	if (op->depth > MAX_DEPTH || (op->prefix & ~fib_depth_mask(op->depth)) != 0)
		return false;
	if (op->kind == FIB_OP_SET)
		return op->nh != 0 && op->nh <= NH_MASK;
	return op->kind == FIB_OP_DEL;
}

static int compare_order(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->op_idx < y->op_idx ? -1 : 1;
}

static bool is_ordered(const struct order *order, unsigned n)
{
	for (unsigned i = 1; i < n; i++)
		if (order[i - 1].key > order[i].key)
			return false;
	return true;
}

/** Refuse what is not valid, and put the others in the order of prefixes. Errors: how many are left
 */
static unsigned order_ops(struct fib *fib, struct fib_op *ops, unsigned n)
{
	unsigned n_order = 0;

	for (unsigned i = 0; i < n; i++) {
		ops[i].error = is_op_valid(&ops[i]) ? 0 : -EINVAL;
		if (ops[i].error != 0)
			continue;
		fib->order[n_order++] = (struct order){
			.key = (uint64_t)ops[i].prefix << 8 | ops[i].depth,
			.op_idx = i,
		};
	}
	// zebra replays its routes in order
	if (!is_ordered(fib->order, n_order))
		qsort(fib->order, n_order, sizeof(*fib->order), compare_order);
	return n_order;
}

/** The next hop of the prefix itself. Errors: 0 not there */
static uint32_t own_nh(const struct fib *fib, uint32_t prefix, uint8_t depth)
{
	if (depth == 0)
		return fib->default_nh;
	return fib->lpm != NULL ? fib_lpm_get(fib->lpm, prefix, depth)
				: fib_dir24_get(fib->dir24, prefix, depth);
}

/**
 * Of several ops on one prefix, order[first] to before order[end], leave only the last, after giving
 * each the error it would have had alone.
 *
 * Errors: false if nothing is left to do
 */
static bool drop_superseded(const struct fib *fib, struct fib_op *ops, unsigned first, unsigned end)
{
	const struct fib_op *any = &ops[fib->order[first].op_idx];
	bool was_there = own_nh(fib, any->prefix, any->depth) != 0;
	bool is_there = was_there;

	for (unsigned i = first; i < end; i++) {
		struct fib_op *op = &ops[fib->order[i].op_idx];

		if (op->kind == FIB_OP_DEL && !is_there)
			op->error = -ENOENT;
		is_there = op->kind == FIB_OP_SET;
	}
	// a deletion of what only this batch would have added leaves nothing to do
	return is_there || was_there;
}

/** Leave one op on each prefix. Errors: how many are left */
static unsigned drop_all_superseded(struct fib *fib, struct fib_op *ops, unsigned n_order)
{
	unsigned n_left = 0;

	for (unsigned i = 0, end; i < n_order; i = end) {
		for (end = i + 1; end < n_order && fib->order[end].key == fib->order[i].key; end++)
			;
		if (end == i + 1 || drop_superseded(fib, ops, i, end))
			fib->order[n_left++] = fib->order[end - 1];
	}
	return n_left;
}

static void set_default(struct fib *fib, uint32_t nh)
{
	// release: the next hop's path was set before
	__atomic_store_n(&fib->default_nh, nh, __ATOMIC_RELEASE);
}

static int set_route(struct fib *fib, const struct fib_op *op)
{
	struct fib_counts *counts = &fib->counts;
	int rc;

	if (counts->n_routes >= counts->max_routes && own_nh(fib, op->prefix, op->depth) == 0)
		return -ENOSPC;
	if (op->depth == 0) {
		rc = fib->default_nh == 0;
		set_default(fib, op->nh);
	} else if (fib->lpm != NULL) {
		rc = fib_lpm_set(fib->lpm, op->prefix, op->depth, op->nh);
	} else {
		rc = fib_dir24_set(fib->dir24, op->prefix, op->depth, op->nh);
	}
	if (rc < 0)
		return rc;
	counts->n_routes += (uint32_t)rc;
	return 0;
}

static int del_route(struct fib *fib, const struct fib_op *op)
{
	int rc = 0;

	if (op->depth == 0 && fib->default_nh == 0)
		return -ENOENT;
	if (op->depth == 0)
		set_default(fib, 0);
	else if (fib->lpm != NULL)
		rc = fib_lpm_del(fib->lpm, op->prefix, op->depth);
	else
		rc = fib_dir24_del(fib->dir24, op->prefix, op->depth);
	if (rc < 0)
		return rc;
	fib->counts.n_routes--;
	return 0;
}

static void set_all(struct fib *fib, struct fib_op *ops, unsigned n_order)
{
	for (unsigned i = 0; i < n_order; i++) {
		struct fib_op *op = &ops[fib->order[i].op_idx];

		if (op->kind == FIB_OP_SET)
			op->error = (int16_t)set_route(fib, op);
	}
}

/** From order[first] on. Returns: how many were deleted */
static unsigned del_all(struct fib *fib, struct fib_op *ops, unsigned first, unsigned n_order)
{
	unsigned n = 0;

	for (unsigned i = first; i < n_order; i++) {
		struct fib_op *op = &ops[fib->order[i].op_idx];
		int rc;

		if (op->kind != FIB_OP_DEL)
			continue;
		rc = del_route(fib, op);
		if (rc < 0)
			op->error = (int16_t)rc;
		n += rc == 0;
	}
	return n;
}

static void wait_for_workers(struct fib *fib)
{
	epoch_wait(fib->epoch);
	if (fib->dir24 != NULL)
		fib_dir24_reclaim(fib->dir24);
}

static void retry_refused(struct fib *fib, struct fib_op *ops, unsigned n_order)
{
	for (unsigned i = 0; i < n_order; i++) {
		struct fib_op *op = &ops[fib->order[i].op_idx];

		if (op->kind == FIB_OP_SET && op->error == -ENOSPC)
			op->error = (int16_t)set_route(fib, op);
	}
}

static int reserve_order(struct fib *fib, unsigned n)
{
	struct order *order;

	if (n <= fib->max_order)
		return 0;
	order = realloc(fib->order, n * sizeof(*order));
	if (order == NULL)
		return -ENOMEM;
	fib->order = order;
	fib->max_order = n;
	return 0;
}

/** What the order has, one op on each prefix. */
static void apply_in_order(struct fib *fib, struct fib_op *ops, unsigned n_order)
{
	// the default route is the first of all prefixes
	bool has_default = n_order > 0 && ops[fib->order[0].op_idx].depth == 0;
	bool dels_default =
		has_default && ops[fib->order[0].op_idx].kind == FIB_OP_DEL && fib->default_nh != 0;
	unsigned n_deleted;

	set_all(fib, ops, n_order);
	n_deleted = del_all(fib, ops, has_default, n_order);
	// also with nothing deleted: a worker that missed before an addition may only now read the
	// default route
	if (n_deleted > 0 || dels_default)
		wait_for_workers(fib);
	if (has_default)
		n_deleted += del_all(fib, ops, 0, 1);
	if (dels_default)
		wait_for_workers(fib);
	if (n_deleted > 0)
		retry_refused(fib, ops, n_order);
}

unsigned fib_apply(struct fib *fib, struct fib_op *ops, unsigned n)
{
	unsigned n_refused = 0, n_order;

	if (reserve_order(fib, n) < 0) {
		for (unsigned i = 0; i < n; i++)
			ops[i].error = -ENOMEM;
		return n;
	}
	n_order = order_ops(fib, ops, n);
	n_order = drop_all_superseded(fib, ops, n_order);
	apply_in_order(fib, ops, n_order);
	for (unsigned i = 0; i < n; i++)
		n_refused += ops[i].error != 0;
	return n_refused;
}

void fib_lookup_bulk(const struct fib *fib, const uint32_t *addrs, uint32_t *nh, unsigned n)
{
	bool has_missed = fib->lpm != NULL ? fib_lpm_lookup_bulk(fib->lpm, addrs, nh, n)
					   : fib_dir24_lookup_bulk(fib->dir24, addrs, nh, n);

	for (unsigned i = 0; has_missed && i < n; i++)
		if (nh[i] == 0)
			nh[i] = __atomic_load_n(&fib->default_nh, __ATOMIC_ACQUIRE);
}

int fib_match(const struct fib *fib, uint32_t addr, uint32_t *prefix, uint8_t *depth, uint32_t *nh)
{
	uint32_t found = fib->lpm != NULL ? fib_lpm_match(fib->lpm, addr, depth)
					  : fib_dir24_match(fib->dir24, addr, depth);

	if (found == 0)
		found = fib->default_nh; // its depth is 0, too
	if (found == 0)
		return -ENOENT;
	*nh = found;
	*prefix = addr & fib_depth_mask(*depth);
	return 0;
}

int fib_get(const struct fib *fib, uint32_t prefix, uint8_t depth, uint32_t *nh)
{
	uint32_t own;

	if (depth > MAX_DEPTH)
		return -ENOENT;
	own = own_nh(fib, prefix, depth);
	if (own == 0)
		return -ENOENT;
	*nh = own;
	return 0;
}

int fib_walk(const struct fib *fib, fib_visit_fn visit, void *arg)
{
	if (fib->default_nh != 0 && !visit(0, 0, fib->default_nh, arg))
		return 0;
	return fib->lpm != NULL ? fib_lpm_walk(fib->lpm, visit, arg)
				: fib_dir24_walk(fib->dir24, visit, arg);
}

struct fib_counts fib_counts(const struct fib *fib)
{
	struct fib_counts counts = fib->counts;

	counts.n_tbl8 =
		fib->lpm != NULL ? fib_lpm_n_groups(fib->lpm) : fib_dir24_n_groups(fib->dir24);
	return counts;
}
