/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pipeline's tunnels: hops that depend on more than their own neighbour, our tunnel ends, and who may
 * send to them. Worked out at the end of a turn in which anything of it changed; called by pipeline.c.
 */
#include "control/pipeline_state.h"

#include "control/inventory.h"
#include "control/log.h"
#include "control/step/resolve.h"
#include "control/step/sync.h"
#include "control/underlay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool find_route(uint32_t node, struct underlay_route *route, void *arg)
{
	const struct pipeline *pipeline = arg;

	return pipeline->underlay != NULL && underlay_find(pipeline->underlay, node, route);
}

static bool find_vtep_mac(uint32_t node, uint8_t mac[6], void *arg)
{
	const struct pipeline *pipeline = arg;

	return pipeline->inventory != NULL && inventory_vtep_mac(pipeline->inventory, node, mac);
}

int pipeline_set_tunnels(struct pipeline *pipeline, const struct pipeline_options *options)
{
	const struct resolve_outside outside = {.route = find_route,
		.vtep_mac = find_vtep_mac,
		.arg = pipeline};
	struct wire_source *sources = calloc(options->n_sources + 1, sizeof(*sources));

	if (sources == NULL)
		return -ENOMEM;
	if (options->n_sources > 0)
		memcpy(sources, options->sources, options->n_sources * sizeof(*sources));
	free(pipeline->sources);
	pipeline->sources = sources;
	pipeline->n_sources = options->n_sources;
	pipeline->has_inner_check = options->has_inner_check;
	pipeline->has_policy = false;
	for (size_t i = 0; i < options->n_pools; i++)
		pipeline->has_policy = pipeline->has_policy || options->pools[i].policy != 0;
	resolve_set_tunnel(pipeline->resolve, &options->tunnel, &outside);
	pipeline->are_tunnels_due = true;
	return 0;
}

static void work_out_tunnel(struct hop *hop, void *arg)
{
	if (hop->key.policy != 0 || hop->facts.device != WIRE_PATH_NATIVE)
		pipeline_work_out_hop(arg, hop);
}

/* Sources as they are collected. */
struct source_list {
	struct wire_source *source;
	size_t n, room;
	int err;
};

static void add_source(struct source_list *list, uint32_t prefix, uint8_t depth)
{
	size_t room = list->room == 0 ? 256 : list->room * 2;
	struct wire_source *more;

	if (list->n == list->room) {
		more = realloc(list->source, room * sizeof(*more));
		if (more == NULL) {
			list->err = -ENOMEM;
			return;
		}
		list->source = more;
		list->room = room;
	}
	list->source[list->n++] = (struct wire_source){.prefix = prefix, .depth = depth};
}

static void add_node(uint32_t addr, void *arg)
{
	add_source(arg, addr, 32);
}

/* A node that pods' routes lead through, by what a tunnel packet from it has as its source. */
static void add_hop(struct hop *hop, void *arg)
{
	if (!hop->is_node)
		return;
	if (hop->facts.device == WIRE_PATH_VXLAN && hop->facts.vxlan.header.dst != 0)
		add_node(hop->facts.vxlan.header.dst, arg);
	else if (hop->facts.device == WIRE_PATH_IPIP && hop->facts.ipip.header.dst != 0)
		add_node(hop->facts.ipip.header.dst, arg);
	else if (hop->facts.device == WIRE_PATH_NATIVE && hop->key.nexthop != 0)
		add_node(hop->key.nexthop, arg);
}

static int compare_sources(const void *a, const void *b)
{
	const struct wire_source *x = a, *y = b;

	if (x->prefix != y->prefix)
		return x->prefix < y->prefix ? -1 : 1;
	return (int)x->depth - (int)y->depth;
}

static void drop_doubles(struct source_list *list)
{
	size_t n = 0;

	if (list->n > 0)
		qsort(list->source, list->n, sizeof(list->source[0]), compare_sources);
	for (size_t i = 0; i < list->n; i++)
		if (n == 0 || compare_sources(&list->source[n - 1], &list->source[i]) != 0)
			list->source[n++] = list->source[i];
	list->n = n;
}

static bool is_end(uint32_t addr, const struct wire_endpoint *ends, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (ends[i].addr == addr)
			return true;
	}
	return false;
}

/* The inventory may name this node too, but what comes to us from our own address is forged. */
static void drop_ourselves(struct source_list *list, const struct wire_endpoint *ends,
	size_t n_ends)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		if (list->source[i].depth != 32 || !is_end(list->source[i].prefix, ends, n_ends))
			list->source[n++] = list->source[i];
	list->n = n;
}

/* Nobody may send where there is no end, so without one nobody is named. */
static int want_sources(struct pipeline *pipeline, const struct wire_endpoint *ends, size_t n_ends)
{
	struct source_list list = {.source = NULL};
	int err;

	if (n_ends > 0) {
		sync_each_hop(pipeline->sync, add_hop, &list);
		resolve_each_remote(pipeline->resolve, add_node, &list);
		if (pipeline->inventory != NULL)
			inventory_each_node(pipeline->inventory, add_node, &list);
		for (size_t i = 0; i < pipeline->n_sources; i++)
			add_source(&list, pipeline->sources[i].prefix, pipeline->sources[i].depth);
	}
	drop_doubles(&list);
	drop_ourselves(&list, ends, n_ends);
	err = list.err != 0 ? list.err : sync_want_sources(pipeline->sync, list.source, list.n);
	free(list.source);
	return err;
}

void pipeline_tunnels_turn(struct pipeline *pipeline)
{
	static struct log_limit limit;
	struct wire_endpoint endpoints[SYNC_ENDPOINTS];
	size_t n;
	int err;

	if (!pipeline->are_tunnels_due && !pipeline->are_sources_due)
		return;
	if (pipeline->are_tunnels_due)
		sync_each_hop(pipeline->sync, work_out_tunnel, pipeline);
	pipeline->are_tunnels_due = false;
	pipeline->are_sources_due = false;
	memset(endpoints, 0, sizeof(endpoints));
	n = resolve_endpoints(pipeline->resolve, pipeline->has_policy, endpoints, SYNC_ENDPOINTS);
	for (size_t i = 0; i < n; i++)
		endpoints[i].has_inner_check = pipeline->has_inner_check;
	err = want_sources(pipeline, endpoints, n);
	if (err == 0)
		err = sync_want_endpoints(pipeline->sync, endpoints, n);
	if (err != 0)
		log_limited(&limit, LOG_LEVEL_ERR,
			"pipeline: who may send to our tunnel ends stays as it was: %s",
			strerror(-err));
}

void pipeline_set_inventory(struct pipeline *pipeline, const struct inventory *inventory)
{
	pipeline->inventory = inventory;
	pipeline->are_tunnels_due = true;
	pipeline_probe_find_source(pipeline);
}

void pipeline_set_underlay(struct pipeline *pipeline, struct underlay *underlay)
{
	pipeline->underlay = underlay;
	pipeline->are_tunnels_due = true;
}

void pipeline_forget_underlay(struct pipeline *pipeline)
{
	if (pipeline->underlay != NULL)
		underlay_forget(pipeline->underlay);
	pipeline->are_tunnels_due = true;
}
