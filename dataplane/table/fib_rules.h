/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A set of prefixes with a number each: what the control side must know of routes and the workers'
 * tables do not say. Only the FIB engines call it, on the main lcore.
 */
#ifndef PODLANE_DATAPLANE_TABLE_FIB_RULES_H
#define PODLANE_DATAPLANE_TABLE_FIB_RULES_H

#include <stdint.h>

#define FIB_RULES_MAX_DEPTH 32u

/** One rule in a word, so that words are in the order of prefixes. Depth is never 0: nor is a rule. */
enum { FIB_RULE_DEPTH_SHIFT = 24, FIB_RULE_PREFIX_SHIFT = 32 };

struct fib_rules {
	uint64_t *slot; /* NULL before the first rule */
	uint32_t n_slots, n;
	uint32_t n_at_depth[FIB_RULES_MAX_DEPTH + 1];
};

/** Bits of an address that a prefix of this depth looks at. */
static inline uint32_t fib_depth_mask(uint8_t depth)
{
	return (uint32_t)(UINT64_MAX << (32 - depth));
}

static inline uint32_t fib_rule_prefix(uint64_t rule)
{
	return (uint32_t)(rule >> FIB_RULE_PREFIX_SHIFT);
}

static inline uint8_t fib_rule_depth(uint64_t rule)
{
	return (uint8_t)(rule >> FIB_RULE_DEPTH_SHIFT);
}

static inline uint32_t fib_rule_value(uint64_t rule)
{
	return (uint32_t)rule & ((1u << FIB_RULE_DEPTH_SHIFT) - 1);
}

/** A struct of zeros is an empty set. */
void fib_rules_free(struct fib_rules *rules);

/** Errors: 0 not there */
uint32_t fib_rules_get(const struct fib_rules *rules, uint32_t prefix, uint8_t depth);

/**
 * Returns: 1 new, 0 replaced
 * Errors:  -ENOMEM, nothing changed
 */
int fib_rules_set(struct fib_rules *rules, uint32_t prefix, uint8_t depth, uint32_t value);

/** Errors: -ENOENT */
int fib_rules_del(struct fib_rules *rules, uint32_t prefix, uint8_t depth);

/**
 * The longest rule around an address with a depth in min_depth .. max_depth.
 *
 * Errors: 0 none
 */
uint64_t fib_rules_match(const struct fib_rules *rules, uint32_t addr, uint8_t min_depth,
	uint8_t max_depth);

/**
 * All rules in the order of prefixes.
 *
 * Owner:  *sorted is the caller's, freed with free(); it has rules->n words
 * Errors: -ENOMEM
 */
int fib_rules_sort(const struct fib_rules *rules, uint64_t **sorted);

#endif
