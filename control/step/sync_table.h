/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The objects of step 9 and who refers to whom. Only the sync_*.c and sync.c include this.
 *
 * A route points at a struct sync_nh three times: what is wanted, what the dataplane acknowledged, and
 * what is on the way. Each counts as a reference, and a group refers to its paths, so "no references"
 * means that nothing in the dataplane can still lead there.
 */
#ifndef PODLANE_CONTROL_STEP_SYNC_TABLE_H
#define PODLANE_CONTROL_STEP_SYNC_TABLE_H

#include <assert.h>
#include <sys/queue.h>

#include "control/hash.h"
#include "control/step/sync.h"
#include "control/table.h"

// glibc's sys/queue.h lacks it.
#ifndef TAILQ_FOREACH_SAFE
#define TAILQ_FOREACH_SAFE(at, head, field, next)                                                  \
	for ((at) = TAILQ_FIRST(head); (at) != NULL && ((next) = TAILQ_NEXT(at, field), 1);        \
		(at) = (next))
#endif

enum sync_kind { SYNC_FIXED, SYNC_PATH, SYNC_GROUP };

/* What a route can point at. */
struct sync_nh {
	enum sync_kind kind;
	uint32_t wire; /* as in wire_route.nh; 0: no index yet */
	uint32_t refs;
	bool is_acked;	   /* the dataplane has it */
	bool is_in_flight; /* being set, changed or deleted */
	bool is_deleting;  /* in flight to be deleted: nothing may come to refer to it */
	bool is_queued;
	bool is_held;
	bool is_indexed; /* in the hash; not so a second one with the same key in a dump */
	int error;	 /* of the last refusal */
	struct hash_node node;
	TAILQ_ENTRY(sync_nh) queue;
	TAILQ_ENTRY(sync_nh) all;
};
TAILQ_HEAD(sync_nh_list, sync_nh);

struct sync_path {
	struct sync_nh nh;
	struct hop hop;
	struct wire_path acked, sent; /* without idx */
};

struct sync_member {
	struct sync_path *path;
	uint32_t weight;
};

/* Its content never changes; another content is another group. */
struct sync_group {
	struct sync_nh nh;
	uint32_t n;
	struct sync_member member[]; /* sorted by the paths' keys */
};

struct sync_route {
	STAILQ_ENTRY(sync_route) queue;
	struct sync_nh *wanted, *acked, *sent;
	uint32_t prefix;
	int16_t error;
	uint8_t depth : 6;
	bool is_queued : 1; /* in the queue or in the batch */
	bool is_held : 1;
	uint8_t trace : 7; /* slot + 1, 0: none */
	bool is_deleting : 1;
};
STAILQ_HEAD(sync_route_list, sync_route);
static_assert(sizeof(struct sync_route) == 40, "a million of them must fit");

#define SYNC_FREE_DEPTH 63u /* of an entry of the table that is no route */

/* A route of the batch, with what it is sorted by. */
struct sync_batched {
	uint64_t key; /* prefix, then depth */
	struct sync_route *route;
};

/* One message that was sent and not acknowledged. */
struct sync_pending {
	TAILQ_ENTRY(sync_pending) next;
	uint32_t seq;
	enum wire_type type;
	uint32_t n;
	void *item[]; /* struct sync_nh or sync_route */
};
TAILQ_HEAD(sync_pending_list, sync_pending);

/* All of one kind, paths or groups. */
struct sync_nhs {
	struct hash by_content;
	struct sync_nh_list all, queue;
	struct sync_nh **by_idx;
	uint32_t max, first, next_free; /* indexes: first .. max - 1 */
	size_t n_blocking;		/* in flight, and routes have to wait for it */
};

#define SYNC_WINDOW	 4u /* messages */
#define SYNC_BATCH	 65536u
#define SYNC_ROUTE_ITEMS 2048u
#define SYNC_PATH_ITEMS	 1000u /* a window of them holds 4,000 nodes */
#define SYNC_GROUP_ITEMS 15u

/* What the dataplane takes as a whole. */
enum sync_list_kind { SYNC_LIST_POOLS, SYNC_LIST_ENDPOINTS, SYNC_LIST_SOURCES, SYNC_LISTS };

struct sync_items {
	void *item;
	size_t n, room;
};

struct sync_list {
	struct sync_items wanted, acked, sent;
	bool is_in_flight;
	bool is_known; /* the dataplane has said what it has, or taken ours */
	int error;     /* of the last refusal */
};

struct sync {
	sync_send_fn send;
	void *send_arg;
	bool is_connected, is_adopted, may_delete, may_pool;
	bool has_recovered; /* a path or group is no longer refused: routes may leave punt for it */
	bool has_room;	    /* routes were deleted: those refused may fit now */
	struct sync_nh fixed[WIRE_NH_PATH_FIRST];
	struct sync_nh unknown; /* an index in the dump that leads nowhere we know */
	struct sync_nhs paths, groups;
	struct table routes;
	struct sync_route_list queue;
	struct sync_batched *batch;
	uint32_t n_batch, batch_at;
	bool batch_deletes; /* second pass over the batch */
	struct sync_pending_list pending;
	uint32_t n_pending;
	struct sync_count route_count;
	struct sync_list list[SYNC_LISTS];
	uint64_t n_messages, n_refusals, full_sync_sec;
	struct sync_trace trace[SYNC_TRACES];
	uint32_t n_traces; /* ever */
};

static inline struct sync_path *sync_path_of(struct sync_nh *nh)
{
	return hash_entry(nh, struct sync_path, nh);
}

static inline struct sync_group *sync_group_of(struct sync_nh *nh)
{
	return hash_entry(nh, struct sync_group, nh);
}

static inline struct sync_nhs *sync_nhs_of(struct sync *sync, const struct sync_nh *nh)
{
	return nh->kind == SYNC_PATH ? &sync->paths : &sync->groups;
}

/** Its index in the dataplane; only while it has one. */
static inline uint32_t sync_nh_idx(const struct sync_nh *nh)
{
	return nh->wire & ~(uint32_t)WIRE_NH_GROUP;
}

/** What is sent now may refer to it. */
static inline bool sync_nh_is_there(const struct sync_nh *nh)
{
	return nh->is_acked && !nh->is_deleting;
}

/** Routes wait for what is new or goes, not for a path that changes in place. */
static inline bool sync_nh_is_blocking(enum wire_type type, const struct sync_nh *nh)
{
	return type == WIRE_PATH_DEL || type == WIRE_GROUP_DEL || !nh->is_acked;
}

static inline bool sync_route_is_in_flight(const struct sync_route *route)
{
	return route->sent != NULL || route->is_deleting;
}

void sync_nh_ref(struct sync_nh *nh);
/** Without a last reference it is queued, to be deleted or freed. */
void sync_nh_unref(struct sync *sync, struct sync_nh *nh);
/** Look at it again at the next pump. */
void sync_nh_touch(struct sync *sync, struct sync_nh *nh);
/** It is not acknowledged, not in flight, and nobody refers to it. */
void sync_nh_free(struct sync *sync, struct sync_nh *nh);

void sync_nh_refuse(struct sync *sync, struct sync_nh *nh, int error);
void sync_nh_release_idx(struct sync *sync, struct sync_nh *nh);

/** Both: find, or NULL; add, NULL if memory is short. */
struct sync_path *sync_path_find(const struct sync *sync, struct hop_key key);
struct sync_path *sync_path_add(struct sync *sync, struct hop_key key, bool is_indexed);
/** Members sorted by the paths' keys. */
struct sync_group *sync_group_find(const struct sync *sync, const struct sync_member *members,
	uint32_t n);
struct sync_group *sync_group_add(struct sync *sync, const struct sync_member *members, uint32_t n,
	bool is_indexed);

/** Visit all routes, in no order; the visitor may remove the one it is given. */
void sync_table_each_route(struct sync *sync,
	void (*visit)(struct sync *sync, struct sync_route *route));
struct sync_route *sync_route_find(const struct sync *sync, uint32_t prefix, uint8_t depth);
struct sync_route *sync_route_add(struct sync *sync, uint32_t prefix, uint8_t depth);
/** Neither wanted nor acknowledged nor on the way nor queued: goes. */
void sync_route_free_if_idle(struct sync *sync, struct sync_route *route);

/** These keep references and counts right. NULL for none. */
void sync_route_set_wanted(struct sync *sync, struct sync_route *route, struct sync_nh *nh);
void sync_route_set_acked(struct sync *sync, struct sync_route *route, struct sync_nh *nh);
void sync_route_set_sent(struct sync *sync, struct sync_route *route, struct sync_nh *nh,
	bool is_deleting);
/** What was sent becomes what is acknowledged, and nothing is sent. */
void sync_route_sent_is_acked(struct sync *sync, struct sync_route *route);
void sync_route_set_error(struct sync *sync, struct sync_route *route, int error);
void sync_route_set_held(struct sync *sync, struct sync_route *route, bool is_held);

/** What should be sent: wanted, or punt while that was refused. */
struct sync_nh *sync_route_effective(struct sync *sync, const struct sync_route *route);
bool sync_route_is_due(struct sync *sync, const struct sync_route *route);
/** Queue it if it is due. */
void sync_route_touch(struct sync *sync, struct sync_route *route);
void sync_touch_all_routes(struct sync *sync);

void sync_lists_free(struct sync *sync);
/** A connection begins: what was acknowledged does not count. */
void sync_lists_forget(struct sync *sync);
void sync_lists_retry(struct sync *sync);
bool sync_is_list(enum wire_type type);
/** Both: a type for which sync_is_list(). Errors: -ENOMEM; -EBADMSG too many */
int sync_lists_adopt(struct sync *sync, enum wire_type type, const void *items, size_t n);
void sync_lists_ack(struct sync *sync, enum wire_type type, int error);
bool sync_list_is_due(const struct sync *sync, enum sync_list_kind kind);
/** Put into the list's sent what is to be sent now. Errors: -ENOMEM */
int sync_list_draft(struct sync *sync, enum sync_list_kind kind, enum wire_type *type);

/** Whether a path or group must be set, or deleted; both false: nothing to do now. */
bool sync_nh_is_to_set(const struct sync_nh *nh);
bool sync_nh_is_to_delete(const struct sync_nh *nh);

#endif
