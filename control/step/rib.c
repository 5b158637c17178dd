/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What FRR says now: step 5 of the route's walk, called by control/pipeline.c.
 *
 * rib_table.c keeps the routes, rib_nexthop.c the ids, rib_set.c the next hops themselves. Here a
 * route is joined with its id, marked and swept, and put on the list of what changed.
 */
#include "control/step/rib.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "control/step/rib_nexthop.h"
#include "control/step/rib_set.h"
#include "control/step/rib_table.h"

struct rib {
	struct rib_table table;
	struct rib_ids ids;
	struct rib_sets sets;
	uint32_t first_changed, last_changed;
	size_t n_routes, n_stale, n_pending;
	uint64_t now_sec; /* when the first of the changed list changed */
};

/** The time, read once for all changes up to a drain. */
static uint64_t now_sec(struct rib *rib)
{
	struct timespec now;

	if (rib->first_changed == RIB_NONE) {
		clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
		rib->now_sec = (uint64_t)now.tv_sec;
	}
	return rib->now_sec;
}

static void mark_changed(struct rib *rib, uint32_t idx)
{
	struct rib_entry *entry = rib_table_at(&rib->table, idx);

	entry->route.since_sec = now_sec(rib);
	if (entry->is_changed)
		return;
	entry->is_changed = true;
	entry->next_changed = RIB_NONE;
	if (rib->first_changed == RIB_NONE)
		rib->first_changed = idx;
	else
		rib_table_at(&rib->table, rib->last_changed)->next_changed = idx;
	rib->last_changed = idx;
}

static void set_stale(struct rib *rib, struct rib_route *route, bool is_stale)
{
	if (route->is_stale && !is_stale)
		rib->n_stale--;
	if (!route->is_stale && is_stale)
		rib->n_stale++;
	route->is_stale = is_stale;
}

static void set_pending(struct rib *rib, struct rib_route *route, bool is_pending)
{
	if (route->is_pending && !is_pending)
		rib->n_pending--;
	if (!route->is_pending && is_pending)
		rib->n_pending++;
	route->is_pending = is_pending;
}

/** Give a route its next hops. Owner: takes over the caller's use of @set */
static void take_set(struct rib *rib, uint32_t idx, struct rib_set *set)
{
	struct rib_route *route = &rib_table_at(&rib->table, idx)->route;
	struct rib_set *old = rib_set_of(route->nexthops);

	set_pending(rib, route, false);
	if (set != old) {
		route->nexthops = &set->nexthops;
		mark_changed(rib, idx);
	}
	rib_set_release(&rib->sets, old);
}

/** Every route with this id follows it; when the id becomes unknown they keep what they have. */
static void follow_id(const struct rib_id *id, void *arg)
{
	struct rib *rib = arg;
	uint32_t next;

	for (uint32_t idx = id->first_route; idx != RIB_NONE; idx = next) {
		struct rib_entry *entry = rib_table_at(&rib->table, idx);

		next = entry->next_by_id;
		if (id->set == NULL) {
			set_pending(rib, &entry->route, true);
			continue;
		}
		rib_set_hold(&rib->sets, id->set);
		take_set(rib, idx, id->set);
	}
}

static void join_id(struct rib *rib, uint32_t idx, struct rib_id *id)
{
	struct rib_entry *entry = rib_table_at(&rib->table, idx);

	entry->route.nh_id = id->id;
	entry->prev_by_id = RIB_NONE;
	entry->next_by_id = id->first_route;
	if (id->first_route != RIB_NONE)
		rib_table_at(&rib->table, id->first_route)->prev_by_id = idx;
	id->first_route = idx;
}

static void leave_id(struct rib *rib, uint32_t idx)
{
	struct rib_entry *entry = rib_table_at(&rib->table, idx);
	struct rib_id *id;

	if (entry->route.nh_id == 0)
		return;
	id = rib_ids_find(&rib->ids, entry->route.nh_id);
	if (entry->next_by_id != RIB_NONE)
		rib_table_at(&rib->table, entry->next_by_id)->prev_by_id = entry->prev_by_id;
	if (entry->prev_by_id != RIB_NONE)
		rib_table_at(&rib->table, entry->prev_by_id)->next_by_id = entry->next_by_id;
	else
		id->first_route = entry->next_by_id;
	entry->next_by_id = entry->prev_by_id = RIB_NONE;
	entry->route.nh_id = 0;
	rib_ids_drop_unused(&rib->ids, id);
}

/** Find the entry of a prefix or make it; one that was deleted and not reported yet lives again. */
static int get_entry(struct rib *rib, const struct fpm_prefix *prefix, uint32_t *idx)
{
	struct rib_entry *entry;

	*idx = rib_table_find(&rib->table, prefix);
	if (*idx == RIB_NONE) {
		if (rib_table_add(&rib->table, prefix, idx) < 0)
			return -ENOMEM;
		rib->n_routes++;
		return 0;
	}
	entry = rib_table_at(&rib->table, *idx);
	if (entry->is_gone) {
		entry->is_gone = false;
		rib->n_routes++;
	}
	return 0;
}

/** The parts of a route that do not depend on where its next hops come from. */
static void refresh(struct rib *rib, uint32_t idx, uint8_t protocol)
{
	struct rib_route *route = &rib_table_at(&rib->table, idx)->route;

	set_stale(rib, route, false);
	if (route->protocol != protocol)
		route->since_sec = now_sec(rib);
	route->protocol = protocol;
}

static int set_route_by_id(struct rib *rib, const struct fpm_route *route)
{
	struct rib_id *id;
	uint32_t idx;

	if (rib_ids_get(&rib->ids, route->nh_id, &id) < 0)
		return -ENOMEM;
	if (get_entry(rib, &route->prefix, &idx) < 0) {
		rib_ids_drop_unused(&rib->ids, id);
		return -ENOMEM;
	}

	refresh(rib, idx, route->protocol);
	if (rib_table_at(&rib->table, idx)->route.nh_id != route->nh_id) {
		leave_id(rib, idx);
		join_id(rib, idx, id);
	}
	if (id->set == NULL) {
		set_pending(rib, &rib_table_at(&rib->table, idx)->route, true);
		return 0;
	}
	rib_set_hold(&rib->sets, id->set);
	take_set(rib, idx, id->set);
	return 0;
}

static int set_route_by_nexthops(struct rib *rib, const struct fpm_route *route)
{
	struct fpm_nh nh[FPM_MAX_NH];
	uint32_t n = route->type == RTN_UNICAST ? route->n_nh : 0;
	struct rib_set *set;
	uint32_t idx;

	memcpy(nh, route->nh, n * sizeof(*nh));
	if (rib_sets_intern(&rib->sets, route->type, nh, n, &set) < 0)
		return -ENOMEM;
	if (get_entry(rib, &route->prefix, &idx) < 0) {
		rib_set_release(&rib->sets, set);
		return -ENOMEM;
	}

	refresh(rib, idx, route->protocol);
	leave_id(rib, idx);
	take_set(rib, idx, set);
	return 0;
}

static void delete_entry(struct rib *rib, uint32_t idx)
{
	struct rib_entry *entry = rib_table_at(&rib->table, idx);

	leave_id(rib, idx);
	set_stale(rib, &entry->route, false);
	set_pending(rib, &entry->route, false);
	rib_set_release(&rib->sets, rib_set_of(entry->route.nexthops));
	entry->route.nexthops = NULL;
	entry->is_gone = true;
	rib->n_routes--;
	mark_changed(rib, idx);
}

static void delete_route(struct rib *rib, const struct fpm_prefix *prefix)
{
	uint32_t idx = rib_table_find(&rib->table, prefix);

	if (idx != RIB_NONE && !rib_table_at(&rib->table, idx)->is_gone)
		delete_entry(rib, idx);
}

struct rib *rib_new(void)
{
	struct rib *rib = calloc(1, sizeof(*rib));

	if (rib == NULL)
		return NULL;
	rib->first_changed = RIB_NONE;
	if (rib_table_init(&rib->table) < 0 || rib_sets_init(&rib->sets) < 0 ||
		rib_ids_init(&rib->ids, &rib->sets, follow_id, rib) < 0) {
		rib_free(rib);
		return NULL;
	}
	return rib;
}

void rib_free(struct rib *rib)
{
	if (rib == NULL)
		return;
	rib_ids_free(&rib->ids);
	rib_table_free(&rib->table);
	rib_sets_free(&rib->sets);
	free(rib);
}

int rib_apply(struct rib *rib, const struct fpm_event *event)
{
	switch (event->kind) {
	case FPM_ROUTE_SET:
		if (event->route.type == RTN_UNICAST && event->route.nh_id != 0)
			return set_route_by_id(rib, &event->route);
		return set_route_by_nexthops(rib, &event->route);
	case FPM_ROUTE_DEL:
		delete_route(rib, &event->route.prefix);
		return 0;
	case FPM_NEXTHOP_SET:
		return rib_ids_set(&rib->ids, &event->nexthop);
	case FPM_NEXTHOP_DEL:
		return rib_ids_delete(&rib->ids, event->nexthop.id);
	}
	return 0;
}

void rib_begin_replay(struct rib *rib)
{
	uint32_t position = 0, idx;

	while ((idx = rib_table_next(&rib->table, &position)) != RIB_NONE) {
		struct rib_entry *entry = rib_table_at(&rib->table, idx);

		entry->route.nh_id = 0; // the number may mean another next hop from now on
		entry->next_by_id = entry->prev_by_id = RIB_NONE;
		set_pending(rib, &entry->route, false);
		set_stale(rib, &entry->route, !entry->is_gone);
	}
	rib_ids_clear(&rib->ids);
}

size_t rib_sweep(struct rib *rib)
{
	size_t n_swept = rib->n_stale;
	uint32_t position = 0, idx;

	if (n_swept == 0)
		return 0;
	while ((idx = rib_table_next(&rib->table, &position)) != RIB_NONE) {
		if (rib_table_at(&rib->table, idx)->route.is_stale)
			delete_entry(rib, idx);
	}
	return n_swept;
}

/** Report one entry of the changed list, if its answer is another than the last one reported. */
static void report_change(struct rib *rib, uint32_t idx, rib_change_fn change, void *arg)
{
	struct rib_entry *entry = rib_table_at(&rib->table, idx);
	const struct rib_nexthops *answer = entry->route.nexthops;

	// A set lives until the drain after its last use, so an equal pointer is the same set.
	if (answer != entry->reported) {
		entry->reported = answer;
		change(&entry->route.prefix, entry->is_gone ? NULL : &entry->route, arg);
	}
	if (entry->is_gone)
		rib_table_remove(&rib->table, idx);
}

void rib_drain(struct rib *rib, rib_change_fn change, void *arg)
{
	while (rib->first_changed != RIB_NONE) {
		uint32_t idx = rib->first_changed;
		struct rib_entry *entry = rib_table_at(&rib->table, idx);

		rib->first_changed = entry->next_changed;
		entry->is_changed = false;
		report_change(rib, idx, change, arg);
	}
	rib_sets_collect(&rib->sets);
}

const struct rib_route *rib_find(const struct rib *rib, const struct fpm_prefix *prefix)
{
	uint32_t idx = rib_table_find(&rib->table, prefix);
	const struct rib_entry *entry;

	if (idx == RIB_NONE)
		return NULL;
	entry = rib_table_at(&rib->table, idx);
	return entry->is_gone ? NULL : &entry->route;
}

const struct rib_route *rib_match4(const struct rib *rib, uint32_t addr)
{
	struct fpm_prefix prefix = {.table = FPM_MAIN_TABLE, .family = AF_INET};

	for (int len = 32; len >= 0; len--) {
		uint32_t masked_be = htonl(len > 0 ? addr & UINT32_MAX << (32 - len) : 0);
		const struct rib_route *route;

		prefix.len = (uint8_t)len;
		memcpy(prefix.addr, &masked_be, sizeof(masked_be));
		route = rib_find(rib, &prefix);
		if (route != NULL)
			return route;
	}
	return NULL;
}

void rib_each(const struct rib *rib, rib_visit_fn visit, void *arg)
{
	uint32_t position = 0, idx;

	while ((idx = rib_table_next(&rib->table, &position)) != RIB_NONE) {
		const struct rib_entry *entry = rib_table_at(&rib->table, idx);

		if (!entry->is_gone)
			visit(&entry->route, arg);
	}
}

static int compare_routes(const void *left, const void *right)
{
	const struct fpm_prefix *a = &(*(const struct rib_route *const *)left)->prefix;
	const struct fpm_prefix *b = &(*(const struct rib_route *const *)right)->prefix;
	int diff;

	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	diff = memcmp(a->addr, b->addr, sizeof(a->addr));
	return diff != 0 ? diff : (int)a->len - (int)b->len;
}

int rib_walk(const struct rib *rib, rib_visit_fn visit, void *arg)
{
	const struct rib_route **sorted;
	uint32_t position = 0, idx;
	size_t n = 0;

	if (rib->n_routes == 0)
		return 0;
	sorted = malloc(rib->n_routes * sizeof(struct rib_route *));
	if (sorted == NULL)
		return -ENOMEM;
	while ((idx = rib_table_next(&rib->table, &position)) != RIB_NONE) {
		const struct rib_entry *entry = rib_table_at(&rib->table, idx);

		if (!entry->is_gone)
			sorted[n++] = &entry->route;
	}
	qsort(sorted, n, sizeof(struct rib_route *), compare_routes);
	for (size_t i = 0; i < n; i++)
		visit(sorted[i], arg);
	free(sorted);
	return 0;
}

struct rib_counts rib_counts(const struct rib *rib)
{
	return (struct rib_counts){
		.n_routes = rib->n_routes,
		.n_stale = rib->n_stale,
		.n_pending = rib->n_pending,
		.n_nexthop_ids = rib->ids.n_known,
		.n_sets = rib->sets.n_used,
	};
}
