/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is wanted of the dataplane, and how it stands. Called by pipeline.c; sync_send.c sends the
 * difference, sync_adopt.c takes over what is there, sync_table.c keeps the objects.
 */
#include "control/step/sync.h"

#include "control/step/sync_table.h"

#include <errno.h>
#include <string.h>

struct sync *sync_new(sync_send_fn send, void *arg)
{
	struct sync *sync = calloc(1, sizeof(*sync));

	if (sync == NULL)
		return NULL;
	sync->batch = calloc(SYNC_BATCH, sizeof(*sync->batch));
	if (sync->batch == NULL || table_init(&sync->routes, sizeof(struct sync_route)) != 0) {
		free(sync->batch);
		free(sync);
		return NULL;
	}
	sync->send = send;
	sync->send_arg = arg;
	for (uint32_t i = 0; i < WIRE_NH_PATH_FIRST; i++)
		sync->fixed[i] = (struct sync_nh){.kind = SYNC_FIXED, .wire = i, .is_acked = true};
	sync->unknown = (struct sync_nh){.kind = SYNC_FIXED, .is_acked = true};
	TAILQ_INIT(&sync->paths.all);
	TAILQ_INIT(&sync->paths.queue);
	TAILQ_INIT(&sync->groups.all);
	TAILQ_INIT(&sync->groups.queue);
	STAILQ_INIT(&sync->queue);
	TAILQ_INIT(&sync->pending);
	return sync;
}

void sync_free(struct sync *sync)
{
	struct sync_nh *nh, *next;

	if (sync == NULL)
		return;
	sync_disconnected(sync);
	sync_lists_free(sync);
	TAILQ_FOREACH_SAFE(nh, &sync->groups.all, all, next)
	free(sync_group_of(nh));
	TAILQ_FOREACH_SAFE(nh, &sync->paths.all, all, next)
	free(sync_path_of(nh));
	table_free(&sync->routes);
	hash_free(&sync->paths.by_content);
	hash_free(&sync->groups.by_content);
	free(sync->paths.by_idx);
	free(sync->groups.by_idx);
	free(sync->batch);
	free(sync);
}

struct hop *sync_find_hop(const struct sync *sync, struct hop_key key)
{
	struct sync_path *path = sync_path_find(sync, key);

	return path == NULL ? NULL : &path->hop;
}

struct hop *sync_find_hop_at(const struct sync *sync, uint32_t idx)
{
	struct sync_nh *nh = idx < sync->paths.max ? sync->paths.by_idx[idx] : NULL;

	return nh == NULL ? NULL : &sync_path_of(nh)->hop;
}

struct hop *sync_take_hop(struct sync *sync, struct hop_key key)
{
	struct sync_path *path = sync_path_find(sync, key);

	if (path == NULL) {
		path = sync_path_add(sync, key, true);
		// Freed at the next pump, should no route come to want it.
		if (path != NULL)
			sync_nh_touch(sync, &path->nh);
	}
	return path == NULL ? NULL : &path->hop;
}

void sync_hop_changed(struct sync *sync, struct hop *hop)
{
	struct sync_path *path = hash_entry(hop, struct sync_path, hop);

	if (path->nh.error != 0)
		sync->has_recovered = true;
	path->nh.error = 0;
	sync_nh_touch(sync, &path->nh);
}

struct sync_nh *sync_take_target(struct sync *sync, const struct route_target *target)
{
	struct sync_member members[WIRE_GROUP_MEMBERS];
	struct sync_group *group;

	if (target->n == 0)
		return &sync->fixed[target->fixed];
	for (uint32_t i = 0; i < target->n; i++) {
		struct hop *hop = sync_take_hop(sync, target->member[i].key);

		if (hop == NULL)
			return NULL;
		members[i].path = hash_entry(hop, struct sync_path, hop);
		members[i].weight = target->member[i].weight;
	}
	if (target->n == 1)
		return &members[0].path->nh;
	group = sync_group_find(sync, members, target->n);
	if (group == NULL) {
		group = sync_group_add(sync, members, target->n, true);
		if (group != NULL)
			sync_nh_touch(sync, &group->nh);
	}
	return group == NULL ? NULL : &group->nh;
}

static void note_change(struct sync *sync, struct sync_route *route, uint64_t cause_us)
{
	uint32_t slot = sync->n_traces % SYNC_TRACES;

	if (cause_us == 0)
		return;
	sync->trace[slot] = (struct sync_trace){
		.prefix = route->prefix,
		.depth = route->depth,
		.cause_us = cause_us,
	};
	sync->n_traces++;
	route->trace = (slot + 1) & 127;
}

int sync_want_nh(struct sync *sync, uint32_t prefix, uint8_t depth, struct sync_nh *nh,
	uint64_t cause_us)
{
	struct sync_route *route = sync_route_find(sync, prefix, depth);

	if (route == NULL)
		route = sync_route_add(sync, prefix, depth);
	if (route == NULL)
		return -ENOMEM;
	if (route->wanted == nh)
		return 0;
	sync_route_set_held(sync, route, false);
	sync_route_set_error(sync, route, 0);
	sync_route_set_wanted(sync, route, nh);
	note_change(sync, route, cause_us);
	sync_route_touch(sync, route);
	return 0;
}

int sync_want_route(struct sync *sync, uint32_t prefix, uint8_t depth,
	const struct route_target *target, uint64_t cause_us)
{
	struct sync_nh *nh = sync_take_target(sync, target);

	return nh == NULL ? -ENOMEM : sync_want_nh(sync, prefix, depth, nh, cause_us);
}

void sync_unwant_route(struct sync *sync, uint32_t prefix, uint8_t depth, uint64_t cause_us)
{
	struct sync_route *route = sync_route_find(sync, prefix, depth);

	if (route == NULL || route->wanted == NULL)
		return;
	sync_route_set_error(sync, route, 0);
	sync_route_set_wanted(sync, route, NULL);
	note_change(sync, route, cause_us);
	sync_route_touch(sync, route);
	sync_route_free_if_idle(sync, route);
}

void sync_allow_pools(struct sync *sync)
{
	sync->may_pool = true;
}

static void release_route(struct sync *sync, struct sync_route *route)
{
	sync_route_set_held(sync, route, false);
	sync_route_touch(sync, route);
}

static void release_nhs(struct sync *sync, struct sync_nhs *nhs)
{
	struct sync_nh *nh;

	TAILQ_FOREACH(nh, &nhs->all, all) {
		nh->is_held = false;
		sync_nh_touch(sync, nh);
	}
}

void sync_allow_deletes(struct sync *sync)
{
	if (sync->may_delete)
		return;
	sync->may_delete = true;
	sync_table_each_route(sync, release_route);
	release_nhs(sync, &sync->groups);
	release_nhs(sync, &sync->paths);
}

static void retry_route(struct sync *sync, struct sync_route *route)
{
	sync_route_set_error(sync, route, 0);
	sync_route_touch(sync, route);
}

static void retry_nhs(struct sync *sync, struct sync_nhs *nhs)
{
	struct sync_nh *nh;

	TAILQ_FOREACH(nh, &nhs->all, all)
		if (nh->error != 0) {
			nh->error = 0;
			sync->has_recovered = true;
			sync_nh_touch(sync, nh);
		}
}

void sync_retry(struct sync *sync)
{
	retry_nhs(sync, &sync->paths);
	retry_nhs(sync, &sync->groups);
	if (sync->route_count.n_refused > 0)
		sync_table_each_route(sync, retry_route);
	sync_lists_retry(sync);
}
