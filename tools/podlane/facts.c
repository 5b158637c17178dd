/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dataplane's records (dataplane/api/wire.h) as JSON. Called by the gathering half of commands.
 */
#include "tools/podlane/facts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

const char *text_ip4(uint32_t addr, char text[IP4_BYTES])
{
	snprintf(text, IP4_BYTES, "%u.%u.%u.%u", addr >> 24, addr >> 16 & 0xff, addr >> 8 & 0xff,
		addr & 0xff);
	return text;
}

const char *text_prefix(uint32_t prefix, uint8_t depth, char text[IP4_BYTES])
{
	size_t len;

	text_ip4(prefix, text);
	len = strlen(text);
	snprintf(text + len, IP4_BYTES - len, "/%u", depth);
	return text;
}

int parse_prefix(const char *text, uint32_t *prefix, uint8_t *depth)
{
	const char *slash = strchr(text, '/');
	char addr_text[INET_ADDRSTRLEN];
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	unsigned long bits = 32;
	struct in_addr addr_be;
	char *end;

	if (len >= sizeof(addr_text))
		return -EINVAL;
	memcpy(addr_text, text, len);
	addr_text[len] = '\0';
	if (inet_pton(AF_INET, addr_text, &addr_be) != 1)
		return -EINVAL;
	if (slash != NULL) {
		bits = strtoul(slash + 1, &end, 10);
		if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits > 32)
			return -EINVAL;
	}
	*prefix = ntohl(addr_be.s_addr);
	*depth = (uint8_t)bits;
	return ((uint64_t)*prefix << bits & UINT32_MAX) == 0 ? 0 : -EINVAL;
}

json_t *facts_name(const char *name, size_t field_bytes)
{
	size_t len = strnlen(name, field_bytes);
	json_t *text = json_stringn(name, len);

	return text != NULL ? text : json_string("(not UTF-8)");
}

static json_t *mac_json(const uint8_t mac[6])
{
	return json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		mac[5]);
}

static const char *port_kind(uint8_t kind)
{
	switch ((enum wire_port_kind)kind) {
	case WIRE_PORT_AF_XDP:
		return "af_xdp";
	case WIRE_PORT_VDEV:
		return "vdev";
	case WIRE_PORT_TRUNK:
		return "trunk";
	case WIRE_PORT_PCI:
		return "pci";
	}
	return "unknown";
}

static void add_port_counters(json_t *json, uint16_t port, const struct dp_records *records)
{
	size_t n;
	const struct wire_port_stats *stats = dp_records_items(records, WIRE_PORT_STATS, &n);

	for (size_t i = 0; i < n; i++) {
		if (stats[i].port != port)
			continue;
		json_object_update_new(json,
			json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "rx_pkts",
				(json_int_t)stats[i].rx_pkts, "rx_bytes",
				(json_int_t)stats[i].rx_bytes, "tx_pkts",
				(json_int_t)stats[i].tx_pkts, "tx_bytes",
				(json_int_t)stats[i].tx_bytes, "nic_rx_missed",
				(json_int_t)stats[i].nic_rx_missed, "nic_rx_errors",
				(json_int_t)stats[i].nic_rx_errors, "nic_tx_errors",
				(json_int_t)stats[i].nic_tx_errors));
	}
}

json_t *facts_ports(const struct dp_records *records)
{
	size_t n;
	const struct wire_port *port = dp_records_items(records, WIRE_PORT, &n);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *json = json_pack("{s:i, s:o, s:s, s:o, s:b, s:i, s:o, s:I, s:b}", "idx",
			port[i].idx, "name", facts_name(port[i].name, sizeof(port[i].name)), "kind",
			port_kind(port[i].kind), "device",
			facts_name(port[i].device, sizeof(port[i].device)), "is_up",
			port[i].is_up != 0, "mtu", port[i].mtu, "mac", mac_json(port[i].mac),
			"ifindex", (json_int_t)port[i].ifindex, "finishes_l4",
			port[i].finishes_l4 != 0);

		add_port_counters(json, port[i].idx, records);
		json_array_append_new(list, json);
	}
	return list;
}

json_t *facts_pods(const struct dp_records *records)
{
	size_t n;
	const struct wire_pod *pod = dp_records_items(records, WIRE_POD, &n);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:o, s:I, s:b}", "name",
						    facts_name(pod[i].name, sizeof(pod[i].name)),
						    "ifindex", (json_int_t)pod[i].ifindex,
						    "is_attached", pod[i].is_attached != 0));
	return list;
}

json_t *facts_lcores(const struct dp_records *records)
{
	size_t n;
	const struct wire_lcore_stats *lcore = dp_records_items(records, WIRE_LCORE_STATS, &n);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list,
			json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
				"lcore", (json_int_t)lcore[i].lcore, "role",
				lcore[i].is_main != 0 ? "main" : "worker", "rx_pkts",
				(json_int_t)lcore[i].rx_pkts, "tx_pkts",
				(json_int_t)lcore[i].tx_pkts, "punt_pkts",
				(json_int_t)lcore[i].punt_pkts, "drop_pkts",
				(json_int_t)lcore[i].drop_pkts, "made_pkts",
				(json_int_t)lcore[i].made_pkts, "taken_pkts",
				(json_int_t)lcore[i].taken_pkts, "n_polls",
				(json_int_t)lcore[i].n_polls, "n_empty_polls",
				(json_int_t)lcore[i].n_empty_polls, "busy_cycles",
				(json_int_t)lcore[i].busy_cycles, "n_sleeps",
				(json_int_t)lcore[i].n_sleeps));
	return list;
}

const char *facts_fixed_path(uint32_t nh)
{
	switch (nh) {
	case WIRE_NH_NONE:
		return "none";
	case WIRE_NH_PUNT:
		return "punt";
	case WIRE_NH_BLACKHOLE:
		return "blackhole";
	case WIRE_NH_UNREACHABLE:
		return "unreachable";
	case WIRE_NH_PROHIBIT:
		return "prohibit";
	case WIRE_NH_PROBE:
		return "probe";
	case WIRE_NH_NO_ROUTE:
		return "no-route";
	}
	return NULL;
}

static const char *path_kind(uint8_t kind)
{
	switch ((enum wire_path_kind)kind) {
	case WIRE_PATH_PUNT:
		return "punt";
	case WIRE_PATH_NATIVE:
		return "native";
	case WIRE_PATH_IPIP:
		return "ipip";
	case WIRE_PATH_VXLAN:
		return "vxlan";
	case WIRE_PATH_N_KINDS:
		break;
	}
	return "unknown";
}

static const struct wire_port *find_port(const struct dp_records *records, uint16_t idx)
{
	size_t n;
	const struct wire_port *port = dp_records_items(records, WIRE_PORT, &n);

	for (size_t i = 0; i < n; i++)
		if (port[i].idx == idx)
			return &port[i];
	return NULL;
}

/* The header around the packet: from us to the node. */
static json_t *tunnel_json(const struct wire_path *path)
{
	const struct wire_tunnel *tunnel = &path->tunnel;
	char src[IP4_BYTES], dst[IP4_BYTES];
	json_t *json = json_pack("{s:s, s:s}", "src", text_ip4(tunnel->src, src), "dst",
		text_ip4(tunnel->dst, dst));

	if (path->kind == WIRE_PATH_VXLAN)
		json_object_update_new(json,
			json_pack("{s:I, s:i, s:i, s:i, s:b, s:o, s:o}", "vni",
				(json_int_t)tunnel->vni, "udp_port", tunnel->udp_dst, "udp_src_min",
				tunnel->udp_src_min, "udp_src_max", tunnel->udp_src_max,
				"udp_checksum", tunnel->has_udp_checksum != 0, "inner_src_mac",
				mac_json(tunnel->inner_src_mac), "inner_dst_mac",
				mac_json(tunnel->inner_dst_mac)));
	return json;
}

json_t *facts_path(const struct wire_path *path, const struct dp_records *records)
{
	char nexthop[IP4_BYTES];
	json_t *json = json_pack("{s:I, s:s, s:s, s:I}", "idx", (json_int_t)path->idx, "kind",
		path_kind(path->kind), "nexthop", text_ip4(path->nexthop, nexthop), "ifindex",
		(json_int_t)path->ifindex);
	const struct wire_port *port = find_port(records, path->port);

	// of a punt path neither port nor MACs mean anything
	if (path->kind == WIRE_PATH_PUNT)
		return json;
	json_object_update_new(json,
		json_pack("{s:i, s:o, s:o}", "mtu", path->mtu, "dst_mac", mac_json(path->dst_mac),
			"src_mac", mac_json(path->src_mac)));
	if (path->kind != WIRE_PATH_NATIVE)
		json_object_set_new(json, "tunnel", tunnel_json(path));
	if (port != NULL)
		json_object_update_new(json,
			json_pack("{s:o, s:o}", "port", facts_name(port->name, sizeof(port->name)),
				"device", facts_name(port->device, sizeof(port->device))));
	return json;
}

static const struct wire_path *find_path(const struct dp_records *records, uint32_t idx)
{
	size_t n;
	const struct wire_path *path = dp_records_items(records, WIRE_PATH_SET, &n);

	for (size_t i = 0; i < n; i++)
		if (path[i].idx == idx)
			return &path[i];
	return NULL;
}

const struct wire_group *facts_find_group(const struct dp_records *records, uint32_t idx)
{
	size_t n;
	const struct wire_group *group = dp_records_items(records, WIRE_GROUP_SET, &n);

	for (size_t i = 0; i < n; i++)
		if (group[i].idx == idx)
			return &group[i];
	return NULL;
}

static void append_path(json_t *list, uint32_t idx, uint32_t weight,
	const struct dp_records *records)
{
	const struct wire_path *path = find_path(records, idx);
	json_t *json = path != NULL ? facts_path(path, records)
				    : json_pack("{s:I}", "idx", (json_int_t)idx);

	json_object_set_new(json, "weight", json_integer(weight));
	json_array_append_new(list, json);
}

json_t *facts_target(uint32_t nh)
{
	const char *fixed = facts_fixed_path(nh);
	json_int_t idx = nh & ~(uint32_t)WIRE_NH_GROUP;

	if (fixed != NULL)
		return json_pack("{s:s, s:n}", "kind", fixed, "idx");
	return json_pack("{s:s, s:I}", "kind", (nh & WIRE_NH_GROUP) != 0 ? "group" : "path", "idx",
		idx);
}

json_t *facts_paths_of(uint32_t nh, const struct dp_records *records)
{
	const struct wire_group *group;
	json_t *paths = json_array();

	if (facts_fixed_path(nh) != NULL)
		return paths;
	if ((nh & WIRE_NH_GROUP) == 0) {
		append_path(paths, nh, 1, records);
		return paths;
	}
	group = facts_find_group(records, nh & ~(uint32_t)WIRE_NH_GROUP);
	for (uint32_t i = 0; group != NULL && i < group->n_members && i < WIRE_GROUP_MEMBERS; i++)
		append_path(paths, group->member[i].path, group->member[i].weight, records);
	return paths;
}
