/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of the RIB (rib.c): the routes by prefix.
 *
 * Entries never move and are named by a 32-bit index. A million routes take 72 MB of entries and 16 MB
 * of slots.
 */
#ifndef PODLANE_CONTROL_STEP_RIB_TABLE_H
#define PODLANE_CONTROL_STEP_RIB_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "control/step/rib.h"
#include "control/table.h"

#define RIB_NONE TABLE_NONE /**< no entry */

struct rib_entry {
	struct rib_route route;
	const struct rib_nexthops *reported; /**< the answer last given to a drain; NULL: none */
	uint32_t next_by_id, prev_by_id;     /**< routes with the same nh_id */
	uint32_t next_changed;		     /**< the changed list; of a free entry the free list */
	bool is_changed;		     /**< stands in the changed list */
	bool is_gone;			     /**< deleted, kept until a drain has told */
	bool is_there;			     /**< not a free entry */
};

struct rib_table {
	struct table table;
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
static inline struct rib_entry *rib_table_at(const struct rib_table *table, uint32_t idx)
{
	return table_at(&table->table, idx);
}

/**
 * Visit entries, in no order.
 *
 * @position: 0 at first; entries may be removed meanwhile, but not added
 *
 * Returns: an index, RIB_NONE at the end
 */
uint32_t rib_table_next(const struct rib_table *table, uint32_t *position);

#endif
