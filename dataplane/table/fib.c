/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The FIB's rules that both engines share: what is allowed, in which order a batch is done, what is
 * counted. Written by the API server on the main lcore, read by the lookup stage of workers.
 *
 * Order, and why a worker never meets a gap:
 *
 *   additions and replacements | deletions, grace | deletions from the tail, grace | second
 * attempts
 *
 * A worker is quiescent once in every stretch between two grace periods, so it can meet the effects
 * of one stretch only, and there something is only ever added before something is deleted. (A batch
 * without deletions has no grace period and belongs to the stretch of the next.) No engine frees a
 * group of 256 entries but by a deletion, so a freed one is not reused under a worker either.
 *
 * The tail is the prefixes that end with the last address: 0.0.0.0/0, 128.0.0.0/1, 192.0.0.0/2 and
 * so on to 255.255.255.255/32. librte_lpm cannot have the first, librte_fib mistakes them (see
 * fib_dir24.c). Each lies inside the one before it, and a prefix that is not of the tail contains
 * none of them. Hence what the engine finds is always longer than what the tail has, and a miss is
 * answered from an array by the number of leading ones of the address.
 */
#include "dataplane/table/fib.h"

#include "dataplane/table/fib_dir24.h"
#include "dataplane/table/fib_lpm.h"

#include <rte_common.h>
#include <rte_malloc.h>
#include <rte_rib.h>

#include <errno.h>
#include <stdlib.h>

#define NH_MASK	     0xffffffu
#define MAX_DEPTH    32u
#define N_TAIL	     (MAX_DEPTH + 1)
#define MAX_ROUTES   (1u << 28)
#define ENGINE_LPM   "librte_lpm"
#define ENGINE_DIR24 "librte_fib dir24-8"

/** An op's place in the order of prefixes. */
struct order {
	uint64_t key; /* prefix, then depth */
	uint32_t op_idx;
};

struct fib {
	/* read by workers */
	struct fib_lpm *lpm; /* one of the two is NULL */
	struct fib_dir24 *dir24;
	uint32_t tail[N_TAIL]; /* by number of leading ones: next hop of the longest match there */

	/* the main lcore's */
	struct epoch *epoch __rte_cache_aligned;
	struct rte_rib *rib;	   /* the engine's; without the tail */
	uint32_t own_tail[N_TAIL]; /* by depth: next hop of the prefix itself, 0 if not set */
	struct fib_counts counts;
	struct order *order; /* room for max_order */
	uint32_t max_order;
};

static unsigned leading_ones(uint32_t addr)
{
	return addr == UINT32_MAX ? MAX_DEPTH : (unsigned)__builtin_clz(~addr);
}

static bool is_tail(uint32_t prefix, uint8_t depth)
{
	return prefix == rte_rib_depth_to_mask(depth);
}

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
	created->rib = is_lpm ? fib_lpm_rib(created->lpm) : fib_dir24_rib(created->dir24);
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
	if (op->depth > MAX_DEPTH || (op->prefix & ~rte_rib_depth_to_mask(op->depth)) != 0)
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
	struct rte_rib_node *node;
	uint64_t nh = 0;

	if (is_tail(prefix, depth))
		return fib->own_tail[depth];
	node = rte_rib_lookup_exact(fib->rib, prefix, depth);
	if (node != NULL)
		rte_rib_get_nh(node, &nh);
	return (uint32_t)nh & NH_MASK;
}

/**
 * Of several ops on one prefix leave only the last in the order, after giving each the error it
 * would have had alone.
 *
 * Errors: how many are left
 */
static unsigned drop_superseded(struct fib *fib, struct fib_op *ops, unsigned n_order)
{
	unsigned n_left = 0;

	for (unsigned i = 0; i < n_order;) {
		uint64_t key = fib->order[i].key;
		struct fib_op *op = &ops[fib->order[i].op_idx];
		bool was_there = own_nh(fib, op->prefix, op->depth) != 0;
		bool is_there = was_there;
		unsigned end = i;

		for (; end < n_order && fib->order[end].key == key; end++) {
			op = &ops[fib->order[end].op_idx];
			if (op->kind == FIB_OP_DEL && !is_there)
				op->error = -ENOENT;
			is_there = op->kind == FIB_OP_SET;
		}
		// a deletion of what only this batch would have added leaves nothing to do
		if (is_there || was_there)
			fib->order[n_left++] = fib->order[end - 1];
		i = end;
	}
	return n_left;
}

/** Does the /24 around a prefix have any longer than /24, and so a group? */
static bool has_group(const struct fib *fib, uint32_t prefix)
{
	return rte_rib_get_nxt(fib->rib, prefix & ~0xffu, 24, NULL, RTE_RIB_GET_NXT_COVER) != NULL;
}

static void set_tail(struct fib *fib, uint8_t depth, uint32_t nh)
{
	uint32_t longest = 0;

	fib->own_tail[depth] = nh;
	for (unsigned ones = 0; ones < N_TAIL; ones++) {
		if (fib->own_tail[ones] != 0)
			longest = fib->own_tail[ones];
		// release: the next hop's path was set before
		if (fib->tail[ones] != longest)
			__atomic_store_n(&fib->tail[ones], longest, __ATOMIC_RELEASE);
	}
}

static int set_in_engine(struct fib *fib, const struct fib_op *op)
{
	if (fib->lpm != NULL)
		return fib_lpm_set(fib->lpm, op->prefix, op->depth, op->nh);
	return fib_dir24_set(fib->dir24, op->prefix, op->depth, op->nh);
}

static int set_route(struct fib *fib, const struct fib_op *op)
{
	struct fib_counts *counts = &fib->counts;
	bool in_tail = is_tail(op->prefix, op->depth);
	bool is_new = own_nh(fib, op->prefix, op->depth) == 0;
	bool needs_group = is_new && !in_tail && op->depth > 24 && !has_group(fib, op->prefix);
	int rc = 0;

	if (is_new && counts->n_routes >= counts->max_routes)
		return -ENOSPC;
	if (needs_group && counts->n_tbl8 >= counts->max_tbl8)
		return -ENOSPC;

	if (in_tail)
		set_tail(fib, op->depth, op->nh);
	else
		rc = set_in_engine(fib, op);
	if (rc < 0)
		return rc;
	counts->n_routes += is_new;
	counts->n_tbl8 += needs_group;
	return 0;
}

static int del_route(struct fib *fib, const struct fib_op *op)
{
	int rc = 0;

	if (is_tail(op->prefix, op->depth))
		set_tail(fib, op->depth, 0);
	else if (fib->lpm != NULL)
		rc = fib_lpm_del(fib->lpm, op->prefix, op->depth);
	else
		rc = fib_dir24_del(fib->dir24, op->prefix, op->depth);
	if (rc < 0)
		return rc;
	fib->counts.n_routes--;
	if (op->depth > 24 && !is_tail(op->prefix, op->depth) && !has_group(fib, op->prefix))
		fib->counts.n_tbl8--;
	return 0;
}

enum part { IN_ENGINE, IN_TAIL };

static bool is_deletion(const struct fib_op *op, enum part part)
{
	return op->kind == FIB_OP_DEL && is_tail(op->prefix, op->depth) == (part == IN_TAIL);
}

static unsigned count_deletions(const struct fib *fib, const struct fib_op *ops, unsigned n_order,
	enum part part)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_order; i++)
		n += is_deletion(&ops[fib->order[i].op_idx], part);
	return n;
}

static void set_all(struct fib *fib, struct fib_op *ops, unsigned n_order)
{
	for (unsigned i = 0; i < n_order; i++) {
		struct fib_op *op = &ops[fib->order[i].op_idx];

		if (op->kind == FIB_OP_SET)
			op->error = (int16_t)set_route(fib, op);
	}
}

static void del_all(struct fib *fib, struct fib_op *ops, unsigned n_order, enum part part)
{
	for (unsigned i = 0; i < n_order; i++) {
		struct fib_op *op = &ops[fib->order[i].op_idx];
		int rc;

		if (!is_deletion(op, part))
			continue;
		rc = del_route(fib, op);
		if (rc < 0)
			op->error = (int16_t)rc;
	}
	epoch_wait(fib->epoch);
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

unsigned fib_apply(struct fib *fib, struct fib_op *ops, unsigned n)
{
	unsigned n_refused = 0, n_order, n_engine, n_tail;

	if (reserve_order(fib, n) < 0) {
		for (unsigned i = 0; i < n; i++)
			ops[i].error = -ENOMEM;
		return n;
	}
	n_order = order_ops(fib, ops, n);
	n_order = drop_superseded(fib, ops, n_order);

	n_engine = count_deletions(fib, ops, n_order, IN_ENGINE);
	n_tail = count_deletions(fib, ops, n_order, IN_TAIL);

	set_all(fib, ops, n_order);
	// also with nothing to delete there: a worker that missed before an addition may only now
	// read the tail
	if (n_engine + n_tail > 0)
		del_all(fib, ops, n_order, IN_ENGINE);
	if (n_tail > 0)
		del_all(fib, ops, n_order, IN_TAIL);
	if (n_engine + n_tail > 0)
		retry_refused(fib, ops, n_order);

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
			nh[i] = __atomic_load_n(&fib->tail[leading_ones(addrs[i])],
				__ATOMIC_RELAXED);
}

static void read_node(const struct rte_rib_node *node, uint32_t *prefix, uint8_t *depth,
	uint32_t *nh)
{
	uint64_t marked = 0;

	rte_rib_get_ip(node, prefix);
	rte_rib_get_depth(node, depth);
	rte_rib_get_nh(node, &marked);
	*nh = (uint32_t)marked & NH_MASK;
}

int fib_match(const struct fib *fib, uint32_t addr, uint32_t *prefix, uint8_t *depth, uint32_t *nh)
{
	const struct rte_rib_node *node = rte_rib_lookup(fib->rib, addr);

	if (node != NULL) {
		read_node(node, prefix, depth, nh);
		return 0;
	}
	for (unsigned ones = leading_ones(addr) + 1; ones-- > 0;) {
		if (fib->own_tail[ones] == 0)
			continue;
		*depth = (uint8_t)ones;
		*prefix = rte_rib_depth_to_mask(*depth);
		*nh = fib->own_tail[ones];
		return 0;
	}
	return -ENOENT;
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

struct walk {
	const struct fib *fib;
	fib_visit_fn visit;
	void *arg;
	uint8_t next_tail; /* depth from which the tail is still to be visited */
};

/** Visit what the tail has before a prefix of the engine. Errors: false if visit said so */
static bool visit_tail(struct walk *walk, uint64_t before_key)
{
	for (; walk->next_tail < N_TAIL; walk->next_tail++) {
		uint8_t depth = walk->next_tail;
		uint32_t prefix = rte_rib_depth_to_mask(depth);
		uint32_t nh = walk->fib->own_tail[depth];

		if (((uint64_t)prefix << 8 | depth) >= before_key)
			return true;
		if (nh != 0 && !walk->visit(prefix, depth, nh, walk->arg))
			return false;
	}
	return true;
}

/** Visit what lies inside a prefix; at most 32 levels deep. Errors: false if visit said so */
static bool visit_inside(struct walk *walk, uint32_t outer, uint8_t outer_depth)
{
	struct rte_rib_node *node = NULL;

	for (;;) {
		uint32_t prefix, nh;
		uint8_t depth;

		node = rte_rib_get_nxt(walk->fib->rib, outer, outer_depth, node,
			RTE_RIB_GET_NXT_COVER);
		if (node == NULL)
			return true;
		read_node(node, &prefix, &depth, &nh);
		if (!visit_tail(walk, (uint64_t)prefix << 8 | depth) ||
			!walk->visit(prefix, depth, nh, walk->arg) ||
			!visit_inside(walk, prefix, depth))
			return false;
	}
}

void fib_walk(const struct fib *fib, fib_visit_fn visit, void *arg)
{
	struct walk walk = {.fib = fib, .visit = visit, .arg = arg};

	if (visit_inside(&walk, 0, 0))
		visit_tail(&walk, UINT64_MAX);
}

struct fib_counts fib_counts(const struct fib *fib)
{
	return fib->counts;
}
