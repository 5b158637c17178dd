/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * podlane status, podlane version: is everything well, in one screen.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "tools/podlane/command.h"
#include "tools/podlane/facts.h"
#include "tools/podlane/table.h"

#define LINE_COLUMNS 80u

static json_t *usage(uint32_t n, uint32_t max)
{
	return json_pack("{s:I, s:I}", "n", (json_int_t)n, "max", (json_int_t)max);
}

static json_t *info_json(const struct wire_info *info)
{
	uint32_t used = info->n_mbufs -
			(info->n_mbufs_free < info->n_mbufs ? info->n_mbufs_free : info->n_mbufs);
	json_t *json = json_pack("{s:b, s:o, s:I, s:I, s:o, s:o, s:s, s:b, s:b}", "is_up", true,
		"node", facts_name(info->node, sizeof(info->node)), "pid", (json_int_t)info->pid,
		"uptime_sec", (json_int_t)info->uptime_sec, "dpdk",
		facts_name(info->dpdk, sizeof(info->dpdk)), "fib_engine",
		facts_name(info->fib_engine, sizeof(info->fib_engine)), "idle",
		info->is_polling != 0 ? "poll" : "sleep", "is_steering", info->is_steering != 0,
		"is_controlled", info->is_controlled != 0);

	json_object_set_new(json, "routes", usage(info->n_routes, info->max_routes));
	json_object_set_new(json, "paths", usage(info->n_paths, info->max_paths));
	json_object_set_new(json, "groups", usage(info->n_groups, info->max_groups));
	json_object_set_new(json, "tbl8_groups", usage(info->n_tbl8, info->max_tbl8));
	json_object_set_new(json, "mbufs", usage(used, info->n_mbufs));
	json_object_set_new(json, "icmp_errors",
		json_pack("{s:I, s:I}", "sent", (json_int_t)info->icmp_sent, "limited",
			(json_int_t)info->icmp_limited));
	return json;
}

static json_int_t integer_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static double share(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

// Since the turn before with --watch, otherwise since the start; then there is no packet rate.
static void add_rates(json_t *dataplane, const json_t *before, uint64_t tsc_hz)
{
	json_t *lcores = json_object_get(dataplane, "lcores"), *lcore;
	json_t *lcores_before;
	double sec = (double)integer_of(dataplane, "uptime_sec");
	size_t i;

	// a restart in between: nothing to compare with
	if (integer_of(before, "pid") != integer_of(dataplane, "pid"))
		before = NULL;
	if (before != NULL)
		sec = (double)(integer_of(dataplane, "at_ns") - integer_of(before, "at_ns")) / 1e9;
	// one process lists them in one order; main lcore and a worker may be on one CPU
	lcores_before = json_object_get(before, "lcores");

	json_array_foreach(lcores, i, lcore)
	{
		const json_t *old = json_array_get(lcores_before, i);
		double busy =
			(double)(integer_of(lcore, "busy_cycles") - integer_of(old, "busy_cycles"));

		json_object_set_new(lcore, "load", json_real(share(busy, sec * (double)tsc_hz)));
		if (old != NULL)
			json_object_set_new(lcore, "rx_pps",
				json_real(share((double)(integer_of(lcore, "rx_pkts") -
							 integer_of(old, "rx_pkts")),
					sec)));
	}
}

static json_t *gather_dataplane(struct context *context)
{
	struct dp_records records = {0};
	const struct wire_info *info;
	struct timespec now;
	json_t *json = NULL;
	size_t n;

	if (!context_ask_dp(context, WIRE_INFO, NULL, &records) ||
		!context_ask_dp(context, WIRE_STATS, NULL, &records) ||
		!context_ask_dp(context, WIRE_DUMP, NULL, &records))
		goto out;
	info = dp_records_items(&records, WIRE_INFO, &n);
	if (info == NULL) {
		context_fail(context, EXIT_CODE_FAILED, "podlane-dataplane says nothing of itself");
		goto out;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	json = info_json(info);
	json_object_set_new(json, "at_ns",
		json_integer((json_int_t)now.tv_sec * 1000000000 + now.tv_nsec));
	json_object_set_new(json, "lcores", facts_lcores(&records));
	json_object_set_new(json, "ports", facts_ports(&records));
	json_object_set_new(json, "pods", facts_pods(&records));
	add_rates(json, json_object_get(context->before, "dataplane"), info->tsc_hz);
out:
	dp_records_free(&records);
	return json != NULL ? json : json_pack("{s:b}", "is_up", false);
}

void status_gather(struct context *context, const char *arg)
{
	json_t *control = NULL;

	(void)arg;
	json_object_set_new(context->doc, "dataplane", gather_dataplane(context));
	if (context_ask_ctl(context, json_pack("{s:s}", "command", "status"), &control))
		json_object_set_new(control, "is_up", json_true());
	else
		control = json_pack("{s:b}", "is_up", false);
	json_object_set_new(context->doc, "control", control);
}

static const char *string_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "-";
}

static bool is_set(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static void print_dataplane_line(const json_t *dp)
{
	char age[TEXT_BYTES];

	if (!is_set(dp, "is_up")) {
		puts("dataplane  DOWN: the kernel forwards");
		return;
	}
	printf("dataplane  up %s, pid %" JSON_INTEGER_FORMAT ", idle: %s, steering %s\n",
		text_duration((uint64_t)integer_of(dp, "uptime_sec"), age), integer_of(dp, "pid"),
		string_of(dp, "idle"), is_set(dp, "is_steering") ? "on" : "off (no sync yet)");
	printf("           FIB %s, %s\n", string_of(dp, "fib_engine"), string_of(dp, "dpdk"));
}

static void print_sync_line(const json_t *sync)
{
	const json_t *routes = json_object_get(sync, "routes");

	printf("sync       %s, %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT
	       " routes acknowledged, %" JSON_INTEGER_FORMAT " refused\n",
		string_of(sync, "state"), integer_of(routes, "n_acked"),
		integer_of(routes, "n_wanted"), integer_of(routes, "n_refused"));
}

static void print_control_lines(const json_t *control, const json_t *dp)
{
	const json_t *fpm = json_object_get(control, "fpm");
	char age[TEXT_BYTES];

	if (!is_set(control, "is_up")) {
		puts("control    DOWN: the last routes stay in force");
		return;
	}
	printf("control    up %s, pid %" JSON_INTEGER_FORMAT ", dataplane %s\n",
		text_duration((uint64_t)integer_of(control, "uptime_sec"), age),
		integer_of(control, "pid"),
		is_set(dp, "is_controlled") ? "connected" : "not connected");
	printf("FPM        zebra %s, replay %s\n",
		is_set(fpm, "is_connected") ? "connected" : "NOT CONNECTED: is FRR running?",
		string_of(fpm, "replay"));
	print_sync_line(json_object_get(control, "sync"));
}

static void print_tables(const json_t *dp)
{
	static const char *const titles[] = {">USED", ">LIMIT", "OF", NULL};
	static const struct {
		const char *key, *text;
	} rows[] = {
		{"routes", "routes in the FIB"},
		{"paths", "paths"},
		{"groups", "groups of paths"},
		{"tbl8_groups", "tbl8 groups (prefixes longer than /24)"},
		{"mbufs", "packet buffers"},
	};
	struct table *table = table_new(titles);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const json_t *used = json_object_get(dp, rows[i].key);

		table_count(table, json_object_get(used, "n"));
		table_count(table, json_object_get(used, "max"));
		table_cell(table, "%s", rows[i].text);
	}
	table_print(table, stdout);
}

static void print_lcores(const json_t *dp)
{
	static const char *const titles[] = {">LCORE", "ROLE", ">LOAD", ">IN", ">SENT", ">PUNTED",
		">DROPPED", ">IN/S", NULL};
	struct table *table = table_new(titles);
	json_t *lcore;
	size_t i;

	json_array_foreach(json_object_get(dp, "lcores"), i, lcore)
	{
		const json_t *pps = json_object_get(lcore, "rx_pps");

		table_count(table, json_object_get(lcore, "lcore"));
		table_string(table, json_object_get(lcore, "role"));
		table_cell(table, "%.1f %%",
			100 * json_number_value(json_object_get(lcore, "load")));
		table_count(table, json_object_get(lcore, "rx_pkts"));
		table_count(table, json_object_get(lcore, "tx_pkts"));
		table_count(table, json_object_get(lcore, "punt_pkts"));
		table_count(table, json_object_get(lcore, "drop_pkts"));
		if (pps != NULL)
			table_cell(table, "%.0f", json_number_value(pps));
		else
			table_cell(table, "-");
	}
	table_print(table, stdout);
}

static void print_pods(const json_t *dp, bool is_verbose)
{
	const json_t *pods = json_object_get(dp, "pods");
	json_t *pod;
	size_t i, column = 0, n = json_array_size(pods);

	printf("%zu pod%s on the fast lane%s\n", n, n == 1 ? "" : "s",
		n > 0 && !is_verbose ? " (names: podlane status -v)" : "");
	if (!is_verbose)
		return;
	json_array_foreach(pods, i, pod)
	{
		const char *name = string_of(pod, "name");

		if (column + strlen(name) + 2 > LINE_COLUMNS) {
			puts("");
			column = 0;
		}
		column += (size_t)printf("  %s", name);
	}
	if (n > 0)
		puts("");
}

void status_print(const json_t *doc, const struct options *options)
{
	const json_t *dp = json_object_get(doc, "dataplane");
	const json_t *control = json_object_get(doc, "control");

	printf("node       %s\n", string_of(is_set(dp, "is_up") ? dp : control, "node"));
	print_dataplane_line(dp);
	print_control_lines(control, dp);
	if (!is_set(dp, "is_up"))
		return;
	puts("");
	print_tables(dp);
	puts("");
	print_lcores(dp);
	puts("");
	port_show_print(dp, options);
	puts("");
	print_pods(dp, options->is_verbose);
}

void version_gather(struct context *context, const char *arg)
{
	struct dp_records records = {0};
	const struct wire_info *info;
	json_t *control = NULL;
	size_t n;

	(void)arg;
	json_object_set_new(context->doc, "podlane", json_string(PODLANE_VERSION));
	json_object_set_new(context->doc, "wire_version", json_integer(WIRE_VERSION));
	if (context_ask_dp(context, WIRE_INFO, NULL, &records)) {
		info = dp_records_items(&records, WIRE_INFO, &n);
		json_object_set_new(context->doc, "dataplane",
			info != NULL ? facts_name(info->dpdk, sizeof(info->dpdk)) : json_null());
	}
	if (context_ask_ctl(context, json_pack("{s:s}", "command", "status"), &control))
		json_object_set(context->doc, "control", json_object_get(control, "version"));
	json_decref(control);
	dp_records_free(&records);
	// this program's own version is the answer; a daemon that is down takes nothing from it
	context->code = EXIT_CODE_OK;
}

void version_print(const json_t *doc, const struct options *options)
{
	(void)options;
	printf("podlane    %s, protocol %" JSON_INTEGER_FORMAT "\n", string_of(doc, "podlane"),
		integer_of(doc, "wire_version"));
	printf("dataplane  %s\n", string_of(doc, "dataplane"));
	printf("control    %s\n", string_of(doc, "control"));
}
