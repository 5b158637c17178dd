/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The FIB engine of our own, DIR24-8: an entry for each /24, which for a /24 with longer prefixes
 * names a group of 256 entries, one for each address.
 *
 *   tbl24[address / 256] -> next hop, or -> tbl8[group][address % 256] -> next hop
 *
 * What workers see. An entry is one word and changes by one store. A group is filled before tbl24
 * names it, and is not touched from when tbl24 names it no more until a grace period is over. So a
 * worker that read tbl24 before a change and tbl8 after it finds what was right at one of the two
 * times.
 *
 * Each entry also has the depth of the prefix that it is from: an addition overwrites what is
 * shorter, a deletion what is its own. This also makes the workers' tables the only copy of all /32
 * routes, which in a cluster are nearly all there are. Other prefixes may be hidden behind longer
 * ones and are kept in a set beside it (fib_rules.c), as a deletion has to find what was hidden.
 */
#include "dataplane/table/fib_dir24.h"

#include <rte_branch_prediction.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>

#include <errno.h>
#include <stdlib.h>

#include "dataplane/table/fib_rules.h"

#define N_TBL24	      (1u << 24)
#define GROUP_ENTRIES 256u
#define N_SLASH16     65536u
#define MAX_GROUPS    (1u << 24)
#define NO_GROUP      UINT32_MAX

/* An entry: next hop or group in the lower 24 bits, depth of the prefix, and which of both it is. */
#define VALUE_MASK  0xffffffu
#define DEPTH_SHIFT 24
#define DEPTH_MASK  0x3fu
#define IS_GROUP    0x80000000u

/** What the main lcore knows of a group of 256 entries. */
struct group {
	uint32_t under;	 /* what tbl24 would have without it: the match among /24 and shorter */
	uint32_t next;	 /* in the list of free or of retired groups */
	uint16_t n_long; /* prefixes longer than /24, of at most 510 */
};

struct fib_dir24 {
	/* read by workers */
	uint32_t *tbl24;
	uint32_t *tbl8;

	/* the main lcore's */
	struct group *group;
	uint16_t *n_groups_in; /* by /16, so that a walk finds them */
	uint32_t first_free, first_retired, last_retired;
	uint32_t n_fresh; /* groups from here on were never used */
	uint32_t n_used, max_groups;
	struct fib_rules rules; /* but for /32 */
};

/** New value for entries whose prefixes have these depths. */
struct change {
	uint32_t entry;
	uint8_t min_depth, max_depth;
};

static uint32_t make_entry(uint8_t depth, uint32_t nh)
{
	return (uint32_t)depth << DEPTH_SHIFT | nh;
}

static uint8_t depth_of(uint32_t entry)
{
	return (uint8_t)(entry >> DEPTH_SHIFT & DEPTH_MASK);
}

int fib_dir24_create(struct fib_dir24 **dir24, const struct fib_config *config)
{
	struct fib_dir24 *created;

	if (config->n_tbl8 > MAX_GROUPS)
		return -EINVAL;
	created =
		rte_zmalloc_socket("dir24", sizeof(*created), RTE_CACHE_LINE_SIZE, config->socket);
	if (created == NULL)
		return -ENOMEM;
	created->tbl24 = rte_zmalloc_socket("tbl24", N_TBL24 * sizeof(uint32_t),
		RTE_CACHE_LINE_SIZE, config->socket);
	created->tbl8 =
		rte_malloc_socket("tbl8", (size_t)config->n_tbl8 * GROUP_ENTRIES * sizeof(uint32_t),
			RTE_CACHE_LINE_SIZE, config->socket);
	created->group = calloc(config->n_tbl8, sizeof(*created->group));
	created->n_groups_in = calloc(N_SLASH16, sizeof(*created->n_groups_in));
	created->max_groups = config->n_tbl8;
	created->first_free = created->first_retired = NO_GROUP;
	if (created->tbl24 == NULL || created->tbl8 == NULL || created->group == NULL ||
		created->n_groups_in == NULL) {
		fib_dir24_free(created);
		return -ENOMEM;
	}
	*dir24 = created;
	return 0;
}

void fib_dir24_free(struct fib_dir24 *dir24)
{
	if (dir24 == NULL)
		return;
	fib_rules_free(&dir24->rules);
	free(dir24->n_groups_in);
	free(dir24->group);
	rte_free(dir24->tbl8);
	rte_free(dir24->tbl24);
	rte_free(dir24);
}

/** The group around an address. Errors: NO_GROUP */
static uint32_t find_group(const struct fib_dir24 *dir24, uint32_t addr)
{
	uint32_t entry = dir24->tbl24[addr >> 8];

	return entry & IS_GROUP ? entry & VALUE_MASK : NO_GROUP;
}

/** Where tbl8 has the entry of an address that tbl24 has a group for. The flags are shifted out. */
static inline uint32_t group_at(uint32_t entry, uint32_t addr)
{
	return entry << 8 | (addr & 0xff);
}

static uint32_t *group_entries(const struct fib_dir24 *dir24, uint32_t group)
{
	return &dir24->tbl8[(size_t)group * GROUP_ENTRIES];
}

static void publish(uint32_t *entry, uint32_t value)
{
	// release: whoever sees it sees the group that it names, or the path that was set before
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static bool is_concerned(const struct change *change, uint32_t entry)
{
	return entry != change->entry && depth_of(entry) >= change->min_depth &&
	       depth_of(entry) <= change->max_depth;
}

static void change_entries(uint32_t *entry, uint32_t n, const struct change *change)
{
	for (uint32_t i = 0; i < n; i++)
		if (is_concerned(change, entry[i]))
			publish(&entry[i], change->entry);
}

/** A prefix of /24 or shorter. */
static void change_short(struct fib_dir24 *dir24, uint32_t prefix, uint8_t depth,
	const struct change *change)
{
	const uint32_t first = prefix >> 8, n = 1u << (24 - depth);

	for (uint32_t i = first; i < first + n; i++) {
		uint32_t group = find_group(dir24, i << 8);

		if (group == NO_GROUP) {
			change_entries(&dir24->tbl24[i], 1, change);
		} else if (is_concerned(change, dir24->group[group].under)) {
			dir24->group[group].under = change->entry;
			change_entries(group_entries(dir24, group), GROUP_ENTRIES, change);
		}
	}
}

/** A prefix longer than /24, which has a group. */
static void change_long(struct fib_dir24 *dir24, uint32_t group, uint32_t prefix, uint8_t depth,
	const struct change *change)
{
	change_entries(group_entries(dir24, group) + prefix % GROUP_ENTRIES, 1u << (32 - depth),
		change);
}

static bool has_free_group(const struct fib_dir24 *dir24)
{
	return dir24->first_free != NO_GROUP || dir24->n_fresh < dir24->max_groups;
}

/** Give the /24 around an address a group that says what its entry said. There must be one free. */
static uint32_t add_group(struct fib_dir24 *dir24, uint32_t addr)
{
	uint32_t under = dir24->tbl24[addr >> 8];
	uint32_t group = dir24->first_free;
	uint32_t *entries;

	if (group == NO_GROUP)
		group = dir24->n_fresh++;
	else
		dir24->first_free = dir24->group[group].next;
	dir24->group[group] = (struct group){.under = under};
	entries = group_entries(dir24, group);
	for (unsigned i = 0; i < GROUP_ENTRIES; i++)
		__atomic_store_n(&entries[i], under, __ATOMIC_RELAXED);
	publish(&dir24->tbl24[addr >> 8], IS_GROUP | group);
	dir24->n_groups_in[addr >> 16]++;
	dir24->n_used++;
	return group;
}

/** Workers may still be in it. */
static void retire_group(struct fib_dir24 *dir24, uint32_t addr, uint32_t group)
{
	publish(&dir24->tbl24[addr >> 8], dir24->group[group].under);
	dir24->group[group].next = dir24->first_retired;
	if (dir24->first_retired == NO_GROUP)
		dir24->last_retired = group;
	dir24->first_retired = group;
	dir24->n_groups_in[addr >> 16]--;
	dir24->n_used--;
}

void fib_dir24_reclaim(struct fib_dir24 *dir24)
{
	if (dir24->first_retired == NO_GROUP)
		return;
	dir24->group[dir24->last_retired].next = dir24->first_free;
	dir24->first_free = dir24->first_retired;
	dir24->first_retired = NO_GROUP;
}

static uint32_t find_entry(const struct fib_dir24 *dir24, uint32_t addr)
{
	uint32_t group = find_group(dir24, addr);

	if (group == NO_GROUP)
		return dir24->tbl24[addr >> 8];
	return group_entries(dir24, group)[addr % GROUP_ENTRIES];
}

uint32_t fib_dir24_match(const struct fib_dir24 *dir24, uint32_t addr, uint8_t *depth)
{
	uint32_t entry = find_entry(dir24, addr);

	*depth = depth_of(entry);
	return entry & VALUE_MASK;
}

uint32_t fib_dir24_get(const struct fib_dir24 *dir24, uint32_t prefix, uint8_t depth)
{
	uint32_t entry;

	if (depth < 32)
		return fib_rules_get(&dir24->rules, prefix, depth);
	entry = find_entry(dir24, prefix);
	return depth_of(entry) == 32 ? entry & VALUE_MASK : 0;
}

uint32_t fib_dir24_n_groups(const struct fib_dir24 *dir24)
{
	return dir24->n_used;
}

/** Remember a prefix. Returns: 1 new, 0 replaced. Errors: -ENOMEM, nothing changed */
static int set_rule(struct fib_dir24 *dir24, uint32_t prefix, uint8_t depth, uint32_t nh)
{
	if (depth == 32)
		return depth_of(find_entry(dir24, prefix)) != 32;
	return fib_rules_set(&dir24->rules, prefix, depth, nh);
}

int fib_dir24_set(struct fib_dir24 *dir24, uint32_t prefix, uint8_t depth, uint32_t nh)
{
	struct change change = {make_entry(depth, nh), 0, depth};
	uint32_t group = find_group(dir24, prefix);
	int rc;

	if (depth > 24 && group == NO_GROUP && !has_free_group(dir24))
		return -ENOSPC;
	rc = set_rule(dir24, prefix, depth, nh);
	if (rc < 0)
		return rc;
	if (depth <= 24) {
		change_short(dir24, prefix, depth, &change);
		return rc;
	}
	if (group == NO_GROUP)
		group = add_group(dir24, prefix);
	change_long(dir24, group, prefix, depth, &change);
	dir24->group[group].n_long = (uint16_t)(dir24->group[group].n_long + rc);
	return rc;
}

/** The entry of the longest rule around a prefix that is shorter than it, but not than min_depth. */
static uint32_t find_cover(const struct fib_dir24 *dir24, uint32_t prefix, uint8_t depth,
	uint8_t min_depth)
{
	// a rule's lower half is an entry
	return (uint32_t)fib_rules_match(&dir24->rules, prefix, min_depth, (uint8_t)(depth - 1));
}

static int del_rule(struct fib_dir24 *dir24, uint32_t prefix, uint8_t depth)
{
	if (depth == 32)
		return depth_of(find_entry(dir24, prefix)) == 32 ? 0 : -ENOENT;
	return fib_rules_del(&dir24->rules, prefix, depth);
}

int fib_dir24_del(struct fib_dir24 *dir24, uint32_t prefix, uint8_t depth)
{
	struct change change = {0, depth, depth};
	uint32_t group = find_group(dir24, prefix);
	int rc = del_rule(dir24, prefix, depth);

	if (rc < 0)
		return rc;
	if (depth <= 24) {
		change.entry = find_cover(dir24, prefix, depth, 1);
		change_short(dir24, prefix, depth, &change);
		return 0;
	}
	change.entry = find_cover(dir24, prefix, depth, 25);
	if (change.entry == 0)
		change.entry = dir24->group[group].under;
	change_long(dir24, group, prefix, depth, &change);
	if (--dir24->group[group].n_long == 0)
		retire_group(dir24, prefix, group);
	return 0;
}

/** What a walk still has to visit of the set, in order. */
struct walk {
	fib_visit_fn visit;
	void *arg;
	const uint64_t *next, *end;
};

/** Errors: false if visit said so */
static bool visit_rules(struct walk *walk, uint64_t before)
{
	for (; walk->next < walk->end && *walk->next < before; walk->next++)
		if (!walk->visit(fib_rule_prefix(*walk->next), fib_rule_depth(*walk->next),
			    fib_rule_value(*walk->next), walk->arg))
			return false;
	return true;
}

/** The /32s of a group, and what comes before them. Errors: false if visit said so */
static bool visit_group(const struct fib_dir24 *dir24, struct walk *walk, uint32_t group,
	uint32_t addr)
{
	const uint32_t *entries = group_entries(dir24, group);

	for (uint32_t i = 0; i < GROUP_ENTRIES; i++) {
		if (depth_of(entries[i]) != 32)
			continue;
		if (!visit_rules(walk,
			    (uint64_t)(addr + i) << FIB_RULE_PREFIX_SHIFT | entries[i]) ||
			!walk->visit(addr + i, 32, entries[i] & VALUE_MASK, walk->arg))
			return false;
	}
	return true;
}

static bool visit_slash16(const struct fib_dir24 *dir24, struct walk *walk, uint32_t slash16)
{
	for (uint32_t i = slash16 << 8; i < (slash16 + 1) << 8; i++) {
		uint32_t group = find_group(dir24, i << 8);

		if (group != NO_GROUP && !visit_group(dir24, walk, group, i << 8))
			return false;
	}
	return true;
}

int fib_dir24_walk(const struct fib_dir24 *dir24, fib_visit_fn visit, void *arg)
{
	struct walk walk = {.visit = visit, .arg = arg};
	bool goes_on = true;
	uint64_t *sorted;
	int rc = fib_rules_sort(&dir24->rules, &sorted);

	if (rc < 0)
		return rc;
	walk.next = sorted;
	walk.end = sorted + dir24->rules.n;
	for (uint32_t i = 0; i < N_SLASH16 && goes_on; i++)
		if (dir24->n_groups_in[i] > 0)
			goes_on = visit_slash16(dir24, &walk, i);
	if (goes_on)
		visit_rules(&walk, UINT64_MAX);
	free(sorted);
	return 0;
}

/**
 * Two passes, so that the misses of all addresses of a burst are on their way together.
 */
bool fib_dir24_lookup_bulk(const struct fib_dir24 *dir24, const uint32_t *addrs, uint32_t *nh,
	unsigned n)
{
	const uint32_t *tbl24 = dir24->tbl24, *tbl8 = dir24->tbl8;
	bool has_missed = false;

#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++) {
		nh[i] = __atomic_load_n(&tbl24[addrs[i] >> 8], __ATOMIC_ACQUIRE);
		if (likely(nh[i] & IS_GROUP))
			rte_prefetch0(&tbl8[group_at(nh[i], addrs[i])]);
	}
#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++) {
		uint32_t entry = nh[i];

		if (likely(entry & IS_GROUP))
			entry = __atomic_load_n(&tbl8[group_at(entry, addrs[i])], __ATOMIC_ACQUIRE);
		nh[i] = entry & VALUE_MASK;
		has_missed |= nh[i] == 0;
	}
	return has_missed;
}
