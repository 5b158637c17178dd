/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One run of a command: questions to the two daemons, and what to do when they fail.
 */
#include "tools/podlane/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "tools/podlane/ctl.h"

#define ERROR_BYTES 512u

void context_fail(struct context *context, enum exit_code code, const char *format, ...)
{
	char text[ERROR_BYTES];
	json_t *errors = json_object_get(context->doc, "errors");
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);

	fprintf(stderr, "podlane: %s\n", text);
	if (errors == NULL) {
		errors = json_array();
		json_object_set_new(context->doc, "errors", errors);
	}
	json_array_append_new(errors, json_string(text));
	if (code > context->code)
		context->code = code;
}

// A daemon that answers something wrong is there; one that answers nothing is not.
static enum exit_code code_of(int rc)
{
	switch (-rc) {
	case EPROTO:
	case EBADMSG:
	case EREMOTEIO:
	case ENOMEM:
		return EXIT_CODE_FAILED;
	}
	return EXIT_CODE_UNREACHABLE;
}

bool context_ask_dp(struct context *context, enum wire_type type, const void *item,
	struct dp_records *records)
{
	const struct options *options = context->options;
	char error[ERROR_BYTES];
	int rc = 0;

	if (context->dp == NULL) {
		rc = dp_open(&context->dp, options->dataplane_path, options->timeout_sec, error,
			sizeof(error));
		if (rc != 0) {
			context_fail(context, code_of(rc), "%s", error);
			return false;
		}
	}
	rc = dp_request(context->dp, type, item, records, error, sizeof(error));
	if (rc != 0)
		context_fail(context, code_of(rc), "%s", error);
	return rc == 0;
}

bool context_ask_ctl(struct context *context, json_t *request, json_t **answer)
{
	const struct options *options = context->options;
	char error[ERROR_BYTES];
	int rc = ctl_request(options->control_path, options->timeout_sec, request, answer, error,
		sizeof(error));

	if (rc != 0)
		context_fail(context, code_of(rc), "%s", error);
	return rc == 0;
}

void context_close(struct context *context)
{
	dp_close(context->dp);
	context->dp = NULL;
	json_decref(context->doc);
	context->doc = NULL;
}
