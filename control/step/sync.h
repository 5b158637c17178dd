/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 9 of the route's walk: bring the dataplane from what it acknowledged to what is wanted.
 *
 * The order opens no hole: paths before groups before routes, and a path or group is deleted only when
 * nothing in the dataplane refers to it any more, which is counted. After each (re)connect the
 * dataplane's dump is adopted: paths by their key, groups by their content. What was adopted and nobody
 * wants yet is held until sync_allow_deletes().
 */
#ifndef PODLANE_CONTROL_STEP_SYNC_H
#define PODLANE_CONTROL_STEP_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/route.h"
#include "dataplane/api/wire.h"

struct sync;
struct sync_nh;

/**
 * Send one request.
 *
 * Errors: -EAGAIN or other: it was not sent and will be tried at the next sync_pump()
 */
typedef int (*sync_send_fn)(void *arg, enum wire_type type, const void *items, size_t n_items,
	uint32_t *seq);

enum sync_phase { SYNC_DISCONNECTED, SYNC_ADOPTING, SYNC_SYNCING, SYNC_IN_SYNC };

/** How one route, group or path stands. */
enum sync_state {
	SYNC_STATE_IN_SYNC,
	SYNC_STATE_WANTED,    /**< to be sent */
	SYNC_STATE_IN_FLIGHT, /**< sent, not acknowledged */
	SYNC_STATE_REFUSED,
	SYNC_STATE_HELD, /**< adopted, wanted by nobody yet */
	SYNC_STATE_DELETING,
};

struct sync_count {
	size_t n_wanted, n_acked, n_refused, n_in_flight, n_held;
};

struct sync_counts {
	struct sync_count routes, groups, paths;
	size_t n_pools_wanted, n_endpoints_wanted, n_sources_wanted;
	bool pools_acked, endpoints_acked, sources_acked;
	uint64_t n_messages, n_refusals; /**< since start */
	uint64_t full_sync_sec;		 /**< CLOCK_MONOTONIC of the last complete sync; 0: never */
};

/** Errors: NULL if memory is short */
struct sync *sync_new(sync_send_fn send, void *arg);
void sync_free(struct sync *sync);

/**
 * The hop of a key.
 *
 * Owner:  the sync; stays while a route or the dataplane refers to it
 * Errors: NULL if there is none
 */
struct hop *sync_find_hop(const struct sync *sync, struct hop_key key);

/** The hop whose path has this index in the dataplane. Errors: as sync_find_hop() */
struct hop *sync_find_hop_at(const struct sync *sync, uint32_t idx);

/** Like sync_find_hop(), but added if there is none. Errors: NULL if memory is short */
struct hop *sync_take_hop(struct sync *sync, struct hop_key key);

/**
 * Give all hops of one policy another one. Their paths keep their slots and their routes, so that a pool's
 * new policy rewrites as many slots as it has nodes.
 *
 * Errors: -EEXIST there are hops of the new policy already; nothing changed
 */
int sync_rename_policy(struct sync *sync, uint8_t from, uint8_t to);

/** A hop's wanted path may differ from before. */
void sync_hop_changed(struct sync *sync, struct hop *hop);

/**
 * Want a route, or want it to lead elsewhere.
 *
 * @cause_us: CLOCK_REALTIME of the bytes that caused this, for sync_recent(); 0 if none did
 *
 * Order:  host
 * Errors: -ENOMEM, nothing changed
 */
int sync_want_route(struct sync *sync, uint32_t prefix, uint8_t depth,
	const struct route_target *target, uint64_t cause_us);

/**
 * The two halves of sync_want_route(), for many routes with one target: the path or group that it leads
 * to, and the route.
 *
 * Owner:  the path or group is the sync's; without a route it goes at the next sync_pump()
 * Errors: NULL if memory is short; as sync_want_route()
 */
struct sync_nh *sync_take_target(struct sync *sync, const struct route_target *target);
int sync_want_nh(struct sync *sync, uint32_t prefix, uint8_t depth, struct sync_nh *nh,
	uint64_t cause_us);
void sync_unwant_route(struct sync *sync, uint32_t prefix, uint8_t depth, uint64_t cause_us);

/**
 * Which pools are wanted. Sent after the first complete sync that follows sync_allow_pools().
 *
 * Errors: -ENOSPC too many, -ENOMEM; nothing changed
 */
int sync_want_pools(struct sync *sync, const struct wire_pool *pools, size_t n);

/**
 * Which tunnel ends are ours, and who may send to them. Sources are sent before anything else; the first
 * ends as late as pools, later ones at once. No source goes before sync_allow_deletes().
 *
 * Errors: as sync_want_pools()
 */
int sync_want_endpoints(struct sync *sync, const struct wire_endpoint *endpoints, size_t n);
int sync_want_sources(struct sync *sync, const struct wire_source *sources, size_t n);
#define SYNC_ENDPOINTS 8u
#define SYNC_SOURCES   8000u /**< what one message holds */
void sync_allow_pools(struct sync *sync);

/** All that is wanted is known: what was adopted and nobody wants may go. */
void sync_allow_deletes(struct sync *sync);

/**
 * A connection begins, and its dump will follow: forget what was acknowledged.
 *
 * Errors: -ENOMEM, the connection is of no use
 */
int sync_connected(struct sync *sync, uint32_t max_paths, uint32_t max_groups);
void sync_disconnected(struct sync *sync);

/** Records of the dump. Errors: -ENOMEM; -EBADMSG an index out of bounds */
int sync_adopt(struct sync *sync, enum wire_type type, const void *items, size_t n_items);

/** The dump is complete; from now on sync_pump() sends. */
void sync_adopted(struct sync *sync);

/** Send as much of the difference as the window allows. */
void sync_pump(struct sync *sync);

/** An acknowledgement; a seq that is not ours is no error. */
void sync_ack(struct sync *sync, uint32_t seq, int32_t error, const struct wire_refusal *refusals,
	size_t n_refusals);

/** Try again what was refused. */
void sync_retry(struct sync *sync);

enum sync_phase sync_phase(const struct sync *sync);
struct sync_counts sync_counts(const struct sync *sync);

/** How a route stands, for display. */
struct sync_route_view {
	uint32_t prefix;
	uint8_t depth;
	bool is_wanted;
	enum sync_state state;
	int error;
	uint32_t nh; /**< what the dataplane has, as on the wire; WIRE_NH_NONE: nothing */
};

struct sync_path_view {
	const struct hop *hop;
	uint32_t idx; /**< 0: none yet */
	enum sync_state state;
	int error;
	uint32_t n_refs;
};

/** A changed route's way through us. Times are CLOCK_REALTIME. */
struct sync_trace {
	uint32_t prefix;
	uint8_t depth;
	uint64_t cause_us;
	uint64_t acked_us; /**< 0: not yet */
};
#define SYNC_TRACES 64u

bool sync_view_route(const struct sync *sync, uint32_t prefix, uint8_t depth,
	struct sync_route_view *view);
bool sync_view_path(const struct sync *sync, struct hop_key key, struct sync_path_view *view);

/** Visit in no order. Only reading is allowed meanwhile, and sync_hop_changed(). */
void sync_each_route(const struct sync *sync,
	void (*visit)(const struct sync_route_view *view, void *arg), void *arg);
void sync_each_path(const struct sync *sync,
	void (*visit)(const struct sync_path_view *view, void *arg), void *arg);
void sync_each_hop(struct sync *sync, void (*visit)(struct hop *hop, void *arg), void *arg);

/** The last changes, newest first. Returns: how many, up to SYNC_TRACES */
size_t sync_recent(const struct sync *sync, struct sync_trace traces[SYNC_TRACES]);

#endif
