/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * podlane route show: the routes as control has them, or, while control is down, as the FIB has
 * them.
 */
#include <string.h>

#include "tools/podlane/command.h"
#include "tools/podlane/facts.h"
#include "tools/podlane/table.h"

static json_t *nexthops_of(uint32_t nh, const struct dp_records *records)
{
	json_t *paths = facts_paths_of(nh, records), *path;
	json_t *list = json_array();
	size_t i;

	json_array_foreach(paths, i, path)
		json_array_append_new(list, json_pack("{s:O?, s:O?, s:O?, s:O?, s:O}", "gateway",
						    json_object_get(path, "nexthop"), "interface",
						    json_object_get(path, "device"), "ifindex",
						    json_object_get(path, "ifindex"), "weight",
						    json_object_get(path, "weight"), "path", path));
	json_decref(paths);
	return list;
}

// A route of the FIB with the fields of control's.
static json_t *fib_route(const struct wire_route *route, const struct dp_records *records)
{
	char prefix[IP4_BYTES];

	return json_pack("{s:s, s:s, s:n, s:o, s:o}", "prefix",
		text_prefix(route->prefix, route->depth, prefix), "source", "fib", "sync", "target",
		facts_target(route->nh), "nexthops", nexthops_of(route->nh, records));
}

static bool is_inside(const struct wire_route *route, uint32_t prefix, uint8_t depth)
{
	return route->depth >= depth &&
	       (uint64_t)route->prefix >> (32 - depth) == (uint64_t)prefix >> (32 - depth);
}

static void gather_from_fib(struct context *context, uint32_t prefix, uint8_t depth)
{
	struct dp_records records = {0};
	const struct wire_route *route;
	json_t *list;
	size_t n;

	if (context_ask_dp(context, WIRE_DUMP, NULL, &records)) {
		list = json_array();
		route = dp_records_items(&records, WIRE_ROUTE_SET, &n);
		for (size_t i = 0; i < n; i++)
			if (is_inside(&route[i], prefix, depth))
				json_array_append_new(list, fib_route(&route[i], &records));
		json_object_set_new(context->doc, "from", json_string("dataplane"));
		json_object_set_new(context->doc, "routes", list);
	}
	dp_records_free(&records);
}

void route_show_gather(struct context *context, const char *arg)
{
	json_t *request = json_pack("{s:s}", "command", "route show");
	uint32_t prefix = 0;
	uint8_t depth = 0;
	json_t *answer;

	if (arg != NULL && parse_prefix(arg, &prefix, &depth) != 0) {
		context_fail(context, EXIT_CODE_USAGE,
			"'%s' is no IPv4 prefix; write it as 10.244.0.0/16, host bits zero", arg);
		json_decref(request);
		return;
	}
	if (arg != NULL)
		json_object_set_new(request, "prefix", json_string(arg));
	if (!context_ask_ctl(context, request, &answer)) {
		gather_from_fib(context, prefix, depth);
		return;
	}
	json_object_set_new(context->doc, "from", json_string("control"));
	json_object_set(context->doc, "routes", json_object_get(answer, "routes"));
	json_decref(answer);
}

static const char *string_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "-";
}

static void print_target(struct table *table, const json_t *target)
{
	const json_t *idx = json_object_get(target, "idx");

	if (json_is_integer(idx))
		table_cell(table, "%s %" JSON_INTEGER_FORMAT, string_of(target, "kind"),
			json_integer_value(idx));
	else
		table_cell(table, "%s", string_of(target, "kind"));
}

static void print_nexthop(struct table *table, const json_t *nexthop)
{
	json_int_t weight = json_integer_value(json_object_get(nexthop, "weight"));
	const char *gateway = json_string_value(json_object_get(nexthop, "gateway"));

	if (nexthop == NULL)
		table_cell(table, "-");
	else if (weight > 1)
		table_cell(table, "%s *%" JSON_INTEGER_FORMAT,
			gateway != NULL ? gateway : "on link", weight);
	else
		table_cell(table, "%s", gateway != NULL ? gateway : "on link");
	table_string(table, json_object_get(nexthop, "interface"));
}

// Its further next hops stand below the first.
static void print_route(struct table *table, const json_t *route)
{
	const json_t *nexthops = json_object_get(route, "nexthops");
	const json_t *protocol = json_object_get(route, "protocol");

	table_string(table, json_object_get(route, "prefix"));
	table_cell(table, "%s",
		json_is_string(protocol) ? json_string_value(protocol)
					 : string_of(route, "source"));
	print_target(table, json_object_get(route, "target"));
	print_nexthop(table, json_array_get(nexthops, 0));
	table_cell(table, "%s%s", string_of(route, "sync"),
		json_is_true(json_object_get(route, "is_stale")) ? ", stale" : "");
	for (size_t i = 1; i < json_array_size(nexthops); i++) {
		table_cell(table, "%s", "");
		table_cell(table, "%s", "");
		table_cell(table, "%s", "");
		print_nexthop(table, json_array_get(nexthops, i));
		table_cell(table, "%s", "");
	}
}

void route_show_print(const json_t *doc, const struct options *options)
{
	static const char *const titles[] = {"PREFIX", "FROM", "TARGET", "NEXT HOP", "INTERFACE",
		"SYNC", NULL};
	const json_t *routes = json_object_get(doc, "routes");
	struct table *table;
	json_t *route;
	size_t i;

	(void)options;
	if (routes == NULL)
		return;
	printf("%zu routes, as %s has them\n", json_array_size(routes), string_of(doc, "from"));
	if (json_array_size(routes) == 0)
		return;
	table = table_new(titles);
	json_array_foreach(routes, i, route) print_route(table, route);
	table_print(table, stdout);
}
