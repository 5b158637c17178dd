/* SPDX-License-Identifier: BSD-3-Clause */
/* The objects of step 9: paths, groups and routes with their references. Called by sync*.c only. */
#include "control/step/sync_table.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static uint32_t hash_key(struct hop_key key)
{
	return hash_words(key.nexthop, key.ifindex) ^ key.policy;
}

static uint32_t hash_members(const struct sync_member *members, uint32_t n)
{
	uint32_t hash = n;

	for (uint32_t i = 0; i < n; i++) {
		const struct hop_key *key = &members[i].path->hop.key;

		hash = hash_words(hash, hash_key(*key) ^ members[i].weight);
	}
	return hash;
}

void sync_nh_ref(struct sync_nh *nh)
{
	nh->refs++;
}

void sync_nh_touch(struct sync *sync, struct sync_nh *nh)
{
	if (nh->kind == SYNC_FIXED || nh->is_queued)
		return;
	TAILQ_INSERT_TAIL(&sync_nhs_of(sync, nh)->queue, nh, queue);
	nh->is_queued = true;
}

void sync_nh_unref(struct sync *sync, struct sync_nh *nh)
{
	assert(nh->refs > 0);
	nh->refs--;
	if (nh->refs == 0)
		sync_nh_touch(sync, nh);
}

void sync_nh_free(struct sync *sync, struct sync_nh *nh)
{
	struct sync_nhs *nhs = sync_nhs_of(sync, nh);

	assert(nh->refs == 0 && !nh->is_in_flight);
	if (nh->is_queued)
		TAILQ_REMOVE(&nhs->queue, nh, queue);
	// It may have been given an index and then not been sent.
	if (nh->wire != 0)
		sync_nh_release_idx(sync, nh);
	TAILQ_REMOVE(&nhs->all, nh, all);
	if (nh->is_indexed)
		hash_remove(&nhs->by_content, &nh->node);
	if (nh->kind == SYNC_PATH) {
		free(sync_path_of(nh));
		return;
	}
	for (uint32_t i = 0; i < sync_group_of(nh)->n; i++)
		sync_nh_unref(sync, &sync_group_of(nh)->member[i].path->nh);
	free(sync_group_of(nh));
}

void sync_nh_refuse(struct sync *sync, struct sync_nh *nh, int error)
{
	nh->error = error;
	sync->n_refusals++;
}

void sync_nh_release_idx(struct sync *sync, struct sync_nh *nh)
{
	sync_nhs_of(sync, nh)->by_idx[sync_nh_idx(nh)] = NULL;
	nh->wire = 0;
}

/* Put a new path or group where it is found. Errors: -ENOMEM */
static int enter(struct sync *sync, struct sync_nh *nh, bool is_indexed, uint32_t hash)
{
	struct sync_nhs *nhs = sync_nhs_of(sync, nh);
	int err = is_indexed ? hash_insert(&nhs->by_content, &nh->node, hash) : 0;

	if (err != 0)
		return err;
	nh->is_indexed = is_indexed;
	TAILQ_INSERT_TAIL(&nhs->all, nh, all);
	return 0;
}

struct sync_path *sync_path_find(const struct sync *sync, struct hop_key key)
{
	uint32_t hash = hash_key(key);
	struct hash_node *node = hash_chain(&sync->paths.by_content, hash);

	for (; node != NULL; node = node->next) {
		struct sync_path *path = sync_path_of(hash_entry(node, struct sync_nh, node));

		if (node->hash == hash && path->hop.key.nexthop == key.nexthop &&
			path->hop.key.ifindex == key.ifindex && path->hop.key.policy == key.policy)
			return path;
	}
	return NULL;
}

struct sync_path *sync_path_add(struct sync *sync, struct hop_key key, bool is_indexed)
{
	struct sync_path *path = calloc(1, sizeof(*path));

	if (path == NULL)
		return NULL;
	path->nh.kind = SYNC_PATH;
	path->hop.key = key;
	path->hop.wanted = (struct wire_path){.nexthop = key.nexthop,
		.ifindex = key.ifindex,
		.policy = key.policy};
	if (enter(sync, &path->nh, is_indexed, hash_key(key)) != 0) {
		free(path);
		return NULL;
	}
	return path;
}

static bool is_same_group(const struct sync_group *group, const struct sync_member *members,
	uint32_t n)
{
	if (group->n != n)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (group->member[i].path != members[i].path ||
			group->member[i].weight != members[i].weight)
			return false;
	return true;
}

struct sync_group *sync_group_find(const struct sync *sync, const struct sync_member *members,
	uint32_t n)
{
	uint32_t hash = hash_members(members, n);
	struct hash_node *node = hash_chain(&sync->groups.by_content, hash);

	for (; node != NULL; node = node->next) {
		struct sync_group *group = sync_group_of(hash_entry(node, struct sync_nh, node));

		if (node->hash == hash && is_same_group(group, members, n))
			return group;
	}
	return NULL;
}

struct sync_group *sync_group_add(struct sync *sync, const struct sync_member *members, uint32_t n,
	bool is_indexed)
{
	struct sync_group *group = calloc(1, sizeof(*group) + n * sizeof(*members));

	if (group == NULL)
		return NULL;
	group->nh.kind = SYNC_GROUP;
	group->n = n;
	if (enter(sync, &group->nh, is_indexed, hash_members(members, n)) != 0) {
		free(group);
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++) {
		group->member[i] = members[i];
		sync_nh_ref(&members[i].path->nh);
	}
	return group;
}

/* Into the hash again, whose place depends on the content. It has buckets, so this cannot fail. */
static void enter_again(struct sync_nhs *nhs, struct sync_nh *nh, uint32_t hash)
{
	hash_remove(&nhs->by_content, &nh->node);
	(void)hash_insert(&nhs->by_content, &nh->node, hash);
}

int sync_rename_policy(struct sync *sync, uint8_t from, uint8_t to)
{
	struct sync_nh *nh;

	TAILQ_FOREACH(nh, &sync->paths.all, all)
		if (sync_path_of(nh)->hop.key.policy == to)
			return -EEXIST;
	TAILQ_FOREACH(nh, &sync->paths.all, all) {
		struct hop_key *key = &sync_path_of(nh)->hop.key;

		if (key->policy != from)
			continue;
		key->policy = to;
		if (nh->is_indexed)
			enter_again(&sync->paths, nh, hash_key(*key));
	}
	TAILQ_FOREACH(nh, &sync->groups.all, all) {
		const struct sync_group *group = sync_group_of(nh);

		if (nh->is_indexed)
			enter_again(&sync->groups, nh, hash_members(group->member, group->n));
	}
	return 0;
}

static uint32_t hash_route(const struct sync *sync, uint32_t prefix, uint8_t depth)
{
	return table_hash(&sync->routes, table_number4(prefix, depth), depth);
}

static uint32_t find_idx(const struct sync *sync, uint32_t prefix, uint8_t depth)
{
	uint32_t hash = hash_route(sync, prefix, depth);
	size_t at = hash;

	for (;;) {
		uint32_t idx = table_next_of(&sync->routes, hash, &at);
		const struct sync_route *route;

		if (idx == TABLE_NONE)
			return idx;
		route = table_at(&sync->routes, idx);
		if (route->prefix == prefix && route->depth == depth)
			return idx;
	}
}

struct sync_route *sync_route_find(const struct sync *sync, uint32_t prefix, uint8_t depth)
{
	uint32_t idx = find_idx(sync, prefix, depth);

	return idx == TABLE_NONE ? NULL : table_at(&sync->routes, idx);
}

struct sync_route *sync_route_add(struct sync *sync, uint32_t prefix, uint8_t depth)
{
	struct sync_route *route;
	uint32_t idx;

	if (table_add(&sync->routes, hash_route(sync, prefix, depth), &idx) != 0)
		return NULL;
	route = table_at(&sync->routes, idx);
	route->prefix = prefix;
	route->depth = depth & 63;
	return route;
}

void sync_route_free_if_idle(struct sync *sync, struct sync_route *route)
{
	uint32_t hash, idx;

	if (route->wanted != NULL || route->acked != NULL || route->is_queued ||
		sync_route_is_in_flight(route))
		return;
	sync_route_set_error(sync, route, 0);
	sync_route_set_held(sync, route, false);
	hash = hash_route(sync, route->prefix, route->depth);
	idx = find_idx(sync, route->prefix, route->depth);
	table_remove(&sync->routes, hash, idx);
	route->depth = SYNC_FREE_DEPTH;
}

void sync_table_each_route(struct sync *sync,
	void (*visit)(struct sync *sync, struct sync_route *route))
{
	for (uint32_t idx = 0; idx < sync->routes.n_made; idx++) {
		struct sync_route *route = table_at(&sync->routes, idx);

		if (route->depth != SYNC_FREE_DEPTH)
			visit(sync, route);
	}
}

/* Change one of a route's three pointers; the new one first, so that it cannot fall to zero between. */
static void repoint(struct sync *sync, struct sync_nh **at, struct sync_nh *nh)
{
	struct sync_nh *old = *at;

	if (nh != NULL)
		sync_nh_ref(nh);
	*at = nh;
	if (old != NULL)
		sync_nh_unref(sync, old);
}

void sync_route_set_wanted(struct sync *sync, struct sync_route *route, struct sync_nh *nh)
{
	sync->route_count.n_wanted += (nh != NULL) - (route->wanted != NULL);
	repoint(sync, &route->wanted, nh);
	if (nh == NULL)
		return;
	nh->is_held = false;
	// A path or group that the dataplane does not have yet, or had already given up.
	if (!nh->is_acked)
		sync_nh_touch(sync, nh);
}

void sync_route_set_acked(struct sync *sync, struct sync_route *route, struct sync_nh *nh)
{
	sync->route_count.n_acked += (nh != NULL) - (route->acked != NULL);
	repoint(sync, &route->acked, nh);
}

void sync_route_set_sent(struct sync *sync, struct sync_route *route, struct sync_nh *nh,
	bool is_deleting)
{
	sync->route_count.n_in_flight -= sync_route_is_in_flight(route);
	repoint(sync, &route->sent, nh);
	route->is_deleting = is_deleting;
	sync->route_count.n_in_flight += sync_route_is_in_flight(route);
}

void sync_route_sent_is_acked(struct sync *sync, struct sync_route *route)
{
	struct sync_nh *old = route->acked;

	sync->route_count.n_acked += (route->sent != NULL) - (old != NULL);
	sync->route_count.n_in_flight -= sync_route_is_in_flight(route);
	route->acked = route->sent;
	route->sent = NULL;
	route->is_deleting = false;
	if (old != NULL)
		sync_nh_unref(sync, old);
}

void sync_route_set_error(struct sync *sync, struct sync_route *route, int error)
{
	sync->route_count.n_refused += (error != 0) - (route->error != 0);
	route->error = (int16_t)error;
}

void sync_route_set_held(struct sync *sync, struct sync_route *route, bool is_held)
{
	sync->route_count.n_held += is_held - route->is_held;
	route->is_held = is_held;
}

struct sync_nh *sync_route_effective(struct sync *sync, const struct sync_route *route)
{
	if (route->wanted != NULL && route->wanted->error != 0 && !route->wanted->is_acked)
		return &sync->fixed[WIRE_NH_PUNT];
	return route->wanted;
}

bool sync_route_is_due(struct sync *sync, const struct sync_route *route)
{
	return !route->is_held && route->error == 0 && !sync_route_is_in_flight(route) &&
	       sync_route_effective(sync, route) != route->acked;
}

void sync_route_touch(struct sync *sync, struct sync_route *route)
{
	if (route->is_queued || !sync_route_is_due(sync, route))
		return;
	STAILQ_INSERT_TAIL(&sync->queue, route, queue);
	route->is_queued = true;
}

void sync_touch_all_routes(struct sync *sync)
{
	sync_table_each_route(sync, sync_route_touch);
}

bool sync_nh_is_to_set(const struct sync_nh *nh)
{
	const struct sync_path *path;

	if (nh->is_in_flight || nh->error != 0 || nh->refs == 0)
		return false;
	if (!nh->is_acked)
		return true;
	if (nh->kind != SYNC_PATH)
		return false;
	path = (const struct sync_path *)(const void *)nh;
	return memcmp(&path->hop.wanted, &path->acked, sizeof(path->acked)) != 0;
}

bool sync_nh_is_to_delete(const struct sync_nh *nh)
{
	return nh->refs == 0 && nh->is_acked && !nh->is_in_flight && !nh->is_held && nh->error == 0;
}
