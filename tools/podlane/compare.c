/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * podlane compare, podlane path pin and unpin: the paths to a node side by side, or all nodes in short.
 * Everything comes from control, in one answer.
 */
#include "tools/podlane/compare.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "tools/podlane/command.h"
#include "tools/podlane/table.h"

#define HOUR_SEC 3600

static const char *word(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "-";
}

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool is(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static const char *name_of(const json_t *node)
{
	const char *name = json_string_value(json_object_get(node, "name"));

	return name != NULL ? name : word(node, "address");
}

void compare_gather(struct context *context, const char *arg)
{
	json_t *request = json_pack("{s:s}", "command", "compare");
	json_t *answer = NULL;

	if (arg != NULL)
		json_object_set_new(request, "node", json_string(arg));
	if (context_ask_ctl(context, request, &answer)) {
		json_object_set_new(context->doc, "is_one", json_boolean(arg != NULL));
		json_object_set(context->doc, "probe", json_object_get(answer, "probe"));
		json_object_set(context->doc, "nodes", json_object_get(answer, "nodes"));
	}
	json_decref(answer);
}

static void print_head(const json_t *node)
{
	json_t *hop;
	size_t i;

	printf("%s  %s  policy", name_of(node), word(node, "address"));
	json_array_foreach(json_object_get(node, "hops"), i, hop)
		printf("%s %s", i > 0 ? "," : "", word(hop, "policy"));
	printf("  same subnet %s  traffic %s\n", is(node, "is_same_subnet") ? "yes" : "no",
		is(node, "is_busy") ? "yes" : "no");
	if (json_is_string(json_object_get(node, "probe_address")))
		printf("probed at %s\n", word(node, "probe_address"));
}

/* "up", or why there is no such answer. */
static const char *state_of(const json_t *path)
{
	return is(path, "is_usable") ? word(path, "probe") : "unusable";
}

static void add_loss(struct table *table, const json_t *path)
{
	const json_t *loss = json_object_get(path, "loss_percent");

	if (json_is_real(loss))
		table_cell(table, "%.1f %%", json_real_value(loss));
	else
		table_cell(table, "-");
}

static void add_rtt(struct table *table, const json_t *path)
{
	const json_t *p50 = json_object_get(path, "rtt_p50_us");

	if (json_is_real(p50))
		table_cell(table, "%.0f / %.0f", json_real_value(p50),
			json_real_value(json_object_get(path, "rtt_p99_us")));
	else
		table_cell(table, "- / -");
}

static void add_since(struct table *table, const json_t *seconds)
{
	char text[TEXT_BYTES];

	if (json_is_integer(seconds))
		table_cell(table, "%s", text_duration((uint64_t)json_integer_value(seconds), text));
	else
		table_cell(table, "-");
}

static void print_paths(const json_t *node)
{
	static const char *const titles[] = {"", "PATH", "STATE", ">BYTES", ">MTU", ">LOSS",
		">RTT us p50/p99", ">PACKETS", "STATE SINCE", NULL};
	struct table *table = table_new(titles);
	json_t *path;
	size_t i;

	json_array_foreach(json_object_get(node, "paths"), i, path)
	{
		table_cell(table, "%s", is(path, "in_use") ? "*" : " ");
		table_string(table, json_object_get(path, "kind"));
		table_cell(table, "%s", state_of(path));
		table_count(table, json_object_get(path, "overhead_bytes"));
		if (json_is_integer(json_object_get(path, "mtu")))
			table_cell(table, "%" JSON_INTEGER_FORMAT, number(path, "mtu"));
		else
			table_cell(table, "-");
		add_loss(table, path);
		add_rtt(table, path);
		table_count(table, json_object_get(path, "pkts"));
		add_since(table, json_object_get(path, "probe_since_sec"));
	}
	table_print(table, stdout);
}

static void print_node(const json_t *node, const json_t *probe)
{
	print_head(node);
	print_paths(node);
	compare_print_words(node, probe);
}

/* How all nodes are reached. */
struct summary {
	size_t native, ipip, vxlan, kernel, n_changed;
};

static void count_hop(struct summary *sum, const json_t *hop)
{
	const char *chosen = word(hop, "chosen");

	sum->native += strcmp(chosen, "native") == 0;
	sum->ipip += strcmp(chosen, "ipip") == 0;
	sum->vxlan += strcmp(chosen, "vxlan") == 0;
	sum->kernel += strcmp(chosen, "-") == 0;
	sum->n_changed += number(hop, "n_changes") > 0 && number(hop, "since_sec") < HOUR_SEC;
}

static void print_summary(const json_t *nodes, const json_t *probe)
{
	struct summary sum = {0};
	char count[5][TEXT_BYTES];
	json_t *node, *hop;
	size_t i, j;

	json_array_foreach(nodes, i, node) json_array_foreach(json_object_get(node, "hops"), j, hop)
		count_hop(&sum, hop);
	printf("%s nodes: native %s  ipip %s  vxlan %s  kernel %s   changed in last hour: %zu\n",
		text_count(json_array_size(nodes), count[0]), text_count(sum.native, count[1]),
		text_count(sum.ipip, count[2]), text_count(sum.vxlan, count[3]),
		text_count(sum.kernel, count[4]), sum.n_changed);
	if (number(probe, "budget_pps") == 0 ||
		!json_is_string(json_object_get(probe, "address"))) {
		puts("probes: none, see node.probe_address and probe.budget_pps in podlane.yaml");
		return;
	}
	printf("probes: %s nodes, %s of them with traffic; %s/s of at most %s/s; a dead path\n"
	       "  is left within %.2f s\n",
		text_count((uint64_t)number(probe, "n_probed"), count[0]),
		text_count((uint64_t)number(probe, "n_busy"), count[1]),
		text_count((uint64_t)number(probe, "used_pps"), count[2]),
		text_count((uint64_t)number(probe, "budget_pps"), count[3]),
		(double)number(probe, "detect_ms") / 1000);
}

/* The first path that is not used though it has fewer bytes, or is down. Errors: NULL */
static const json_t *find_odd(const json_t *node, char *why, size_t bytes)
{
	json_t *path;
	size_t i;

	json_array_foreach(json_object_get(node, "paths"), i, path)
	{
		compare_why_not(path, node, why, bytes);
		if (why[0] != '\0')
			return path;
	}
	return NULL;
}

static void add_node(struct table *table, const json_t *node, const json_t *odd, const char *why)
{
	const json_t *hop = json_array_get(json_object_get(node, "hops"), 0);
	const char *chosen = json_string_value(json_object_get(hop, "chosen"));
	const json_t *since = json_object_get(odd, "probe_since_sec");

	table_cell(table, "%.20s", name_of(node));
	table_cell(table, "%s", chosen != NULL ? chosen : "kernel");
	if (odd == NULL)
		table_cell(table, "-");
	else if (strcmp(state_of(odd), "down") == 0)
		table_cell(table, "%s down: probes lost", word(odd, "kind"));
	else
		table_cell(table, "%s: %.28s", word(odd, "kind"),
			is(odd, "is_usable") ? why : word(odd, "state"));
	add_since(table, since != NULL ? since : json_object_get(hop, "since_sec"));
}

static void print_odd_nodes(const json_t *nodes, bool is_all)
{
	static const char *const titles[] = {"NODE", "USING", "NOT USED, WHY", "SINCE", NULL};
	struct table *table = table_new(titles);
	size_t i, n = 0;
	json_t *node;

	json_array_foreach(nodes, i, node)
	{
		char why[256];
		const json_t *odd = find_odd(node, why, sizeof(why));

		if (odd == NULL && !is_all)
			continue;
		add_node(table, node, odd, why);
		n++;
	}
	if (n > 0)
		table_print(table, stdout);
	else
		table_free(table);
}

void compare_print(const json_t *doc, const struct options *options)
{
	const json_t *nodes = json_object_get(doc, "nodes"), *probe = json_object_get(doc, "probe");

	if (nodes == NULL)
		return;
	if (is(doc, "is_one")) {
		if (json_array_size(nodes) > 0)
			print_node(json_array_get(nodes, 0), probe);
		return;
	}
	print_summary(nodes, probe);
	print_odd_nodes(nodes, options->is_all);
}

static void ask_pin(struct context *context, json_t *request)
{
	json_t *answer = NULL;

	if (context_ask_ctl(context, request, &answer))
		json_object_set(context->doc, "node", json_object_get(answer, "node"));
	json_decref(answer);
}

void path_pin_gather(struct context *context, const char *arg)
{
	ask_pin(context, json_pack("{s:s, s:s, s:s}", "command", "path pin", "node", arg, "path",
				 context->second));
}

void path_unpin_gather(struct context *context, const char *arg)
{
	ask_pin(context, json_pack("{s:s, s:s}", "command", "path unpin", "node", arg));
}

void path_pin_print(const json_t *doc, const struct options *options)
{
	const json_t *node = json_object_get(doc, "node"), *pin = json_object_get(node, "pin");
	json_t *hop;
	size_t i;

	(void)options;
	if (node == NULL)
		return;
	if (json_is_string(pin))
		printf("%s is pinned to %s, until \"podlane path unpin\" or a restart of control\n",
			name_of(node), json_string_value(pin));
	else
		printf("%s is not pinned\n", name_of(node));
	json_array_foreach(json_object_get(node, "hops"), i,
		hop) printf("  policy %s uses %s: %s\n", word(hop, "policy"),
		json_is_string(json_object_get(hop, "chosen")) ? word(hop, "chosen") : "the kernel",
		word(hop, "reason"));
	json_array_foreach(json_object_get(node, "paths"), i,
		hop) if (json_equal(json_object_get(hop, "kind"), pin) &&
			 strcmp(word(hop, "probe"), "down") == 0)
		puts("  WARNING: probes of this path are lost");
}
