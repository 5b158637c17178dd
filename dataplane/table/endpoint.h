/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Our tunnel ends, and who may send to them. Replaced as a whole: a change is rare, and a worker
 * sees the old lists or the new ones.
 */
#ifndef PODLANE_DATAPLANE_TABLE_ENDPOINT_H
#define PODLANE_DATAPLANE_TABLE_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/api/wire.h"
#include "dataplane/table/epoch.h"

#define ENDPOINT_MAX 8u

struct endpoint {
	uint32_t addr; /**< host order */
	uint32_t vni;
	uint16_t udp_port;
	uint8_t kind; /**< enum wire_tunnel_kind */
	bool has_inner_check;
};

/** What workers read; never changed once published. */
struct endpoint_view {
	unsigned n;
	struct endpoint endpoint[ENDPOINT_MAX];
	unsigned n_ranges; /**< sources shorter than /32; looked through one by one */
	const struct wire_source *range;
	uint32_t host_mask; /**< size of host[] less one; open addressing, 0 is free */
	const uint32_t *host;
};

struct endpoint_table;

/** Errors: -ENOMEM */
int endpoint_create(struct endpoint_table **table, struct epoch *epoch);
void endpoint_free(struct endpoint_table *table);

/**
 * Replace our tunnel ends. Waits for a grace period.
 *
 * Threads: main lcore only
 * Errors:  -ENOSPC more than ENDPOINT_MAX, -EINVAL a field, -ENOMEM; nothing changed
 */
int endpoint_set(struct endpoint_table *table, const struct wire_endpoint *wire, unsigned n);

/** Replace the allowed sources; as endpoint_set(). */
int endpoint_set_sources(struct endpoint_table *table, const struct wire_source *wire, unsigned n);

/** What was set, for dumps. Owner: the table, until the next set. Threads: main lcore only. */
unsigned endpoint_get(const struct endpoint_table *table, const struct wire_endpoint **wire);
unsigned endpoint_get_sources(const struct endpoint_table *table, const struct wire_source **wire);

/** Threads: workers; the pointer dies with the loop turn. */
const struct endpoint_view *endpoint_view(const struct endpoint_table *table);

/** The bits of a range's prefix. */
static inline uint32_t endpoint_range_mask(const struct wire_source *range)
{
	return range->depth == 0 ? 0 : UINT32_MAX << (32 - range->depth);
}

/** May this node send to us? Order: host */
bool endpoint_is_source(const struct endpoint_view *view, uint32_t addr);

#endif
