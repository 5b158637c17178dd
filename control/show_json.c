/* SPDX-License-Identifier: BSD-3-Clause */
/* What is shown, as JSON. Called by show.c; control/README.md is the reference for every field. */
#include "control/show_json.h"

#include "control/fpm_conn.h"
#include "control/neigh.h"
#include "control/pipeline.h"
#include "control/show_names.h"
#include "control/step/compare.h"
#include "control/step/probe_plan.h"
#include "control/step/resolve.h"
#include "control/step/rib.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t now_sec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

json_t *show_json_age(uint64_t since_sec)
{
	return json_integer((json_int_t)(now_sec() - since_sec));
}

json_t *show_json_address(uint32_t addr)
{
	char text[16];
	struct in_addr in = {.s_addr = htonl(addr)};

	return json_string(inet_ntop(AF_INET, &in, text, sizeof(text)));
}

static json_t *prefix(uint32_t addr, uint8_t depth)
{
	char text[16];
	struct in_addr in = {.s_addr = htonl(addr)};

	return json_sprintf("%s/%u", inet_ntop(AF_INET, &in, text, sizeof(text)), depth);
}

static json_t *mac(const uint8_t *m)
{
	return json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

static json_t *string_or_null(const char *text)
{
	return text == NULL || text[0] == '\0' ? json_null() : json_string(text);
}

json_t *show_json_answer(const char *command)
{
	return json_pack("{s:i, s:s}", "schema", 1, "command", command);
}

json_t *show_json_fpm(const struct fpm_conn *conn, const struct pipeline *pipeline)
{
	struct pipeline_status status = pipeline_status(pipeline);
	struct fpm_conn_status fpm;
	const struct fpm_counters *c = &fpm.counters;

	fpm_conn_status(conn, &fpm);
	return json_pack("{s:b, s:o, s:o, s:I, s:I, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"is_connected", fpm.is_connected, "peer", string_or_null(fpm.peer), "since_sec",
		fpm.is_connected ? show_json_age(fpm.since_sec) : json_null(), "n_connections",
		(json_int_t)fpm.n_connections, "n_refused", (json_int_t)fpm.n_refused, "replay",
		show_name_replay(status.replay), "replay_ms",
		status.replay == PIPELINE_REPLAY_COMPLETE
			? json_integer((json_int_t)status.replay_ms)
			: json_null(),
		"bytes", (json_int_t)c->bytes, "frames", (json_int_t)c->frames, "messages",
		(json_int_t)c->messages, "events", (json_int_t)c->events, "skipped_frames",
		(json_int_t)c->skipped_frames, "skipped_messages", (json_int_t)c->skipped_messages,
		"bad_messages", (json_int_t)c->bad_messages);
}

json_t *show_json_rib(const struct pipeline *pipeline)
{
	struct rib_counts c = rib_counts(pipeline_rib(pipeline));

	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "n_routes", (json_int_t)c.n_routes, "n_stale",
		(json_int_t)c.n_stale, "n_pending", (json_int_t)c.n_pending, "n_nexthop_ids",
		(json_int_t)c.n_nexthop_ids, "n_sets", (json_int_t)c.n_sets);
}

json_t *show_json_kernel(const struct neigh *neigh, const struct pipeline *pipeline)
{
	struct resolve_counts c = resolve_counts(pipeline_resolve(pipeline));

	return json_pack("{s:b, s:I, s:I, s:I, s:I, s:I}", "is_synced", neigh_is_synced(neigh),
		"n_links", (json_int_t)c.n_links, "n_addresses", (json_int_t)c.n_addresses,
		"n_neighbours", (json_int_t)c.n_neighbours, "n_fdb", (json_int_t)c.n_fdb,
		"n_resyncs", (json_int_t)neigh_n_resyncs(neigh));
}

json_t *show_json_dataplane(const char *socket, const struct pipeline *pipeline)
{
	struct pipeline_status status = pipeline_status(pipeline);
	struct resolve_counts c = resolve_counts(pipeline_resolve(pipeline));
	bool is_known = status.dp_connections > 0;

	return json_pack("{s:s, s:b, s:o, s:o, s:o, s:I, s:I, s:I}", "socket", socket,
		"is_connected", status.dp_connected, "since_sec",
		status.dp_connected ? show_json_age(status.dp_since_sec) : json_null(), "instance",
		is_known ? json_sprintf("%016" PRIx64, status.dp_instance) : json_null(), "node",
		is_known ? json_string(status.dp_node) : json_null(), "n_ports",
		(json_int_t)c.n_ports, "n_pods", (json_int_t)c.n_pods, "n_connections",
		(json_int_t)status.dp_connections);
}

json_t *show_json_trace(const struct sync_trace *trace)
{
	bool is_acked = trace->acked_us != 0;

	return json_pack("{s:o, s:I, s:o, s:o}", "prefix", prefix(trace->prefix, trace->depth),
		"fpm_at_us", (json_int_t)trace->cause_us, "acked_at_us",
		is_acked ? json_integer((json_int_t)trace->acked_us) : json_null(), "took_us",
		is_acked ? json_integer((json_int_t)(trace->acked_us - trace->cause_us))
			 : json_null());
}

static json_t *count(const struct sync_count *c)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "n_wanted", (json_int_t)c->n_wanted,
		"n_acked", (json_int_t)c->n_acked, "n_refused", (json_int_t)c->n_refused,
		"n_in_flight", (json_int_t)c->n_in_flight, "n_held", (json_int_t)c->n_held);
}

json_t *show_json_sync(const struct pipeline *pipeline)
{
	const struct sync *sync = pipeline_sync(pipeline);
	struct sync_counts c = sync_counts(sync);
	struct sync_trace traces[SYNC_TRACES];
	size_t n = sync_recent(sync, traces);
	json_t *recent = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(recent, show_json_trace(&traces[i]));
	return json_pack("{s:s, s:o, s:o, s:o, s:{s:I, s:b}, s:{s:I, s:b}, s:{s:I, s:b}, s:o, s:I, "
			 "s:I, s:o}",
		"state", show_name_phase(sync_phase(sync)), "routes", count(&c.routes), "groups",
		count(&c.groups), "paths", count(&c.paths), "pools", "n_wanted",
		(json_int_t)c.n_pools_wanted, "is_acked", c.pools_acked, "endpoints", "n_wanted",
		(json_int_t)c.n_endpoints_wanted, "is_acked", c.endpoints_acked, "sources",
		"n_wanted", (json_int_t)c.n_sources_wanted, "is_acked", c.sources_acked,
		"last_full_sync_sec",
		c.full_sync_sec != 0 ? show_json_age(c.full_sync_sec) : json_null(), "n_messages",
		(json_int_t)c.n_messages, "n_refusals", (json_int_t)c.n_refusals, "recent", recent);
}

static json_t *candidate(const struct candidate *candidate)
{
	return json_pack("{s:s, s:b, s:i, s:o, s:s}", "kind", show_name_path_kind(candidate->kind),
		"is_usable", candidate->is_usable, "overhead_bytes", candidate->overhead_bytes,
		"mtu", candidate->is_usable ? json_integer(candidate->path.mtu) : json_null(),
		"state", show_name_hop_state(candidate->state));
}

static json_t *tunnel(const struct wire_path *path)
{
	const struct wire_tunnel *t = &path->tunnel;

	if (path->kind == WIRE_PATH_IPIP)
		return json_pack("{s:o, s:o}", "src", show_json_address(t->src), "dst",
			show_json_address(t->dst));
	if (path->kind != WIRE_PATH_VXLAN)
		return json_null();
	return json_pack("{s:o, s:o, s:I, s:i, s:i, s:i, s:b, s:o, s:o}", "src",
		show_json_address(t->src), "dst", show_json_address(t->dst), "vni",
		(json_int_t)t->vni, "udp_port", t->udp_dst, "udp_src_min", t->udp_src_min,
		"udp_src_max", t->udp_src_max, "udp_checksum", t->has_udp_checksum != 0,
		"inner_src_mac", mac(t->inner_src_mac), "inner_dst_mac", mac(t->inner_dst_mac));
}

/* The port that a path leaves by. */
static const char *port_of(const struct hop *hop)
{
	if (hop->wanted.kind == WIRE_PATH_IPIP)
		return hop->facts.ipip.egress.port_name;
	return hop->wanted.kind == WIRE_PATH_VXLAN ? hop->facts.vxlan.egress.port_name
						   : hop->facts.egress.port_name;
}

json_t *show_json_path(const struct sync_path_view *view)
{
	const struct hop *hop = view->hop;
	const struct wire_path *path = &hop->wanted;
	bool is_sent = path->kind != WIRE_PATH_PUNT;
	uint32_t chosen = hop->choice.idx;
	json_t *candidates = json_array();

	for (uint32_t i = 0; i < hop->candidates.n; i++)
		json_array_append_new(candidates, candidate(&hop->candidates.candidate[i]));
	return json_pack(
		"{s:o, s:o, s:I, s:o, s:s, s:o, s:o, s:o, s:o, s:s, s:I, s:s, s:s, s:o, s:s, s:o, "
		"s:s, s:o}",
		"idx", view->idx != 0 ? json_integer(view->idx) : json_null(), "nexthop",
		show_json_address(hop->key.nexthop), "ifindex", (json_int_t)hop->key.ifindex,
		"interface", string_or_null(hop->facts.interface), "kind",
		show_name_path_kind(path->kind), "port",
		is_sent ? json_string(port_of(hop)) : json_null(), "src_mac",
		is_sent ? mac(path->src_mac) : json_null(), "dst_mac",
		is_sent ? mac(path->dst_mac) : json_null(), "mtu",
		is_sent ? json_integer(path->mtu) : json_null(), "sync",
		show_name_sync_state(view->state), "n_refs", (json_int_t)view->n_refs, "state",
		show_name_hop_state(hop->choice.state), "neighbour",
		show_name_neighbour(hop->facts.neighbour), "chosen",
		chosen == CHOICE_NONE || chosen >= hop->candidates.n
			? json_null()
			: json_string(show_name_path_kind(hop->candidates.candidate[chosen].kind)),
		"reason", compare_reason_name(hop->choice.reason), "candidates", candidates,
		"policy", show_name_policy(hop->key.policy), "tunnel", tunnel(path));
}

static json_t *gateway(const struct fpm_nh *nh)
{
	char text[INET6_ADDRSTRLEN];

	if (nh->family == AF_UNSPEC)
		return json_null();
	return string_or_null(inet_ntop(nh->family, nh->gateway, text, sizeof(text)));
}

static json_t *nexthop(struct pipeline *pipeline, const struct sync_route_view *route,
	const struct fpm_nh *nh)
{
	const struct kernel_link *link = resolve_find_link(pipeline_resolve(pipeline), nh->ifindex);
	struct route_pool with_policy = pipeline_route_of(pipeline, route->prefix, route->depth);
	struct hop_key key = resolve_key(&with_policy, nh);
	struct sync_path_view view;
	bool has_path = sync_view_path(pipeline_sync(pipeline), key, &view);

	return json_pack("{s:o, s:o, s:I, s:I, s:b, s:o}", "gateway", gateway(nh), "interface",
		link != NULL ? json_string(link->name) : json_null(), "ifindex",
		(json_int_t)nh->ifindex, "weight", (json_int_t)nh->weight, "is_onlink",
		nh->is_onlink, "path", has_path ? show_json_path(&view) : json_null());
}

static json_t *target(uint32_t nh)
{
	bool has_idx = nh >= WIRE_NH_PATH_FIRST;
	uint32_t idx = nh & ~(uint32_t)WIRE_NH_GROUP;

	return json_pack("{s:s, s:o}", "kind", show_name_nh(nh), "idx",
		has_idx ? json_integer(idx) : json_null());
}

static const struct rib_route *find_rib_route(const struct pipeline *pipeline,
	const struct sync_route_view *view)
{
	struct fpm_prefix key = {.table = FPM_MAIN_TABLE, .family = AF_INET, .len = view->depth};
	uint32_t prefix_be = htonl(view->prefix);

	memcpy(key.addr, &prefix_be, sizeof(prefix_be));
	return rib_find(pipeline_rib(pipeline), &key);
}

static const char *source_of(const struct pipeline *pipeline, const struct sync_route_view *view,
	const struct rib_route *route)
{
	if (!view->is_wanted)
		return "none";
	if (view->depth == 32 && view->prefix != 0 &&
		probe_plan_counts(pipeline_probes(pipeline)).source == view->prefix)
		return "probe";
	if (view->depth == 32 && resolve_is_local(pipeline_resolve(pipeline), view->prefix))
		return "local";
	if (route != NULL && route->nexthops != NULL)
		return "fpm";
	return "pool";
}

json_t *show_json_route(struct pipeline *pipeline, const struct sync_route_view *view)
{
	const struct rib_route *route = find_rib_route(pipeline, view);
	json_t *nexthops = json_array();
	char protocol[16];

	if (route != NULL && route->nexthops != NULL)
		for (uint32_t i = 0; i < route->nexthops->n; i++)
			json_array_append_new(nexthops,
				nexthop(pipeline, view, &route->nexthops->nh[i]));
	return json_pack("{s:o, s:s, s:s, s:o, s:o, s:b, s:b, s:o, s:i, s:o, s:o}", "prefix",
		prefix(view->prefix, view->depth), "source", source_of(pipeline, view, route),
		"sync", show_name_sync_state(view->state), "protocol",
		route != NULL ? json_string(show_name_protocol(route->protocol, protocol))
			      : json_null(),
		"type",
		route != NULL && route->nexthops != NULL
			? json_string(show_name_route_type(route->nexthops->type))
			: json_null(),
		"is_stale", route != NULL && route->is_stale, "is_pending",
		route != NULL && route->is_pending, "since_sec",
		route != NULL ? show_json_age(route->since_sec) : json_null(), "error", view->error,
		"target", target(view->nh), "nexthops", nexthops);
}

json_t *show_json_pod(const struct pods_view *view)
{
	json_t *override = json_null();

	if (view->override != PODS_OVERRIDE_NONE)
		override =
			json_string(view->override == PODS_OVERRIDE_ATTACH ? "attach" : "detach");
	return json_pack("{s:s, s:o, s:b, s:o, s:b, s:b, s:b, s:o}", "name", view->name, "ifindex",
		view->ifindex != 0 ? json_integer(view->ifindex) : json_null(), "is_matched",
		view->is_matched, "override", override, "is_wanted", view->is_wanted, "is_routed",
		view->is_routed, "is_attached", view->is_attached, "error",
		view->error != 0 ? json_integer(view->error) : json_null());
}
