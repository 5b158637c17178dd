/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of the RIB (rib.c): sets of next hops, one copy each, with a count of who uses them.
 */
#ifndef PODLANE_CONTROL_STEP_RIB_SET_H
#define PODLANE_CONTROL_STEP_RIB_SET_H

#include <stddef.h>
#include <stdint.h>

#include "control/step/rib.h"

struct rib_set {
	struct rib_set *next; /**< of the same bucket */
	struct rib_set *next_idle;
	uint32_t hash;
	uint32_t n_users;
	bool is_idle;		      /**< stands in the list of idle ones */
	struct rib_nexthops nexthops; /**< last: it has a tail */
};

struct rib_sets {
	struct rib_set **bucket;
	size_t n_buckets; /**< a power of two */
	size_t n_all;	  /**< with the idle ones */
	size_t n_used;
	struct rib_set *last; /**< found or made last; NULL: none. Routes of a node come in a row */
	struct rib_set *idle; /**< nobody used them at some time since the last collect */
};

/** Errors: -ENOMEM */
int rib_sets_init(struct rib_sets *sets);

/** Free every set, used or not. */
void rib_sets_free(struct rib_sets *sets);

/**
 * Find the set with these next hops, or make it.
 *
 * @nh: in any order; they are sorted, and what stands there twice is merged
 *
 * Owner:  the caller becomes a user of the set; @nh is changed
 * Errors: -ENOMEM, only @nh changed
 */
int rib_sets_intern(struct rib_sets *sets, uint8_t type, struct fpm_nh *nh, uint32_t n,
	struct rib_set **set);

void rib_set_hold(struct rib_sets *sets, struct rib_set *set);

/** Owner: without users the set still lives until rib_sets_collect(). @set may be NULL. */
void rib_set_release(struct rib_sets *sets, struct rib_set *set);

/** Free what has no user. */
void rib_sets_collect(struct rib_sets *sets);

/** The set that holds @nexthops; NULL of NULL. */
static inline struct rib_set *rib_set_of(const struct rib_nexthops *nexthops)
{
	if (nexthops == NULL)
		return NULL;
	// Through an integer, since the RIB, which made it, may change what its readers may not.
	// NOLINTNEXTLINE(performance-no-int-to-ptr)
	return (struct rib_set *)((uintptr_t)nexthops - offsetof(struct rib_set, nexthops));
}

#endif
