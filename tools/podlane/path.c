/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * podlane path show: the ways to next hops as the dataplane has them, how many routes use each, and
 * what control says about it; in JSON also the packets that each carried.
 */
#include <stdlib.h>

#include "tools/podlane/command.h"
#include "tools/podlane/facts.h"
#include "tools/podlane/table.h"

static size_t count_routes(const struct dp_records *records, uint32_t nh)
{
	size_t n, found = 0;
	const struct wire_route *route = dp_records_items(records, WIRE_ROUTE_SET, &n);

	for (size_t i = 0; i < n; i++)
		found += route[i].nh == nh;
	return found;
}

static json_t *member_list(const struct wire_group *group)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < group->n_members && i < WIRE_GROUP_MEMBERS; i++)
		json_array_append_new(list,
			json_pack("{s:I, s:I}", "path", (json_int_t)group->member[i].path, "weight",
				(json_int_t)group->member[i].weight));
	return list;
}

static json_t *group_list(const struct dp_records *records)
{
	size_t n;
	const struct wire_group *group = dp_records_items(records, WIRE_GROUP_SET, &n);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list,
			json_pack("{s:I, s:I, s:o}", "idx", (json_int_t)group[i].idx, "n_routes",
				(json_int_t)count_routes(records, group[i].idx | WIRE_NH_GROUP),
				"members", member_list(&group[i])));
	return list;
}

static bool has_member(const struct wire_group *group, uint32_t path)
{
	for (uint32_t i = 0; i < group->n_members && i < WIRE_GROUP_MEMBERS; i++)
		if (group->member[i].path == path)
			return true;
	return false;
}

static json_int_t count_users(const struct dp_records *records, uint32_t path)
{
	size_t n;
	const struct wire_group *group = dp_records_items(records, WIRE_GROUP_SET, &n);
	size_t found = count_routes(records, path);

	for (size_t i = 0; i < n; i++)
		if (has_member(&group[i], path))
			found += count_routes(records, group[i].idx | WIRE_NH_GROUP);
	return (json_int_t)found;
}

static int compare_idx(const void *key, const void *item)
{
	uint32_t idx = *(const uint32_t *)key, other = ((const struct wire_path_stats *)item)->idx;

	return idx < other ? -1 : idx > other;
}

// The dataplane tells them in the order of their indexes.
static void add_pkts(json_t *json, uint32_t idx, const struct dp_records *records)
{
	size_t n;
	const struct wire_path_stats *stats = dp_records_items(records, WIRE_PATH_STATS, &n);

	stats = stats == NULL ? NULL : bsearch(&idx, stats, n, sizeof(*stats), compare_idx);
	if (stats == NULL)
		return;
	json_object_set_new(json, "pkts",
		json_pack("{s:I, s:I, s:I, s:I}", "punt", (json_int_t)stats->pkts[WIRE_PATH_PUNT],
			"native", (json_int_t)stats->pkts[WIRE_PATH_NATIVE], "ipip",
			(json_int_t)stats->pkts[WIRE_PATH_IPIP], "vxlan",
			(json_int_t)stats->pkts[WIRE_PATH_VXLAN]));
}

static json_t *path_list(const struct dp_records *records)
{
	size_t n;
	const struct wire_path *path = dp_records_items(records, WIRE_PATH_SET, &n);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *json = facts_path(&path[i], records);

		json_object_set_new(json, "n_routes",
			json_integer(count_users(records, path[i].idx)));
		add_pkts(json, path[i].idx, records);
		json_array_append_new(list, json);
	}
	return list;
}

// Why a path is as it is: control's words beside the dataplane's facts.
static void add_reasons(json_t *paths, const json_t *control_paths)
{
	json_t *path, *control;
	size_t i, j;

	json_array_foreach(paths, i, path) json_array_foreach(control_paths, j,
		control) if (json_equal(json_object_get(path, "idx"),
				     json_object_get(control, "idx")) == 1)
		json_object_update_new(path,
			json_pack("{s:O?, s:O?, s:O?, s:O?, s:O?}", "state",
				json_object_get(control, "state"), "reason",
				json_object_get(control, "reason"), "neighbour",
				json_object_get(control, "neighbour"), "interface",
				json_object_get(control, "interface"), "policy",
				json_object_get(control, "policy")));
}

void path_show_gather(struct context *context, const char *arg)
{
	struct dp_records records = {0};
	json_t *answer = NULL, *paths;

	(void)arg;
	if (context_ask_ctl(context, json_pack("{s:s}", "command", "path show"), &answer))
		json_object_set(context->doc, "control", json_object_get(answer, "paths"));
	if (context_ask_dp(context, WIRE_DUMP, NULL, &records) &&
		context_ask_dp(context, WIRE_PATH_STATS, NULL, &records)) {
		paths = path_list(&records);
		add_reasons(paths, json_object_get(answer, "paths"));
		json_object_set_new(context->doc, "paths", paths);
		json_object_set_new(context->doc, "groups", group_list(&records));
	}
	json_decref(answer);
	dp_records_free(&records);
}

static void print_groups(const json_t *groups)
{
	static const char *const titles[] = {">ROUTES", "GROUP", "PATHS (*WEIGHT)", NULL};
	struct table *table = table_new(titles);
	json_t *group, *member;
	size_t i, j;

	json_array_foreach(groups, i, group)
	{
		char *text = NULL;
		size_t bytes;
		FILE *out = open_memstream(&text, &bytes);

		if (out == NULL)
			break;
		json_array_foreach(json_object_get(group, "members"), j, member)
		{
			json_int_t weight = json_integer_value(json_object_get(member, "weight"));

			fprintf(out, "%s%" JSON_INTEGER_FORMAT, j > 0 ? " " : "",
				json_integer_value(json_object_get(member, "path")));
			if (weight > 1)
				fprintf(out, "*%" JSON_INTEGER_FORMAT, weight);
		}
		fclose(out);
		table_count(table, json_object_get(group, "n_routes"));
		table_cell(table, "%" JSON_INTEGER_FORMAT,
			json_integer_value(json_object_get(group, "idx")));
		table_cell(table, "%s", text);
		free(text);
	}
	table_print(table, stdout);
}

void path_show_print(const json_t *doc, const struct options *options)
{
	static const char *const titles[] = {">ROUTES", ">PATH", "KIND", "NEXT HOP", "NODE", "PORT",
		"TO MAC", "STATE", NULL};
	const json_t *paths = json_object_get(doc, "paths");
	const json_t *groups = json_object_get(doc, "groups");
	struct table *table;
	json_t *path;
	size_t i;

	(void)options;
	if (paths == NULL)
		paths = json_object_get(doc, "control");
	if (paths == NULL)
		return;
	printf("%zu paths, %zu groups\n", json_array_size(paths), json_array_size(groups));
	if (json_array_size(paths) == 0)
		return;
	table = table_new(titles);
	json_array_foreach(paths, i, path)
	{
		table_count(table, json_object_get(path, "n_routes"));
		table_count(table, json_object_get(path, "idx"));
		table_string(table, json_object_get(path, "kind"));
		table_string(table, json_object_get(path, "nexthop"));
		table_string(table, json_object_get(json_object_get(path, "tunnel"), "dst"));
		table_string(table, json_object_get(path, "port"));
		table_string(table, json_object_get(path, "dst_mac"));
		table_string(table, json_object_get(path, "state"));
	}
	table_print(table, stdout);
	if (json_array_size(groups) > 0) {
		puts("");
		print_groups(groups);
	}
}
