/* SPDX-License-Identifier: BSD-3-Clause */
/* Part of the RIB (rib.c): the routes by prefix. */
#include "control/step/rib_table.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static_assert(sizeof(struct rib_entry) == 72, "a million of them must fit");

static uint32_t hash_prefix(const struct rib_table *table, const struct fpm_prefix *prefix)
{
	uint64_t kind = (uint64_t)prefix->table << 16 | prefix->family << 8 | prefix->len;
	uint64_t addr[2];
	uint32_t addr4_be;

	if (prefix->family == AF_INET) {
		memcpy(&addr4_be, prefix->addr, sizeof(addr4_be));
		return table_hash(&table->table, table_number4(ntohl(addr4_be), prefix->len), kind);
	}
	memcpy(addr, prefix->addr, sizeof(addr));
	return table_hash(&table->table, table_mix(table_mix(table->table.seed, addr[0]), addr[1]),
		kind);
}

static bool is_same_prefix(const struct fpm_prefix *a, const struct fpm_prefix *b)
{
	return a->table == b->table && a->family == b->family && a->len == b->len &&
	       memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

int rib_table_init(struct rib_table *table)
{
	return table_init(&table->table, sizeof(struct rib_entry));
}

void rib_table_free(struct rib_table *table)
{
	table_free(&table->table);
}

uint32_t rib_table_find(const struct rib_table *table, const struct fpm_prefix *prefix)
{
	uint32_t hash = hash_prefix(table, prefix);
	size_t at = hash;
	uint32_t idx;

	do
		idx = table_next_of(&table->table, hash, &at);
	while (idx != RIB_NONE && !is_same_prefix(&rib_table_at(table, idx)->route.prefix, prefix));
	return idx;
}

int rib_table_add(struct rib_table *table, const struct fpm_prefix *prefix, uint32_t *idx)
{
	int err = table_add(&table->table, hash_prefix(table, prefix), idx);
	struct rib_entry *entry;

	if (err != 0)
		return err;
	entry = rib_table_at(table, *idx);
	entry->route.prefix = *prefix;
	entry->next_by_id = entry->prev_by_id = entry->next_changed = RIB_NONE;
	entry->is_there = true;
	return 0;
}

void rib_table_remove(struct rib_table *table, uint32_t idx)
{
	struct rib_entry *entry = rib_table_at(table, idx);

	entry->is_there = false;
	table_remove(&table->table, hash_prefix(table, &entry->route.prefix), idx);
}

uint32_t rib_table_next(const struct rib_table *table, uint32_t *position)
{
	while (*position < table->table.n_made) {
		uint32_t idx = (*position)++;

		if (rib_table_at(table, idx)->is_there)
			return idx;
	}
	return RIB_NONE;
}
