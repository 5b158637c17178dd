/* SPDX-License-Identifier: BSD-3-Clause */
/* The forwarding tables of the kernel's vxlan devices. Called by resolve_table.c, resolve_tunnel.c. */
#include "control/step/resolve_fdb.h"

#include "control/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct hash_node by_mac, by_remote;
	struct kernel_fdb fdb;
	uint32_t round;
};

struct resolve_fdb {
	struct hash by_mac, by_remote;
	uint32_t round;
};

static uint32_t hash_mac(uint32_t ifindex, const uint8_t mac[6])
{
	uint32_t high = (uint32_t)mac[0] << 8 | mac[1], low;

	memcpy(&low, &mac[2], sizeof(low));
	return hash_words(low, ifindex << 16 ^ high);
}

static uint32_t hash_remote(uint32_t remote)
{
	return hash_words(remote, 0);
}

struct resolve_fdb *resolve_fdb_new(void)
{
	return calloc(1, sizeof(struct resolve_fdb));
}

static void remove_entry(struct resolve_fdb *fdb, struct entry *entry)
{
	hash_remove(&fdb->by_mac, &entry->by_mac);
	hash_remove(&fdb->by_remote, &entry->by_remote);
	free(entry);
}

static void free_entry(struct hash_node *node, void *arg)
{
	remove_entry(arg, hash_entry(node, struct entry, by_mac));
}

void resolve_fdb_free(struct resolve_fdb *fdb)
{
	if (fdb == NULL)
		return;
	hash_each(&fdb->by_mac, free_entry, fdb);
	hash_free(&fdb->by_mac);
	hash_free(&fdb->by_remote);
	free(fdb);
}

static struct entry *find(const struct resolve_fdb *fdb, uint32_t ifindex, const uint8_t mac[6])
{
	uint32_t hash = hash_mac(ifindex, mac);

	for (struct hash_node *node = hash_chain(&fdb->by_mac, hash); node != NULL;
		node = node->next) {
		struct entry *entry = hash_entry(node, struct entry, by_mac);

		if (node->hash == hash && entry->fdb.ifindex == ifindex &&
			memcmp(entry->fdb.mac, mac, sizeof(entry->fdb.mac)) == 0)
			return entry;
	}
	return NULL;
}

static int add(struct resolve_fdb *fdb, const struct kernel_fdb *new)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (entry == NULL)
		return -ENOMEM;
	entry->fdb = *new;
	entry->round = fdb->round;
	if (hash_insert(&fdb->by_mac, &entry->by_mac, hash_mac(new->ifindex, new->mac)) != 0) {
		free(entry);
		return -ENOMEM;
	}
	if (hash_insert(&fdb->by_remote, &entry->by_remote, hash_remote(new->remote)) != 0) {
		hash_remove(&fdb->by_mac, &entry->by_mac);
		free(entry);
		return -ENOMEM;
	}
	return 0;
}

int resolve_fdb_set(struct resolve_fdb *fdb, const struct kernel_fdb *new, bool *has_changed)
{
	struct entry *entry = find(fdb, new->ifindex, new->mac);

	if (entry == NULL) {
		int err = add(fdb, new);

		*has_changed = err == 0;
		return err;
	}
	entry->round = fdb->round;
	*has_changed = entry->fdb.remote != new->remote;
	if (*has_changed) {
		hash_remove(&fdb->by_remote, &entry->by_remote);
		entry->fdb.remote = new->remote;
		// Cannot fail: the table is there already.
		(void)hash_insert(&fdb->by_remote, &entry->by_remote, hash_remote(new->remote));
	}
	return 0;
}

bool resolve_fdb_del(struct resolve_fdb *fdb, const struct kernel_fdb *old)
{
	struct entry *entry = find(fdb, old->ifindex, old->mac);

	// One of several remotes went, and not the one that counts.
	if (entry == NULL || (old->remote != 0 && old->remote != entry->fdb.remote))
		return false;
	remove_entry(fdb, entry);
	return true;
}

void resolve_fdb_begin_resync(struct resolve_fdb *fdb)
{
	fdb->round++;
}

bool resolve_fdb_end_resync(struct resolve_fdb *fdb)
{
	uint32_t n = fdb->by_mac.n;

	for (uint32_t i = 0; i < fdb->by_mac.n_buckets; i++)
		for (struct hash_node *node = fdb->by_mac.buckets[i], *next; node != NULL;
			node = next) {
			struct entry *entry = hash_entry(node, struct entry, by_mac);

			next = node->next;
			if (entry->round != fdb->round)
				remove_entry(fdb, entry);
		}
	return fdb->by_mac.n != n;
}

uint32_t resolve_fdb_remote(const struct resolve_fdb *fdb, uint32_t ifindex, const uint8_t mac[6])
{
	const struct entry *entry = find(fdb, ifindex, mac);

	return entry == NULL ? 0 : entry->fdb.remote;
}

void resolve_fdb_each(const struct resolve_fdb *fdb, resolve_fdb_fn visit, void *arg)
{
	for (uint32_t i = 0; i < fdb->by_mac.n_buckets; i++)
		for (struct hash_node *node = fdb->by_mac.buckets[i]; node != NULL;
			node = node->next)
			visit(&hash_entry(node, struct entry, by_mac)->fdb, arg);
}

void resolve_fdb_each_of(const struct resolve_fdb *fdb, uint32_t remote, resolve_fdb_fn visit,
	void *arg)
{
	struct hash_node *node = hash_chain(&fdb->by_remote, hash_remote(remote));

	for (; node != NULL; node = node->next) {
		const struct entry *entry = hash_entry(node, struct entry, by_remote);

		if (entry->fdb.remote == remote)
			visit(&entry->fdb, arg);
	}
}

size_t resolve_fdb_count(const struct resolve_fdb *fdb)
{
	return fdb->by_mac.n;
}
