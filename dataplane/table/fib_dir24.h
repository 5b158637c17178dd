/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The FIB engine of our own, DIR24-8; only fib.c calls it. Depth 1 .. 32, checked by the caller.
 */
#ifndef PODLANE_DATAPLANE_TABLE_FIB_DIR24_H
#define PODLANE_DATAPLANE_TABLE_FIB_DIR24_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/table/fib.h"

struct fib_dir24;

/** Errors: -EINVAL more groups than an entry can tell apart; -ENOMEM */
int fib_dir24_create(struct fib_dir24 **dir24, const struct fib_config *config);
void fib_dir24_free(struct fib_dir24 *dir24);

/**
 * Returns: 1 new, 0 replaced
 * Errors:  -ENOSPC no group; -ENOMEM; nothing changed
 */
int fib_dir24_set(struct fib_dir24 *dir24, uint32_t prefix, uint8_t depth, uint32_t nh);

/**
 * A group that this empties is not used again before fib_dir24_reclaim().
 *
 * Errors: -ENOENT
 */
int fib_dir24_del(struct fib_dir24 *dir24, uint32_t prefix, uint8_t depth);

/** A grace period is over: what deletions left may be used again. */
void fib_dir24_reclaim(struct fib_dir24 *dir24);

/** Errors: 0 no such prefix */
uint32_t fib_dir24_get(const struct fib_dir24 *dir24, uint32_t prefix, uint8_t depth);

/** Longest match. Errors: 0 none; *depth is then 0 */
uint32_t fib_dir24_match(const struct fib_dir24 *dir24, uint32_t addr, uint8_t *depth);

/** Groups that are not free. */
uint32_t fib_dir24_n_groups(const struct fib_dir24 *dir24);

/** As fib_walk(). Errors: -ENOMEM, nothing visited */
int fib_dir24_walk(const struct fib_dir24 *dir24, fib_visit_fn visit, void *arg);

/** Threads: workers. Errors: true, and nh[i] is 0, where nothing matches */
bool fib_dir24_lookup_bulk(const struct fib_dir24 *dir24, const uint32_t *addrs, uint32_t *nh,
	unsigned n);

#endif
