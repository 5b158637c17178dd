/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hash table of words with linear probing, never more than half full: a rule takes 16 to 32 bytes.
 * Most questions are for a prefix itself; for what is around it only the depths in use are asked for.
 */
#include "dataplane/table/fib_rules.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define MIN_SLOTS 1024u
#define MAX_SLOTS (1u << 31)

#define KEY_MASK (~((UINT64_C(1) << FIB_RULE_DEPTH_SHIFT) - 1))

static uint64_t make_rule(uint32_t prefix, uint8_t depth, uint32_t value)
{
	return (uint64_t)prefix << FIB_RULE_PREFIX_SHIFT | (uint64_t)depth << FIB_RULE_DEPTH_SHIFT |
	       value;
}

/** Where a rule would be if nothing were in its way. Fibonacci hashing. */
static uint32_t home(uint64_t rule, uint32_t n_slots)
{
	return (uint32_t)((rule >> FIB_RULE_DEPTH_SHIFT) * UINT64_C(0x9e3779b97f4a7c15) >> 32) &
	       (n_slots - 1);
}

/** Where the rule is, or the free slot where it would be. */
static uint32_t find(const uint64_t *slot, uint32_t n_slots, uint64_t rule)
{
	uint32_t at = home(rule, n_slots);

	while (slot[at] != 0 && ((slot[at] ^ rule) & KEY_MASK) != 0)
		at = (at + 1) & (n_slots - 1);
	return at;
}

void fib_rules_free(struct fib_rules *rules)
{
	free(rules->slot);
	*rules = (struct fib_rules){0};
}

uint32_t fib_rules_get(const struct fib_rules *rules, uint32_t prefix, uint8_t depth)
{
	uint64_t rule = make_rule(prefix, depth, 0);

	if (rules->n_at_depth[depth] == 0)
		return 0;
	return fib_rule_value(rules->slot[find(rules->slot, rules->n_slots, rule)]);
}

static int grow(struct fib_rules *rules)
{
	uint32_t n_slots = rules->n_slots == 0 ? MIN_SLOTS : 2 * rules->n_slots;
	uint64_t *slot;

	if (rules->n_slots >= MAX_SLOTS)
		return -ENOMEM;
	slot = calloc(n_slots, sizeof(*slot));
	if (slot == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < rules->n_slots; i++)
		if (rules->slot[i] != 0)
			slot[find(slot, n_slots, rules->slot[i])] = rules->slot[i];
	free(rules->slot);
	rules->slot = slot;
	rules->n_slots = n_slots;
	return 0;
}

int fib_rules_set(struct fib_rules *rules, uint32_t prefix, uint8_t depth, uint32_t value)
{
	uint64_t rule = make_rule(prefix, depth, value);
	uint32_t at;
	int is_new;

	assert(depth > 0 && depth <= FIB_RULES_MAX_DEPTH);
	if (2 * (uint64_t)(rules->n + 1) > rules->n_slots && grow(rules) < 0)
		return -ENOMEM;
	at = find(rules->slot, rules->n_slots, rule);
	is_new = rules->slot[at] == 0;
	rules->slot[at] = rule;
	rules->n += (uint32_t)is_new;
	rules->n_at_depth[depth] += (uint32_t)is_new;
	return is_new;
}

/** Empty a slot, and move up what is behind it only because that slot was taken. */
static void empty_slot(struct fib_rules *rules, uint32_t hole)
{
	const uint32_t mask = rules->n_slots - 1;

	for (uint32_t at = (hole + 1) & mask; rules->slot[at] != 0; at = (at + 1) & mask) {
		uint32_t wanted = home(rules->slot[at], rules->n_slots);

		if (((at - wanted) & mask) >= ((at - hole) & mask)) {
			rules->slot[hole] = rules->slot[at];
			hole = at;
		}
	}
	rules->slot[hole] = 0;
}

int fib_rules_del(struct fib_rules *rules, uint32_t prefix, uint8_t depth)
{
	uint32_t at;

	if (rules->n_at_depth[depth] == 0)
		return -ENOENT;
	at = find(rules->slot, rules->n_slots, make_rule(prefix, depth, 0));
	if (rules->slot[at] == 0)
		return -ENOENT;
	empty_slot(rules, at);
	rules->n--;
	rules->n_at_depth[depth]--;
	return 0;
}

uint64_t fib_rules_match(const struct fib_rules *rules, uint32_t addr, uint8_t min_depth,
	uint8_t max_depth)
{
	for (uint8_t depth = max_depth; depth >= min_depth && depth > 0; depth--) {
		uint64_t rule = make_rule(addr & fib_depth_mask(depth), depth, 0);

		if (rules->n_at_depth[depth] == 0)
			continue;
		rule = rules->slot[find(rules->slot, rules->n_slots, rule)];
		if (rule != 0)
			return rule;
	}
	return 0;
}

static int compare_rules(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int fib_rules_sort(const struct fib_rules *rules, uint64_t **sorted)
{
	uint64_t *copy = malloc((rules->n + 1) * sizeof(*copy)); // never nothing, which may be NULL
	uint32_t n = 0;

	if (copy == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < rules->n_slots; i++)
		if (rules->slot[i] != 0)
			copy[n++] = rules->slot[i];
	qsort(copy, n, sizeof(*copy), compare_rules);
	*sorted = copy;
	return 0;
}
