/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hash table whose nodes lie in what they index: no allocation per entry, and an entry can be found
 * from its node. Used by the steps of control/.
 */
#ifndef PODLANE_CONTROL_HASH_H
#define PODLANE_CONTROL_HASH_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct hash_node {
	struct hash_node *next;
	uint32_t hash;
};

struct hash {
	struct hash_node **buckets;
	uint32_t n_buckets; /* a power of two, or 0 */
	uint32_t n;
};

/** The structure around a node; NULL for NULL. */
#define hash_entry(node, type, member)                                                             \
	((node) == NULL ? NULL : (type *)(void *)((char *)(node)-offsetof(type, member)))

/** Mix two words; good enough for addresses and small integers. */
static inline uint32_t hash_words(uint32_t a, uint32_t b)
{
	uint64_t x = ((uint64_t)a << 32 | b) * 0x9e3779b97f4a7c15u;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9u;
	return (uint32_t)(x >> 32);
}

/** First node that may have this hash; go on by ->next and compare ->hash. */
static inline struct hash_node *hash_chain(const struct hash *hash, uint32_t value)
{
	return hash->n_buckets == 0 ? NULL : hash->buckets[value & (hash->n_buckets - 1)];
}

static inline void hash_grow(struct hash *hash)
{
	uint32_t n_buckets = hash->n_buckets == 0 ? 64 : hash->n_buckets * 2;
	struct hash_node **buckets = calloc(n_buckets, sizeof(struct hash_node *));

	if (buckets == NULL)
		return;
	for (uint32_t i = 0; i < hash->n_buckets; i++)
		for (struct hash_node *node = hash->buckets[i], *next; node != NULL; node = next) {
			next = node->next;
			node->next = buckets[node->hash & (n_buckets - 1)];
			buckets[node->hash & (n_buckets - 1)] = node;
		}
	free(hash->buckets);
	hash->buckets = buckets;
	hash->n_buckets = n_buckets;
}

/** Errors: -ENOMEM, only for the first entry; later a table that cannot grow becomes slower */
static inline int hash_insert(struct hash *hash, struct hash_node *node, uint32_t value)
{
	if (hash->n >= hash->n_buckets)
		hash_grow(hash);
	if (hash->n_buckets == 0)
		return -ENOMEM;
	node->hash = value;
	node->next = hash->buckets[value & (hash->n_buckets - 1)];
	hash->buckets[value & (hash->n_buckets - 1)] = node;
	hash->n++;
	return 0;
}

static inline void hash_remove(struct hash *hash, struct hash_node *node)
{
	struct hash_node **at = &hash->buckets[node->hash & (hash->n_buckets - 1)];

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	hash->n--;
}

/** Visit every node; the visitor may remove and free the node it is given, and no other. */
static inline void hash_each(struct hash *hash, void (*visit)(struct hash_node *node, void *arg),
	void *arg)
{
	for (uint32_t i = 0; i < hash->n_buckets; i++)
		for (struct hash_node *node = hash->buckets[i], *next; node != NULL; node = next) {
			next = node->next;
			visit(node, arg);
		}
}

static inline void hash_free(struct hash *hash)
{
	free(hash->buckets);
	*hash = (struct hash){.n = 0};
}

#endif
