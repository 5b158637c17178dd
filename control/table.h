/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A table for a million prefixes: entries of one size in blocks, which never move and are named by an
 * index, and slots of hash and index that find them. Used by the steps that keep all routes.
 *
 * Eight neighbours in the order of prefixes share a cache line of slots: a routing table comes sorted,
 * or block by block, and would miss the cache at every prefix otherwise.
 */
#ifndef PODLANE_CONTROL_TABLE_H
#define PODLANE_CONTROL_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define TABLE_NONE	    UINT32_MAX /**< no entry */
#define TABLE_BLOCK_ENTRIES 4096u

struct table_slot {
	uint32_t hash;
	uint32_t idx; /**< TABLE_NONE: free */
};

struct table {
	struct table_slot *slot;
	size_t n_slots; /**< a power of two */
	size_t n_entries;
	uint8_t **block;
	size_t n_blocks;
	size_t entry_bytes;
	uint32_t n_made; /**< entries ever taken from the blocks: indexes below have been used */
	uint32_t free;	 /**< first entry to use again; in its first bytes is the next */
	uint64_t seed;	 /**< so that no peer can choose prefixes that collide */
};

/**
 * @entry_bytes: 4 at least; the first four bytes of an entry are the table's while it is free
 *
 * Errors: -ENOMEM
 */
int table_init(struct table *table, size_t entry_bytes);
void table_free(struct table *table);

/** Owner: valid until the entry is removed */
static inline void *table_at(const struct table *table, uint32_t idx)
{
	return table->block[idx / TABLE_BLOCK_ENTRIES] +
	       (size_t)(idx % TABLE_BLOCK_ENTRIES) * table->entry_bytes;
}

static inline uint64_t table_mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0xff51afd7ed558ccdu;
	return hash ^ hash >> 32;
}

/**
 * The hash of a prefix: eight with neighbouring numbers get neighbouring ones.
 *
 * @number: the prefix without the bits below its length
 * @kind: what else tells two prefixes apart, the length among it
 */
static inline uint32_t table_hash(const struct table *table, uint64_t number, uint64_t kind)
{
	uint64_t hash = table_mix(table_mix(table->seed, kind), number >> 3);

	return (uint32_t)hash << 3 | (uint32_t)(number & 7);
}

/** The number of an IPv4 prefix for table_hash(). Order: host */
static inline uint32_t table_number4(uint32_t prefix, uint8_t depth)
{
	return depth == 0 ? 0 : prefix >> (32 - depth);
}

/**
 * The next entry with this hash, of those that may be the one looked for.
 *
 * @at: the hash at first
 *
 * Returns: its index, TABLE_NONE at the end
 */
static inline uint32_t table_next_of(const struct table *table, uint32_t hash, size_t *at)
{
	for (size_t mask = table->n_slots - 1;;) {
		const struct table_slot *slot = &table->slot[(*at)++ & mask];

		if (slot->hash == hash || slot->idx == TABLE_NONE)
			return slot->idx;
	}
}

/**
 * Add an entry, zeroed.
 *
 * Errors: -ENOMEM, nothing changed
 */
int table_add(struct table *table, uint32_t hash, uint32_t *idx);

/** Remove the entry @idx, which was added with this hash. */
void table_remove(struct table *table, uint32_t hash, uint32_t idx);

#endif
