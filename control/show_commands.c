/* SPDX-License-Identifier: BSD-3-Clause */
/* The operator's commands, one row and one function each. Called by show.c. */
#include "control/show_commands.h"

#include "control/pipeline.h"
#include "control/show_compare.h"
#include "control/show_json.h"
#include "control/show_names.h"
#include "control/step/rib.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* One request being answered. */
struct ask {
	const struct show_sources *sources;
	const char *command;
	const json_t *request;
	FILE *out;
};

static uint64_t now_sec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

static void write_document(FILE *out, json_t *document)
{
	if (document == NULL) {
		show_command_error(out, "", "busy", "out of memory, ask again");
		return;
	}
	json_dumpf(document, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(document);
}

void show_command_error(FILE *out, const char *command, const char *code, const char *message)
{
	json_t *document = json_pack("{s:i, s:s, s:{s:s, s:s}}", "schema", 1, "command", command,
		"error", "code", code, "message", message);

	if (document != NULL)
		json_dumpf(document, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(document);
}

static void answer_status(struct ask *ask)
{
	const struct show_sources *from = ask->sources;
	json_t *document = show_json_answer(ask->command);
	json_t *fpm = show_json_fpm(from->fpm, from->pipeline);

	json_object_set_new(document, "version", json_string(from->version));
	json_object_set_new(document, "pid", json_integer(getpid()));
	json_object_set_new(document, "node", json_string(from->node));
	json_object_set_new(document, "uptime_sec",
		json_integer((json_int_t)(now_sec() - from->since_sec)));
	json_object_set_new(fpm, "listen", json_string(from->fpm_listen));
	json_object_set_new(fpm, "replay_end",
		from->replay_end[0] != '\0' ? json_string(from->replay_end) : json_null());
	json_object_set_new(document, "fpm", fpm);
	json_object_set_new(document, "rib", show_json_rib(from->pipeline));
	json_object_set_new(document, "kernel", show_json_kernel(from->neigh, from->pipeline));
	json_object_set_new(document, "dataplane",
		show_json_dataplane(from->dataplane_socket, from->pipeline));
	json_object_set_new(document, "sync", show_json_sync(from->pipeline));
	write_document(ask->out, document);
}

static void answer_sync(struct ask *ask)
{
	json_t *document = show_json_answer(ask->command);

	json_object_set_new(document, "sync", show_json_sync(ask->sources->pipeline));
	write_document(ask->out, document);
}

/* The array of a large answer, written entry by entry. */
static void begin_array(struct ask *ask, const char *name)
{
	fprintf(ask->out, "{\"schema\":1,\"command\":\"%s\",\"%s\":[", ask->command, name);
}

static void write_entry(struct ask *ask, json_t *entry, bool is_first)
{
	if (entry == NULL)
		return;
	if (!is_first)
		fputc(',', ask->out);
	json_dumpf(entry, ask->out, JSON_COMPACT);
	json_decref(entry);
}

static void end_array(struct ask *ask)
{
	fputs("]}\n", ask->out);
}

/* Routes collected to be sorted. */
struct route_list {
	struct sync_route_view *view;
	size_t n, max;
	uint32_t prefix;
	uint8_t depth;
	bool is_short; /* of memory */
};

static void collect_route(const struct sync_route_view *view, void *arg)
{
	struct route_list *list = arg;
	uint32_t mask = list->depth == 0 ? 0 : UINT32_MAX << (32 - list->depth);

	if (view->depth < list->depth || (view->prefix & mask) != list->prefix)
		return;
	if (list->n == list->max) {
		size_t max = list->max == 0 ? 1024 : list->max * 2;
		struct sync_route_view *grown = realloc(list->view, max * sizeof(*grown));

		if (grown == NULL) {
			list->is_short = true;
			return;
		}
		list->view = grown;
		list->max = max;
	}
	list->view[list->n++] = *view;
}

static int compare_views(const void *a, const void *b)
{
	const struct sync_route_view *x = a, *y = b;

	if (x->prefix != y->prefix)
		return x->prefix < y->prefix ? -1 : 1;
	return (int)x->depth - (int)y->depth;
}

/* "10.244.0.0/16" or "10.244.1.10"; stray bits are cut off. */
static int parse_prefix(const char *text, uint32_t *prefix, uint8_t *depth)
{
	unsigned bits = 32;
	struct in_addr in;
	char addr[16];
	int end = 0;

	if (sscanf(text, "%15[0-9.]%n/%2u%n", addr, &end, &bits, &end) < 1 || text[end] != '\0' ||
		bits > 32 || inet_pton(AF_INET, addr, &in) != 1)
		return -EINVAL;
	*depth = (uint8_t)bits;
	*prefix = ntohl(in.s_addr) & (bits == 0 ? 0 : UINT32_MAX << (32 - bits));
	return 0;
}

static void answer_route_show(struct ask *ask)
{
	const json_t *prefix = json_object_get(ask->request, "prefix");
	struct route_list list = {.n = 0};

	if (prefix != NULL && !json_is_null(prefix) &&
		(!json_is_string(prefix) ||
			parse_prefix(json_string_value(prefix), &list.prefix, &list.depth) != 0)) {
		show_command_error(ask->out, ask->command, "bad-argument",
			"prefix is an IPv4 prefix like 10.244.0.0/16");
		return;
	}
	sync_each_route(pipeline_sync(ask->sources->pipeline), collect_route, &list);
	if (list.is_short) {
		show_command_error(ask->out, ask->command, "busy", "out of memory, ask for less");
		free(list.view);
		return;
	}
	if (list.n > 0)
		qsort(list.view, list.n, sizeof(list.view[0]), compare_views);
	begin_array(ask, "routes");
	for (size_t i = 0; i < list.n; i++)
		write_entry(ask, show_json_route(ask->sources->pipeline, &list.view[i]), i == 0);
	end_array(ask);
	free(list.view);
}

/* The longest match among what is wanted or acknowledged. */
static bool match(const struct sync *sync, uint32_t addr, struct sync_route_view *view)
{
	for (int depth = 32; depth >= 0; depth--) {
		uint32_t mask = depth == 0 ? 0 : UINT32_MAX << (32 - depth);

		if (sync_view_route(sync, addr & mask, (uint8_t)depth, view))
			return true;
	}
	return false;
}

static json_t *recent_of(const struct sync *sync, const struct sync_route_view *view)
{
	struct sync_trace traces[SYNC_TRACES];
	size_t n = sync_recent(sync, traces);

	for (size_t i = 0; i < n; i++)
		if (traces[i].prefix == view->prefix && traces[i].depth == view->depth)
			return show_json_trace(&traces[i]);
	return json_null();
}

static void answer_route_get(struct ask *ask)
{
	const char *text = json_string_value(json_object_get(ask->request, "address"));
	const struct sync *sync = pipeline_sync(ask->sources->pipeline);
	json_t *document, *route = json_null();
	struct sync_route_view view;
	struct in_addr in;

	if (text == NULL || inet_pton(AF_INET, text, &in) != 1) {
		show_command_error(ask->out, ask->command, "bad-argument",
			"address is an IPv4 address");
		return;
	}
	document = show_json_answer(ask->command);
	json_object_set_new(document, "address", json_string(text));
	if (match(sync, ntohl(in.s_addr), &view)) {
		route = show_json_route(ask->sources->pipeline, &view);
		json_object_set_new(route, "recent", recent_of(sync, &view));
	}
	json_object_set_new(document, "route", route);
	write_document(ask->out, document);
}

/* A running answer with its first entry still to come. */
struct listing {
	struct ask *ask;
	bool is_first;
};

static void write_path(const struct sync_path_view *view, void *arg)
{
	struct listing *listing = arg;

	write_entry(listing->ask, show_json_path(view), listing->is_first);
	listing->is_first = false;
}

static void answer_path_show(struct ask *ask)
{
	struct listing listing = {.ask = ask, .is_first = true};

	begin_array(ask, "paths");
	sync_each_path(pipeline_sync(ask->sources->pipeline), write_path, &listing);
	end_array(ask);
}

static void append_pod(const struct pods_view *view, void *arg)
{
	json_array_append_new(arg, show_json_pod(view));
}

static void answer_pod_list(struct ask *ask)
{
	const struct pods *pods = pipeline_pods(ask->sources->pipeline);
	json_t *document = show_json_answer(ask->command);
	json_t *list = json_array();

	pods_each(pods, append_pod, list);
	json_object_set_new(document, "match", json_string(pods_match(pods)));
	json_object_set_new(document, "pods", list);
	write_document(ask->out, document);
}

static void answer_pod_override(struct ask *ask, enum pods_override override)
{
	const char *name = json_string_value(json_object_get(ask->request, "name"));
	struct pods *pods = pipeline_pods(ask->sources->pipeline);
	json_t *document, *pod = json_null();
	struct pods_view view;

	if (name == NULL) {
		show_command_error(ask->out, ask->command, "bad-argument",
			"name is a pod's interface, like cali123");
		return;
	}
	if (pods_set_override(pods, name, override) != 0) {
		show_command_error(ask->out, ask->command, "not-found",
			"no such interface on this node");
		return;
	}
	pipeline_turn(ask->sources->pipeline);
	document = show_json_answer(ask->command);
	if (pods_view(pods, name, &view))
		pod = show_json_pod(&view);
	json_object_set_new(document, "pod", pod);
	write_document(ask->out, document);
}

static void answer_pod_attach(struct ask *ask)
{
	answer_pod_override(ask, PODS_OVERRIDE_ATTACH);
}

static void answer_pod_detach(struct ask *ask)
{
	answer_pod_override(ask, PODS_OVERRIDE_DETACH);
}

static void write_node(json_t *node, void *arg)
{
	struct listing *listing = arg;

	write_entry(listing->ask, node, listing->is_first);
	listing->is_first = false;
}

/* The node that a request names. Returns false after an error was answered. */
static bool find_node(struct ask *ask, uint32_t *node)
{
	const char *text = json_string_value(json_object_get(ask->request, "node"));

	if (text == NULL) {
		show_command_error(ask->out, ask->command, "bad-argument",
			"node is a node's address or its name in the inventory");
		return false;
	}
	if (!show_compare_find(ask->sources->pipeline, text, node)) {
		show_command_error(ask->out, ask->command, "not-found",
			"no route leads to such a node; \"podlane compare\" lists them");
		return false;
	}
	return true;
}

static void answer_compare(struct ask *ask)
{
	const json_t *wanted = json_object_get(ask->request, "node");
	struct listing listing = {.ask = ask, .is_first = true};
	json_t *probe;
	uint32_t node = 0;

	if (wanted != NULL && !json_is_null(wanted) && !find_node(ask, &node))
		return;
	probe = show_compare_probe(ask->sources->pipeline);
	fprintf(ask->out, "{\"schema\":1,\"command\":\"%s\",\"probe\":", ask->command);
	json_dumpf(probe, ask->out, JSON_COMPACT);
	json_decref(probe);
	fputs(",\"nodes\":[", ask->out);
	(void)show_compare_each(ask->sources->pipeline, node, write_node, &listing);
	end_array(ask);
}

static void set_first(json_t *node, void *arg)
{
	json_object_set_new(arg, "node", node);
}

static void answer_pin(struct ask *ask, enum wire_path_kind kind)
{
	enum hop_state state = HOP_RESOLVED;
	json_t *document;
	char text[128];
	uint32_t node;
	int err;

	if (!find_node(ask, &node))
		return;
	err = pipeline_pin(ask->sources->pipeline, node, kind, &state);
	if (err == -ENETUNREACH)
		snprintf(text, sizeof(text), "%s cannot be used to this node: %s",
			show_name_path_kind((uint8_t)kind), show_name_hop_state(state));
	else if (err == -EINVAL)
		snprintf(text, sizeof(text),
			"%s is no path to this node: its routes lead through a device of their own "
			"kind, or its pool follows the device; set encap: auto",
			show_name_path_kind((uint8_t)kind));
	else if (err != 0)
		snprintf(text, sizeof(text), "no route leads to this node any more");
	if (err != 0) {
		show_command_error(ask->out, ask->command,
			err == -ENOENT ? "not-found" : "bad-argument", text);
		return;
	}
	document = show_json_answer(ask->command);
	(void)show_compare_each(ask->sources->pipeline, node, set_first, document);
	write_document(ask->out, document);
}

static void answer_path_pin(struct ask *ask)
{
	const char *path = json_string_value(json_object_get(ask->request, "path"));
	enum wire_path_kind kind = path == NULL ? WIRE_PATH_PUNT : show_name_find_path_kind(path);

	if (kind == WIRE_PATH_PUNT)
		show_command_error(ask->out, ask->command, "bad-argument",
			"path is native, ipip or vxlan");
	else
		answer_pin(ask, kind);
}

static void answer_path_unpin(struct ask *ask)
{
	answer_pin(ask, WIRE_PATH_PUNT);
}

static const struct command {
	const char *name;
	enum show_size size;
	void (*answer)(struct ask *ask);
} commands[] = {
	{"status", SHOW_SMALL, answer_status},
	{"sync", SHOW_SMALL, answer_sync},
	{"route show", SHOW_LARGE, answer_route_show},
	{"route get", SHOW_SMALL, answer_route_get},
	{"path show", SHOW_LARGE, answer_path_show},
	{"path pin", SHOW_SMALL, answer_path_pin},
	{"path unpin", SHOW_SMALL, answer_path_unpin},
	{"compare", SHOW_LARGE, answer_compare},
	{"pod list", SHOW_SMALL, answer_pod_list},
	{"pod attach", SHOW_SMALL, answer_pod_attach},
	{"pod detach", SHOW_SMALL, answer_pod_detach},
};

static const struct command *find_command(const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "command"));

	for (size_t i = 0; name != NULL && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

enum show_size show_command_size(const char *line)
{
	json_t *request = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	const struct command *command = find_command(request);
	enum show_size size = command == NULL ? SHOW_SMALL : command->size;

	json_decref(request);
	return size;
}

void show_command_run(const struct show_sources *sources, const char *line, FILE *out)
{
	json_t *request = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	const struct command *command = find_command(request);
	struct ask ask = {.sources = sources, .request = request, .out = out};

	if (request == NULL || json_object_get(request, "command") == NULL) {
		show_command_error(out, "", "bad-request",
			"send one line of JSON like {\"command\": \"status\"}");
	} else if (command == NULL) {
		show_command_error(out, "", "unknown-command",
			"control/README.md lists the commands");
	} else {
		ask.command = command->name;
		command->answer(&ask);
	}
	json_decref(request);
}
