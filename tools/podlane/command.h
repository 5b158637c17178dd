/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a command is: a function that gathers facts into one JSON document, and one that prints that
 * document for people. -j prints the document itself, so text and JSON cannot disagree.
 */
#ifndef PODLANE_TOOLS_PODLANE_COMMAND_H
#define PODLANE_TOOLS_PODLANE_COMMAND_H

#include <stdbool.h>

#include <jansson.h>

#include "tools/podlane/dp.h"

/** The exit status; of several failures the highest counts. */
enum exit_code {
	EXIT_CODE_OK = 0,
	EXIT_CODE_FAILED = 1,
	EXIT_CODE_USAGE = 2,
	EXIT_CODE_UNREACHABLE = 3, /**< a daemon does not answer; what the other says is printed */
};

struct options {
	const char *config_path; /**< NULL: the default, which may be missing */
	const char *dataplane_path, *control_path;
	unsigned watch_sec; /**< 0: once */
	unsigned timeout_sec;
	bool is_json, is_verbose, is_all;
	char *const *words; /**< behind the command's own */
	unsigned n_words;
	const char *node, *inventory_path; /**< of import-calico; NULL: not given */
	bool is_dry_run;		   /**< of setup */
	const char *root;		   /**< of setup; "" outside of tests */
};

/** One run of a command. */
struct context {
	const struct options *options;
	const char *second;   /**< the argument after the first; NULL: none */
	json_t *doc;	      /**< what the command gathers */
	const json_t *before; /**< with --watch the document of the turn before, otherwise NULL */
	struct dp *dp;	      /**< context.c's own */
	enum exit_code code;
};

/** Say on stderr and in doc "errors" what failed. */
void context_fail(struct context *context, enum exit_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * Ask the dataplane; see dp_request(). The first question of a run connects.
 *
 * Errors: false, and context_fail() was called
 */
bool context_ask_dp(struct context *context, enum wire_type type, const void *item,
	struct dp_records *records);

/**
 * Ask control; see ctl_request(). Owner: *answer is the caller's.
 *
 * Errors: false, and context_fail() was called
 */
bool context_ask_ctl(struct context *context, json_t *request, json_t **answer);

/** End one run: close what it opened. */
void context_close(struct context *context);

/*
 * The commands. Each gathers into context->doc and reports failure by context_fail(); the printer
 * takes a document in which any part may be missing. @arg is NULL if it was not given.
 */
void status_gather(struct context *context, const char *arg);
void status_print(const json_t *doc, const struct options *options);
void version_gather(struct context *context, const char *arg);
void version_print(const json_t *doc, const struct options *options);
void route_show_gather(struct context *context, const char *arg);
void route_show_print(const json_t *doc, const struct options *options);
void route_get_gather(struct context *context, const char *arg);
void route_get_print(const json_t *doc, const struct options *options);
void path_show_gather(struct context *context, const char *arg);
void path_show_print(const json_t *doc, const struct options *options);
void path_pin_gather(struct context *context, const char *arg);
void path_unpin_gather(struct context *context, const char *arg);
void path_pin_print(const json_t *doc, const struct options *options);
void compare_gather(struct context *context, const char *arg);
void compare_print(const json_t *doc, const struct options *options);
void port_show_gather(struct context *context, const char *arg);
void port_show_print(const json_t *doc, const struct options *options);
void pod_list_gather(struct context *context, const char *arg);
void pod_list_print(const json_t *doc, const struct options *options);
void pod_attach_gather(struct context *context, const char *arg);
void pod_detach_gather(struct context *context, const char *arg);
void pod_done_print(const json_t *doc, const struct options *options);
void import_calico_gather(struct context *context, const char *arg);
void import_calico_print(const json_t *doc, const struct options *options);
void setup_gather(struct context *context, const char *arg);
void setup_print(const json_t *doc, const struct options *options);
void drops_gather(struct context *context, const char *arg);
void drops_print(const json_t *doc, const struct options *options);

#endif
