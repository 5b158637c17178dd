/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of the RIB (rib.c): zebra's next-hop ids and groups of them, each resolved to a set as soon
 * as all it names is known.
 */
#ifndef PODLANE_CONTROL_STEP_RIB_NEXTHOP_H
#define PODLANE_CONTROL_STEP_RIB_NEXTHOP_H

#include <stddef.h>
#include <stdint.h>

#include "control/step/rib_set.h"

struct rib_member;

/** An id that zebra defined, or that a route or a group named before that. */
struct rib_id {
	struct rib_id *next;	    /**< of the same bucket */
	struct rib_id *next_queued; /**< groups to be resolved anew */
	struct rib_set *set;	    /**< NULL: not, or not wholly, known */
	struct rib_member *member;  /**< of a group */
	struct rib_member *groups;  /**< where this id is a member */
	uint32_t id;
	uint32_t n_members;
	uint32_t first_route; /**< rib.c's: the routes with this id, RIB_NONE if there are none */
	uint8_t depth;	      /**< groups below this one */
	bool is_known;
	bool is_queued;
};

/** Called when the set of @id changed; routes with that id take it. */
typedef void (*rib_id_changed_fn)(const struct rib_id *id, void *arg);

struct rib_ids {
	struct rib_sets *sets;
	struct rib_id **bucket;
	size_t n_buckets; /**< a power of two */
	size_t n_all;	  /**< with those that are only named */
	size_t n_known;
	struct rib_id *queue; /**< first to be resolved anew */
	struct rib_id **queue_end;
	rib_id_changed_fn changed;
	void *arg;
};

/** Errors: -ENOMEM */
int rib_ids_init(struct rib_ids *ids, struct rib_sets *sets, rib_id_changed_fn changed, void *arg);
void rib_ids_free(struct rib_ids *ids);

/** Forget all. No route may stand in a list of an id any more. */
void rib_ids_clear(struct rib_ids *ids);

/** NULL if nobody ever named it. */
struct rib_id *rib_ids_find(const struct rib_ids *ids, uint32_t id);

/**
 * Find an id or make it, not known yet.
 *
 * Errors: -ENOMEM, nothing changed
 */
int rib_ids_get(struct rib_ids *ids, uint32_t id, struct rib_id **entry);

/** Forget an id that nobody defined and nobody names any more. */
void rib_ids_drop_unused(struct rib_ids *ids, struct rib_id *entry);

/**
 * Define an id, or define it anew, and resolve the groups that hold it.
 *
 * Errors: -ENOMEM; as rib_apply() says
 */
int rib_ids_set(struct rib_ids *ids, const struct fpm_nexthop *nexthop);

/** The id is no longer known, and no group that holds it. Errors: as rib_ids_set() */
int rib_ids_delete(struct rib_ids *ids, uint32_t id);

#endif
