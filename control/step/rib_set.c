/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of the RIB (rib.c): sets of next hops, one copy each. A million routes through 4,000 nodes
 * hold 4,000 of them, and comparing two routes' next hops is comparing two pointers.
 */
#include "control/step/rib_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BUCKETS = 256 };

/** Order by what distinguishes two next hops; the weight does not. */
static int compare_nh(const void *left, const void *right)
{
	const struct fpm_nh *a = left, *b = right;
	int diff = memcmp(a->gateway, b->gateway, sizeof(a->gateway));

	if (diff != 0)
		return diff;
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->ifindex != b->ifindex)
		return a->ifindex < b->ifindex ? -1 : 1;
	return (int)a->is_onlink - (int)b->is_onlink;
}

/** Bring the next hops into the one form that all equal sets have. Returns: how many are left */
static uint32_t normalize(struct fpm_nh *nh, uint32_t n)
{
	uint32_t n_kept = 0;

	if (n > 1)
		qsort(nh, n, sizeof(*nh), compare_nh);
	for (uint32_t i = 0; i < n; i++) {
		struct fpm_nh *last = n_kept > 0 ? &nh[n_kept - 1] : NULL;

		nh[i].reserved = 0;
		if (last != NULL && compare_nh(last, &nh[i]) == 0)
			last->weight = nh[i].weight < UINT32_MAX - last->weight
					       ? last->weight + nh[i].weight
					       : UINT32_MAX;
		else
			nh[n_kept++] = nh[i];
	}
	if (n_kept == 1)
		nh[0].weight = 1; // the share of the only one is everything
	return n_kept;
}

static uint32_t hash_nexthops(uint8_t type, const struct fpm_nh *nh, uint32_t n)
{
	uint64_t hash = 0x9e3779b97f4a7c15u ^ type;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t word[sizeof(*nh) / sizeof(uint32_t)];

		memcpy(word, &nh[i], sizeof(word));
		for (size_t j = 0; j < sizeof(word) / sizeof(word[0]); j++) {
			hash = (hash ^ word[j]) * 0xff51afd7ed558ccdu;
			hash ^= hash >> 32;
		}
	}
	return (uint32_t)hash;
}

static bool is_same(const struct rib_set *set, uint8_t type, const struct fpm_nh *nh, uint32_t n)
{
	if (set->nexthops.type != type || set->nexthops.n != n)
		return false;
	// a constant length, which is most of them, needs no call
	return n == 1 ? memcmp(set->nexthops.nh, nh, sizeof(*nh)) == 0
		      : memcmp(set->nexthops.nh, nh, n * sizeof(*nh)) == 0;
}

static struct rib_set *find(const struct rib_sets *sets, uint32_t hash, uint8_t type,
	const struct fpm_nh *nh, uint32_t n)
{
	struct rib_set *set = sets->bucket[hash & (sets->n_buckets - 1)];

	for (; set != NULL; set = set->next) {
		if (set->hash == hash && is_same(set, type, nh, n))
			return set;
	}
	return NULL;
}

static void link_set(struct rib_sets *sets, struct rib_set *set)
{
	struct rib_set **bucket = &sets->bucket[set->hash & (sets->n_buckets - 1)];

	set->next = *bucket;
	*bucket = set;
}

/** Double the buckets. Without memory the chains grow longer, which is slow but right. */
static void grow(struct rib_sets *sets)
{
	struct rib_set **old = sets->bucket;
	size_t n_old = sets->n_buckets;
	struct rib_set **bucket = calloc(n_old * 2, sizeof(struct rib_set *));

	if (bucket == NULL)
		return;
	sets->bucket = bucket;
	sets->n_buckets = n_old * 2;
	for (size_t i = 0; i < n_old; i++) {
		struct rib_set *set = old[i];

		while (set != NULL) {
			struct rib_set *next = set->next;

			link_set(sets, set);
			set = next;
		}
	}
	free(old);
}

int rib_sets_init(struct rib_sets *sets)
{
	*sets = (struct rib_sets){.n_buckets = FIRST_BUCKETS};
	sets->bucket = calloc(FIRST_BUCKETS, sizeof(struct rib_set *));
	return sets->bucket != NULL ? 0 : -ENOMEM;
}

void rib_sets_free(struct rib_sets *sets)
{
	for (size_t i = 0; sets->bucket != NULL && i < sets->n_buckets; i++) {
		struct rib_set *set = sets->bucket[i];

		while (set != NULL) {
			struct rib_set *next = set->next;

			free(set);
			set = next;
		}
	}
	free(sets->bucket);
	*sets = (struct rib_sets){0};
}

static int make_set(struct rib_sets *sets, uint8_t type, const struct fpm_nh *nh, uint32_t n,
	uint32_t hash)
{
	struct rib_set *made = calloc(1, sizeof(*made) + n * sizeof(*nh));

	if (made == NULL)
		return -ENOMEM;
	made->hash = hash;
	made->nexthops.type = type;
	made->nexthops.n = n;
	memcpy(made->nexthops.nh, nh, n * sizeof(*nh));
	if (sets->n_all >= sets->n_buckets)
		grow(sets);
	link_set(sets, made);
	sets->n_all++;
	sets->last = made;
	return 0;
}

int rib_sets_intern(struct rib_sets *sets, uint8_t type, struct fpm_nh *nh, uint32_t n,
	struct rib_set **set)
{
	n = normalize(nh, n);
	if (sets->last == NULL || !is_same(sets->last, type, nh, n)) {
		uint32_t hash = hash_nexthops(type, nh, n);
		struct rib_set *found = find(sets, hash, type, nh, n);

		if (found != NULL)
			sets->last = found;
		else if (make_set(sets, type, nh, n, hash) < 0)
			return -ENOMEM;
	}
	*set = sets->last;
	rib_set_hold(sets, *set);
	return 0;
}

void rib_set_hold(struct rib_sets *sets, struct rib_set *set)
{
	if (set->n_users++ == 0)
		sets->n_used++;
}

void rib_set_release(struct rib_sets *sets, struct rib_set *set)
{
	if (set == NULL || --set->n_users > 0)
		return;
	sets->n_used--;
	if (set->is_idle)
		return;
	set->is_idle = true;
	set->next_idle = sets->idle;
	sets->idle = set;
}

static void remove_set(struct rib_sets *sets, struct rib_set *set)
{
	struct rib_set **link = &sets->bucket[set->hash & (sets->n_buckets - 1)];

	while (*link != set)
		link = &(*link)->next;
	*link = set->next;
	sets->n_all--;
	if (sets->last == set)
		sets->last = NULL;
	free(set);
}

void rib_sets_collect(struct rib_sets *sets)
{
	struct rib_set *set = sets->idle;

	sets->idle = NULL;
	while (set != NULL) {
		struct rib_set *next = set->next_idle;

		set->is_idle = false;
		if (set->n_users == 0)
			remove_set(sets, set);
		set = next;
	}
}
