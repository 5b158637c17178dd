/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The FIB engine on librte_fib, DIR24_8; only fib.c calls it. No prefix may reach the last address,
 * 255.255.255.255: see fib_dir24.c.
 */
#ifndef PODLANE_DATAPLANE_TABLE_FIB_DIR24_H
#define PODLANE_DATAPLANE_TABLE_FIB_DIR24_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/table/fib.h"

struct fib_dir24;
struct rte_rib;

/** Errors: -EINVAL too many groups for the library; -ENOMEM */
int fib_dir24_create(struct fib_dir24 **dir24, const struct fib_config *config);
void fib_dir24_free(struct fib_dir24 *dir24);

/** Errors: -ENOSPC no group; nothing changed */
int fib_dir24_set(struct fib_dir24 *dir24, uint32_t prefix, uint8_t depth, uint32_t nh);

/**
 * The prefix must be there. A group that this frees is reused by the next fib_dir24_set(): between
 * the two there must be a grace period.
 */
int fib_dir24_del(struct fib_dir24 *dir24, uint32_t prefix, uint8_t depth);

/** Threads: workers. Errors: true, and nh[i] is 0, where nothing matches */
bool fib_dir24_lookup_bulk(const struct fib_dir24 *dir24, const uint32_t *addrs, uint32_t *nh,
	unsigned n);

/** All prefixes with their next hops in the lower 24 bits. Owner: the engine; read only. */
struct rte_rib *fib_dir24_rib(const struct fib_dir24 *dir24);

#endif
