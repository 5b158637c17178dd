/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pipeline's settings that can change while it runs: pools with their policies, tunnels, who may send
 * to us. Called by pipeline.c at the start, and by main.c when podlane.yaml was read again.
 *
 * A policy is part of a hop's key. So another one gives every route of the pool other next hops, and sync
 * sends these before it moves the routes.
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
	pipeline->pools = pools;
	pipeline->n_pools = options->n_pools;
	err = rib_walk(pipeline->rib, work_out_rib_route, pipeline);
	work_out_pools(pipeline, before, n_before);
	work_out_pools(pipeline, pools, options->n_pools);
	free(before);
	return err;
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
