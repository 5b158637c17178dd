/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Path slots, adjacencies and groups. Written by the API server on the main lcore, read by workers
 * through struct nexthop_view.
 *
 * An adjacency is never changed once its index is published. A new one is taken from a pool; the
 * old one goes to the end of the retired queue with a token of its grace period, and from there
 * back to the pool when all workers have passed a quiescent state.
 */
#include "dataplane/table/nexthop.h"

#include <rte_malloc.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WEIGHT_MAX 65536u

/** Adjacencies above one for each slot, so that replacing all of a few slots needs no waiting. */
#define SPARE_MIN 64u

static_assert((int)ADJACENCY_PUNT == (int)WIRE_NH_PUNT, "the fixed paths are kinds");
static_assert((int)ADJACENCY_PROBE == (int)WIRE_NH_PROBE, "the fixed paths are kinds");

struct retired {
	uint64_t token;
	uint32_t adjacency_idx;
};

struct nexthop_table {
	struct nexthop_view view; /* workers follow its pointers; the rest is the main lcore's */
	struct epoch *epoch;
	uint64_t *slot;
	struct adjacency *adjacency;
	struct nexthop_group *group;
	struct wire_path *wire_path;	/* by slot, as control set it */
	struct wire_group **wire_group; /* NULL: not set */
	uint32_t *free;			/* stack of n_free adjacency indexes */
	struct retired *retired;	/* ring of n_adjacencies, the oldest at retired_head */
	uint64_t *slot_token;		/* of a deleted slot: its index may be in workers' hands */
	uint64_t *group_token;		/* likewise of a group */
	bool is_dead[RTE_MAX_ETHPORTS]; /* ports without a link */
	uint32_t n_adjacencies, n_free, n_retired, retired_head;
	struct nexthop_counts counts;
};

static_assert((int)ADJACENCY_N_KINDS <= (int)NEXTHOP_SLOT_KIND_MASK, "the kind fits a slot");
static_assert(WIRE_NH_GROUP + WIRE_NH_GROUP / 8 + SPARE_MIN + ADJACENCY_N_KINDS <= NEXTHOP_SLOT_IDX,
	"the index fits a slot");

static void publish_slot(struct nexthop_table *table, uint32_t idx, uint32_t adjacency_idx)
{
	const struct adjacency *adjacency = &table->adjacency[adjacency_idx];
	uint64_t slot = adjacency_idx;

	slot |= (uint64_t)adjacency->kind << NEXTHOP_SLOT_KIND_SHIFT;
	slot |= (uint64_t)(adjacency->has_udp_checksum != 0) << NEXTHOP_SLOT_SUM_SHIFT;
	slot |= (uint64_t)adjacency->port << NEXTHOP_SLOT_PORT_SHIFT;
	slot |= (uint64_t)adjacency->mtu << NEXTHOP_SLOT_MTU_SHIFT;
	// release: whoever sees the index sees the adjacency that was written before
	__atomic_store_n(&table->slot[idx], slot, __ATOMIC_RELEASE);
}

/* Returns: ADJACENCY_NONE, not set; the rest of the slot may then be anything */
static uint32_t adjacency_in(const struct nexthop_table *table, uint32_t idx)
{
	return (uint32_t)(table->slot[idx] & NEXTHOP_SLOT_IDX);
}

static void set_fixed_paths(struct nexthop_table *table)
{
	for (uint32_t idx = ADJACENCY_NONE; idx <= ADJACENCY_PROBE; idx++) {
		struct adjacency *adjacency = &table->adjacency[idx];

		adjacency->kind = (uint8_t)idx;
		adjacency->mtu = UINT16_MAX;
		table->wire_path[idx].idx = idx;
		publish_slot(table, idx, idx);
	}
}

int nexthop_create(struct nexthop_table **table, uint32_t max_paths, uint32_t max_groups,
	int socket, struct epoch *epoch)
{
	struct nexthop_table *t;
	const uint32_t first = ADJACENCY_PROBE + 1;

	if (max_paths <= WIRE_NH_PATH_FIRST || max_paths >= WIRE_NH_GROUP ||
		max_groups >= WIRE_NH_GROUP)
		return -EINVAL;

	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return -ENOMEM;
	t->epoch = epoch;
	t->counts = (struct nexthop_counts){.max_paths = max_paths, .max_groups = max_groups};
	t->n_adjacencies = first + max_paths + RTE_MAX(SPARE_MIN, max_paths / 8);

	t->slot = rte_zmalloc_socket("slots", max_paths * sizeof(*t->slot), RTE_CACHE_LINE_SIZE,
		socket);
	t->adjacency = rte_zmalloc_socket("adjacencies", t->n_adjacencies * sizeof(*t->adjacency),
		RTE_CACHE_LINE_SIZE, socket);
	// one more, as an allocation of nothing gives NULL
	t->group = rte_zmalloc_socket("groups", (max_groups + 1) * sizeof(*t->group),
		RTE_CACHE_LINE_SIZE, socket);
	t->wire_path = calloc(max_paths, sizeof(*t->wire_path));
	t->wire_group = calloc(max_groups + 1, sizeof(struct wire_group *));
	t->free = calloc(t->n_adjacencies, sizeof(*t->free));
	t->retired = calloc(t->n_adjacencies, sizeof(*t->retired));
	t->slot_token = calloc(max_paths, sizeof(*t->slot_token));
	t->group_token = calloc(max_groups + 1, sizeof(*t->group_token));
	if (t->slot == NULL || t->adjacency == NULL || t->group == NULL || t->wire_path == NULL ||
		t->wire_group == NULL || t->free == NULL || t->retired == NULL ||
		t->slot_token == NULL || t->group_token == NULL) {
		nexthop_free(t);
		return -ENOMEM;
	}

	set_fixed_paths(t);
	for (uint32_t idx = t->n_adjacencies; idx > first; idx--)
		t->free[t->n_free++] = idx - 1;
	t->view = (struct nexthop_view){.slot = t->slot,
		.adjacency = t->adjacency,
		.group = t->group};
	*table = t;
	return 0;
}

void nexthop_free(struct nexthop_table *table)
{
	if (table == NULL)
		return;
	if (table->wire_group != NULL)
		for (uint32_t idx = 0; idx < table->counts.max_groups; idx++)
			free(table->wire_group[idx]);
	free(table->wire_group);
	free(table->wire_path);
	free(table->group_token);
	free(table->slot_token);
	free(table->retired);
	free(table->free);
	rte_free(table->group);
	rte_free(table->adjacency);
	rte_free(table->slot);
	free(table);
}

/** Take back what no worker can hold any more; tokens grow along the queue. */
static void reclaim(struct nexthop_table *table)
{
	while (table->n_retired > 0) {
		const struct retired *oldest = &table->retired[table->retired_head];

		if (rte_rcu_qsbr_check(table->epoch->qsbr, oldest->token, false) != 1)
			return;
		table->free[table->n_free++] = oldest->adjacency_idx;
		table->retired_head = (table->retired_head + 1) % table->n_adjacencies;
		table->n_retired--;
	}
}

/** Call after the index was taken from where workers find it. */
static void retire(struct nexthop_table *table, uint32_t adjacency_idx)
{
	uint32_t tail = (table->retired_head + table->n_retired) % table->n_adjacencies;

	table->retired[tail] = (struct retired){
		.token = rte_rcu_qsbr_start(table->epoch->qsbr),
		.adjacency_idx = adjacency_idx,
	};
	table->n_retired++;
}

/**
 * Wait until no worker holds an index that was deleted: it looked it up in the FIB before, and
 * would take the new meaning for the old. Mostly the grace period is over long since.
 */
static void settle(const struct nexthop_table *table, uint64_t *token)
{
	if (*token != 0)
		rte_rcu_qsbr_check(table->epoch->qsbr, *token, true);
	*token = 0;
}

/** Errors: 0 none left */
static uint32_t take_adjacency(struct nexthop_table *table)
{
	reclaim(table);
	if (table->n_free == 0 && table->n_retired > 0) {
		epoch_wait(table->epoch);
		reclaim(table);
	}
	return table->n_free > 0 ? table->free[--table->n_free] : 0;
}

/* A path that punts for good, and the fixed ones, have their share as any other. */
static bool can_send(const struct nexthop_table *table, uint32_t path)
{
	const struct wire_path *wire = &table->wire_path[path];

	if (path < WIRE_NH_PATH_FIRST)
		return true;
	return wire->kind == WIRE_PATH_PUNT ? !wire->is_waiting : !table->is_dead[wire->port];
}

static void publish_buckets(struct nexthop_group *group, const uint32_t *bucket)
{
	for (uint32_t b = 0; b < NEXTHOP_GROUP_BUCKETS; b++)
		if (group->bucket[b] != bucket[b])
			// release: whoever sees the path sees what its slot was set to before
			__atomic_store_n(&group->bucket[b], bucket[b], __ATOMIC_RELEASE);
}

static void deal_group(struct nexthop_table *table, const struct wire_group *wire)
{
	struct nexthop_group *group = &table->group[wire->idx];
	uint32_t bucket[NEXTHOP_GROUP_BUCKETS];
	struct wire_group live;

	live.n_members = 0;
	for (uint32_t i = 0; i < wire->n_members; i++)
		if (can_send(table, wire->member[i].path))
			live.member[live.n_members++] = wire->member[i];
	deal_buckets(live.n_members > 0 ? &live : wire, group->bucket, bucket);
	publish_buckets(group, bucket);
}

static bool has_path(const struct wire_group *wire, uint32_t path)
{
	for (uint32_t i = 0; i < wire->n_members; i++)
		if (wire->member[i].path == path)
			return true;
	return false;
}

static bool has_port(const struct nexthop_table *table, const struct wire_group *wire,
	uint16_t port)
{
	for (uint32_t i = 0; i < wire->n_members; i++) {
		const struct wire_path *path = &table->wire_path[wire->member[i].path];

		if (path->kind != WIRE_PATH_PUNT && path->port == port)
			return true;
	}
	return false;
}

static bool is_path_idx(const struct nexthop_table *table, uint32_t idx)
{
	return idx >= WIRE_NH_PATH_FIRST && idx < table->counts.max_paths;
}

/* A path that groups may have can send now, or no longer. */
static void deal_groups_of(struct nexthop_table *table, uint32_t path)
{
	if (table->counts.n_groups == 0)
		return;
	for (uint32_t idx = 0; idx < table->counts.max_groups; idx++)
		if (table->wire_group[idx] != NULL && has_path(table->wire_group[idx], path))
			deal_group(table, table->wire_group[idx]);
}

void nexthop_port_set(struct nexthop_table *table, uint16_t port, bool is_up)
{
	if (table->is_dead[port] == !is_up)
		return;
	table->is_dead[port] = !is_up;
	for (uint32_t idx = 0; idx < table->counts.max_groups; idx++)
		if (table->wire_group[idx] != NULL && has_port(table, table->wire_group[idx], port))
			deal_group(table, table->wire_group[idx]);
}

int nexthop_path_set(struct nexthop_table *table, const struct wire_path *wire)
{
	struct adjacency made;
	uint32_t old, new;
	bool could_send;

	if (!is_path_idx(table, wire->idx) || adjacency_make(&made, wire) < 0)
		return -EINVAL;
	old = adjacency_in(table, wire->idx);
	// control says everything again after a restart; leave what is right already
	if (old != ADJACENCY_NONE && memcmp(&table->wire_path[wire->idx], wire, sizeof(*wire)) == 0)
		return 0;
	new = take_adjacency(table);
	if (new == ADJACENCY_NONE)
		return -ENOSPC;

	settle(table, &table->slot_token[wire->idx]);
	could_send = can_send(table, wire->idx);
	table->adjacency[new] = made;
	table->wire_path[wire->idx] = *wire;
	publish_slot(table, wire->idx, new);
	if (old == ADJACENCY_NONE)
		table->counts.n_paths++;
	else
		retire(table, old);
	if (old != ADJACENCY_NONE && could_send != can_send(table, wire->idx))
		deal_groups_of(table, wire->idx);
	return 0;
}

int nexthop_path_del(struct nexthop_table *table, uint32_t idx)
{
	uint32_t old;

	if (!is_path_idx(table, idx))
		return -EINVAL;
	old = adjacency_in(table, idx);
	if (old == ADJACENCY_NONE)
		return -ENOENT;

	publish_slot(table, idx, ADJACENCY_NONE);
	retire(table, old);
	table->slot_token[idx] = rte_rcu_qsbr_start(table->epoch->qsbr);
	reclaim(table);
	table->counts.n_paths--;
	return 0;
}

bool nexthop_is_set(const struct nexthop_table *table, uint32_t nh)
{
	uint32_t group_idx = nh & ~(uint32_t)WIRE_NH_GROUP;

	if (nh & WIRE_NH_GROUP)
		return group_idx < table->counts.max_groups && table->wire_group[group_idx] != NULL;
	return nh < table->counts.max_paths && adjacency_in(table, nh) != ADJACENCY_NONE;
}

static int check_group(const struct nexthop_table *table, const struct wire_group *wire)
{
	if (wire->idx >= table->counts.max_groups)
		return -EINVAL;
	if (wire->n_members == 0 || wire->n_members > WIRE_GROUP_MEMBERS)
		return -EINVAL;
	for (uint32_t i = 0; i < wire->n_members; i++) {
		const struct wire_member *member = &wire->member[i];

		if (member->weight == 0 || member->weight > WEIGHT_MAX)
			return -EINVAL;
		if ((member->path & WIRE_NH_GROUP) || !nexthop_is_set(table, member->path))
			return -EINVAL;
	}
	return 0;
}

int nexthop_group_set(struct nexthop_table *table, const struct wire_group *wire)
{
	int rc = check_group(table, wire);

	if (rc < 0)
		return rc;
	if (table->wire_group[wire->idx] == NULL) {
		table->wire_group[wire->idx] = malloc(sizeof(*wire));
		if (table->wire_group[wire->idx] == NULL)
			return -ENOMEM;
		table->counts.n_groups++;
	}

	settle(table, &table->group_token[wire->idx]);
	deal_group(table, wire);
	*table->wire_group[wire->idx] = *wire;
	return 0;
}

int nexthop_group_del(struct nexthop_table *table, uint32_t idx)
{
	static const uint32_t none[NEXTHOP_GROUP_BUCKETS];

	if (idx >= table->counts.max_groups)
		return -EINVAL;
	if (table->wire_group[idx] == NULL)
		return -ENOENT;

	publish_buckets(&table->group[idx], none);
	table->group_token[idx] = rte_rcu_qsbr_start(table->epoch->qsbr);
	free(table->wire_group[idx]);
	table->wire_group[idx] = NULL;
	table->counts.n_groups--;
	return 0;
}

const struct wire_path *nexthop_path_get(const struct nexthop_table *table, uint32_t idx)
{
	if (idx >= table->counts.max_paths || adjacency_in(table, idx) == ADJACENCY_NONE)
		return NULL;
	return &table->wire_path[idx];
}

const struct wire_group *nexthop_group_get(const struct nexthop_table *table, uint32_t idx)
{
	return idx < table->counts.max_groups ? table->wire_group[idx] : NULL;
}

struct nexthop_counts nexthop_counts(const struct nexthop_table *table)
{
	return table->counts;
}

const struct nexthop_view *nexthop_view(const struct nexthop_table *table)
{
	return &table->view;
}
