/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a FIB entry points at: next-hop group or path slot, and the adjacency in the slot.
 *
 *   nh index -> (group: hash picks a bucket) -> path slot -> adjacency
 *
 * A slot is one word: to move a remote node to another path, its slot is pointed at a new
 * adjacency, however many prefixes are behind it. The old adjacency is freed after a grace period.
 */
#ifndef PODLANE_DATAPLANE_TABLE_NEXTHOP_H
#define PODLANE_DATAPLANE_TABLE_NEXTHOP_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#include "dataplane/api/wire.h"
#include "dataplane/table/adjacency.h"
#include "dataplane/table/deal.h"
#include "dataplane/table/epoch.h"

struct nexthop_group {
	uint32_t bucket[NEXTHOP_GROUP_BUCKETS]; /**< path slots */
};

struct nexthop_table;

/**
 * Errors: -ENOMEM; -EINVAL max_paths not above WIRE_NH_PATH_FIRST, or either not below
 *         WIRE_NH_GROUP
 */
int nexthop_create(struct nexthop_table **table, uint32_t max_paths, uint32_t max_groups,
	int socket, struct epoch *epoch);

/** Workers must have stopped. */
void nexthop_free(struct nexthop_table *table);

/**
 * Set what path slot wire->idx does.
 *
 * Threads: main lcore only; workers see the old or the new adjacency, whole. The old one is freed
 *          by a later call. Waits for a grace period if the pool is empty, or if wire->idx was
 *          deleted in the current one: a worker may still hold the index in its old meaning.
 * Errors:  -EINVAL idx, kind, or of a native path the port (RTE_MAX_ETHPORTS) or mtu (below 68);
 *          -ENOSPC no adjacency left even after a grace period
 */
int nexthop_path_set(struct nexthop_table *table, const struct wire_path *wire);

/**
 * Errors: -EINVAL idx; -ENOENT not set. The caller sees to it that no route or group uses it (a
 *         packet that still does is punted).
 */
int nexthop_path_del(struct nexthop_table *table, uint32_t idx);

/**
 * Set a group; its buckets are dealt in proportion to the weights. A bucket whose path is still a
 * member and not over its share keeps it, so that flows stay where they are.
 *
 * Members that cannot send now get none, unless no member can: those whose port is down, and those
 * that wait (wire_path.is_waiting). They get their share back when that changes.
 *
 * A worker sees each bucket with its old or its new path. The fixed paths may be members. Waits as
 * nexthop_path_set() does if wire->idx was just deleted.
 *
 * Errors: -EINVAL idx, no or too many members, weight not 1 .. 65536, a member path that is not
 * set; -ENOMEM
 */
int nexthop_group_set(struct nexthop_table *table, const struct wire_group *wire);

/**
 * Errors: -EINVAL idx; -ENOENT not set. The caller sees to it that no route uses it (a packet that
 *         still does is punted).
 */
int nexthop_group_del(struct nexthop_table *table, uint32_t idx);

/**
 * A port has a link or none: the groups move what went out by it, at once and without control, and
 * give it back. Ports are up until this says otherwise.
 *
 * Threads: main lcore only; a worker sees each bucket with its old or its new path
 */
void nexthop_port_set(struct nexthop_table *table, uint16_t port, bool is_up);

/** Is this a next-hop index that a route may use now? */
bool nexthop_is_set(const struct nexthop_table *table, uint32_t nh);

/**
 * The fixed paths have only their idx.
 *
 * Owner:   valid until the path or group is set or deleted
 * Threads: main lcore only
 * Errors:  NULL if not set
 */
const struct wire_path *nexthop_path_get(const struct nexthop_table *table, uint32_t idx);
const struct wire_group *nexthop_group_get(const struct nexthop_table *table, uint32_t idx);

/** Used and available; the fixed paths are not counted as used. */
struct nexthop_counts {
	uint32_t n_paths, max_paths, n_groups, max_groups;
};
struct nexthop_counts nexthop_counts(const struct nexthop_table *table);

/**
 * A path slot, as one word: the index of its adjacency, and of that what a packet must meet and where it
 * leaves. So a burst's adjacencies are compared before any of them is in the cache.
 */
#define NEXTHOP_SLOT_IDX	UINT64_C(0xffffff) /**< the adjacency's index */
#define NEXTHOP_SLOT_KIND_SHIFT 24
#define NEXTHOP_SLOT_KIND_MASK	UINT64_C(0x7f) /**< enum adjacency_kind */
#define NEXTHOP_SLOT_SUM_SHIFT	31	       /**< has_udp_checksum */
#define NEXTHOP_SLOT_PORT_SHIFT 32
#define NEXTHOP_SLOT_MTU_SHIFT	48

/** The part workers read; laid out for them. */
struct nexthop_view {
	const uint64_t *slot; /**< by path */
	const struct adjacency *adjacency;
	const struct nexthop_group *group;
};

/** Owner: valid as long as the table. */
const struct nexthop_view *nexthop_view(const struct nexthop_table *table);

/**
 * The path for a next-hop index that fib_lookup_bulk() gave.
 *
 * @hash: of the 5-tuple; only looked at for a group
 *
 * Threads: workers, for whom what it says dies with the loop turn; main lcore
 */
static inline uint32_t nexthop_path(const struct nexthop_view *view, uint32_t nh, uint32_t hash)
{
	if (nh & WIRE_NH_GROUP)
		nh = __atomic_load_n(&view->group[nh & ~(uint32_t)WIRE_NH_GROUP]
					      .bucket[hash % NEXTHOP_GROUP_BUCKETS],
			__ATOMIC_RELAXED);
	return nh;
}

/** Threads: as nexthop_path() */
static inline uint64_t nexthop_slot(const struct nexthop_view *view, uint32_t path)
{
	// acquire: the adjacency was written before its index was published
	return __atomic_load_n(&view->slot[path], __ATOMIC_ACQUIRE);
}

/** Is it a path by which packets leave? */
static inline bool nexthop_slot_sends(uint64_t slot)
{
	return (slot >> NEXTHOP_SLOT_KIND_SHIFT & NEXTHOP_SLOT_KIND_MASK) >= ADJACENCY_NATIVE;
}

/** Threads: as nexthop_path() */
static inline const struct adjacency *nexthop_adjacency(const struct nexthop_view *view,
	uint64_t slot)
{
	return &view->adjacency[slot & NEXTHOP_SLOT_IDX];
}

/** All of this: from a next-hop index to the adjacency. Threads: as nexthop_path() */
static inline const struct adjacency *nexthop_resolve(const struct nexthop_view *view, uint32_t nh,
	uint32_t hash)
{
	return nexthop_adjacency(view, nexthop_slot(view, nexthop_path(view, nh, hash)));
}

#endif
