/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Send the difference between wanted and acknowledged, a few messages at a time. Called by
 * pipeline.c after everything that may have changed something; sync_ack.c takes what comes back.
 */
#include "control/step/sync_table.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <time.h>

/* What one message is made of before it is known to be sent. */
struct draft {
	enum wire_type type;
	uint32_t n;
	void *object[SYNC_ROUTE_ITEMS];
	union {
		struct wire_path path[SYNC_PATH_ITEMS];
		struct wire_group group[SYNC_GROUP_ITEMS];
		struct wire_route route[SYNC_ROUTE_ITEMS];
	};
};

static_assert(sizeof(struct wire_route) * SYNC_ROUTE_ITEMS < WIRE_MSG_BYTES, "route message");
static_assert(sizeof(struct wire_group) * SYNC_GROUP_ITEMS < WIRE_MSG_BYTES, "group message");
static_assert(sizeof(struct wire_path) * SYNC_PATH_ITEMS < WIRE_MSG_BYTES, "path message");

static bool has_window(const struct sync *sync)
{
	return sync->n_pending < SYNC_WINDOW;
}

/* Send and remember; on failure nothing changed. */
static bool send_items(struct sync *sync, enum wire_type type, const void *items, uint32_t n,
	void *const *objects, uint32_t n_objects)
{
	struct sync_pending *pending = malloc(sizeof(*pending) + n_objects * sizeof(void *));

	if (pending == NULL)
		return false;
	if (sync->send(sync->send_arg, type, items, n, &pending->seq) != 0) {
		free(pending);
		return false;
	}
	pending->type = type;
	pending->n = n_objects;
	if (n_objects > 0)
		memcpy(pending->item, objects, n_objects * sizeof(void *));
	TAILQ_INSERT_TAIL(&sync->pending, pending, next);
	sync->n_pending++;
	sync->n_messages++;
	return true;
}

static void dequeue_nh(struct sync *sync, struct sync_nh *nh)
{
	TAILQ_REMOVE(&sync_nhs_of(sync, nh)->queue, nh, queue);
	nh->is_queued = false;
}

/* An index for what has none. Errors: -ENOSPC */
static int take_idx(struct sync_nhs *nhs, struct sync_nh *nh)
{
	for (uint32_t tried = nhs->first; tried < nhs->max; tried++) {
		uint32_t idx = nhs->next_free;

		nhs->next_free = idx + 1 < nhs->max ? idx + 1 : nhs->first;
		if (nhs->by_idx[idx] == NULL) {
			nhs->by_idx[idx] = nh;
			nh->wire = nh->kind == SYNC_GROUP ? idx | WIRE_NH_GROUP : idx;
			return 0;
		}
	}
	return -ENOSPC;
}

/* -EAGAIN: a member is not there yet; or why a member, and so the group, cannot be. */
static int check_members(const struct sync_group *group)
{
	for (uint32_t i = 0; i < group->n; i++) {
		const struct sync_nh *member = &group->member[i].path->nh;

		if (!sync_nh_is_there(member))
			return member->error != 0 ? member->error : -EAGAIN;
	}
	return 0;
}

/* Ready to be set: has an index, and what it refers to is there. */
static int prepare_nh(struct sync *sync, struct sync_nh *nh)
{
	int err = nh->kind == SYNC_GROUP ? check_members(sync_group_of(nh)) : 0;

	if (err == 0 && nh->wire == 0 && !nh->is_acked)
		err = take_idx(sync_nhs_of(sync, nh), nh);
	return err;
}

static void draft_path(struct draft *draft, struct sync_path *path)
{
	path->sent = path->hop.wanted;
	draft->path[draft->n] = path->sent;
	draft->path[draft->n].idx = path->nh.wire;
	draft->object[draft->n++] = &path->nh;
}

static void draft_group(struct draft *draft, struct sync_group *group)
{
	struct wire_group *wire = &draft->group[draft->n];

	memset(wire, 0, sizeof(*wire));
	wire->idx = sync_nh_idx(&group->nh);
	wire->n_members = group->n;
	for (uint32_t i = 0; i < group->n; i++) {
		wire->member[i].path = group->member[i].path->nh.wire;
		wire->member[i].weight = group->member[i].weight;
	}
	draft->object[draft->n++] = &group->nh;
}

/* The next message of paths or groups to set; leaves in the queue what must wait or be deleted. */
static void draft_sets(struct sync *sync, struct sync_nhs *nhs, uint32_t max, struct draft *draft)
{
	struct sync_nh *nh, *next;

	draft->n = 0;
	TAILQ_FOREACH_SAFE(nh, &nhs->queue, queue, next)
	{
		int err;

		if (draft->n == max)
			return;
		if (sync_nh_is_to_delete(nh))
			continue;
		if (!sync_nh_is_to_set(nh)) {
			dequeue_nh(sync, nh);
			if (nh->refs == 0 && !nh->is_acked && !nh->is_in_flight)
				sync_nh_free(sync, nh);
			continue;
		}
		err = prepare_nh(sync, nh);
		if (err == -EAGAIN)
			continue;
		if (err != 0) {
			sync_nh_refuse(sync, nh, err);
			dequeue_nh(sync, nh);
		} else if (nh->kind == SYNC_PATH) {
			draft_path(draft, sync_path_of(nh));
		} else {
			draft_group(draft, sync_group_of(nh));
		}
	}
}

static void draft_deletes(struct sync_nhs *nhs, uint32_t max, struct draft *draft)
{
	struct sync_nh *nh;

	draft->n = 0;
	TAILQ_FOREACH(nh, &nhs->queue, queue) {
		if (draft->n == max)
			return;
		if (!sync_nh_is_to_delete(nh))
			continue;
		if (nh->kind == SYNC_PATH)
			draft->path[draft->n] = (struct wire_path){.idx = nh->wire};
		else
			draft->group[draft->n] = (struct wire_group){.idx = sync_nh_idx(nh)};
		draft->object[draft->n++] = nh;
	}
}

static bool send_nhs(struct sync *sync, struct sync_nhs *nhs, struct draft *draft)
{
	if (draft->n == 0 ||
		!send_items(sync, draft->type, draft->path, draft->n, draft->object, draft->n))
		return false;
	for (uint32_t i = 0; i < draft->n; i++) {
		struct sync_nh *nh = draft->object[i];

		dequeue_nh(sync, nh);
		nh->is_in_flight = true;
		nh->is_deleting = draft->type == WIRE_PATH_DEL || draft->type == WIRE_GROUP_DEL;
		nhs->n_blocking += sync_nh_is_blocking(draft->type, nh);
	}
	return true;
}

static void pump_sets(struct sync *sync, struct sync_nhs *nhs, enum wire_type type,
	struct draft *draft)
{
	uint32_t max = type == WIRE_PATH_SET ? SYNC_PATH_ITEMS : SYNC_GROUP_ITEMS;

	draft->type = type;
	while (has_window(sync)) {
		draft_sets(sync, nhs, max, draft);
		if (!send_nhs(sync, nhs, draft))
			return;
	}
}

static void pump_deletes(struct sync *sync, struct sync_nhs *nhs, enum wire_type type,
	struct draft *draft)
{
	uint32_t max = type == WIRE_PATH_DEL ? SYNC_PATH_ITEMS : SYNC_GROUP_ITEMS;

	draft->type = type;
	while (has_window(sync)) {
		draft_deletes(nhs, max, draft);
		if (!send_nhs(sync, nhs, draft))
			return;
	}
}

static int compare_batched(const void *a, const void *b)
{
	const struct sync_batched *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

/* Sorted, because a FIB takes neighbours in order eleven times faster than shuffled. */
static void fill_batch(struct sync *sync)
{
	bool is_sorted = true; // zebra replays in order
	struct sync_route *route;
	uint64_t last = 0;

	while (sync->n_batch < SYNC_BATCH && (route = STAILQ_FIRST(&sync->queue)) != NULL) {
		uint64_t key = (uint64_t)route->prefix << 8 | route->depth;

		STAILQ_REMOVE_HEAD(&sync->queue, queue);
		sync->batch[sync->n_batch++] = (struct sync_batched){.key = key, .route = route};
		is_sorted = is_sorted && key >= last;
		last = key;
	}
	if (!is_sorted)
		qsort(sync->batch, sync->n_batch, sizeof(*sync->batch), compare_batched);
	sync->batch_at = 0;
	sync->batch_deletes = false;
}

/* Put one route of the batch into the message, or decide that it does not belong there. */
static void draft_route(struct sync *sync, uint32_t at, struct draft *draft)
{
	struct sync_route *route = sync->batch[at].route;
	struct sync_nh *nh = sync_route_effective(sync, route);

	if (!sync_route_is_due(sync, route)) {
		sync->batch[at].route = NULL;
		route->is_queued = false;
		sync_route_free_if_idle(sync, route);
		return;
	}
	if (nh == NULL && !sync->batch_deletes)
		return; // in the second pass
	if (nh != NULL && (sync->batch_deletes || !sync_nh_is_there(nh))) {
		sync->batch[at].route = NULL;
		STAILQ_INSERT_TAIL(&sync->queue, route, queue);
		return;
	}
	draft->route[draft->n] = (struct wire_route){
		.prefix = route->prefix,
		.depth = route->depth,
		.nh = nh == NULL ? (uint32_t)WIRE_NH_NONE : nh->wire,
	};
	draft->object[draft->n++] = route;
}

/* One message of routes from the batch. Returns whether one was sent, or a pass ended. */
static bool send_routes(struct sync *sync, struct draft *draft)
{
	uint32_t at = sync->batch_at;

	draft->n = 0;
	draft->type = sync->batch_deletes ? WIRE_ROUTE_DEL : WIRE_ROUTE_SET;
	for (; at < sync->n_batch && draft->n < SYNC_ROUTE_ITEMS; at++)
		if (sync->batch[at].route != NULL)
			draft_route(sync, at, draft);
	if (draft->n > 0 &&
		!send_items(sync, draft->type, draft->route, draft->n, draft->object, draft->n))
		return false;
	for (uint32_t i = 0; i < draft->n; i++) {
		struct sync_route *route = draft->object[i];

		route->is_queued = false;
		if (sync->batch_deletes)
			sync_route_set_sent(sync, route, NULL, true);
		else
			sync_route_set_sent(sync, route, sync_route_effective(sync, route), false);
	}
	// What was sent may be due again before the batch ends, and must not be looked at twice.
	for (uint32_t i = sync->batch_at; i < at; i++)
		if (sync->batch[i].route != NULL && !sync->batch[i].route->is_queued)
			sync->batch[i].route = NULL;
	sync->batch_at = at;
	return true;
}

static void pump_routes(struct sync *sync, struct draft *draft)
{
	bool was_filled = false;

	while (has_window(sync)) {
		if (sync->batch_at == sync->n_batch && !sync->batch_deletes) {
			sync->batch_deletes = true;
			sync->batch_at = 0;
		} else if (sync->batch_at == sync->n_batch) {
			sync->n_batch = 0;
			sync->batch_at = 0;
			// Once per pump: what goes back to the queue waits for an acknowledgement.
			if (was_filled || STAILQ_EMPTY(&sync->queue))
				return;
			fill_batch(sync);
			was_filled = true;
		}
		if (!send_routes(sync, draft))
			return;
	}
}

static void pump_list(struct sync *sync, enum sync_list_kind kind)
{
	struct sync_list *list = &sync->list[kind];
	enum wire_type type;

	if (has_window(sync) && sync_list_is_due(sync, kind) &&
		sync_list_draft(sync, kind, &type) == 0 &&
		send_items(sync, type, list->sent.item, (uint32_t)list->sent.n, NULL, 0))
		list->is_in_flight = true;
}

static void pump_once(struct sync *sync)
{
	static struct draft draft; // 64 KiB, too much for a stack that others share

	if (sync->has_recovered && sync->paths.n_blocking + sync->groups.n_blocking == 0 &&
		TAILQ_EMPTY(&sync->paths.queue) && TAILQ_EMPTY(&sync->groups.queue)) {
		sync->has_recovered = false;
		sync_touch_all_routes(sync);
	}
	pump_sets(sync, &sync->paths, WIRE_PATH_SET, &draft);
	pump_sets(sync, &sync->groups, WIRE_GROUP_SET, &draft);
	if (sync->paths.n_blocking + sync->groups.n_blocking == 0)
		pump_routes(sync, &draft);
	pump_deletes(sync, &sync->groups, WIRE_GROUP_DEL, &draft);
	pump_deletes(sync, &sync->paths, WIRE_PATH_DEL, &draft);
}

void sync_pump(struct sync *sync)
{
	struct timespec now;

	if (!sync->is_connected || !sync->is_adopted)
		return;
	pump_list(sync, SYNC_LIST_SOURCES);
	pump_list(sync, SYNC_LIST_ENDPOINTS);
	pump_once(sync);
	if (sync->has_recovered && sync_phase(sync) == SYNC_IN_SYNC)
		pump_once(sync);
	if (sync->has_room && sync_phase(sync) == SYNC_IN_SYNC) {
		sync->has_room = false;
		if (sync->route_count.n_refused > 0) {
			sync_retry(sync);
			pump_once(sync);
		}
	}
	if (sync_phase(sync) != SYNC_IN_SYNC)
		return;
	// Ends first: what the pools' traffic is answered by must be taken.
	pump_list(sync, SYNC_LIST_ENDPOINTS);
	pump_list(sync, SYNC_LIST_POOLS);
	if (sync->full_sync_sec == 0 && sync->n_pending == 0) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		sync->full_sync_sec = (uint64_t)now.tv_sec;
	}
}
