/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * podlane pod list, attach, detach. A wish goes to control, which keeps it over a restart of the
 * dataplane and has it carried out.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/podlane/command.h"
#include "tools/podlane/facts.h"
#include "tools/podlane/table.h"

#define N_LOOKS		  40u
#define N_LOOKS_OLD_ERROR 6u
#define LOOK_GAP_US	  50000u

enum wish { WISH_ATTACH, WISH_DETACH };

// With control up also the pods that stay on the kernel, and why.
void pod_list_gather(struct context *context, const char *arg)
{
	struct dp_records records = {0};
	json_t *answer;

	(void)arg;
	if (context_ask_ctl(context, json_pack("{s:s}", "command", "pod list"), &answer)) {
		json_object_set_new(context->doc, "from", json_string("control"));
		json_object_set(context->doc, "match", json_object_get(answer, "match"));
		json_object_set(context->doc, "pods", json_object_get(answer, "pods"));
		json_decref(answer);
	} else if (context_ask_dp(context, WIRE_DUMP, NULL, &records)) {
		json_object_set_new(context->doc, "from", json_string("dataplane"));
		json_object_set_new(context->doc, "pods", facts_pods(&records));
	}
	dp_records_free(&records);
}

static size_t count_attached(const json_t *pods)
{
	size_t i, n = 0;
	json_t *pod;

	json_array_foreach(pods, i, pod) n += json_is_true(json_object_get(pod, "is_attached"));
	return n;
}

static void print_reason(struct table *table, const json_t *pod)
{
	const char *override = json_string_value(json_object_get(pod, "override"));
	const json_t *error = json_object_get(pod, "error");

	if (json_is_integer(error) && json_integer_value(error) != 0)
		table_cell(table, "refused: %s", strerror((int)-json_integer_value(error)));
	else if (override != NULL)
		table_cell(table, "pod %s", override);
	else if (json_is_true(json_object_get(pod, "is_matched")))
		table_cell(table, "pods.match");
	else
		table_cell(table, "-");
}

void pod_list_print(const json_t *doc, const struct options *options)
{
	static const char *const titles[] = {">IFINDEX", "INTERFACE", "FORWARDED BY", "BECAUSE OF",
		NULL};
	const json_t *pods = json_object_get(doc, "pods");
	struct table *table;
	json_t *pod;
	size_t i;

	(void)options;
	if (pods == NULL)
		return;
	printf("%zu of %zu pods on the fast lane\n", count_attached(pods), json_array_size(pods));
	if (json_array_size(pods) == 0)
		return;
	table = table_new(titles);
	json_array_foreach(pods, i, pod)
	{
		table_count(table, json_object_get(pod, "ifindex"));
		table_string(table, json_object_get(pod, "name"));
		table_cell(table, "%s",
			json_is_true(json_object_get(pod, "is_attached")) ? "podlane" : "kernel");
		print_reason(table, pod);
	}
	table_print(table, stdout);
}

// Control's entry of one pod. Owner: the caller's reference; NULL: none, or no answer (and said so).
static json_t *find_pod(struct context *context, const char *name)
{
	json_t *answer = NULL, *pod, *found = NULL;
	size_t i;

	if (!context_ask_ctl(context, json_pack("{s:s}", "command", "pod list"), &answer))
		return NULL;
	json_array_foreach(json_object_get(answer, "pods"), i, pod)
	{
		const char *other = json_string_value(json_object_get(pod, "name"));

		if (other != NULL && strcmp(other, name) == 0)
			found = json_incref(pod);
	}
	json_decref(answer);
	return found;
}

// Control answers at once and the dataplane a little later: wait, so that a script need not.
static void wait_until_done(struct context *context, const char *name, enum wish wish)
{
	json_t *pod = NULL;

	for (unsigned i = 0; i < N_LOOKS; i++) {
		json_decref(pod);
		pod = find_pod(context, name);
		if (context->code != EXIT_CODE_OK)
			break;
		// one that never was a pod is gone from the list when it is detached
		if (json_is_true(json_object_get(pod, "is_attached")) == (wish == WISH_ATTACH)) {
			json_object_set(context->doc, "pod", pod);
			json_decref(pod);
			return;
		}
		// an earlier refusal stands there until the new answer is in
		if (i >= N_LOOKS_OLD_ERROR && json_is_integer(json_object_get(pod, "error")))
			break;
		usleep(LOOK_GAP_US);
	}
	if (json_is_integer(json_object_get(pod, "error")))
		context_fail(context, EXIT_CODE_FAILED, "%s: the dataplane refuses: %s", name,
			strerror((int)llabs(
				json_integer_value(json_object_get(pod, "error")) % 4096)));
	else if (context->code == EXIT_CODE_OK)
		context_fail(context, EXIT_CODE_FAILED,
			"%s: control has noted it, but the dataplane has not done it yet; see "
			"podlane status",
			name);
	json_decref(pod);
}

static void ask_for(struct context *context, const char *command, const char *name, enum wish wish)
{
	json_t *answer = NULL;

	if (context_ask_ctl(context, json_pack("{s:s, s:s}", "command", command, "name", name),
		    &answer)) {
		json_object_set_new(context->doc, "name", json_string(name));
		wait_until_done(context, name, wish);
	}
	json_decref(answer);
}

void pod_attach_gather(struct context *context, const char *arg)
{
	ask_for(context, "pod attach", arg, WISH_ATTACH);
}

void pod_detach_gather(struct context *context, const char *arg)
{
	ask_for(context, "pod detach", arg, WISH_DETACH);
}

void pod_done_print(const json_t *doc, const struct options *options)
{
	const char *command = json_string_value(json_object_get(doc, "command"));
	const char *name = json_string_value(json_object_get(doc, "name"));

	(void)options;
	if (name != NULL && json_object_get(doc, "errors") == NULL)
		printf("%s %s\n", name,
			strcmp(command, "pod attach") == 0
				? "is on the fast lane; NetworkPolicy does not see it"
				: "is with the kernel");
}
