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
struct rte_rib;

/** Errors: -EINVAL too many groups for the library; -ENOMEM */
int fib_lpm_create(struct fib_lpm **lpm, const struct fib_config *config, struct epoch *epoch);
void fib_lpm_free(struct fib_lpm *lpm);

/** Errors: -ENOSPC no group, perhaps only until a grace period is over; nothing changed */
int fib_lpm_set(struct fib_lpm *lpm, uint32_t prefix, uint8_t depth, uint32_t nh);

/** The prefix must be there. */
int fib_lpm_del(struct fib_lpm *lpm, uint32_t prefix, uint8_t depth);

/** Threads: workers. Errors: true, and nh[i] is 0, where nothing matches */
bool fib_lpm_lookup_bulk(const struct fib_lpm *lpm, const uint32_t *addrs, uint32_t *nh,
	unsigned n);

/** All prefixes with their next hops in the lower 24 bits. Owner: the engine; read only. */
struct rte_rib *fib_lpm_rib(const struct fib_lpm *lpm);

#endif
