/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Entries in blocks, found by a hash. Linear probing; a removal moves later entries of the run back, so
 * there are no tombstones and a table that churns stays as fast as a new one. Called by the RIB and the
 * sync for their routes.
 */
#include "control/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { FIRST_SLOTS = 1024 };

static struct table_slot *new_slots(size_t n_slots)
{
	struct table_slot *slot = malloc(n_slots * sizeof(*slot));

	if (slot != NULL)
		memset(slot, 0xff, n_slots * sizeof(*slot)); // every idx is TABLE_NONE
	return slot;
}

static void insert_slot(struct table_slot *slot, size_t n_slots, struct table_slot value)
{
	size_t at = value.hash & (n_slots - 1);

	while (slot[at].idx != TABLE_NONE)
		at = (at + 1) & (n_slots - 1);
	slot[at] = value;
}

/* Whole lines of neighbours push each other on: above a half the runs become long. */
static int grow_slots(struct table *table)
{
	size_t n_slots = table->n_slots * 2;
	struct table_slot *slot;

	if (table->n_entries < table->n_slots / 2)
		return 0;
	slot = new_slots(n_slots);
	if (slot == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < table->n_slots; i++)
		if (table->slot[i].idx != TABLE_NONE)
			insert_slot(slot, n_slots, table->slot[i]);
	free(table->slot);
	table->slot = slot;
	table->n_slots = n_slots;
	return 0;
}

static int add_block(struct table *table)
{
	uint8_t *entries = malloc(TABLE_BLOCK_ENTRIES * table->entry_bytes);
	uint8_t **block;

	if (entries == NULL)
		return -ENOMEM;
	block = realloc(table->block, (table->n_blocks + 1) * sizeof(uint8_t *));
	if (block == NULL) {
		free(entries);
		return -ENOMEM;
	}
	table->block = block;
	block[table->n_blocks++] = entries;
	return 0;
}

static int take_entry(struct table *table, uint32_t *idx)
{
	if (table->free != TABLE_NONE) {
		*idx = table->free;
		memcpy(&table->free, table_at(table, *idx), sizeof(table->free));
		return 0;
	}
	if (table->n_made == TABLE_NONE)
		return -ENOMEM;
	if (table->n_made == table->n_blocks * TABLE_BLOCK_ENTRIES && add_block(table) < 0)
		return -ENOMEM;
	*idx = table->n_made++;
	return 0;
}

int table_init(struct table *table, size_t entry_bytes)
{
	*table = (struct table){
		.n_slots = FIRST_SLOTS,
		.free = TABLE_NONE,
		.entry_bytes = entry_bytes,
	};
	if (getrandom(&table->seed, sizeof(table->seed), GRND_NONBLOCK) < 0)
		table->seed = (uintptr_t)table; // early in boot: less random is better than none
	table->slot = new_slots(FIRST_SLOTS);
	return table->slot != NULL ? 0 : -ENOMEM;
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->n_blocks; i++)
		free(table->block[i]);
	free(table->block);
	free(table->slot);
	*table = (struct table){0};
}

int table_add(struct table *table, uint32_t hash, uint32_t *idx)
{
	if (grow_slots(table) < 0 || take_entry(table, idx) < 0)
		return -ENOMEM;
	memset(table_at(table, *idx), 0, table->entry_bytes);
	insert_slot(table->slot, table->n_slots, (struct table_slot){.hash = hash, .idx = *idx});
	table->n_entries++;
	return 0;
}

void table_remove(struct table *table, uint32_t hash, uint32_t idx)
{
	size_t mask = table->n_slots - 1;
	size_t hole = hash & mask;

	while (table->slot[hole].idx != idx)
		hole = (hole + 1) & mask;
	// Close the hole with whatever of the run behind it may stand there: not before its home.
	for (size_t at = (hole + 1) & mask; table->slot[at].idx != TABLE_NONE;
		at = (at + 1) & mask) {
		size_t home = table->slot[at].hash & mask;

		if (((at - home) & mask) >= ((at - hole) & mask)) {
			table->slot[hole] = table->slot[at];
			hole = at;
		}
	}
	table->slot[hole].idx = TABLE_NONE;
	table->n_entries--;
	memcpy(table_at(table, idx), &table->free, sizeof(table->free));
	table->free = idx;
}
