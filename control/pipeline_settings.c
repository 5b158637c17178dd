/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pipeline's settings that can change while it runs: pools with their policies, tunnels, who may send
 * to us. Called by pipeline.c at the start, and by main.c when podlane.yaml was read again.
 *
 * A policy is part of a hop's key. So another one gives every route of the pool other next hops, and sync
 * sends these before it moves the routes; unless the old policy is nobody's any more, and its hops can have
 * the new one.
 */
#include "control/pipeline_state.h"

#include "control/step/rib.h"
#include "control/step/sync.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct route_pool *copy_pools(const struct pipeline_options *options)
{
	struct route_pool *pools = calloc(options->n_pools + 1, sizeof(*pools));

	if (pools != NULL && options->n_pools > 0)
		memcpy(pools, options->pools, options->n_pools * sizeof(*pools));
	return pools;
}

static int want_pools(struct pipeline *pipeline, const struct pipeline_options *options)
{
	struct wire_pool *wire = calloc(options->n_pools + 1, sizeof(*wire));
	int err;

	if (wire == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < options->n_pools; i++)
		wire[i] = (struct wire_pool){.prefix = options->pools[i].prefix,
			.depth = options->pools[i].depth};
	err = sync_want_pools(pipeline->sync, wire, options->n_pools);
	free(wire);
	return err;
}

static void work_out_rib_route(const struct rib_route *route, void *arg)
{
	struct pipeline *pipeline = arg;
	uint32_t addr_be;

	if (route->prefix.family != AF_INET || route->prefix.table != FPM_MAIN_TABLE)
		return;
	memcpy(&addr_be, route->prefix.addr, sizeof(addr_be));
	pipeline_work_out_route(pipeline, ntohl(addr_be), route->prefix.len);
}

/* What is in no pool now may have been in one: both have a say. */
static void work_out_pools(struct pipeline *pipeline, const struct route_pool *pools, size_t n)
{
	for (size_t i = 0; i < n; i++)
		pipeline_work_out_route(pipeline, pools[i].prefix, pools[i].depth);
}

static bool are_same_prefixes(const struct pipeline *pipeline, const struct route_pool *pools,
	size_t n)
{
	if (n != pipeline->n_pools)
		return false;
	for (size_t i = 0; i < n; i++)
		if (pools[i].prefix != pipeline->pools[i].prefix ||
			pools[i].depth != pipeline->pools[i].depth)
			return false;
	return true;
}

/* Do all pools with one policy, and no others, get the other one? */
static bool is_renaming(const struct pipeline *pipeline, const struct route_pool *pools,
	uint8_t from, uint8_t to)
{
	for (size_t i = 0; i < pipeline->n_pools; i++) {
		if ((pipeline->pools[i].policy == from) != (pools[i].policy == to))
			return false;
		if (pipeline->pools[i].policy == to)
			return false;
	}
	return from != 0 && to != 0; // what follows its device has hops outside the pools, too
}

static void set_policies(struct pipeline *pipeline, uint8_t from, uint8_t to)
{
	for (size_t i = 0; i < pipeline->n_pools; i++)
		if (pipeline->pools[i].policy == from)
			pipeline->pools[i].policy = to;
}

/*
 * A policy is part of a hop's key, so another one would give a million routes other next hops. Where it
 * only takes the place of one that nobody else has, the hops keep their slots and get new headers.
 *
 * Returns: whether that is all that is to be done
 */
static bool rename_policies(struct pipeline *pipeline, const struct route_pool *pools)
{
	bool is_done = true;

	for (size_t i = 0; i < pipeline->n_pools; i++) {
		uint8_t from = pipeline->pools[i].policy, to = pools[i].policy;

		if (from == to)
			continue;
		if (is_renaming(pipeline, pools, from, to) &&
			sync_rename_policy(pipeline->sync, from, to) == 0)
			set_policies(pipeline, from, to);
		else
			is_done = false;
	}
	return is_done;
}

static int set_pools(struct pipeline *pipeline, const struct pipeline_options *options)
{
	struct route_pool *before = pipeline->pools, *pools = copy_pools(options);
	size_t n_before = pipeline->n_pools;
	int err;

	if (pools == NULL)
		return -ENOMEM;
	err = want_pools(pipeline, options);
	if (err != 0) {
		free(pools);
		return err;
	}
	// The hops are worked out at the end of the turn, as those of all tunnels are.
	if (n_before > 0 && are_same_prefixes(pipeline, pools, options->n_pools) &&
		rename_policies(pipeline, pools)) {
		free(pools);
		return 0;
	}
	pipeline->pools = pools;
	pipeline->n_pools = options->n_pools;
	rib_each(pipeline->rib, work_out_rib_route, pipeline);
	work_out_pools(pipeline, before, n_before);
	work_out_pools(pipeline, pools, options->n_pools);
	free(before);
	return 0;
}

int pipeline_change(struct pipeline *pipeline, const struct pipeline_options *options)
{
	int err = pipeline_set_tunnels(pipeline, options);

	if (err == 0)
		err = pipeline_probe_change(pipeline, options);
	if (err == 0)
		err = set_pools(pipeline, options);
	return err;
}
