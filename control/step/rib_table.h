/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of the RIB (rib.c): the routes by prefix.
 *
 * Entries lie in blocks and never move, and are named by a 32-bit index; an open-addressing table
 * of hash and index finds them. A million routes take 72 MB of entries and 16 MB of table.
 */
#ifndef PODLANE_CONTROL_STEP_RIB_TABLE_H
#define PODLANE_CONTROL_STEP_RIB_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "control/step/rib.h"

#define RIB_NONE UINT32_MAX /**< no entry */

struct rib_entry {
	struct rib_route route;
	const struct rib_nexthops *reported; /**< the answer last given to a drain; NULL: none */
	uint32_t next_by_id, prev_by_id;     /**< routes with the same nh_id */
	uint32_t next_changed;		     /**< the changed list; of a free entry the free list */
	bool is_changed;		     /**< stands in the changed list */
	bool is_gone;			     /**< deleted, kept until a drain has told */
};

struct rib_slot;

struct rib_table {
	struct rib_slot *slot;
	size_t n_slots; /**< a power of two */
	size_t n_entries;
	struct rib_entry **block;
	size_t n_blocks;
	uint32_t n_made; /**< entries ever taken from the blocks */
	uint32_t free;	 /**< first entry to use again */
	uint64_t seed;	 /**< so that no peer can choose prefixes that collide */
};

/** Errors: -ENOMEM */
int rib_table_init(struct rib_table *table);
void rib_table_free(struct rib_table *table);

/** Returns: the entry's index or RIB_NONE */
uint32_t rib_table_find(const struct rib_table *table, const struct fpm_prefix *prefix);

/**
 * Add an entry for a prefix that has none; all but the prefix is zero, and the links RIB_NONE.
 *
 * Errors: -ENOMEM, nothing changed
 */
int rib_table_add(struct rib_table *table, const struct fpm_prefix *prefix, uint32_t *idx);

void rib_table_remove(struct rib_table *table, uint32_t idx);

/** Owner: valid until the entry is removed */
struct rib_entry *rib_table_at(const struct rib_table *table, uint32_t idx);

/**
 * Visit entries, in no order.
 *
 * @position: 0 at first; entries must be neither added nor removed meanwhile
 *
 * Returns: an index, RIB_NONE at the end
 */
uint32_t rib_table_next(const struct rib_table *table, size_t *position);

#endif
