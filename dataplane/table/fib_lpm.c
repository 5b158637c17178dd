/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The FIB engine on librte_lpm.
 *
 * The library's own rules cannot be walked, and its search of them is linear; a radix tree beside
 * it answers for the control side. Groups that deletions free go through the library's defer queue,
 * so a worker with an old table entry never meets a group in new use.
 */
#include "dataplane/table/fib_lpm.h"

#include <rte_branch_prediction.h>
#include <rte_errno.h>
#include <rte_lpm.h>
#include <rte_rib.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NH_MASK 0xffffffu

// rte_lpm_create() of 22.11 counts the bytes of its groups, 1 KiB each, in 32 bits
#define MAX_TBL8 (UINT32_MAX / 1024u)

struct fib_lpm {
	struct rte_lpm *lpm;
	struct rte_rib *rib;
};

static int create_rib(struct fib_lpm *lpm, const struct fib_config *config)
{
	char name[RTE_LPM_NAMESIZE];
	struct rte_rib_conf rib = {
		// n routes have at most n - 1 forks; one node more is taken for a moment
		.max_nodes = 2 * (int)config->max_routes,
	};

	snprintf(name, sizeof(name), "lpm%p", (void *)lpm);
	lpm->rib = rte_rib_create(name, config->socket, &rib);
	return lpm->rib == NULL ? -ENOMEM : 0;
}

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
	if (create_rib(created, config) < 0 || create_lpm(created, config, epoch) < 0) {
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
	if (lpm->rib != NULL)
		rte_rib_free(lpm->rib);
	free(lpm);
}

int fib_lpm_set(struct fib_lpm *lpm, uint32_t prefix, uint8_t depth, uint32_t nh)
{
	struct rte_rib_node *node = rte_rib_lookup_exact(lpm->rib, prefix, depth);
	bool is_new = node == NULL;
	int rc;

	if (is_new) {
		node = rte_rib_insert(lpm->rib, prefix, depth);
		if (node == NULL)
			return -rte_errno;
	}
	rc = rte_lpm_add(lpm->lpm, prefix, depth, nh);
	if (rc < 0) {
		if (is_new)
			rte_rib_remove(lpm->rib, prefix, depth);
		return rc;
	}
	rte_rib_set_nh(node, nh);
	return 0;
}

int fib_lpm_del(struct fib_lpm *lpm, uint32_t prefix, uint8_t depth)
{
	int rc = rte_lpm_delete(lpm->lpm, prefix, depth);

	// the defer queue has a place for every group there is, so this cannot fail half way
	if (rc < 0)
		return rc;
	rte_rib_remove(lpm->rib, prefix, depth);
	return 0;
}

bool fib_lpm_lookup_bulk(const struct fib_lpm *lpm, const uint32_t *addrs, uint32_t *nh, unsigned n)
{
	bool has_missed = false;

	// no faster in bulks of 8: the processor overlaps these by itself
	for (unsigned i = 0; i < n; i++) {
		if (unlikely(rte_lpm_lookup(lpm->lpm, addrs[i], &nh[i]) != 0)) {
			nh[i] = 0;
			has_missed = true;
		}
	}
	return has_missed;
}

struct rte_rib *fib_lpm_rib(const struct fib_lpm *lpm)
{
	return lpm->rib;
}
