/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * podlane: the operator's command line. One row of commands[] per command; a command gathers facts
 * from the two daemons into a JSON document, which is printed as it is (-j) or as tables.
 */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/podlane/command.h"
#include "tools/podlane/sockets.h"

#define MAX_WORDS	    32u
#define DEFAULT_TIMEOUT_SEC 5u

enum arity { NO_ARG, MAY_HAVE_ARG, MUST_HAVE_ARG, MUST_HAVE_TWO, FILES /* asks no daemon */ };
enum repeat { ONCE, CAN_WATCH };

struct command {
	const char *words, *arg;
	enum arity arity;
	enum repeat repeat;
	void (*gather)(struct context *context, const char *arg);
	void (*print)(const json_t *doc, const struct options *options);
	const char *help, *example;
};

// clang-format off
static const struct command commands[] = {
	{"status", "", NO_ARG, CAN_WATCH, status_gather, status_print,
		"both daemons, tables, workers, ports, pods", "podlane status -w 1"},
	{"route show", "[PREFIX]", MAY_HAVE_ARG, CAN_WATCH, route_show_gather, route_show_print,
		"routes, or those inside PREFIX", "podlane route show 10.244.0.0/16"},
	{"route get", "ADDRESS", MUST_HAVE_ARG, CAN_WATCH, route_get_gather, route_get_print,
		"where ADDRESS goes, in control and in the FIB", "podlane route get 10.244.1.5"},
	{"path show", "", NO_ARG, CAN_WATCH, path_show_gather, path_show_print,
		"ways to next hops, groups, who uses them", "podlane path show -j"},
	{"path pin", "NODE PATH", MUST_HAVE_TWO, ONCE, path_pin_gather, path_pin_print,
		"overrule the policy until unpin or control ends", "podlane path pin worker-b vxlan"},
	{"path unpin", "NODE", MUST_HAVE_ARG, ONCE, path_unpin_gather, path_pin_print,
		"let the policy choose the path to NODE again", "podlane path unpin worker-b"},
	{"compare", "[NODE]", MAY_HAVE_ARG, CAN_WATCH, compare_gather, compare_print,
		"the paths to NODE side by side, or all nodes", "podlane compare worker-b -w 1"},
	{"port show", "", NO_ARG, CAN_WATCH, port_show_gather, port_show_print,
		"ports and their counters", "podlane port show -w 2"},
	{"pod list", "", NO_ARG, CAN_WATCH, pod_list_gather, pod_list_print,
		"pods on the fast lane", "podlane pod list"},
	{"pod attach", "NAME", MUST_HAVE_ARG, ONCE, pod_attach_gather, pod_done_print,
		"put a pod's host-side interface on the fast lane", "podlane pod attach cali123"},
	{"pod detach", "NAME", MUST_HAVE_ARG, ONCE, pod_detach_gather, pod_done_print,
		"give it back to the kernel", "podlane pod detach cali123"},
	{"drops", "", NO_ARG, CAN_WATCH, drops_gather, drops_print,
		"dropped and punted packets, and the account", "podlane drops --all"},
	{"import-calico", "[FILE ...]", FILES, ONCE, import_calico_gather, import_calico_print,
		"kubectl's JSON to pools and inventory",
		"kubectl get nodes,ippools,felixconfigurations,bgpconfigurations,bgppeers \\\n"
		"    -o json | podlane import-calico --node worker-a --out-inventory nodes.yaml"},
	{"setup", "", NO_ARG, ONCE, setup_gather, setup_print,
		"VFs, vfio-pci, huge pages, as podlane.yaml wants", "podlane setup --dry-run"},
	{"version", "", NO_ARG, ONCE, version_gather, version_print,
		"of this program and of the daemons", "podlane version"},
};
// clang-format on

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

struct request {
	struct options options;
	char *words[MAX_WORDS];
	unsigned n_words;
};

enum option_key {
	KEY_DATAPLANE = 256,
	KEY_CONTROL,
	KEY_TIMEOUT,
	KEY_NODE,
	KEY_OUT_INVENTORY,
	KEY_ROOT
};

static const struct argp_option argp_options[] = {
	{"json", 'j', NULL, 0, "Print JSON, fields typed, \"schema\": 1", 0},
	{"watch", 'w', "SEC", 0, "Repeat every SEC seconds (1 to 3600)", 0},
	{"all", 'a', NULL, 0, "drops: also reasons that never happened; compare: all nodes", 0},
	{"verbose", 'v', NULL, 0, "status: name the pods on the fast lane", 0},
	{"node", KEY_NODE, "NAME", 0, "import-calico: the node that podlane.yaml is for", 0},
	{"out-inventory", KEY_OUT_INVENTORY, "FILE", 0,
		"import-calico: put the nodes into FILE, at once and whole", 0},
	{"dry-run", 'n', NULL, 0, "setup: say what would be done, and do nothing", 0},
	{"root", KEY_ROOT, "DIR", OPTION_HIDDEN, "setup: before /sys, /proc and /dev, for tests",
		0},
	{"config", 'c', "FILE", 0, "Take the sockets from FILE (" SOCKETS_CONFIG ")", 1},
	{"dataplane", KEY_DATAPLANE, "PATH", 0, "Socket of podlane-dataplane", 1},
	{"control", KEY_CONTROL, "PATH", 0, "Socket of podlane-control", 1},
	{"timeout", KEY_TIMEOUT, "SEC", 0, "Wait so long for an answer (1 to 600, default 5)", 1},
	{0},
};

static unsigned parse_seconds(struct argp_state *state, const char *text, unsigned most)
{
	char *end;
	unsigned long sec = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || sec < 1 || sec > most)
		argp_error(state, "'%s' is not a number of seconds from 1 to %u", text, most);
	return (unsigned)sec;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;
	struct options *options = &request->options;

	switch (key) {
	case 'j':
		options->is_json = true;
		return 0;
	case 'w':
		options->watch_sec = parse_seconds(state, arg, 3600);
		return 0;
	case 'a':
		options->is_all = true;
		return 0;
	case 'v':
		options->is_verbose = true;
		return 0;
	case 'c':
		options->config_path = arg;
		return 0;
	case KEY_DATAPLANE:
		options->dataplane_path = arg;
		return 0;
	case KEY_CONTROL:
		options->control_path = arg;
		return 0;
	case KEY_NODE:
		options->node = arg;
		return 0;
	case KEY_OUT_INVENTORY:
		options->inventory_path = arg;
		return 0;
	case 'n':
		options->is_dry_run = true;
		return 0;
	case KEY_ROOT:
		options->root = arg;
		return 0;
	case KEY_TIMEOUT:
		options->timeout_sec = parse_seconds(state, arg, 600);
		return 0;
	case ARGP_KEY_ARG:
		if (request->n_words == MAX_WORDS)
			argp_error(state, "too many words");
		request->words[request->n_words++] = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

// The list of commands under the options; argp frees it.
static char *filter_help(int key, const char *text, void *input)
{
	char *list = NULL;
	size_t bytes;
	FILE *out;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return text == NULL ? NULL : strdup(text);
	out = open_memstream(&list, &bytes);
	if (out == NULL)
		return NULL;
	fputs("Commands:\n", out);
	for (size_t i = 0; i < N_COMMANDS; i++) {
		char left[64];

		snprintf(left, sizeof(left), "%s %s", commands[i].words, commands[i].arg);
		fprintf(out, "  %-24s %s\n", left, commands[i].help);
	}
	fputs("\nExamples:\n", out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %s\n", commands[i].example);
	fputs("\nExit status: 0 done, 1 failed, 2 wrong usage, 3 a daemon does not answer (what\n"
	      "the other one says is printed).",
		out);
	fclose(out);
	return list;
}

/** Do @words begin with the command's? Returns: how many they are, 0: no. */
static unsigned match_words(const struct command *command, char *const *words, unsigned n_words)
{
	const char *want = command->words;
	unsigned n = 0;

	while (n < n_words) {
		size_t len = strcspn(want, " ");

		if (strlen(words[n]) != len || strncmp(words[n], want, len) != 0)
			return 0;
		n++;
		if (want[len] == '\0')
			return n;
		want += len + 1;
	}
	return 0;
}

static void refuse_usage(const char *text, const char *what)
{
	fprintf(stderr, "podlane: %s%s%s; try podlane --help\n", text, what[0] != '\0' ? ": " : "",
		what);
	exit(EXIT_CODE_USAGE);
}

static unsigned most_args(enum arity arity)
{
	switch (arity) {
	case NO_ARG:
		return 0;
	case MAY_HAVE_ARG:
	case MUST_HAVE_ARG:
		return 1;
	case MUST_HAVE_TWO:
		return 2;
	case FILES:
		break;
	}
	return MAX_WORDS;
}

static unsigned least_args(enum arity arity)
{
	return arity == MUST_HAVE_TWO ? 2 : arity == MUST_HAVE_ARG ? 1 : 0;
}

static const struct command *find_command(struct request *request, const char **arg,
	const char **second)
{
	const struct command *command = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < N_COMMANDS && n == 0; i++) {
		command = &commands[i];
		n = match_words(command, request->words, request->n_words);
	}
	if (n == 0)
		refuse_usage("no such command", request->words[0]);
	*arg = n < request->n_words ? request->words[n] : NULL;
	request->options.words = request->words + n;
	request->options.n_words = request->n_words - n;
	if (request->n_words > n + most_args(command->arity))
		refuse_usage("too many words", request->words[request->n_words - 1]);
	if (request->n_words < n + least_args(command->arity))
		refuse_usage(command->words, command->arg);
	*second = n + 1 < request->n_words ? request->words[n + 1] : NULL;
	if (request->options.watch_sec > 0 && command->repeat == ONCE)
		refuse_usage("--watch is not for", command->words);
	return command;
}

static void print_doc(const struct command *command, const json_t *doc,
	const struct options *options)
{
	if (!options->is_json) {
		command->print(doc, options);
		return;
	}
	// one line per turn with --watch, so that a reader can cut the stream
	json_dumpf(doc, stdout,
		JSON_PRESERVE_ORDER | (options->watch_sec > 0 ? JSON_COMPACT : JSON_INDENT(2)));
	fputs("\n", stdout);
}

static void begin_turn(const struct options *options, unsigned turn)
{
	if (options->watch_sec == 0 || options->is_json)
		return;
	if (isatty(STDOUT_FILENO) == 1)
		fputs("\033[H\033[2J", stdout);
	else if (turn > 0)
		fputs("\n", stdout);
}

static enum exit_code run_command(const struct command *command, const char *arg,
	const char *second, const struct options *options)
{
	json_t *before = NULL;
	unsigned turn = 0;

	for (;;) {
		struct context context = {.options = options, .before = before, .second = second};

		context.doc = json_pack("{s:i, s:s}", "schema", 1, "command", command->words);
		command->gather(&context, arg);
		begin_turn(options, turn++);
		print_doc(command, context.doc, options);
		json_decref(before);
		before = json_incref(context.doc);
		context_close(&context);
		if (context.code == EXIT_CODE_USAGE || options->watch_sec == 0 ||
			fflush(stdout) != 0) {
			json_decref(before);
			return context.code;
		}
		sleep(options->watch_sec);
	}
}

int main(int argc, char **argv)
{
	static const struct argp argp = {argp_options, parse_option, "COMMAND [ARGUMENT]",
		"Shows and steers Podlane on this node.\v", NULL, filter_help, NULL};
	struct request request = {.options = {.timeout_sec = DEFAULT_TIMEOUT_SEC, .root = ""}};
	const struct command *command;
	struct sockets sockets = {.config = NULL};
	enum exit_code code;
	const char *arg, *second;

	argp_err_exit_status = EXIT_CODE_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &request);
	command = find_command(&request, &arg, &second);
	if (command->arity != FILES && !sockets_find(&sockets, &request.options))
		return EXIT_CODE_FAILED;
	code = run_command(command, arg, second, &request.options);
	sockets_free(&sockets);
	if (fflush(stdout) != 0 && code == EXIT_CODE_OK)
		code = EXIT_CODE_FAILED;
	return code;
}
