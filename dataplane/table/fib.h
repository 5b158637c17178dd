/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv4 prefix to next-hop index (enum wire_nh), by longest match. Hides the engine, librte_lpm or
 * the DIR24-8 of our own, chosen once at start.
 */
#ifndef PODLANE_DATAPLANE_TABLE_FIB_H
#define PODLANE_DATAPLANE_TABLE_FIB_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/table/epoch.h"

struct fib;

enum fib_engine { FIB_ENGINE_AUTO = 0, FIB_ENGINE_LPM, FIB_ENGINE_DIR24_8 };

/** librte_lpm searches its rules in a line: above this many, auto takes dir24-8. */
#define FIB_LPM_MAX_ROUTES 65536u

struct fib_config {
	enum fib_engine engine;
	uint32_t max_routes;
	uint32_t n_tbl8; /**< groups of 256 entries; each /24 with longer prefixes takes one */
	int socket;	 /**< NUMA node */
};

enum fib_op_kind { FIB_OP_SET, FIB_OP_DEL };

/** One change. Order: host. */
struct fib_op {
	uint32_t prefix; /**< bits below depth are zero */
	uint32_t nh;	 /**< for SET; never 0, fits 24 bits */
	uint8_t depth;
	uint8_t kind;  /**< enum fib_op_kind */
	int16_t error; /**< out: 0, or why it was refused; see fib_apply() */
};

/** Used and available. */
struct fib_counts {
	uint32_t n_routes, max_routes;
	uint32_t n_tbl8, max_tbl8;
};

/**
 * EAL memory needed: 64 MiB and 1 KiB for each group; with librte_lpm also 32 bytes for each group
 * and 8 for each route. Beside it, as routes come, heap of 16 to 32 bytes for each; with dir24-8
 * not for a /32.
 *
 * Owner:  *fib is the caller's, freed with fib_free(); epoch outlives it
 * Errors: -EINVAL config: no routes, no groups, or more than the engine can count; -ENOMEM, with
 *         EAL memory too short for it
 */
int fib_create(struct fib **fib, const struct fib_config *config, struct epoch *epoch);

/** Workers must have left. */
void fib_free(struct fib *fib);

/** The engine chosen, "librte_lpm" or "dir24-8". */
const char *fib_engine_name(const struct fib *fib);

/**
 * Apply a batch. Equals: applying each op alone, in order.
 *
 * Inside, of two ops on one prefix only the later is done, in the order of prefixes (many times
 * faster), additions and replacements first, then deletions, so that a worker never meets a gap. An
 * addition that finds the table full is tried again after the deletions.
 *
 * A worker sees each prefix with its old or its new next hop, never another and never nothing,
 * unless it was deleted. Returns after a grace period if anything was deleted.
 *
 * Threads: main lcore only
 * Errors:  how many ops were refused; each has its reason in its error field: -EINVAL stray bits,
 *          depth, kind or nh; -ENOSPC no room for a route or a group; -ENOENT not there to delete;
 *          -ENOMEM
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

/**
 * Visit all routes, in prefix order, until visit says false.
 *
 * Threads: main lcore only
 * Errors:  -ENOMEM; of all routes only the default route was visited
 */
typedef bool (*fib_visit_fn)(uint32_t prefix, uint8_t depth, uint32_t nh, void *arg);
int fib_walk(const struct fib *fib, fib_visit_fn visit, void *arg);

struct fib_counts fib_counts(const struct fib *fib);

#endif
