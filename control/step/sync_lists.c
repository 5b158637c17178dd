/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the dataplane takes as a whole: pools, our tunnel ends, and who may send to them. Called by sync.c
 * and sync_*.c.
 *
 * Sources go first of all, for what we are about to send may be answered at once. Ends and pools make the
 * dataplane take traffic, so the first of them wait until it has all routes.
 */
#include "control/step/sync_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	enum wire_type type;
	size_t bytes, max;
} kinds[SYNC_LISTS] = {
	[SYNC_LIST_POOLS] = {WIRE_POOL_SET, sizeof(struct wire_pool), 1024},
	[SYNC_LIST_ENDPOINTS] = {WIRE_ENDPOINT_SET, sizeof(struct wire_endpoint), SYNC_ENDPOINTS},
	[SYNC_LIST_SOURCES] = {WIRE_SOURCE_SET, sizeof(struct wire_source), SYNC_SOURCES},
};

static int grow(struct sync_items *items, size_t n, size_t bytes)
{
	void *more;

	if (n <= items->room)
		return 0;
	more = realloc(items->item, n * bytes);
	if (more == NULL)
		return -ENOMEM;
	items->item = more;
	items->room = n;
	return 0;
}

static int copy(struct sync_items *to, const void *items, size_t n, size_t bytes)
{
	int err = grow(to, n, bytes);

	if (err != 0)
		return err;
	if (n > 0)
		memcpy(to->item, items, n * bytes);
	to->n = n;
	return 0;
}

static bool is_same(const struct sync_items *a, const struct sync_items *b, size_t bytes)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->item, b->item, a->n * bytes) == 0);
}

/* Thousands of sources are looked for in thousands: they are kept sorted, in any one order. */
static int compare_sources(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct wire_source));
}

static void sort_sources(struct sync_items *items)
{
	if (items->n > 0)
		qsort(items->item, items->n, sizeof(struct wire_source), compare_sources);
}

static bool has_source(const struct sync_items *items, const void *source)
{
	return items->n > 0 && bsearch(source, items->item, items->n, sizeof(struct wire_source),
				       compare_sources) != NULL;
}

static int want(struct sync *sync, enum sync_list_kind kind, const void *items, size_t n)
{
	struct sync_list *list = &sync->list[kind];

	if (n > kinds[kind].max)
		return -ENOSPC;
	list->error = 0;
	return copy(&list->wanted, items, n, kinds[kind].bytes);
}

int sync_want_pools(struct sync *sync, const struct wire_pool *pools, size_t n)
{
	return want(sync, SYNC_LIST_POOLS, pools, n);
}

int sync_want_endpoints(struct sync *sync, const struct wire_endpoint *endpoints, size_t n)
{
	return want(sync, SYNC_LIST_ENDPOINTS, endpoints, n);
}

int sync_want_sources(struct sync *sync, const struct wire_source *sources, size_t n)
{
	int err = want(sync, SYNC_LIST_SOURCES, sources, n);

	if (err == 0)
		sort_sources(&sync->list[SYNC_LIST_SOURCES].wanted);
	return err;
}

void sync_lists_free(struct sync *sync)
{
	for (int i = 0; i < SYNC_LISTS; i++) {
		free(sync->list[i].wanted.item);
		free(sync->list[i].acked.item);
		free(sync->list[i].sent.item);
	}
}

void sync_lists_forget(struct sync *sync)
{
	for (int i = 0; i < SYNC_LISTS; i++) {
		sync->list[i].acked.n = 0;
		sync->list[i].is_known = false;
		sync->list[i].is_in_flight = false;
		sync->list[i].error = 0;
	}
}

void sync_lists_retry(struct sync *sync)
{
	for (int i = 0; i < SYNC_LISTS; i++)
		sync->list[i].error = 0;
}

static struct sync_list *find(struct sync *sync, enum wire_type type, enum sync_list_kind *kind)
{
	for (int i = 0; i < SYNC_LISTS; i++)
		if (kinds[i].type == type) {
			*kind = (enum sync_list_kind)i;
			return &sync->list[i];
		}
	return NULL;
}

bool sync_is_list(enum wire_type type)
{
	enum sync_list_kind kind;

	return find(&(struct sync){0}, type, &kind) != NULL;
}

int sync_lists_adopt(struct sync *sync, enum wire_type type, const void *items, size_t n)
{
	enum sync_list_kind kind = SYNC_LIST_POOLS;
	struct sync_list *list = find(sync, type, &kind);
	size_t bytes = kinds[kind].bytes;

	if (list->acked.n + n > kinds[kind].max)
		return -EBADMSG;
	if (grow(&list->acked, list->acked.n + n, bytes) != 0)
		return -ENOMEM;
	memcpy((char *)list->acked.item + list->acked.n * bytes, items, n * bytes);
	list->acked.n += n;
	list->is_known = list->acked.n > 0;
	if (kind == SYNC_LIST_SOURCES)
		sort_sources(&list->acked);
	return 0;
}

void sync_lists_ack(struct sync *sync, enum wire_type type, int error)
{
	enum sync_list_kind kind = SYNC_LIST_POOLS;
	struct sync_list *list = find(sync, type, &kind);

	list->is_in_flight = false;
	list->error = error;
	if (error != 0) {
		sync->n_refusals++;
		return;
	}
	// Cannot fail but for memory; then it is sent once more.
	if (copy(&list->acked, list->sent.item, list->sent.n, kinds[kind].bytes) == 0)
		list->is_known = true;
}

/*
 * What to send of sources: until all routes are known again, nobody is shut out whom the dataplane
 * already lets in.
 */
static int draft_sources(struct sync *sync, struct sync_list *list)
{
	const size_t bytes = sizeof(struct wire_source);
	int err = copy(&list->sent, list->wanted.item, list->wanted.n, bytes);

	if (err != 0 || sync->may_delete)
		return err;
	err = grow(&list->sent, list->wanted.n + list->acked.n, bytes);
	for (size_t i = 0; err == 0 && i < list->acked.n; i++) {
		const char *item = (const char *)list->acked.item + i * bytes;

		if (list->sent.n < SYNC_SOURCES && !has_source(&list->wanted, item))
			memcpy((char *)list->sent.item + list->sent.n++ * bytes, item, bytes);
	}
	sort_sources(&list->sent);
	return err;
}

static bool brings_news(const struct sync *sync, enum sync_list_kind kind)
{
	const struct sync_list *list = &sync->list[kind];
	size_t bytes = kinds[kind].bytes;

	if (is_same(&list->wanted, &list->acked, bytes))
		return false;
	if (kind != SYNC_LIST_SOURCES || sync->may_delete)
		return true;
	for (size_t i = 0; i < list->wanted.n; i++)
		if (!has_source(&list->acked, (const char *)list->wanted.item + i * bytes))
			return true;
	return false;
}

bool sync_list_is_due(const struct sync *sync, enum sync_list_kind kind)
{
	const struct sync_list *list = &sync->list[kind];

	if (list->is_in_flight || list->error != 0 || !brings_news(sync, kind))
		return false;
	switch (kind) {
	case SYNC_LIST_SOURCES:
		return true;
	case SYNC_LIST_ENDPOINTS:
		return list->acked.n > 0 || (sync->may_pool && sync_phase(sync) == SYNC_IN_SYNC);
	case SYNC_LIST_POOLS:
		return sync->may_pool && sync_phase(sync) == SYNC_IN_SYNC;
	case SYNC_LISTS:
		break;
	}
	return false;
}

int sync_list_draft(struct sync *sync, enum sync_list_kind kind, enum wire_type *type)
{
	struct sync_list *list = &sync->list[kind];

	*type = kinds[kind].type;
	if (kind == SYNC_LIST_SOURCES)
		return draft_sources(sync, list);
	return copy(&list->sent, list->wanted.item, list->wanted.n, kinds[kind].bytes);
}
