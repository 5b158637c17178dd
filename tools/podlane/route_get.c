/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * podlane route get: what control wants for an address, what the FIB answers, and whether that is
 * the same.
 */
#include <string.h>

#include "tools/podlane/command.h"
#include "tools/podlane/facts.h"
#include "tools/podlane/table.h"

static json_t *gather_fib(struct context *context, uint32_t addr)
{
	struct wire_lookup question = {.addr = addr};
	struct dp_records records = {0};
	const struct wire_lookup *lookup;
	char prefix[IP4_BYTES];
	json_t *json = NULL;
	size_t n;

	if (!context_ask_dp(context, WIRE_LOOKUP, &question, &records) ||
		!context_ask_dp(context, WIRE_DUMP, NULL, &records))
		goto out;
	lookup = dp_records_items(&records, WIRE_LOOKUP, &n);
	if (lookup == NULL) {
		context_fail(context, EXIT_CODE_FAILED,
			"podlane-dataplane does not answer the lookup; see its log");
		goto out;
	}
	if (lookup->nh == WIRE_NH_NONE)
		json = json_pack("{s:n, s:o}", "prefix", "target", facts_target(WIRE_NH_NONE));
	else
		json = json_pack("{s:s, s:o, s:I, s:o}", "prefix",
			text_prefix(lookup->prefix, lookup->depth, prefix), "target",
			facts_target(lookup->nh), "path_taken", (json_int_t)lookup->path.idx,
			"paths", facts_paths_of(lookup->nh, &records));
out:
	dp_records_free(&records);
	return json;
}

// Both JSON null and a field that is not there mean "nothing".
static bool is_same(const json_t *a, const json_t *b)
{
	bool has_a = a != NULL && !json_is_null(a), has_b = b != NULL && !json_is_null(b);

	return has_a == has_b && (!has_a || json_equal(a, b) == 1);
}

static const char *name_of(const json_t *json)
{
	if (json_is_object(json))
		return "one";
	return json_is_string(json) ? json_string_value(json) : "nothing";
}

static void compare_field(json_t *differences, const char *what, const json_t *control,
	const json_t *fib)
{
	if (!is_same(control, fib))
		json_array_append_new(differences,
			json_sprintf("%s: control has %s, the FIB has %s", what, name_of(control),
				name_of(fib)));
}

static const json_t *find_path(const json_t *paths, const json_t *idx)
{
	json_t *path;
	size_t i;

	json_array_foreach(paths, i,
		path) if (json_equal(json_object_get(path, "idx"), idx)) return path;
	return NULL;
}

static void compare_path(json_t *differences, const json_t *control, const json_t *fib_paths)
{
	static const char *const fields[] = {"kind", "nexthop", "port", "src_mac", "dst_mac",
		"tunnel"};
	const json_t *idx = json_object_get(control, "idx");
	const json_t *fib = find_path(fib_paths, idx);
	// a punt path has no more than its kind
	bool is_punt = strcmp(name_of(json_object_get(control, "kind")), "punt") == 0;

	if (fib == NULL) {
		json_array_append_new(differences,
			json_sprintf("path %" JSON_INTEGER_FORMAT ": the FIB's entry has it not",
				json_integer_value(idx)));
		return;
	}
	for (size_t i = 0; i < (is_punt ? 1 : sizeof(fields) / sizeof(fields[0])); i++)
		compare_field(differences, fields[i], json_object_get(control, fields[i]),
			json_object_get(fib, fields[i]));
}

static json_t *compare(const json_t *route, const json_t *fib)
{
	const json_t *want = json_object_get(route, "target"),
		     *have = json_object_get(fib, "target");
	json_t *differences = json_array(), *nexthop;
	size_t i;

	// no route in control (JSON null) is no match in the FIB
	compare_field(differences, "prefix", json_object_get(route, "prefix"),
		json_object_get(fib, "prefix"));
	if (json_is_null(route) || route == NULL)
		return differences;
	compare_field(differences, "target", json_object_get(want, "kind"),
		json_object_get(have, "kind"));
	if (!is_same(json_object_get(want, "idx"), json_object_get(have, "idx")))
		json_array_append_new(differences, json_string("target: another index"));
	if (json_array_size(differences) > 0 || !json_is_integer(json_object_get(want, "idx")))
		return differences;
	json_array_foreach(json_object_get(route, "nexthops"), i, nexthop) compare_path(differences,
		json_object_get(nexthop, "path"), json_object_get(fib, "paths"));
	return differences;
}

void route_get_gather(struct context *context, const char *arg)
{
	json_t *answer = NULL, *fib, *differences;
	const json_t *route = NULL;
	uint32_t addr;
	uint8_t depth;

	if (strchr(arg, '/') != NULL || parse_prefix(arg, &addr, &depth) != 0) {
		context_fail(context, EXIT_CODE_USAGE,
			"'%s' is no IPv4 address; write it as 10.244.1.5", arg);
		return;
	}
	json_object_set_new(context->doc, "address", json_string(arg));
	fib = gather_fib(context, addr);
	if (context_ask_ctl(context,
		    json_pack("{s:s, s:s}", "command", "route get", "address", arg), &answer)) {
		route = json_object_get(answer, "route");
		json_object_set(context->doc, "control", json_object_get(answer, "route"));
	}
	if (answer != NULL && fib != NULL) {
		differences = compare(route, fib);
		json_object_set_new(context->doc, "same",
			json_boolean(json_array_size(differences) == 0));
		json_object_set_new(context->doc, "differences", differences);
	} else {
		json_object_set_new(context->doc, "same", json_null());
	}
	if (fib != NULL)
		json_object_set_new(context->doc, "dataplane", fib);
	json_decref(answer);
}

static const char *string_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "-";
}

static void print_target(const json_t *target)
{
	const json_t *idx = json_object_get(target, "idx");

	printf("%s", string_of(target, "kind"));
	if (json_is_integer(idx))
		printf(" %" JSON_INTEGER_FORMAT, json_integer_value(idx));
}

static void print_control(const json_t *route)
{
	const json_t *since = json_object_get(route, "since_sec");
	char age[TEXT_BYTES];
	json_t *nexthop;
	size_t i;

	if (route == NULL || json_is_null(route)) {
		puts("control  no route");
		return;
	}
	printf("control  %s from %s%s%s, %s", string_of(route, "prefix"),
		string_of(route, "source"),
		json_is_string(json_object_get(route, "protocol")) ? ", " : "",
		json_is_string(json_object_get(route, "protocol")) ? string_of(route, "protocol")
								   : "",
		string_of(route, "sync"));
	if (json_is_integer(since))
		printf(", for %s", text_duration((uint64_t)json_integer_value(since), age));
	puts("");
	json_array_foreach(json_object_get(route, "nexthops"), i, nexthop)
	{
		const json_t *path = json_object_get(nexthop, "path");

		printf("         via %s dev %s: %s, %s, %s\n",
			json_is_string(json_object_get(nexthop, "gateway"))
				? string_of(nexthop, "gateway")
				: "link",
			string_of(nexthop, "interface"), string_of(path, "kind"),
			string_of(path, "reason"), string_of(path, "state"));
	}
}

static void print_tunnel(const json_t *tunnel)
{
	const json_t *vni = json_object_get(tunnel, "vni");

	if (tunnel == NULL)
		return;
	printf("\n           in a tunnel to %s from %s", string_of(tunnel, "dst"),
		string_of(tunnel, "src"));
	if (json_is_integer(vni))
		printf(", VNI %" JSON_INTEGER_FORMAT ", VTEP %s", json_integer_value(vni),
			string_of(tunnel, "inner_dst_mac"));
}

static void print_fib_path(const json_t *path, const json_t *taken, bool is_one_of_many)
{
	const json_t *idx = json_object_get(path, "idx");

	printf("       %s path %" JSON_INTEGER_FORMAT ": %s via %s",
		is_one_of_many && json_equal(idx, taken) == 1 ? "*" : " ", json_integer_value(idx),
		string_of(path, "kind"), string_of(path, "nexthop"));
	if (json_object_get(path, "dst_mac") != NULL)
		printf(", port %s (%s), MTU %" JSON_INTEGER_FORMAT "\n           to %s from %s",
			string_of(path, "port"), string_of(path, "device"),
			json_integer_value(json_object_get(path, "mtu")),
			string_of(path, "dst_mac"), string_of(path, "src_mac"));
	print_tunnel(json_object_get(path, "tunnel"));
	puts("");
}

static void print_fib(const json_t *fib)
{
	const json_t *paths = json_object_get(fib, "paths");
	json_t *path;
	size_t i;

	if (fib == NULL)
		return;
	if (!json_is_string(json_object_get(fib, "prefix"))) {
		puts("FIB      no match: the kernel decides");
		return;
	}
	printf("FIB      %s to ", string_of(fib, "prefix"));
	print_target(json_object_get(fib, "target"));
	puts("");
	json_array_foreach(paths, i, path) print_fib_path(path, json_object_get(fib, "path_taken"),
		json_array_size(paths) > 1);
}

void route_get_print(const json_t *doc, const struct options *options)
{
	const json_t *same = json_object_get(doc, "same");
	json_t *difference;
	size_t i;

	(void)options;
	if (json_object_get(doc, "control") == NULL && json_object_get(doc, "dataplane") == NULL)
		return;
	if (json_object_get(doc, "control") != NULL)
		print_control(json_object_get(doc, "control"));
	print_fib(json_object_get(doc, "dataplane"));
	printf("same     %s\n",
		json_is_boolean(same) ? json_is_true(same) ? "yes" : "no" : "unknown");
	json_array_foreach(json_object_get(doc, "differences"), i, difference)
		printf("         %s\n", json_string_value(difference));
}
