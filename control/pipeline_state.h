/* SPDX-License-Identifier: BSD-3-Clause */
/* What the pipeline*.c share, and nobody else includes. */
#ifndef PODLANE_CONTROL_PIPELINE_STATE_H
#define PODLANE_CONTROL_PIPELINE_STATE_H

#include "control/dp_client.h"
#include "control/pipeline.h"

struct event;
struct hop;
struct rib_nexthops;
struct sync_nh;

/* What was worked out last, during a drain of the RIB. */
struct pipeline_last {
	const struct rib_nexthops *nexthops; /* NULL: nothing */
	const struct route_pool *pool;
	struct sync_nh *nh;
};

struct pipeline {
	struct rib *rib;
	struct resolve *resolve;
	struct sync *sync;
	struct pods *pods;
	struct dp_client *dp;
	struct event *tick;
	pipeline_use_fn use;
	void *use_arg;
	struct route_pool *pools;
	size_t n_pools;
	struct wire_source *sources; /* as configured */
	size_t n_sources;
	const struct inventory *inventory;
	struct underlay *underlay;
	bool has_inner_check, has_policy; /* some pool's encap is not "follow" */
	bool are_tunnels_due;		  /* hops with a tunnel, ends, sources: at the next turn */
	bool are_sources_due;		  /* a node is new: ends and sources, but not the hops */
	bool has_replay_end, is_started, is_dp_adopted;
	struct fpm_prefix replay_end;
	struct pipeline_last last;
	uint64_t cause_us; /* of the changes being worked out; 0: not zebra's */
	uint64_t replay_began_ms, fpm_last_ms;
	uint64_t n_ticks;
	unsigned n_asked; /* in this tick */
	struct probe_plan *probes;
	struct probe_batch *probe_batch;
	struct event *probe_tick;
	char node[254];		/* our name, in the inventory */
	uint32_t probe_address; /* as configured */
	uint32_t probe_source;	/* in force */
	struct pipeline_status status;
};

/** CLOCK_MONOTONIC. */
uint64_t pipeline_now_ms(void);

/** Steps 5 to 7 for one next hop: facts, candidates, choice. */
void pipeline_work_out_hop(struct pipeline *pipeline, struct hop *hop);
/** Once a second: have the kernel look for what is unknown or stale. */
void pipeline_refresh_hops(struct pipeline *pipeline);

/** Steps 5 to 8 for one prefix. */
void pipeline_work_out_route(struct pipeline *pipeline, uint32_t prefix, uint8_t depth);

/** Errors: -ENOMEM */
int pipeline_probe_new(struct event_base *base, const struct pipeline_options *options,
	struct pipeline *pipeline);
void pipeline_probe_free(struct pipeline *pipeline);
/** Take our probe address and the budget, also later again. Errors: -ENOMEM, nothing changed */
int pipeline_probe_change(struct pipeline *pipeline, const struct pipeline_options *options);
/** Our own probe address may be another one. */
void pipeline_probe_find_source(struct pipeline *pipeline);
/** What probes say of a hop's candidates, and what else counts in the choice. */
void pipeline_probe_judge(struct pipeline *pipeline, struct hop *hop, struct choice_wish *wish);
/** A hop was worked out: its node may be probed by other paths now. */
void pipeline_probe_offer(struct pipeline *pipeline, const struct hop *hop);
void pipeline_probe_second(struct pipeline *pipeline);
/** Records of WIRE_PROBE_REPLY and WIRE_PATH_STATS. */
void pipeline_probe_take(struct pipeline *pipeline, enum wire_type type, const void *items,
	size_t n_items);
/** Errors: false, it was no message of probes */
bool pipeline_probe_ack(struct pipeline *pipeline, uint32_t seq,
	const struct wire_refusal *refusals, size_t n_refusals);
void pipeline_probe_gone(struct pipeline *pipeline);

/** Take what the configuration says of tunnels, also later again. Errors: -ENOMEM, nothing changed */
int pipeline_set_tunnels(struct pipeline *pipeline, const struct pipeline_options *options);
/** If anything changed: hops with a tunnel, our tunnel ends, who may send to them. */
void pipeline_tunnels_turn(struct pipeline *pipeline);

/** Links, addresses or routes changed: the ways to the other nodes may be others. */
void pipeline_forget_underlay(struct pipeline *pipeline);

/** Errors: NULL if memory is short */
struct dp_client *pipeline_dp_new(struct event_base *base, const struct pipeline_options *options,
	struct pipeline *pipeline);

/** A sync_send_fn and pods_send_fn; @arg is the pipeline. */
int pipeline_dp_send(void *arg, enum wire_type type, const void *items, size_t n_items,
	uint32_t *seq);

/** A pods_is_routed_fn; @arg is the pipeline. */
bool pipeline_is_pod_routed(void *arg, uint32_t ifindex);

#endif
