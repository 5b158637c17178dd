/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * After a (re)connect: forget what was acknowledged, then take over what the dataplane says it has.
 * Called by pipeline.c with the records of the dump.
 */
#include "control/step/sync_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void drop_pending(struct sync *sync)
{
	struct sync_pending *pending;

	while ((pending = TAILQ_FIRST(&sync->pending)) != NULL) {
		TAILQ_REMOVE(&sync->pending, pending, next);
		free(pending);
	}
	sync->n_pending = 0;
	for (int i = 0; i < SYNC_LISTS; i++)
		sync->list[i].is_in_flight = false;
}

void sync_disconnected(struct sync *sync)
{
	drop_pending(sync);
	sync->is_connected = false;
	sync->is_adopted = false;
}

static void forget_route(struct sync *sync, struct sync_route *route)
{
	route->is_queued = false;
	sync_route_set_sent(sync, route, NULL, false);
	sync_route_set_acked(sync, route, NULL);
	sync_route_set_error(sync, route, 0);
	sync_route_set_held(sync, route, false);
	sync_route_free_if_idle(sync, route);
}

/* Errors: -ENOMEM, nothing changed */
static int forget_nhs(struct sync *sync, struct sync_nhs *nhs, uint32_t first, uint32_t max)
{
	struct sync_nh **by_idx = calloc(max > 0 ? max : 1, sizeof(struct sync_nh *));
	struct sync_nh *nh, *next;

	if (by_idx == NULL)
		return -ENOMEM;
	free(nhs->by_idx);
	nhs->by_idx = by_idx;
	nhs->max = max;
	nhs->first = first;
	nhs->next_free = first;
	nhs->n_blocking = 0;
	TAILQ_FOREACH_SAFE(nh, &nhs->all, all, next)
	{
		nh->wire = 0;
		nh->is_acked = false;
		nh->is_in_flight = false;
		nh->is_deleting = false;
		nh->is_held = false;
		nh->error = 0;
		if (nh->refs == 0)
			sync_nh_free(sync, nh);
	}
	return 0;
}

int sync_connected(struct sync *sync, uint32_t max_paths, uint32_t max_groups)
{
	int err;

	drop_pending(sync);
	STAILQ_INIT(&sync->queue);
	sync->n_batch = 0;
	sync->batch_at = 0;
	sync->batch_deletes = false;
	sync_lists_forget(sync);
	sync->full_sync_sec = 0;
	sync_table_each_route(sync, forget_route);
	// Groups first: they let go of their paths.
	err = forget_nhs(sync, &sync->groups, 0, max_groups);
	if (err == 0)
		err = forget_nhs(sync, &sync->paths, WIRE_NH_PATH_FIRST, max_paths);
	sync->is_connected = err == 0;
	sync->is_adopted = false;
	return err;
}

/* It has this index in the dataplane. */
static void take_over(struct sync *sync, struct sync_nh *nh, uint32_t idx, uint32_t wire)
{
	sync_nhs_of(sync, nh)->by_idx[idx] = nh;
	nh->wire = wire;
	nh->is_acked = true;
	nh->is_held = nh->refs == 0 && !sync->may_delete;
}

static int adopt_path(struct sync *sync, const struct wire_path *wire)
{
	struct hop_key key = {.nexthop = wire->nexthop,
		.ifindex = wire->ifindex,
		.policy = wire->policy};
	struct sync_path *path = sync_path_find(sync, key);
	bool is_second = path != NULL && path->nh.is_acked;
	bool is_new;

	if (wire->idx < sync->paths.first || wire->idx >= sync->paths.max ||
		sync->paths.by_idx[wire->idx] != NULL)
		return -EBADMSG;
	is_new = path == NULL || is_second;
	if (is_new)
		path = sync_path_add(sync, key, !is_second);
	if (path == NULL)
		return -ENOMEM;
	take_over(sync, &path->nh, wire->idx, wire->idx);
	path->acked = *wire;
	path->acked.idx = 0;
	path->acked.pad2 = 0;
	// Right until the hop has been worked out.
	if (is_new)
		path->hop.wanted = path->acked;
	if (wire->kind != WIRE_PATH_PUNT)
		path->hop.last_kind = wire->kind;
	return 0;
}

static int compare_members(const void *a, const void *b)
{
	const struct hop_key *x = &((const struct sync_member *)a)->path->hop.key;
	const struct hop_key *y = &((const struct sync_member *)b)->path->hop.key;

	if (x->nexthop != y->nexthop)
		return x->nexthop < y->nexthop ? -1 : 1;
	if (x->ifindex != y->ifindex)
		return x->ifindex < y->ifindex ? -1 : 1;
	return (int)x->policy - (int)y->policy;
}

static int adopt_group(struct sync *sync, const struct wire_group *wire)
{
	struct sync_member members[WIRE_GROUP_MEMBERS];
	struct sync_group *group;
	bool is_second;

	if (wire->idx >= sync->groups.max || sync->groups.by_idx[wire->idx] != NULL ||
		wire->n_members > WIRE_GROUP_MEMBERS)
		return -EBADMSG;
	for (uint32_t i = 0; i < wire->n_members; i++) {
		uint32_t idx = wire->member[i].path;

		if (idx >= sync->paths.max || sync->paths.by_idx[idx] == NULL)
			return -EBADMSG;
		members[i].path = sync_path_of(sync->paths.by_idx[idx]);
		members[i].weight = wire->member[i].weight;
	}
	qsort(members, wire->n_members, sizeof(members[0]), compare_members);
	group = sync_group_find(sync, members, wire->n_members);
	is_second = group != NULL && group->nh.is_acked;
	if (group == NULL || is_second)
		group = sync_group_add(sync, members, wire->n_members, !is_second);
	if (group == NULL)
		return -ENOMEM;
	take_over(sync, &group->nh, wire->idx, wire->idx | WIRE_NH_GROUP);
	return 0;
}

static struct sync_nh *nh_of_wire(struct sync *sync, uint32_t wire)
{
	uint32_t idx = wire & ~(uint32_t)WIRE_NH_GROUP;
	const struct sync_nhs *nhs = wire & WIRE_NH_GROUP ? &sync->groups : &sync->paths;

	if (wire < WIRE_NH_PATH_FIRST)
		return &sync->fixed[wire];
	if (idx >= nhs->max || nhs->by_idx[idx] == NULL)
		return &sync->unknown;
	return nhs->by_idx[idx];
}

static int adopt_route(struct sync *sync, const struct wire_route *wire)
{
	struct sync_route *route;

	if (wire->depth > 32)
		return -EBADMSG;
	route = sync_route_find(sync, wire->prefix, wire->depth);
	if (route == NULL)
		route = sync_route_add(sync, wire->prefix, wire->depth);
	if (route == NULL)
		return -ENOMEM;
	sync_route_set_acked(sync, route, nh_of_wire(sync, wire->nh));
	sync_route_set_held(sync, route, route->wanted == NULL && !sync->may_delete);
	return 0;
}

int sync_adopt(struct sync *sync, enum wire_type type, const void *items, size_t n_items)
{
	int err = 0;

	if (!sync->is_connected || sync->is_adopted || n_items == 0)
		return 0;
	if (sync_is_list(type))
		return sync_lists_adopt(sync, type, items, n_items);
	for (size_t i = 0; i < n_items && err == 0; i++) {
		if (type == WIRE_PATH_SET)
			err = adopt_path(sync, (const struct wire_path *)items + i);
		else if (type == WIRE_GROUP_SET)
			err = adopt_group(sync, (const struct wire_group *)items + i);
		else if (type == WIRE_ROUTE_SET)
			err = adopt_route(sync, (const struct wire_route *)items + i);
	}
	return err;
}

void sync_adopted(struct sync *sync)
{
	struct sync_nh *nh;

	sync->is_adopted = true;
	TAILQ_FOREACH(nh, &sync->groups.all, all)
		sync_nh_touch(sync, nh);
	TAILQ_FOREACH(nh, &sync->paths.all, all)
		sync_nh_touch(sync, nh);
	sync_touch_all_routes(sync);
}
