/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The FIB engine on librte_lpm.
 *
 * The library's own rules cannot be walked, and its search of them is linear; a set beside it
 * (fib_rules.c) answers for the control side. Groups that deletions free go through the library's
 * defer queue, so a worker with an old table entry never meets a group in new use.
 */
#include "dataplane/table/fib_lpm.h"

#include <rte_branch_prediction.h>
#include <rte_lpm.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/table/fib_rules.h"

// rte_lpm_create() of 22.11 counts the bytes of its groups, 1 KiB each, in 32 bits
#define MAX_TBL8 (UINT32_MAX / 1024u)

struct fib_lpm {
	struct rte_lpm *lpm;
	struct fib_rules rules;
	struct fib_rules long_rules; /* by /24: how many longer ones are in it */
};

static int create_lpm(struct fib_lpm *lpm, const struct fib_config *config, struct epoch *epoch)
{
	char name[RTE_LPM_NAMESIZE];
	struct rte_lpm_config table = {
		// one to spare: a full rule table is half changed before it says so
		.max_rules = config->max_routes + 1,
		.number_tbl8s = config->n_tbl8,
	};
	struct rte_lpm_rcu_config rcu = {
		.v = epoch->qsbr,
		.mode = RTE_LPM_QSBR_MODE_DQ,
	};

	snprintf(name, sizeof(name), "lpm%p", (void *)lpm);
	lpm->lpm = rte_lpm_create(name, config->socket, &table);
	if (lpm->lpm == NULL)
		return -ENOMEM;
	if (rte_lpm_rcu_qsbr_add(lpm->lpm, &rcu) != 0)
		return -ENOMEM;
	return 0;
}

int fib_lpm_create(struct fib_lpm **lpm, const struct fib_config *config, struct epoch *epoch)
{
	struct fib_lpm *created;

	if (config->n_tbl8 > MAX_TBL8)
		return -EINVAL;
	created = calloc(1, sizeof(*created));
	if (created == NULL)
		return -ENOMEM;
	if (create_lpm(created, config, epoch) < 0) {
		fib_lpm_free(created);
		return -ENOMEM;
	}
	*lpm = created;
	return 0;
}

void fib_lpm_free(struct fib_lpm *lpm)
{
	if (lpm == NULL)
		return;
	rte_lpm_free(lpm->lpm);
	fib_rules_free(&lpm->rules);
	fib_rules_free(&lpm->long_rules);
	free(lpm);
}

/** Count a prefix longer than /24 that comes. Errors: -ENOMEM */
static int count_long(struct fib_lpm *lpm, uint32_t prefix)
{
	uint32_t slash24 = prefix & fib_depth_mask(24);
	int rc = fib_rules_set(&lpm->long_rules, slash24, 24,
		fib_rules_get(&lpm->long_rules, slash24, 24) + 1);

	return rc < 0 ? rc : 0;
}

static void uncount_long(struct fib_lpm *lpm, uint32_t prefix)
{
	uint32_t slash24 = prefix & fib_depth_mask(24);
	uint32_t n = fib_rules_get(&lpm->long_rules, slash24, 24);

	if (n == 1)
		fib_rules_del(&lpm->long_rules, slash24, 24);
	else
		fib_rules_set(&lpm->long_rules, slash24, 24, n - 1);
}

int fib_lpm_set(struct fib_lpm *lpm, uint32_t prefix, uint8_t depth, uint32_t nh)
{
	uint32_t old = fib_rules_get(&lpm->rules, prefix, depth);
	bool is_counted = old == 0 && depth > 24;
	int rc = is_counted ? count_long(lpm, prefix) : 0;

	if (rc < 0)
		return rc;
	rc = fib_rules_set(&lpm->rules, prefix, depth, nh);
	if (rc < 0)
		goto err_uncount;
	rc = rte_lpm_add(lpm->lpm, prefix, depth, nh);
	if (rc < 0)
		goto err_restore;
	return old == 0;

err_restore:
	if (old == 0)
		fib_rules_del(&lpm->rules, prefix, depth);
	else
		fib_rules_set(&lpm->rules, prefix, depth, old);
err_uncount:
	if (is_counted)
		uncount_long(lpm, prefix);
	return rc;
}

int fib_lpm_del(struct fib_lpm *lpm, uint32_t prefix, uint8_t depth)
{
	int rc;

	if (fib_rules_get(&lpm->rules, prefix, depth) == 0)
		return -ENOENT;
	// the defer queue has a place for every group there is, so this cannot fail half way
	rc = rte_lpm_delete(lpm->lpm, prefix, depth);
	if (rc < 0)
		return rc;
	fib_rules_del(&lpm->rules, prefix, depth);
	if (depth > 24)
		uncount_long(lpm, prefix);
	return 0;
}

uint32_t fib_lpm_get(const struct fib_lpm *lpm, uint32_t prefix, uint8_t depth)
{
	return fib_rules_get(&lpm->rules, prefix, depth);
}

uint32_t fib_lpm_match(const struct fib_lpm *lpm, uint32_t addr, uint8_t *depth)
{
	uint64_t rule = fib_rules_match(&lpm->rules, addr, 1, FIB_RULES_MAX_DEPTH);

	*depth = fib_rule_depth(rule);
	return fib_rule_value(rule);
}

uint32_t fib_lpm_n_groups(const struct fib_lpm *lpm)
{
	return lpm->long_rules.n;
}

int fib_lpm_walk(const struct fib_lpm *lpm, fib_visit_fn visit, void *arg)
{
	uint64_t *sorted;
	int rc = fib_rules_sort(&lpm->rules, &sorted);

	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < lpm->rules.n; i++)
		if (!visit(fib_rule_prefix(sorted[i]), fib_rule_depth(sorted[i]),
			    fib_rule_value(sorted[i]), arg))
			break;
	free(sorted);
	return 0;
}

#define ENTRY_NH_MASK	0x00ffffffu
#define ENTRY_EXT_GROUP (RTE_LPM_VALID_EXT_ENTRY_BITMASK & ~RTE_LPM_LOOKUP_SUCCESS)

/**
 * What rte_lpm_lookup() does for an address whose /24 is all behind one route.
 *
 * Errors: false if some address is behind none, or in a group; what nh[] then has is of no use
 */
static bool lookup_tbl24(const struct rte_lpm *lpm, const uint32_t *addrs, uint32_t *nh, unsigned n)
{
	uint32_t all = RTE_LPM_LOOKUP_SUCCESS, any = 0;

#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++) {
		uint32_t entry;

		memcpy(&entry, &lpm->tbl24[addrs[i] >> 8], sizeof(entry));
		nh[i] = entry & ENTRY_NH_MASK;
		all &= entry;
		any |= entry;
	}
	return all != 0 && (any & ENTRY_EXT_GROUP) == 0;
}

bool fib_lpm_lookup_bulk(const struct fib_lpm *lpm, const uint32_t *addrs, uint32_t *nh, unsigned n)
{
	bool has_missed = false;

	if (lookup_tbl24(lpm->lpm, addrs, nh, n))
		return false;
	// no faster in bulks of 8: the processor overlaps these by itself
	for (unsigned i = 0; i < n; i++) {
		if (unlikely(rte_lpm_lookup(lpm->lpm, addrs[i], &nh[i]) != 0)) {
			nh[i] = 0;
			has_missed = true;
		}
	}
	return has_missed;
}
