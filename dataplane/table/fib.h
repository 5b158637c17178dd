/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv4 prefix to next-hop index (enum wire_nh), by longest match. Hides the DPDK library: librte_lpm
 * or librte_fib (DIR24_8), chosen once at start.
 */
#ifndef PODLANE_DATAPLANE_TABLE_FIB_H
#define PODLANE_DATAPLANE_TABLE_FIB_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/table/epoch.h"

struct fib;

enum fib_engine { FIB_ENGINE_AUTO = 0, FIB_ENGINE_LPM, FIB_ENGINE_DIR24_8 };

/** librte_lpm searches its rules in a line: above this many, auto takes librte_fib. */
#define FIB_LPM_MAX_ROUTES 65536u

struct fib_config {
	enum fib_engine engine;
	uint32_t max_routes;
	uint32_t n_tbl8; /**< groups of 256 entries for prefixes longer than /24 */
	int socket;	 /**< NUMA node */
};

enum fib_op_kind { FIB_OP_SET, FIB_OP_DEL };

/** One change. Order: host. */
struct fib_op {
	uint32_t prefix; /**< bits below depth are zero */
	uint32_t nh;	 /**< for SET; never 0, fits 24 bits */
	uint8_t depth;
	uint8_t kind;  /**< enum fib_op_kind */
	int16_t error; /**< out: 0; -EINVAL stray bits, depth, nh; -ENOSPC full; -ENOENT not there */
};

struct fib_counts {
	uint32_t n_routes, max_routes;
	uint32_t n_tbl8, max_tbl8; /**< used and available groups; used 0 where the library hides it */
};

/**
 * Owner:  *fib is the caller's, freed with fib_free(); epoch outlives it
 * Errors: -EINVAL config; -ENOMEM, with EAL memory too short for it
 */
int fib_create(struct fib **fib, const struct fib_config *config, struct epoch *epoch);
void fib_free(struct fib *fib);

/** The engine chosen, "librte_lpm" or "librte_fib dir24-8". */
const char *fib_engine_name(const struct fib *fib);

/**
 * Apply a batch. Equals: applying each op alone, sets first, then deletes; of two ops on one prefix
 * the later one wins. Reorders @ops (sorted by prefix it is many times faster).
 *
 * A worker sees each prefix with its old or its new next hop, never another and never nothing,
 * unless it was deleted. Returns after a grace period if anything was deleted.
 *
 * Threads: main lcore only
 * Errors:  how many ops were refused; each has its reason in its error field
 */
unsigned fib_apply(struct fib *fib, struct fib_op *ops, unsigned n);

/**
 * Longest match of n addresses; nh[i] is WIRE_NH_NONE (0) where nothing matches.
 *
 * Order:   host
 * Threads: any worker between epoch_enter() and epoch_quiescent()
 */
void fib_lookup_bulk(const struct fib *fib, const uint32_t *addrs, uint32_t *nh, unsigned n);

/**
 * Longest match with the prefix that matched, from the control side's own copy.
 *
 * Threads: main lcore only
 * Errors:  -ENOENT
 */
int fib_match(const struct fib *fib, uint32_t addr, uint32_t *prefix, uint8_t *depth, uint32_t *nh);

/** Threads: main lcore only. Errors: -ENOENT no such prefix */
int fib_get(const struct fib *fib, uint32_t prefix, uint8_t depth, uint32_t *nh);

/** Visit all routes, in prefix order, until visit says false. Threads: main lcore only. */
typedef bool (*fib_visit_fn)(uint32_t prefix, uint8_t depth, uint32_t nh, void *arg);
void fib_walk(const struct fib *fib, fib_visit_fn visit, void *arg);

struct fib_counts fib_counts(const struct fib *fib);

#endif
