/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The FIB engine on librte_lpm; only fib.c calls it. Depth 1 .. 32, checked by the caller.
 */
#ifndef PODLANE_DATAPLANE_TABLE_FIB_LPM_H
#define PODLANE_DATAPLANE_TABLE_FIB_LPM_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/table/fib.h"

struct fib_lpm;

/** Errors: -EINVAL too many groups for the library; -ENOMEM */
int fib_lpm_create(struct fib_lpm **lpm, const struct fib_config *config, struct epoch *epoch);
void fib_lpm_free(struct fib_lpm *lpm);

/**
 * Returns: 1 new, 0 replaced
 * Errors:  -ENOSPC no group, perhaps only until a grace period is over; -ENOMEM; nothing changed
 */
int fib_lpm_set(struct fib_lpm *lpm, uint32_t prefix, uint8_t depth, uint32_t nh);

/** Errors: -ENOENT */
int fib_lpm_del(struct fib_lpm *lpm, uint32_t prefix, uint8_t depth);

/** Errors: 0 no such prefix */
uint32_t fib_lpm_get(const struct fib_lpm *lpm, uint32_t prefix, uint8_t depth);

/** Longest match. Errors: 0 none; *depth is then 0 */
uint32_t fib_lpm_match(const struct fib_lpm *lpm, uint32_t addr, uint8_t *depth);

/** How many /24s have longer prefixes, and so a group. */
uint32_t fib_lpm_n_groups(const struct fib_lpm *lpm);

/** As fib_walk(). Errors: -ENOMEM, nothing visited */
int fib_lpm_walk(const struct fib_lpm *lpm, fib_visit_fn visit, void *arg);

/** Threads: workers. Errors: true, and nh[i] is 0, where nothing matches */
bool fib_lpm_lookup_bulk(const struct fib_lpm *lpm, const uint32_t *addrs, uint32_t *nh,
	unsigned n);

#endif
