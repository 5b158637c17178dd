/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 12 of the route's walk: requests of the API, checked field by field and applied to the
 * tables on the main lcore. Called by api_server.c, which knows sockets and nothing of tables.
 */
#include "dataplane/api_tables.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_version.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/log.h"
#include "dataplane/pool.h"
#include "dataplane/prober.h"
#include "dataplane/steer/steer.h"

/* One message of routes in a dump. */
#define ROUTES_PER_MSG ((WIRE_MSG_BYTES - sizeof(struct wire_hdr)) / sizeof(struct wire_route))

/*
 * Routes applied at once, about 4 ms of librte_lpm at 60,000 routes: a whole message is 300 ms,
 * in which the workers' rings overflow.
 */
#define ROUTES_PER_TURN 64u

#define PATH_STATS_PER_MSG 256u

void api_refuse(struct api_reply *reply, uint32_t item, int error)
{
	if (reply->n_refusals < RTE_DIM(reply->refusal))
		reply->refusal[reply->n_refusals++] = (struct wire_refusal){item, error};
}

static struct wire_path_stats add_up_path(const struct api_tables *tables, uint32_t idx)
{
	struct wire_path_stats sum = {.idx = idx};

	for (unsigned i = 0; i < tables->n_lcores; i++) {
		for (unsigned kind = 0; kind < WIRE_PATH_N_KINDS; kind++)
			sum.pkts[kind] += tables->path_pkts[i].of_kind[kind][idx];
	}
	return sum;
}

/*
 * A slot that is used again counts from 0. The workers' counters are theirs to write: what they have
 * is taken away in the main lcore's, which wrap around.
 */
static void restart_counts(struct api_tables *tables, uint32_t idx)
{
	struct wire_path_stats sum = add_up_path(tables, idx);

	for (unsigned kind = 0; kind < WIRE_PATH_N_KINDS; kind++)
		tables->path_pkts[0].of_kind[kind][idx] -= sum.pkts[kind];
}

/* What goes in front of an IP packet, but for Ethernet. */
static unsigned overhead(uint8_t kind)
{
	if (kind == WIRE_PATH_IPIP)
		return 20;
	return kind == WIRE_PATH_VXLAN ? 50 : 0;
}

static int path_set(struct api_tables *tables, const struct wire_path *path)
{
	bool is_new = !nexthop_is_set(tables->nexthops, path->idx);
	int ret;

	if (path->kind != WIRE_PATH_PUNT && path->port >= tables->ports->n)
		return -EINVAL;
	// net_af_xdp copies a packet with another port's buffer, and does not look whether it fits
	if (path->kind != WIRE_PATH_PUNT &&
		path->mtu + overhead(path->kind) > tables->ports->port[path->port].max_mtu)
		return -EMSGSIZE;
	ret = nexthop_path_set(tables->nexthops, path);
	if (ret == 0 && is_new)
		restart_counts(tables, path->idx);
	return ret;
}

/* Items @from up to @to of the request. */
static void routes_apply_some(struct api_tables *tables, const struct wire_route *routes,
	unsigned from, unsigned to, enum fib_op_kind kind, struct api_reply *reply)
{
	struct fib_op ops[ROUTES_PER_TURN];
	unsigned n_ops = 0;
	unsigned at = 0;

	for (unsigned i = from; i < to; i++) {
		if (kind == FIB_OP_SET && !nexthop_is_set(tables->nexthops, routes[i].nh))
			continue;
		ops[n_ops++] = (struct fib_op){
			.prefix = routes[i].prefix,
			.nh = routes[i].nh,
			.depth = routes[i].depth,
			.kind = (uint8_t)kind,
		};
	}
	fib_apply(tables->fib, ops, n_ops);
	for (unsigned i = from; i < to; i++) {
		int error = -ENOENT;

		if (kind == FIB_OP_DEL || nexthop_is_set(tables->nexthops, routes[i].nh))
			error = ops[at++].error;
		if (error != 0)
			api_refuse(reply, i, error);
	}
}

static void routes_apply(struct api_tables *tables, const struct wire_route *routes, unsigned n,
	enum fib_op_kind kind, struct api_reply *reply)
{
	for (unsigned from = 0; from < n; from += ROUTES_PER_TURN) {
		routes_apply_some(tables, routes, from, RTE_MIN(from + ROUTES_PER_TURN, n), kind,
			reply);
		if (tables->between != NULL)
			tables->between(tables->between_arg);
	}
}

static void pools_set(struct api_tables *tables, const struct wire_pool *pools, unsigned n,
	struct api_reply *reply)
{
	struct steer_prefix prefixes[API_MAX_POOLS] = {0};
	int ret = 0;

	if (n > API_MAX_POOLS) {
		api_refuse(reply, API_MAX_POOLS, -ENOSPC);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		prefixes[i] = (struct steer_prefix){pools[i].prefix, pools[i].depth};
	if (tables->steer != NULL)
		ret = steer_set_pools(tables->steer, prefixes, n);
	if (ret < 0) {
		api_refuse(reply, 0, ret);
		return;
	}
	if (n > 0)
		memcpy(tables->pools, pools, n * sizeof(*pools));
	tables->n_pools = n;
	if (!tables->is_steering && n > 0)
		LOG(NOTICE, "api: steering starts pools=%u\n", n);
	tables->is_steering = n > 0;
}

static int endpoints_set(struct api_tables *tables, const struct wire_endpoint *wire, unsigned n)
{
	struct steer_endpoint ends[ENDPOINT_MAX] = {{0}};
	int ret = endpoint_set(tables->endpoints, wire, n);

	if (ret < 0 || tables->steer == NULL)
		return ret;
	for (unsigned i = 0; i < n; i++)
		ends[i] = (struct steer_endpoint){
			.addr = wire[i].addr,
			.udp_port = wire[i].kind == WIRE_TUNNEL_VXLAN ? wire[i].udp_port : 0,
		};
	return steer_set_endpoints(tables->steer, ends, n);
}

/* Replaced as a whole: refused as a whole. */
static void endpoints_apply(struct api_tables *tables, enum wire_type type, const void *items,
	unsigned n_items, struct api_reply *reply)
{
	int ret = type == WIRE_ENDPOINT_SET
			  ? endpoints_set(tables, items, n_items)
			  : endpoint_set_sources(tables->endpoints, items, n_items);

	if (ret < 0)
		api_refuse(reply, 0, ret);
}

static int pod_attach(struct api_tables *tables, const struct wire_pod *pod, bool is_attach)
{
	char error[160] = "";
	int ret;

	if (tables->steer == NULL)
		return -ENOTSUP; // no pods section in the configuration
	if (!is_attach)
		return steer_pod_detach(tables->steer, pod->ifindex);
	ret = steer_pod_attach(tables->steer, pod->ifindex, error, sizeof(error));
	if (ret < 0)
		LOG(WARNING, "api: pod not attached ifindex=%u: %s\n", pod->ifindex, error);
	return ret;
}

static void pods_apply(struct api_tables *tables, const struct wire_pod *pods, unsigned n,
	bool is_attach, struct api_reply *reply)
{
	for (unsigned i = 0; i < n; i++) {
		int ret = pod_attach(tables, &pods[i], is_attach);

		if (ret < 0)
			api_refuse(reply, i, ret);
	}
}

void api_tables_write(struct api_tables *tables, enum wire_type type, const void *items,
	unsigned n_items, struct api_reply *reply)
{
	const struct wire_group *groups = items;
	const struct wire_probe *probes = items;
	const struct wire_path *paths = items;
	int ret;

	if (type == WIRE_ROUTE_SET || type == WIRE_ROUTE_DEL) {
		routes_apply(tables, items, n_items,
			type == WIRE_ROUTE_SET ? FIB_OP_SET : FIB_OP_DEL, reply);
		return;
	}
	if (type == WIRE_POOL_SET) {
		pools_set(tables, items, n_items, reply);
		return;
	}
	if (type == WIRE_POD_ATTACH || type == WIRE_POD_DETACH) {
		pods_apply(tables, items, n_items, type == WIRE_POD_ATTACH, reply);
		return;
	}
	if (type == WIRE_ENDPOINT_SET || type == WIRE_SOURCE_SET) {
		endpoints_apply(tables, type, items, n_items, reply);
		return;
	}
	for (unsigned i = 0; i < n_items; i++) {
		if (type == WIRE_PATH_SET)
			ret = path_set(tables, &paths[i]);
		else if (type == WIRE_PROBE)
			ret = prober_send(tables->prober, &probes[i]);
		else if (type == WIRE_PATH_DEL)
			ret = nexthop_path_del(tables->nexthops, paths[i].idx);
		else if (type == WIRE_GROUP_SET)
			ret = nexthop_group_set(tables->nexthops, &groups[i]);
		else
			ret = nexthop_group_del(tables->nexthops, groups[i].idx);
		if (ret < 0)
			api_refuse(reply, i, ret);
	}
}

static void dump_pods(const struct api_tables *tables, struct api_reply *reply)
{
	const struct steer_pod *pods;
	unsigned n = tables->steer != NULL ? steer_pods(tables->steer, &pods) : 0;

	for (unsigned i = 0; i < n; i++) {
		struct wire_pod pod = {.ifindex = pods[i].ifindex, .is_attached = 1};

		snprintf(pod.name, sizeof(pod.name), "%s", pods[i].name);
		reply->send(reply->arg, WIRE_POD, &pod, 1);
	}
}

struct route_dump {
	struct api_reply *reply;
	unsigned n;
	struct wire_route route[ROUTES_PER_MSG];
};

static bool dump_route(uint32_t prefix, uint8_t depth, uint32_t nh, void *arg)
{
	struct route_dump *dump = arg;

	dump->route[dump->n++] = (struct wire_route){.prefix = prefix, .nh = nh, .depth = depth};
	if (dump->n == RTE_DIM(dump->route)) {
		dump->reply->send(dump->reply->arg, WIRE_ROUTE_SET, dump->route, dump->n);
		dump->n = 0;
	}
	return true;
}

static void dump_endpoints(const struct api_tables *tables, struct api_reply *reply)
{
	const struct wire_endpoint *endpoints;
	const struct wire_source *sources;
	unsigned n = endpoint_get(tables->endpoints, &endpoints);

	reply->send(reply->arg, WIRE_ENDPOINT_SET, endpoints, n);
	n = endpoint_get_sources(tables->endpoints, &sources);
	reply->send(reply->arg, WIRE_SOURCE_SET, sources, n);
}

static void dump(struct api_tables *tables, struct api_reply *reply)
{
	static struct route_dump routes;
	struct nexthop_counts counts = nexthop_counts(tables->nexthops);

	for (unsigned i = 0; i < tables->ports->n; i++) {
		struct wire_port port;

		port_to_wire(&tables->ports->port[i], &port);
		reply->send(reply->arg, WIRE_PORT, &port, 1);
	}
	dump_pods(tables, reply);
	reply->send(reply->arg, WIRE_POOL_SET, tables->pools, tables->n_pools);
	dump_endpoints(tables, reply);
	for (uint32_t i = WIRE_NH_PATH_FIRST; i < counts.max_paths; i++) {
		const struct wire_path *path = nexthop_path_get(tables->nexthops, i);

		if (path != NULL)
			reply->send(reply->arg, WIRE_PATH_SET, path, 1);
	}
	for (uint32_t i = 0; i < counts.max_groups; i++) {
		const struct wire_group *group = nexthop_group_get(tables->nexthops, i);

		if (group != NULL)
			reply->send(reply->arg, WIRE_GROUP_SET, group, 1);
	}
	routes.reply = reply;
	routes.n = 0;
	if (fib_walk(tables->fib, dump_route, &routes) < 0)
		LOG(ERR, "api: routes not dumped: no memory to sort them\n");
	if (routes.n > 0)
		reply->send(reply->arg, WIRE_ROUTE_SET, routes.route, routes.n);
}

static void lookup_one(struct api_tables *tables, const struct wire_lookup *asked,
	struct api_reply *reply)
{
	struct wire_lookup found = {.addr = asked->addr, .hash = asked->hash};
	const struct wire_path *path;

	if (fib_match(tables->fib, asked->addr, &found.prefix, &found.depth, &found.nh) < 0)
		found.nh = WIRE_NH_NONE;
	path = nexthop_path_get(tables->nexthops,
		nexthop_path(nexthop_view(tables->nexthops), found.nh, asked->hash));
	if (path != NULL)
		found.path = *path;
	reply->send(reply->arg, WIRE_LOOKUP, &found, 1);
}

static void port_stats(const struct api_tables *tables, const struct port *port,
	struct wire_port_stats *sum)
{
	struct rte_eth_stats nic = {0};

	*sum = (struct wire_port_stats){.port = port->idx};
	for (unsigned i = 0; i < tables->n_lcores; i++) {
		const struct port_stats *part = &tables->stats[i].port[port->idx];

		sum->rx_pkts += part->rx_pkts;
		sum->rx_bytes += part->rx_bytes;
		sum->tx_pkts += part->tx_pkts;
		sum->tx_bytes += part->tx_bytes;
	}
	if (rte_eth_stats_get(port->eth_id, &nic) == 0) {
		sum->nic_rx_missed = nic.imissed + nic.rx_nombuf;
		sum->nic_rx_errors = nic.ierrors;
		sum->nic_tx_errors = nic.oerrors;
	}
}

static void lcore_stats(const struct api_tables *tables, unsigned i, struct wire_lcore_stats *out)
{
	const struct lcore_stats *stats = &tables->stats[i];

	*out = (struct wire_lcore_stats){
		.lcore = tables->cpus[i],
		.is_main = i == 0,
		.rx_pkts = stats->rx_pkts,
		.tx_pkts = stats->tx_pkts,
		.punt_pkts = stats->punt_pkts,
		.made_pkts = stats->made_pkts,
		.taken_pkts = stats->taken_pkts,
		.n_polls = stats->n_polls,
		.n_empty_polls = stats->n_empty_polls,
		.busy_cycles = stats->busy_cycles,
		.n_sleeps = stats->n_sleeps,
	};
	for (unsigned reason = 0; reason < DROP_N_REASONS; reason++)
		out->drop_pkts += stats->drop_pkts[reason];
}

static void punt_stats(const struct api_tables *tables, struct api_reply *reply)
{
	struct wire_punt_stats sums[PUNT_N_CLASSES] = {0};

	for (unsigned class = 0; class < PUNT_N_CLASSES; class ++) {
		struct wire_punt_stats *sum = &sums[class];

		snprintf(sum->class, sizeof(sum->class), "%s", punt_class_name[class]);
		for (unsigned i = 0; i < tables->n_lcores; i++) {
			const struct punt_stats *part = &tables->stats[i].punt[class];

			sum->given_pkts += part->given_pkts;
			sum->full_pkts += part->full_pkts;
			sum->policed_pkts += part->policed_pkts;
			sum->error_pkts += part->error_pkts;
		}
	}
	reply->send(reply->arg, WIRE_PUNT_STATS, sums, PUNT_N_CLASSES);
}

static void stats(const struct api_tables *tables, struct api_reply *reply)
{
	for (unsigned i = 0; i < tables->ports->n; i++) {
		struct wire_port_stats port;

		port_stats(tables, &tables->ports->port[i], &port);
		reply->send(reply->arg, WIRE_PORT_STATS, &port, 1);
	}
	for (unsigned i = 0; i < tables->n_lcores; i++) {
		struct wire_lcore_stats lcore;

		lcore_stats(tables, i, &lcore);
		reply->send(reply->arg, WIRE_LCORE_STATS, &lcore, 1);
	}
	for (unsigned reason = 0; reason < DROP_N_REASONS; reason++) {
		struct wire_drop_stats drop = {0};

		snprintf(drop.reason, sizeof(drop.reason), "%s", drop_reason_info[reason].name);
		snprintf(drop.help, sizeof(drop.help), "%s", drop_reason_info[reason].help);
		for (unsigned i = 0; i < tables->n_lcores; i++)
			drop.pkts += tables->stats[i].drop_pkts[reason];
		reply->send(reply->arg, WIRE_DROP_STATS, &drop, 1);
	}
	punt_stats(tables, reply);
}

static void path_stats(const struct api_tables *tables, struct api_reply *reply)
{
	struct wire_path_stats sums[PATH_STATS_PER_MSG];
	uint32_t max_paths = nexthop_counts(tables->nexthops).max_paths;
	unsigned n = 0;

	for (uint32_t idx = WIRE_NH_PATH_FIRST; idx < max_paths; idx++) {
		if (!nexthop_is_set(tables->nexthops, idx))
			continue;
		sums[n++] = add_up_path(tables, idx);
		if (n == PATH_STATS_PER_MSG) {
			reply->send(reply->arg, WIRE_PATH_STATS, sums, n);
			n = 0;
		}
	}
	if (n > 0)
		reply->send(reply->arg, WIRE_PATH_STATS, sums, n);
}

static void info(struct api_tables *tables, struct api_reply *reply)
{
	struct nexthop_counts nexthops = nexthop_counts(tables->nexthops);
	struct fib_counts fib = fib_counts(tables->fib);
	const struct steer_pod *pods;
	struct wire_info out = {
		.instance = tables->instance,
		.uptime_sec = (rte_rdtsc() - tables->start_tsc) / rte_get_tsc_hz(),
		.tsc_hz = rte_get_tsc_hz(),
		.pid = (uint32_t)getpid(),
		.is_polling = tables->is_polling,
		.n_routes = fib.n_routes,
		.max_routes = fib.max_routes,
		.n_tbl8 = fib.n_tbl8,
		.max_tbl8 = fib.max_tbl8,
		.n_paths = nexthops.n_paths,
		.max_paths = nexthops.max_paths,
		.n_groups = nexthops.n_groups,
		.max_groups = nexthops.max_groups,
		.n_pods = tables->steer != NULL ? steer_pods(tables->steer, &pods) : 0,
		.is_steering = tables->is_steering,
		.is_controlled = tables->is_controlled,
		.n_mbufs = pool_size(tables->pool),
		.n_mbufs_free = rte_mempool_avail_count(tables->pool),
		.icmp_sent = tables->icmp->sent,
		.icmp_limited = tables->icmp->limited,
	};

	snprintf(out.node, sizeof(out.node), "%s", tables->node);
	snprintf(out.fib_engine, sizeof(out.fib_engine), "%s", fib_engine_name(tables->fib));
	snprintf(out.dpdk, sizeof(out.dpdk), "%s", rte_version());
	reply->send(reply->arg, WIRE_INFO, &out, 1);
}

void api_tables_read(struct api_tables *tables, enum wire_type type, const void *items,
	unsigned n_items, struct api_reply *reply)
{
	const struct wire_lookup *lookups = items;

	if (type == WIRE_DUMP)
		dump(tables, reply);
	else if (type == WIRE_STATS)
		stats(tables, reply);
	else if (type == WIRE_PATH_STATS)
		path_stats(tables, reply);
	else if (type == WIRE_INFO)
		info(tables, reply);
	for (unsigned i = 0; type == WIRE_LOOKUP && i < n_items; i++)
		lookup_one(tables, &lookups[i], reply);
}
