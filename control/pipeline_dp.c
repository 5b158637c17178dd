/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pipeline's end at the dataplane: what its client reports goes to the steps. Called by dp_client.c
 * through the handlers, and by pipeline.c.
 */
#include "control/pipeline_state.h"

#include "control/log.h"
#include "control/step/pods.h"
#include "control/step/resolve.h"
#include "control/step/sync.h"

#include <errno.h>
#include <string.h>

static void work_out_any(struct hop *hop, void *arg)
{
	pipeline_work_out_hop(arg, hop);
}

static void on_hello(const struct wire_hello *hello, void *arg)
{
	struct pipeline *pipeline = arg;

	resolve_forget_dataplane(pipeline->resolve);
	pods_forget_dataplane(pipeline->pods);
	pipeline->is_dp_adopted = false;
	if (sync_connected(pipeline->sync, hello->max_paths, hello->max_groups) != 0) {
		dp_client_restart(pipeline->dp);
		return;
	}
	pipeline->status.dp_connected = true;
	pipeline->status.dp_since_sec = pipeline_now_ms() / 1000;
	pipeline->status.dp_instance = hello->instance;
	memcpy(pipeline->status.dp_node, hello->name, sizeof(hello->name) - 1);
	pipeline->status.dp_connections++;
}

static int take_record(struct pipeline *pipeline, enum wire_type type, const void *items, size_t i)
{
	const struct wire_pod *pod = items;
	const struct wire_port *port = items;
	int err;

	if (type == WIRE_PORT)
		return resolve_set_port(pipeline->resolve, port + i);
	err = resolve_set_pod(pipeline->resolve, pod + i);
	return err != 0 ? err : pods_set_attached(pipeline->pods, pod + i);
}

static void on_records(enum wire_type type, const void *items, size_t n_items, void *arg)
{
	struct pipeline *pipeline = arg;
	int err = 0;

	if (type == WIRE_PROBE_REPLY || type == WIRE_PATH_STATS) {
		pipeline_probe_take(pipeline, type, items, n_items);
	} else if (type == WIRE_PORT || type == WIRE_POD) {
		for (size_t i = 0; i < n_items && err == 0; i++)
			err = take_record(pipeline, type, items, i);
	} else {
		err = sync_adopt(pipeline->sync, type, items, n_items);
	}
	if (err != 0) {
		log_line(LOG_LEVEL_ERR, "pipeline: cannot adopt what the dataplane has: %s",
			strerror(-err));
		dp_client_restart(pipeline->dp);
	}
}

static void on_dumped(void *arg)
{
	struct pipeline *pipeline = arg;
	struct sync_counts counts;

	sync_adopted(pipeline->sync);
	pipeline->is_dp_adopted = true;
	sync_each_hop(pipeline->sync, work_out_any, pipeline);
	pipeline->are_tunnels_due = true;
	counts = sync_counts(pipeline->sync);
	log_line(LOG_LEVEL_NOTICE, "pipeline: adopted routes=%zu groups=%zu paths=%zu held=%zu",
		counts.routes.n_acked, counts.groups.n_acked, counts.paths.n_acked,
		counts.routes.n_held);
}

struct pod_search {
	const struct sync *sync;
	uint32_t ifindex;
	bool is_found;
};

static void look_for_pod(struct hop *hop, void *arg)
{
	struct pod_search *search = arg;
	struct sync_route_view route;

	// a pod is its own next hop
	if (hop->key.ifindex == search->ifindex &&
		sync_view_route(search->sync, hop->key.nexthop, 32, &route) &&
		route.nh != WIRE_NH_NONE)
		search->is_found = true;
}

bool pipeline_is_pod_routed(void *arg, uint32_t ifindex)
{
	struct pipeline *pipeline = arg;
	struct pod_search search = {.sync = pipeline->sync, .ifindex = ifindex};

	sync_each_hop(pipeline->sync, look_for_pod, &search);
	return search.is_found;
}

static void on_ack(uint32_t seq, int32_t error, const struct wire_refusal *refusals,
	size_t n_refusals, void *arg)
{
	static struct log_limit limit;
	struct pipeline *pipeline = arg;

	if (pipeline_probe_ack(pipeline, seq, refusals, n_refusals))
		return;
	if (error != 0)
		log_limited(&limit, LOG_LEVEL_WARNING, "pipeline: dataplane refused %zu items: %s",
			n_refusals, strerror(-error));
	sync_ack(pipeline->sync, seq, error, refusals, n_refusals);
	pods_ack(pipeline->pods, seq, error);
}

static void on_writable(void *arg)
{
	pipeline_turn(arg);
}

static void on_gone(void *arg)
{
	struct pipeline *pipeline = arg;

	pipeline->status.dp_connected = false;
	pipeline->is_dp_adopted = false;
	sync_disconnected(pipeline->sync);
	pipeline_probe_gone(pipeline);
	pods_forget_dataplane(pipeline->pods);
}

int pipeline_dp_send(void *arg, enum wire_type type, const void *items, size_t n_items,
	uint32_t *seq)
{
	struct pipeline *pipeline = arg;

	// Pods are attached after the dump, which says which already are.
	return pipeline->is_dp_adopted ? dp_client_send(pipeline->dp, type, items, n_items, seq)
				       : -ENOTCONN;
}

struct dp_client *pipeline_dp_new(struct event_base *base, const struct pipeline_options *options,
	struct pipeline *pipeline)
{
	const struct dp_client_handlers handlers = {
		.hello = on_hello,
		.records = on_records,
		.dumped = on_dumped,
		.ack = on_ack,
		.writable = on_writable,
		.gone = on_gone,
		.arg = pipeline,
	};

	return dp_client_new(base, options->dataplane_socket, options->node, &handlers);
}
