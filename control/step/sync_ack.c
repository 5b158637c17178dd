/* SPDX-License-Identifier: BSD-3-Clause */
/* What the dataplane answers to sync_send.c's messages. Called by pipeline.c. */
#include "control/step/sync_table.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* What became of one item. */
static void finish_set(struct sync *sync, struct sync_nh *nh, int error)
{
	struct sync_nhs *nhs = sync_nhs_of(sync, nh);

	nhs->n_blocking -= sync_nh_is_blocking(WIRE_PATH_SET, nh);
	nh->is_in_flight = false;
	if (error != 0) {
		sync_nh_refuse(sync, nh, error);
		if (!nh->is_acked)
			sync_nh_release_idx(sync, nh);
	} else {
		nh->is_acked = true;
		if (nh->kind == SYNC_PATH)
			sync_path_of(nh)->acked = sync_path_of(nh)->sent;
	}
	sync_nh_touch(sync, nh);
}

static void finish_delete(struct sync *sync, struct sync_nh *nh, int error)
{
	struct sync_nhs *nhs = sync_nhs_of(sync, nh);

	nhs->n_blocking--;
	nh->is_in_flight = false;
	nh->is_deleting = false;
	// What is not there is deleted.
	if (error != 0 && error != -ENOENT) {
		sync_nh_refuse(sync, nh, error);
	} else {
		nh->is_acked = false;
		sync_nh_release_idx(sync, nh);
	}
	sync_nh_touch(sync, nh);
}

static void note_acked(struct sync *sync, const struct sync_route *route)
{
	struct sync_trace *trace = route->trace == 0 ? NULL : &sync->trace[route->trace - 1];
	struct timespec now;

	if (trace == NULL || trace->acked_us != 0 || trace->prefix != route->prefix ||
		trace->depth != route->depth)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	trace->acked_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void finish_route(struct sync *sync, struct sync_route *route, int error)
{
	bool is_delete = route->is_deleting;

	if (is_delete && error == -ENOENT)
		error = 0;
	if (error == 0) {
		sync_route_sent_is_acked(sync, route);
		note_acked(sync, route);
		sync->has_room = sync->has_room || is_delete;
	} else {
		sync->n_refusals++;
		sync_route_set_error(sync, route, error);
		sync_route_set_sent(sync, route, NULL, false);
	}
	sync_route_touch(sync, route);
	sync_route_free_if_idle(sync, route);
}

static void finish_item(struct sync *sync, enum wire_type type, void *item, int error)
{
	if (type == WIRE_ROUTE_SET || type == WIRE_ROUTE_DEL)
		finish_route(sync, item, error);
	else if (type == WIRE_PATH_DEL || type == WIRE_GROUP_DEL)
		finish_delete(sync, item, error);
	else
		finish_set(sync, item, error);
}

void sync_ack(struct sync *sync, uint32_t seq, int32_t error, const struct wire_refusal *refusals,
	size_t n_refusals)
{
	struct sync_pending *pending;
	size_t at = 0;

	TAILQ_FOREACH(pending, &sync->pending, next)
		if (pending->seq == seq)
			break;
	if (pending == NULL)
		return;
	TAILQ_REMOVE(&sync->pending, pending, next);
	sync->n_pending--;
	if (sync_is_list(pending->type))
		sync_lists_ack(sync, pending->type, error);
	for (uint32_t i = 0; i < pending->n; i++) {
		int item_error = 0;

		// Refusals come in the order of the items; an error without any is for all of them.
		while (at < n_refusals && refusals[at].item < i)
			at++;
		if (at < n_refusals && refusals[at].item == i)
			item_error = refusals[at].error;
		else if (n_refusals == 0)
			item_error = error;
		finish_item(sync, pending->type, pending->item[i], item_error);
	}
	free(pending);
}
