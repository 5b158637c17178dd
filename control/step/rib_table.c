/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of the RIB (rib.c): the routes by prefix. Linear probing; a removal moves later entries of
 * the run back, so there are no tombstones and a table that churns stays as fast as a new one.
 */
#include "control/step/rib_table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static_assert(sizeof(struct rib_entry) == 72, "a million of them must fit");

struct rib_slot {
	uint32_t hash;
	uint32_t idx; /**< RIB_NONE: free */
};

enum {
	FIRST_SLOTS = 1024,
	BLOCK_ENTRIES = 4096,
};

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0xff51afd7ed558ccdu;
	return hash ^ hash >> 32;
}

static uint32_t hash_prefix(const struct rib_table *table, const struct fpm_prefix *prefix)
{
	uint64_t addr[2];
	uint64_t hash;

	memcpy(addr, prefix->addr, sizeof(addr));
	hash = mix(table->seed, (uint64_t)prefix->table << 16 | prefix->family << 8 | prefix->len);
	return (uint32_t)mix(mix(hash, addr[0]), addr[1]);
}

static bool is_same_prefix(const struct fpm_prefix *a, const struct fpm_prefix *b)
{
	return a->table == b->table && a->family == b->family && a->len == b->len &&
	       memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

static struct rib_slot *new_slots(size_t n_slots)
{
	struct rib_slot *slot = malloc(n_slots * sizeof(*slot));

	if (slot != NULL)
		memset(slot, 0xff, n_slots * sizeof(*slot)); // every idx is RIB_NONE
	return slot;
}

static void insert_slot(struct rib_slot *slot, size_t n_slots, struct rib_slot value)
{
	size_t at = value.hash & (n_slots - 1);

	while (slot[at].idx != RIB_NONE)
		at = (at + 1) & (n_slots - 1);
	slot[at] = value;
}

/** Make room so that at most three of four slots are taken. */
static int grow_slots(struct rib_table *table)
{
	struct rib_slot *slot;

	if (table->n_entries + 1 <= table->n_slots / 4 * 3)
		return 0;
	slot = new_slots(table->n_slots * 2);
	if (slot == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < table->n_slots; i++) {
		if (table->slot[i].idx != RIB_NONE)
			insert_slot(slot, table->n_slots * 2, table->slot[i]);
	}
	free(table->slot);
	table->slot = slot;
	table->n_slots *= 2;
	return 0;
}

static int add_block(struct rib_table *table)
{
	struct rib_entry *entries = malloc(BLOCK_ENTRIES * sizeof(*entries));
	struct rib_entry **block;

	if (entries == NULL)
		return -ENOMEM;
	block = realloc(table->block, (table->n_blocks + 1) * sizeof(struct rib_entry *));
	if (block == NULL) {
		free(entries);
		return -ENOMEM;
	}
	table->block = block;
	block[table->n_blocks++] = entries;
	return 0;
}

static int take_entry(struct rib_table *table, uint32_t *idx)
{
	if (table->free != RIB_NONE) {
		*idx = table->free;
		table->free = rib_table_at(table, *idx)->next_changed;
		return 0;
	}
	if (table->n_made == RIB_NONE)
		return -ENOMEM;
	if (table->n_made == table->n_blocks * BLOCK_ENTRIES && add_block(table) < 0)
		return -ENOMEM;
	*idx = table->n_made++;
	return 0;
}

/** The slot of an entry that is there. */
static size_t slot_of(const struct rib_table *table, uint32_t idx)
{
	size_t at = hash_prefix(table, &rib_table_at(table, idx)->route.prefix);

	for (at &= table->n_slots - 1; table->slot[at].idx != idx;)
		at = (at + 1) & (table->n_slots - 1);
	return at;
}

int rib_table_init(struct rib_table *table)
{
	*table = (struct rib_table){.n_slots = FIRST_SLOTS, .free = RIB_NONE};
	if (getrandom(&table->seed, sizeof(table->seed), GRND_NONBLOCK) < 0)
		table->seed = (uintptr_t)table; // early in boot: less random is better than none
	table->slot = new_slots(FIRST_SLOTS);
	return table->slot != NULL ? 0 : -ENOMEM;
}

void rib_table_free(struct rib_table *table)
{
	for (size_t i = 0; i < table->n_blocks; i++)
		free(table->block[i]);
	free(table->block);
	free(table->slot);
	*table = (struct rib_table){0};
}

struct rib_entry *rib_table_at(const struct rib_table *table, uint32_t idx)
{
	return &table->block[idx / BLOCK_ENTRIES][idx % BLOCK_ENTRIES];
}

uint32_t rib_table_find(const struct rib_table *table, const struct fpm_prefix *prefix)
{
	uint32_t hash = hash_prefix(table, prefix);

	for (size_t at = hash & (table->n_slots - 1);; at = (at + 1) & (table->n_slots - 1)) {
		uint32_t idx = table->slot[at].idx;

		if (idx == RIB_NONE)
			return RIB_NONE;
		if (table->slot[at].hash == hash &&
			is_same_prefix(&rib_table_at(table, idx)->route.prefix, prefix))
			return idx;
	}
}

int rib_table_add(struct rib_table *table, const struct fpm_prefix *prefix, uint32_t *idx)
{
	struct rib_slot slot;

	if (grow_slots(table) < 0 || take_entry(table, idx) < 0)
		return -ENOMEM;

	*rib_table_at(table, *idx) = (struct rib_entry){
		.route.prefix = *prefix,
		.next_by_id = RIB_NONE,
		.prev_by_id = RIB_NONE,
		.next_changed = RIB_NONE,
	};
	slot = (struct rib_slot){.hash = hash_prefix(table, prefix), .idx = *idx};
	insert_slot(table->slot, table->n_slots, slot);
	table->n_entries++;
	return 0;
}

void rib_table_remove(struct rib_table *table, uint32_t idx)
{
	size_t mask = table->n_slots - 1;
	size_t hole = slot_of(table, idx);

	// Close the hole with whatever of the run behind it may stand there: not before its home.
	for (size_t at = (hole + 1) & mask; table->slot[at].idx != RIB_NONE; at = (at + 1) & mask) {
		size_t home = table->slot[at].hash & mask;

		if (((at - home) & mask) >= ((at - hole) & mask)) {
			table->slot[hole] = table->slot[at];
			hole = at;
		}
	}
	table->slot[hole].idx = RIB_NONE;
	table->n_entries--;

	rib_table_at(table, idx)->next_changed = table->free;
	table->free = idx;
}

uint32_t rib_table_next(const struct rib_table *table, size_t *position)
{
	while (*position < table->n_slots) {
		uint32_t idx = table->slot[(*position)++].idx;

		if (idx != RIB_NONE)
			return idx;
	}
	return RIB_NONE;
}
