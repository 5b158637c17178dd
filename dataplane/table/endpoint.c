/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tunnel ends and their sources: built on the main lcore, published by one pointer, read by the
 * decap stage.
 */
#include "dataplane/table/endpoint.h"

#include <rte_common.h>
#include <rte_hash_crc.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VNI_MAX 0xffffffu

/* A view and the memory its pointers point at. */
struct owned_view {
	struct endpoint_view view;
	uint32_t *host;
	struct wire_source *range;
};

struct endpoint_table {
	struct owned_view *current; /* read by workers */
	struct epoch *epoch;
	struct wire_endpoint wire[ENDPOINT_MAX];
	unsigned n_wire;
	struct wire_source *source;
	unsigned n_sources;
};

static void free_view(struct owned_view *owned)
{
	if (owned == NULL)
		return;
	free(owned->host);
	free(owned->range);
	free(owned);
}

static void add_host(struct owned_view *owned, uint32_t addr)
{
	uint32_t at = rte_hash_crc_4byte(addr, 0) & owned->view.host_mask;

	while (owned->host[at] != 0 && owned->host[at] != addr)
		at = (at + 1) & owned->view.host_mask;
	owned->host[at] = addr;
}

/* Twice as many places as hosts at least, so that a miss ends soon. */
static struct owned_view *make_view(const struct wire_endpoint *wire, unsigned n,
	const struct wire_source *source, unsigned n_sources)
{
	uint32_t n_places = rte_align32pow2(2 * n_sources + 2);
	struct owned_view *owned = calloc(1, sizeof(*owned));

	if (owned == NULL)
		return NULL;
	owned->host = calloc(n_places, sizeof(*owned->host));
	owned->range = calloc(n_sources + 1, sizeof(*owned->range));
	if (owned->host == NULL || owned->range == NULL) {
		free_view(owned);
		return NULL;
	}
	owned->view.host_mask = n_places - 1;
	for (unsigned i = 0; i < n_sources; i++) {
		if (source[i].depth == 32)
			add_host(owned, source[i].prefix);
		else
			owned->range[owned->view.n_ranges++] = source[i];
	}
	for (unsigned i = 0; i < n; i++)
		owned->view.endpoint[i] = (struct endpoint){
			.addr = wire[i].addr,
			.vni = wire[i].vni,
			.udp_port = wire[i].udp_port,
			.kind = wire[i].kind,
			.has_inner_check = wire[i].has_inner_check != 0,
		};
	owned->view.n = n;
	owned->view.host = owned->host;
	owned->view.range = owned->range;
	return owned;
}

static void publish(struct endpoint_table *table, struct owned_view *owned)
{
	struct owned_view *old = table->current;

	// release: whoever sees the pointer sees what it points at
	__atomic_store_n(&table->current, owned, __ATOMIC_RELEASE);
	epoch_wait(table->epoch);
	free_view(old);
}

int endpoint_create(struct endpoint_table **table, struct epoch *epoch)
{
	struct endpoint_table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return -ENOMEM;
	t->epoch = epoch;
	t->current = make_view(NULL, 0, NULL, 0);
	if (t->current == NULL) {
		free(t);
		return -ENOMEM;
	}
	*table = t;
	return 0;
}

void endpoint_free(struct endpoint_table *table)
{
	if (table == NULL)
		return;
	free_view(table->current);
	free(table->source);
	free(table);
}

static bool is_valid(const struct wire_endpoint *wire)
{
	if (wire->addr == 0 || wire->kind >= WIRE_TUNNEL_N_KINDS)
		return false;
	return wire->kind == WIRE_TUNNEL_IPIP || (wire->udp_port != 0 && wire->vni <= VNI_MAX);
}

int endpoint_set(struct endpoint_table *table, const struct wire_endpoint *wire, unsigned n)
{
	struct owned_view *owned;

	if (n > ENDPOINT_MAX)
		return -ENOSPC;
	for (unsigned i = 0; i < n; i++) {
		if (!is_valid(&wire[i]))
			return -EINVAL;
	}
	owned = make_view(wire, n, table->source, table->n_sources);
	if (owned == NULL)
		return -ENOMEM;
	publish(table, owned);
	if (n > 0)
		memcpy(table->wire, wire, n * sizeof(*wire));
	table->n_wire = n;
	return 0;
}

int endpoint_set_sources(struct endpoint_table *table, const struct wire_source *wire, unsigned n)
{
	struct wire_source *source;
	struct owned_view *owned;

	for (unsigned i = 0; i < n; i++) {
		if (wire[i].depth > 32 || (wire[i].depth == 32 && wire[i].prefix == 0))
			return -EINVAL;
	}
	source = calloc(n + 1, sizeof(*source));
	if (source == NULL)
		return -ENOMEM;
	if (n > 0)
		memcpy(source, wire, n * sizeof(*wire));
	owned = make_view(table->wire, table->n_wire, source, n);
	if (owned == NULL) {
		free(source);
		return -ENOMEM;
	}
	publish(table, owned);
	free(table->source);
	table->source = source;
	table->n_sources = n;
	return 0;
}

unsigned endpoint_get(const struct endpoint_table *table, const struct wire_endpoint **wire)
{
	*wire = table->wire;
	return table->n_wire;
}

unsigned endpoint_get_sources(const struct endpoint_table *table, const struct wire_source **wire)
{
	*wire = table->source;
	return table->n_sources;
}

const struct endpoint_view *endpoint_view(const struct endpoint_table *table)
{
	return &__atomic_load_n(&table->current, __ATOMIC_ACQUIRE)->view;
}

bool endpoint_is_source(const struct endpoint_view *view, uint32_t addr)
{
	uint32_t at = rte_hash_crc_4byte(addr, 0) & view->host_mask;

	for (; view->host[at] != 0; at = (at + 1) & view->host_mask) {
		if (view->host[at] == addr)
			return true;
	}
	for (unsigned i = 0; i < view->n_ranges; i++) {
		const struct wire_source *range = &view->range[i];

		if ((addr & endpoint_range_mask(range)) == range->prefix)
			return true;
	}
	return false;
}
