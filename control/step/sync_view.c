/* SPDX-License-Identifier: BSD-3-Clause */
/* Step 9 seen from outside: counts and states for show.c. Changes nothing. */
#include "control/step/sync_table.h"

static enum sync_state state_of_route(const struct sync *sync, const struct sync_route *route)
{
	if (sync_route_is_in_flight(route))
		return SYNC_STATE_IN_FLIGHT;
	if (route->error != 0 || (route->wanted != NULL && route->wanted->error != 0))
		return SYNC_STATE_REFUSED;
	if (route->is_held)
		return SYNC_STATE_HELD;
	if (route->wanted == route->acked && sync->is_connected)
		return SYNC_STATE_IN_SYNC;
	return route->wanted == NULL ? SYNC_STATE_DELETING : SYNC_STATE_WANTED;
}

static struct sync_route_view view_of_route(const struct sync *sync, const struct sync_route *route)
{
	return (struct sync_route_view){
		.prefix = route->prefix,
		.depth = route->depth,
		.is_wanted = route->wanted != NULL,
		.state = state_of_route(sync, route),
		.error = route->error != 0 || route->wanted == NULL ? route->error
								    : route->wanted->error,
		.nh = route->acked == NULL ? (uint32_t)WIRE_NH_NONE : route->acked->wire,
	};
}

static enum sync_state state_of_nh(const struct sync_nh *nh)
{
	if (nh->is_in_flight)
		return SYNC_STATE_IN_FLIGHT;
	if (nh->error != 0)
		return SYNC_STATE_REFUSED;
	if (nh->is_held)
		return SYNC_STATE_HELD;
	if (sync_nh_is_to_set(nh))
		return SYNC_STATE_WANTED;
	return nh->refs == 0 ? SYNC_STATE_DELETING : SYNC_STATE_IN_SYNC;
}

static struct sync_path_view view_of_path(const struct sync_path *path)
{
	return (struct sync_path_view){
		.hop = &path->hop,
		.idx = path->nh.wire,
		.state = state_of_nh(&path->nh),
		.error = path->nh.error,
		.n_refs = path->nh.refs,
	};
}

bool sync_view_route(const struct sync *sync, uint32_t prefix, uint8_t depth,
	struct sync_route_view *view)
{
	const struct sync_route *route = sync_route_find(sync, prefix, depth);

	if (route != NULL)
		*view = view_of_route(sync, route);
	return route != NULL;
}

bool sync_view_path(const struct sync *sync, struct hop_key key, struct sync_path_view *view)
{
	const struct sync_path *path = sync_path_find(sync, key);

	if (path != NULL)
		*view = view_of_path(path);
	return path != NULL;
}

void sync_each_route(const struct sync *sync,
	void (*visit)(const struct sync_route_view *view, void *arg), void *arg)
{
	for (uint32_t idx = 0; idx < sync->routes.n_made; idx++) {
		const struct sync_route *route = table_at(&sync->routes, idx);

		if (route->depth != SYNC_FREE_DEPTH) {
			struct sync_route_view view = view_of_route(sync, route);

			visit(&view, arg);
		}
	}
}

void sync_each_path(const struct sync *sync,
	void (*visit)(const struct sync_path_view *view, void *arg), void *arg)
{
	struct sync_nh *nh;

	TAILQ_FOREACH(nh, &sync->paths.all, all) {
		struct sync_path_view view = view_of_path(sync_path_of(nh));

		visit(&view, arg);
	}
}

void sync_each_hop(struct sync *sync, void (*visit)(struct hop *hop, void *arg), void *arg)
{
	struct sync_nh *nh;

	TAILQ_FOREACH(nh, &sync->paths.all, all)
		visit(&sync_path_of(nh)->hop, arg);
}

size_t sync_recent(const struct sync *sync, struct sync_trace traces[SYNC_TRACES])
{
	size_t n = sync->n_traces < SYNC_TRACES ? sync->n_traces : SYNC_TRACES;

	for (size_t i = 0; i < n; i++)
		traces[i] = sync->trace[(sync->n_traces - 1 - i) % SYNC_TRACES];
	return n;
}

enum sync_phase sync_phase(const struct sync *sync)
{
	if (!sync->is_connected)
		return SYNC_DISCONNECTED;
	if (!sync->is_adopted)
		return SYNC_ADOPTING;
	return sync->n_pending == 0 && sync->n_batch == 0 && STAILQ_EMPTY(&sync->queue) &&
			       TAILQ_EMPTY(&sync->paths.queue) && TAILQ_EMPTY(&sync->groups.queue)
		       ? SYNC_IN_SYNC
		       : SYNC_SYNCING;
}

static struct sync_count count_nhs(const struct sync_nhs *nhs)
{
	struct sync_count count = {.n_wanted = 0};
	const struct sync_nh *nh;

	TAILQ_FOREACH(nh, &nhs->all, all) {
		count.n_wanted += nh->refs > 0;
		count.n_acked += nh->is_acked;
		count.n_refused += nh->error != 0;
		count.n_in_flight += nh->is_in_flight;
		count.n_held += nh->is_held;
	}
	return count;
}

static bool is_acked(const struct sync_list *list)
{
	return list->is_known && !list->is_in_flight && list->error == 0;
}

struct sync_counts sync_counts(const struct sync *sync)
{
	return (struct sync_counts){
		.routes = sync->route_count,
		.groups = count_nhs(&sync->groups),
		.paths = count_nhs(&sync->paths),
		.n_pools_wanted = sync->list[SYNC_LIST_POOLS].wanted.n,
		.n_endpoints_wanted = sync->list[SYNC_LIST_ENDPOINTS].wanted.n,
		.n_sources_wanted = sync->list[SYNC_LIST_SOURCES].wanted.n,
		.pools_acked = is_acked(&sync->list[SYNC_LIST_POOLS]),
		.endpoints_acked = is_acked(&sync->list[SYNC_LIST_ENDPOINTS]),
		.sources_acked = is_acked(&sync->list[SYNC_LIST_SOURCES]),
		.n_messages = sync->n_messages,
		.n_refusals = sync->n_refusals,
		.full_sync_sec = sync->full_sync_sec,
	};
}
