/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The route's walk in control: rib, resolve, candidates, compare, sync. Called by fpm_conn.c, neigh.c,
 * show.c with what came in; owns the steps. What the dataplane says comes in by pipeline_dp.c.
 */
#include "control/pipeline.h"

#include "control/log.h"
#include "control/pipeline_state.h"
#include "control/step/pods.h"
#include "control/step/resolve.h"
#include "control/step/rib.h"
#include "control/step/sync.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TICK_SEC  1
#define RETRY_SEC 5u	/* refusals are tried again */
#define QUIET_MS  5000u /* after which a replay without its end is held */

uint64_t pipeline_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* @prefix: of a route in a pool, whose gateways are nodes; 0 of another one. Errors: -ENOMEM */
static int take_hops(struct pipeline *pipeline, const struct route_target *target, uint32_t prefix)
{
	for (uint32_t i = 0; i < target->n; i++) {
		struct hop_key key = target->member[i].key;
		bool is_new = sync_find_hop(pipeline->sync, key) == NULL;
		struct hop *hop = sync_take_hop(pipeline->sync, key);

		if (hop == NULL)
			return -ENOMEM;
		// A pod is its own next hop, and sends no tunnels.
		if (prefix != 0 && key.nexthop != prefix && !hop->is_node) {
			hop->is_node = true;
			pipeline->are_sources_due = true;
		}
		if (is_new)
			pipeline_work_out_hop(pipeline, hop);
	}
	return 0;
}

static const struct route_pool *find_pool(const struct pipeline *pipeline, uint32_t prefix,
	uint8_t depth)
{
	const struct route_pool *best = NULL;

	for (size_t i = 0; i < pipeline->n_pools; i++) {
		const struct route_pool *pool = &pipeline->pools[i];

		if (pool->depth <= depth && (prefix ^ pool->prefix) >> (32 - pool->depth) == 0 &&
			(best == NULL || pool->depth > best->depth))
			best = pool;
	}
	return best;
}

struct route_pool pipeline_route_of(const struct pipeline *pipeline, uint32_t prefix, uint8_t depth)
{
	const struct route_pool *pool = find_pool(pipeline, prefix, depth);

	return (struct route_pool){.prefix = prefix,
		.depth = depth,
		.policy = pool == NULL ? 0 : pool->policy};
}

static struct fpm_prefix main_table_prefix(uint32_t prefix, uint8_t depth)
{
	struct fpm_prefix key = {.table = FPM_MAIN_TABLE, .family = AF_INET, .len = depth};
	uint32_t prefix_be = htonl(prefix);

	memcpy(key.addr, &prefix_be, sizeof(prefix_be));
	return key;
}

/* What a prefix leads to, whatever its next hops are; WIRE_NH_NONE: that is for them to say. */
static enum wire_nh decide_fixed(const struct pipeline *pipeline, uint32_t prefix, uint8_t depth)
{
	if (depth == 32 && prefix == pipeline->probe_source && prefix != 0)
		return WIRE_NH_PROBE;
	if (depth == 32 && resolve_is_local(pipeline->resolve, prefix))
		return WIRE_NH_PUNT;
	return WIRE_NH_NONE;
}

/* What is on the link leads to the prefix itself. */
static bool has_gateways(const struct rib_nexthops *nexthops)
{
	for (uint32_t i = 0; i < nexthops->n; i++)
		if (nexthops->nh[i].family == AF_UNSPEC)
			return false;
	return true;
}

/*
 * Steps 6 to 8 for a prefix's next hops. A node's routes come in a row, and what was worked out for the
 * one before is right for the next: the RIB has each set of next hops once.
 */
static struct sync_nh *take_nexthops(struct pipeline *pipeline, const struct route_pool *pool,
	uint32_t prefix, uint8_t depth, const struct rib_nexthops *nexthops)
{
	struct pipeline_last *last = &pipeline->last;
	struct route_pool with_policy = {.prefix = prefix, .depth = depth};
	struct route_target target;

	if (last->nexthops == nexthops && last->pool == pool)
		return last->nh;
	with_policy.policy = pool == NULL ? 0 : pool->policy;
	resolve_route(&with_policy, nexthops->type, nexthops->nh, nexthops->n, &target);
	if (take_hops(pipeline, &target, pool != NULL ? prefix : 0) != 0)
		return NULL;
	*last = (struct pipeline_last){
		.nexthops = has_gateways(nexthops) ? nexthops : NULL,
		.pool = pool,
		.nh = sync_take_target(pipeline->sync, &target),
	};
	return last->nh;
}

/* Steps 6 to 9 for one prefix. @route: FRR's; NULL if it has none */
static void work_out(struct pipeline *pipeline, uint32_t prefix, uint8_t depth,
	const struct rib_route *route)
{
	const struct route_pool *pool = find_pool(pipeline, prefix, depth);
	struct route_target target = {.fixed = decide_fixed(pipeline, prefix, depth)};
	struct sync_nh *nh = NULL;
	int err = -ENOMEM;

	if (target.fixed == WIRE_NH_NONE && route != NULL && route->nexthops != NULL) {
		nh = take_nexthops(pipeline, pool, prefix, depth, route->nexthops);
	} else {
		if (target.fixed == WIRE_NH_NONE && pool != NULL && pool->depth == depth)
			target.fixed = WIRE_NH_NO_ROUTE;
		if (target.fixed == WIRE_NH_NONE) {
			sync_unwant_route(pipeline->sync, prefix, depth, pipeline->cause_us);
			return;
		}
		nh = sync_take_target(pipeline->sync, &target);
	}
	if (nh != NULL)
		err = sync_want_nh(pipeline->sync, prefix, depth, nh, pipeline->cause_us);
	if (err != 0)
		log_line(LOG_LEVEL_ERR, "pipeline: out of memory for a route, it stays as it was");
}

void pipeline_work_out_route(struct pipeline *pipeline, uint32_t prefix, uint8_t depth)
{
	struct fpm_prefix key = main_table_prefix(prefix, depth);

	pipeline->last.nexthops = NULL;
	work_out(pipeline, prefix, depth, rib_find(pipeline->rib, &key));
}

static void on_rib_change(const struct fpm_prefix *prefix, const struct rib_route *route, void *arg)
{
	struct pipeline *pipeline = arg;
	uint32_t addr_be;

	if (prefix->family != AF_INET || prefix->table != FPM_MAIN_TABLE)
		return;
	memcpy(&addr_be, prefix->addr, sizeof(addr_be));
	work_out(pipeline, ntohl(addr_be), prefix->len, route);
	// Nodes are not reached through pods.
	if (find_pool(pipeline, ntohl(addr_be), prefix->len) == NULL)
		pipeline_forget_underlay(pipeline);
}

static void drain_rib(struct pipeline *pipeline)
{
	// Sets of next hops, paths and groups live up to the end of a turn at least.
	pipeline->last.nexthops = NULL;
	rib_drain(pipeline->rib, on_rib_change, pipeline);
	pipeline->last.nexthops = NULL;
}

void pipeline_turn(struct pipeline *pipeline)
{
	drain_rib(pipeline);
	pipeline->cause_us = 0;
	pipeline_tunnels_turn(pipeline);
	sync_pump(pipeline->sync);
	pods_pump(pipeline->pods);
}

static void on_hop_changed(struct hop_key key, void *arg)
{
	struct pipeline *pipeline = arg;

	for (key.policy = 0; key.policy < HOP_POLICIES; key.policy++) {
		struct hop *hop = sync_find_hop(pipeline->sync, key);

		if (hop != NULL)
			pipeline_work_out_hop(pipeline, hop);
	}
}

static void on_tunnels_changed(void *arg)
{
	struct pipeline *pipeline = arg;

	pipeline->are_tunnels_due = true;
}

struct of_interface {
	struct pipeline *pipeline;
	uint32_t ifindex;
};

static void work_out_if_of_interface(struct hop *hop, void *arg)
{
	const struct of_interface *of = arg;

	if (hop->key.ifindex == of->ifindex)
		pipeline_work_out_hop(of->pipeline, hop);
}

static void on_interface_changed(uint32_t ifindex, void *arg)
{
	struct of_interface of = {.pipeline = arg, .ifindex = ifindex};
	const struct kernel_link *link = resolve_find_link(of.pipeline->resolve, ifindex);

	if (link == NULL)
		pods_del_link(of.pipeline->pods, ifindex);
	else if (pods_set_link(of.pipeline->pods, ifindex, link->name) != 0)
		log_line(LOG_LEVEL_ERR, "pipeline: out of memory for pod %s", link->name);
	pipeline_forget_underlay(of.pipeline);
	sync_each_hop(of.pipeline->sync, work_out_if_of_interface, &of);
}

static void on_address_changed(uint32_t addr, void *arg)
{
	pipeline_forget_underlay(arg);
	pipeline_work_out_route(arg, addr, 32);
}

/* zebra's side. */

static void end_replay(struct pipeline *pipeline)
{
	size_t n_swept = rib_sweep(pipeline->rib);

	if (pipeline->status.replay != PIPELINE_REPLAY_COMPLETE) {
		pipeline->status.replay_ms = pipeline_now_ms() - pipeline->replay_began_ms;
		log_line(LOG_LEVEL_NOTICE, "pipeline: replay complete routes=%zu swept=%zu ms=%llu",
			rib_counts(pipeline->rib).n_routes, n_swept,
			(unsigned long long)pipeline->status.replay_ms);
	}
	pipeline->status.replay = PIPELINE_REPLAY_COMPLETE;
	// First what the replay brought, so that nothing it wants is taken for unwanted.
	drain_rib(pipeline);
	sync_allow_deletes(pipeline->sync);
	sync_allow_pools(pipeline->sync);
}

static bool is_replay_end(const struct pipeline *pipeline, const struct fpm_event *event)
{
	const struct fpm_prefix *prefix = &event->route.prefix;

	return event->kind == FPM_ROUTE_SET && pipeline->has_replay_end &&
	       prefix->family == AF_INET6 && prefix->len == pipeline->replay_end.len &&
	       memcmp(prefix->addr, pipeline->replay_end.addr, sizeof(prefix->addr)) == 0;
}

void pipeline_begin_fpm(struct pipeline *pipeline)
{
	rib_begin_replay(pipeline->rib);
	pipeline->status.replay = PIPELINE_REPLAY_RUNNING;
	pipeline->replay_began_ms = pipeline_now_ms();
	pipeline->fpm_last_ms = pipeline->replay_began_ms;
}

void pipeline_note_fpm_bytes(struct pipeline *pipeline)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	pipeline->cause_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
	pipeline->fpm_last_ms = pipeline_now_ms();
}

int pipeline_take_fpm(struct pipeline *pipeline, const struct fpm_event *event)
{
	int err = rib_apply(pipeline->rib, event);

	if (err == 0 && is_replay_end(pipeline, event))
		end_replay(pipeline);
	return err;
}

void pipeline_end_fpm(struct pipeline *pipeline)
{
	if (pipeline->status.replay == PIPELINE_REPLAY_RUNNING)
		pipeline->status.replay = PIPELINE_REPLAY_NONE;
}

/* The kernel's side. */

void pipeline_begin_kernel_resync(struct pipeline *pipeline)
{
	resolve_begin_resync(pipeline->resolve);
}

void pipeline_take_kernel(struct pipeline *pipeline, const struct kernel_event *event)
{
	if (resolve_apply_kernel(pipeline->resolve, event) != 0)
		log_line(LOG_LEVEL_ERR, "pipeline: out of memory for the kernel's tables");
}

void pipeline_end_kernel_resync(struct pipeline *pipeline)
{
	resolve_end_resync(pipeline->resolve);
	if (!pipeline->is_started)
		dp_client_start(pipeline->dp);
	pipeline->is_started = true;
}

/* Once a second. */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct pipeline *pipeline = arg;

	(void)fd;
	(void)what;
	pipeline->n_asked = 0;
	pipeline->are_tunnels_due = true; // hops go unseen, and with them who may send to us
	pipeline_refresh_hops(pipeline);
	pipeline_probe_second(pipeline);
	if (++pipeline->n_ticks % RETRY_SEC == 0) {
		sync_retry(pipeline->sync);
		pods_retry(pipeline->pods);
	}
	if (pipeline->status.replay == PIPELINE_REPLAY_RUNNING &&
		pipeline_now_ms() > pipeline->fpm_last_ms + QUIET_MS) {
		pipeline->status.replay = PIPELINE_REPLAY_HELD;
		log_line(LOG_LEVEL_WARNING,
			"pipeline: replay ended without fpm.replay_end, stale routes are kept: "
			"configure that route in zebra, see configs/frr");
		sync_allow_pools(pipeline->sync);
	}
	pipeline_turn(pipeline);
}

int pipeline_new(struct event_base *base, const struct pipeline_options *options,
	struct pipeline **out)
{
	const struct timeval every = {.tv_sec = TICK_SEC};
	struct pipeline *pipeline = calloc(1, sizeof(*pipeline));
	struct resolve_changes changes = {
		.hop = on_hop_changed,
		.interface = on_interface_changed,
		.address = on_address_changed,
		.tunnels = on_tunnels_changed,
		.arg = pipeline,
	};
	int err = -ENOMEM;

	if (pipeline == NULL)
		return -ENOMEM;
	pipeline->has_replay_end = options->has_replay_end;
	pipeline->replay_end = options->replay_end;
	pipeline->rib = rib_new();
	pipeline->resolve = resolve_new(options->pod_match, &changes);
	pipeline->sync = sync_new(pipeline_dp_send, pipeline);
	pipeline->pods =
		pods_new(options->pod_match, pipeline_dp_send, pipeline_is_pod_routed, pipeline);
	pipeline->dp = pipeline_dp_new(base, options, pipeline);
	pipeline->tick = event_new(base, -1, EV_PERSIST, on_tick, pipeline);
	if (pipeline->rib == NULL || pipeline->resolve == NULL || pipeline->sync == NULL ||
		pipeline->pods == NULL || pipeline->dp == NULL || pipeline->tick == NULL)
		goto err_free;
	err = pipeline_probe_new(base, options, pipeline);
	if (err == 0)
		err = pipeline_change(pipeline, options);
	if (err != 0)
		goto err_free;
	event_add(pipeline->tick, &every);
	*out = pipeline;
	return 0;

err_free:
	pipeline_free(pipeline);
	return err;
}

void pipeline_free(struct pipeline *pipeline)
{
	if (pipeline == NULL)
		return;
	if (pipeline->tick != NULL)
		event_free(pipeline->tick);
	dp_client_free(pipeline->dp);
	pipeline_probe_free(pipeline);
	pods_free(pipeline->pods);
	sync_free(pipeline->sync);
	resolve_free(pipeline->resolve);
	rib_free(pipeline->rib);
	free(pipeline->pools);
	free(pipeline->sources);
	free(pipeline);
}

void pipeline_set_use(struct pipeline *pipeline, pipeline_use_fn use, void *arg)
{
	pipeline->use = use;
	pipeline->use_arg = arg;
}

struct pipeline_status pipeline_status(const struct pipeline *pipeline)
{
	return pipeline->status;
}

const struct rib *pipeline_rib(const struct pipeline *pipeline)
{
	return pipeline->rib;
}

const struct sync *pipeline_sync(const struct pipeline *pipeline)
{
	return pipeline->sync;
}

const struct resolve *pipeline_resolve(const struct pipeline *pipeline)
{
	return pipeline->resolve;
}

struct pods *pipeline_pods(struct pipeline *pipeline)
{
	return pipeline->pods;
}
