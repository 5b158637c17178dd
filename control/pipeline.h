/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The route's walk, step by step: read pipeline.c first. Everything that comes in (zebra's events, the
 * kernel's, the dataplane's, operators' wishes) is taken by one of these functions; pipeline_turn()
 * then sends what follows from it.
 */
#ifndef PODLANE_CONTROL_PIPELINE_H
#define PODLANE_CONTROL_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/route.h"
#include "control/step/resolve.h"
#include "fpm/fpm.h"

struct event_base;
struct pipeline;
struct inventory;
struct underlay;
struct inventory_node;
struct pods;
struct probe_plan;
struct rib;
struct sync;

/** Where zebra's replay stands. */
enum pipeline_replay {
	PIPELINE_REPLAY_NONE, /**< zebra was never here long enough */
	PIPELINE_REPLAY_RUNNING,
	PIPELINE_REPLAY_COMPLETE, /**< the replay-end route came */
	PIPELINE_REPLAY_HELD,	  /**< quiet without it: stale routes are kept */
};

struct pipeline_options {
	const char *node;
	const char *dataplane_socket;
	const char *pod_match;
	const struct route_pool *pools;
	size_t n_pools;
	struct resolve_tunnel tunnel;
	const struct wire_source *sources; /**< who may send to our tunnel ends, beside all nodes */
	size_t n_sources;
	bool has_inner_check;
	uint32_t probe_address; /**< ours; 0: what the inventory says of @node */
	uint32_t probe_budget_pps;
	bool has_replay_end;
	struct fpm_prefix replay_end; /**< the sentinel, in the main table */
};

/** Facts for display. */
struct pipeline_status {
	enum pipeline_replay replay;
	uint64_t replay_ms; /**< how long the last complete one took */
	bool dp_connected;
	uint64_t dp_since_sec; /**< CLOCK_MONOTONIC */
	uint64_t dp_instance;
	char dp_node[WIRE_NAME_BYTES];
	uint64_t dp_connections;
};

/** Have the kernel look for a neighbour; as neigh_use(). Order: host */
typedef void (*pipeline_use_fn)(uint32_t addr, uint32_t ifindex, void *arg);

/** Errors: -ENOMEM */
int pipeline_new(struct event_base *base, const struct pipeline_options *options,
	struct pipeline **out);
void pipeline_free(struct pipeline *pipeline);

/**
 * Take other pools, tunnel settings and sources; all else in @options is as pipeline_new() had it. The
 * next pipeline_turn() sends what follows, and loses no packet between two ways that both work.
 *
 * Errors: -ENOMEM, -ENOSPC too many pools; what was not taken stays as it was
 */
int pipeline_change(struct pipeline *pipeline, const struct pipeline_options *options);

/**
 * The nodes that the inventory file names; NULL: none.
 *
 * Owner: the caller, and it stays until the next call
 */
void pipeline_set_inventory(struct pipeline *pipeline, const struct inventory *inventory);

/** Whom to ask how other nodes are reached; NULL: nobody, and no tunnel can be used. Owner: the caller */
void pipeline_set_underlay(struct pipeline *pipeline, struct underlay *underlay);

void pipeline_set_use(struct pipeline *pipeline, pipeline_use_fn use, void *arg);

/** zebra connected: its replay begins. */
void pipeline_begin_fpm(struct pipeline *pipeline);
/** Errors: -ENOMEM; close the connection, so that zebra replays */
int pipeline_take_fpm(struct pipeline *pipeline, const struct fpm_event *event);
/** Bytes came from zebra just now; the changes that follow are due to them. */
void pipeline_note_fpm_bytes(struct pipeline *pipeline);
void pipeline_end_fpm(struct pipeline *pipeline);

/** The kernel's tables are told anew, from begin to end. The first end starts the dataplane's client. */
void pipeline_begin_kernel_resync(struct pipeline *pipeline);
void pipeline_take_kernel(struct pipeline *pipeline, const struct kernel_event *event);
void pipeline_end_kernel_resync(struct pipeline *pipeline);

/**
 * Have all that leads to a node go this way, whatever policies and probes say, until unpinned; WIRE_PATH_PUNT
 * unpins.
 *
 * @state: why the way cannot be used
 *
 * Errors: -ENOENT no such node; -EINVAL nothing could lead there this way; -ENETUNREACH not now
 */
int pipeline_pin(struct pipeline *pipeline, uint32_t node, enum wire_path_kind kind,
	enum hop_state *state);

/** Work out what changed and send it. */
void pipeline_turn(struct pipeline *pipeline);

struct pipeline_status pipeline_status(const struct pipeline *pipeline);

/** What the inventory says of a node, by its address or its name. Errors: false, it has none such */
bool pipeline_inventory_node(const struct pipeline *pipeline, uint32_t addr,
	struct inventory_node *node);
bool pipeline_inventory_name(const struct pipeline *pipeline, const char *name,
	struct inventory_node *node);

/** For show.c, which only reads, but for pods_set_override(). */
const struct rib *pipeline_rib(const struct pipeline *pipeline);
const struct sync *pipeline_sync(const struct pipeline *pipeline);
const struct resolve *pipeline_resolve(const struct pipeline *pipeline);
struct pods *pipeline_pods(struct pipeline *pipeline);
const struct probe_plan *pipeline_probes(const struct pipeline *pipeline);
/** A prefix with the policy of the longest pool that holds it. Order: host */
struct route_pool pipeline_route_of(const struct pipeline *pipeline, uint32_t prefix,
	uint8_t depth);

#endif
