/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The FIB engine on librte_fib, DIR24_8 with 4-byte entries.
 *
 * The library of DPDK 22.11 knows no grace periods and has three faults that matter here. All of
 * them were read in lib/fib/dir24_8.c and have a test in fib_test.c.
 *
 * 1. tbl8_recycle() frees a group as soon as its 256 entries are equal, and fills it with 0. A
 *    worker between its two reads then gets 0, which is no live entry here (no match is MARK_MISS):
 *    it looks up once more and finds the entry that replaced the group.
 *    Two halves of a /24 that are given the same next hop are equal too. A group would so be freed
 *    by an addition, and reused without a grace period. MARK_LEFT and MARK_RIGHT prevent it: the
 *    first and the last entry of a group belong to a left and a right prefix if they belong to
 *    prefixes longer than /24 at all, so a group is uniform only when the last of these is gone.
 * 2. A prefix longer than /24 with the next hop of the prefix around it is not counted in
 *    rsvd_tbl8s when added, but is when deleted; the count wraps and the library refuses groups for
 *    ever. The marks prevent this as well: such next hops are never equal.
 * 3. modify_fib() takes a prefix that ends with the last address and is filled up to there by
 *    longer ones (128.0.0.0/1 with 224.0.0.0/4 and 240.0.0.0/4) for the whole address space and
 *    overwrites all routes. fib.c keeps such prefixes out of here.
 *
 * From DPDK 24.11 the library has an RCU hook; fault 3 can be seen gone when modify_fib() compares
 * ledge with 0 before it continues.
 */
#include "dataplane/table/fib_dir24.h"

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_errno.h>
#include <rte_fib.h>
#include <rte_rib.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_BYTES 24

#define NH_BITS 24
#define NH_MASK ((1u << NH_BITS) - 1)

/** Above the next hop in an entry, which has room for 31 bits. */
enum mark {
	MARK_SHORT = 0, /* prefix of /24 or shorter */
	MARK_LEFT,	/* longer prefix whose last bit is 0 */
	MARK_RIGHT,	/* longer prefix whose last bit is 1 */
	MARK_MISS,	/* no match; its next hop is 0 */
};

/**
 * The library wants two free groups where it takes one, for prefixes in the upper end of a /24, and
 * counts in blocks of 64. fib.c counts what is used exactly.
 */
#define SPARE_TBL8 64u

#define MAX_TBL8 (1u << 24)

/** Addresses in one go; the library writes 8 bytes for each. */
#define BULK 32u

struct fib_dir24 {
	struct rte_fib *fib;
};

int fib_dir24_create(struct fib_dir24 **dir24, const struct fib_config *config)
{
	struct rte_fib_conf conf = {
		.type = RTE_FIB_DIR24_8,
		.default_nh = (uint64_t)MARK_MISS << NH_BITS,
		.max_routes = (int)config->max_routes,
		.dir24_8 = {.nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = config->n_tbl8 + SPARE_TBL8},
	};
	struct fib_dir24 *created;
	char name[NAME_BYTES];

	if (config->n_tbl8 > MAX_TBL8)
		return -EINVAL;
	created = calloc(1, sizeof(*created));
	if (created == NULL)
		return -ENOMEM;
	snprintf(name, sizeof(name), "fib%p", (void *)created);
	created->fib = rte_fib_create(name, config->socket, &conf);
	if (created->fib == NULL) {
		free(created);
		return -ENOMEM;
	}
	*dir24 = created;
	return 0;
}

void fib_dir24_free(struct fib_dir24 *dir24)
{
	if (dir24 == NULL)
		return;
	rte_fib_free(dir24->fib);
	free(dir24);
}

static enum mark prefix_mark(uint32_t prefix, uint8_t depth)
{
	if (depth <= 24)
		return MARK_SHORT;
	return (prefix >> (32 - depth)) & 1 ? MARK_RIGHT : MARK_LEFT;
}

int fib_dir24_set(struct fib_dir24 *dir24, uint32_t prefix, uint8_t depth, uint32_t nh)
{
	return rte_fib_add(dir24->fib, prefix, depth,
		(uint64_t)prefix_mark(prefix, depth) << NH_BITS | nh);
}

int fib_dir24_del(struct fib_dir24 *dir24, uint32_t prefix, uint8_t depth)
{
	return rte_fib_delete(dir24->fib, prefix, depth);
}

/**
 * Look up an address that read 0, out of a group that was just freed.
 *
 * What replaced the group was written before the group was cleared, so the second read finds it. It
 * cannot meet another freed group: between two deletions in one /24 there is a grace period, and
 * the caller has not been quiescent.
 */
static uint64_t look_up_again(const struct fib_dir24 *dir24, uint32_t addr)
{
	uint64_t entry;

	rte_fib_lookup_bulk(dir24->fib, &addr, &entry, 1);
	return entry;
}

bool fib_dir24_lookup_bulk(const struct fib_dir24 *dir24, const uint32_t *addrs, uint32_t *nh,
	unsigned n)
{
	uint64_t entry[BULK];
	bool has_missed = false;

	for (unsigned done = 0; done < n; done += BULK) {
		unsigned n_bulk = RTE_MIN(n - done, BULK);

		// the library does not write to the addresses, it only does not say so
		rte_fib_lookup_bulk(dir24->fib, (uint32_t *)(uintptr_t)&addrs[done], entry,
			(int)n_bulk);
		for (unsigned i = 0; i < n_bulk; i++) {
			if (unlikely(entry[i] == 0))
				entry[i] = look_up_again(dir24, addrs[done + i]);
			nh[done + i] = entry[i] & NH_MASK;
			has_missed |= nh[done + i] == 0;
		}
	}
	return has_missed;
}

struct rte_rib *fib_dir24_rib(const struct fib_dir24 *dir24)
{
	return rte_fib_get_rib(dir24->fib);
}
