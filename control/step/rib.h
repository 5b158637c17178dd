/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 5 of the route's walk: what FRR says now.
 *
 * Keeps every route of the stream (all tables and families) and the next-hop objects, joins the two
 * when both are there, and reports each prefix whose answer changed. Next-hop ids are zebra's and
 * die with its connection; the joined next hops are interned, so a million routes through 4,000
 * nodes hold 4,000 sets.
 */
#ifndef PODLANE_CONTROL_STEP_RIB_H
#define PODLANE_CONTROL_STEP_RIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fpm/fpm.h"

struct rib;

/**
 * The next hops of some routes, interned: two routes with the same next hops have the same pointer.
 *
 * Owner: the RIB; valid while a route holds it and until the rib_drain() that reports the last such
 *        route gone or changed has returned
 */
struct rib_nexthops {
	uint8_t type; /**< RTN_UNICAST or the reason why not */
	uint32_t n;   /**< 0 unless RTN_UNICAST */
	struct fpm_nh nh[];
};

struct rib_route {
	struct fpm_prefix prefix;
	uint32_t nh_id; /**< zebra's id, 0 if the route carried its next hops itself, or is stale */
	uint8_t protocol;
	bool is_stale;	 /**< from an earlier connection, not repeated yet */
	bool is_pending; /**< nh_id is not (wholly) known yet: nexthops are those from before */
	/**
	 * NULL: nh_id is not (wholly) known, and never was for this prefix. A route whose new id is
	 * not known yet keeps the next hops it had.
	 */
	const struct rib_nexthops *nexthops;
	uint64_t since_sec; /**< CLOCK_MONOTONIC of the last change */
};

struct rib_counts {
	size_t n_routes, n_stale, n_pending;
	size_t n_nexthop_ids, n_sets;
};

/** Errors: NULL if memory is short */
struct rib *rib_new(void);
void rib_free(struct rib *rib);

/**
 * Take one event of the stream.
 *
 * Errors: -ENOMEM, nothing changed; but where the event was a next hop, groups that hold it may be
 *         left unknown, and their routes pending. A delete of what is not there is no error.
 */
int rib_apply(struct rib *rib, const struct fpm_event *event);

/** A connection to zebra begins: next-hop ids are forgotten, every route stays and is stale. */
void rib_begin_replay(struct rib *rib);

/**
 * The replay is known to be complete: routes still stale go, also those of other tables than main,
 * which zebra never replays.
 *
 * Returns: how many
 */
size_t rib_sweep(struct rib *rib);

/**
 * Report each prefix whose next hops changed, came or went since the last call, once, in the order
 * of their first change. Not reported: what changed and changed back, and routes without next hops
 * yet (is_pending with nexthops NULL).
 *
 * @route: NULL if it is gone
 *
 * Owner: both pointers are valid during the call, which must not change the RIB
 */
typedef void (
	*rib_change_fn)(const struct fpm_prefix *prefix, const struct rib_route *route, void *arg);
void rib_drain(struct rib *rib, rib_change_fn change, void *arg);

/** Owner: valid until the RIB changes. Errors: NULL if there is none. */
const struct rib_route *rib_find(const struct rib *rib, const struct fpm_prefix *prefix);

/**
 * Longest match of an IPv4 address in the main table, for display.
 *
 * Order: host
 */
const struct rib_route *rib_match4(const struct rib *rib, uint32_t addr);

/** Visit every route, in no order. The visitor must not change the RIB. */
typedef void (*rib_visit_fn)(const struct rib_route *route, void *arg);
void rib_each(const struct rib *rib, rib_visit_fn visit, void *arg);

/**
 * Visit every route; order: table, family, address, length. Not for the hot path: it sorts.
 *
 * Errors: -ENOMEM, nothing visited
 */
int rib_walk(const struct rib *rib, rib_visit_fn visit, void *arg);

struct rib_counts rib_counts(const struct rib *rib);

#endif
