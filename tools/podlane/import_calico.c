/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * podlane import-calico: files or standard input to podlane.yaml's sections and the inventory. The remarks
 * go to stderr, so that the output can go into a file.
 */
#include "tools/podlane/import_calico.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define KUBECTL "kubectl get nodes,ippools,felixconfigurations,bgpconfigurations,bgppeers -o json"

static bool read_one(struct context *context, const char *path, json_t *objects)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *in = is_stdin ? stdin : fopen(path, "re");
	char error[300];
	int err = 0;

	if (in == NULL) {
		context_fail(context, EXIT_CODE_FAILED, "%s: %s", path, strerror(errno));
		return false;
	}
	err = import_calico_read(in, objects, error, sizeof(error));
	if (err != 0)
		context_fail(context, EXIT_CODE_FAILED,
			"%s: %s; give what \"kubectl get ... -o json\" prints",
			is_stdin ? "standard input" : path, error);
	if (!is_stdin)
		fclose(in);
	return err == 0;
}

static bool read_all(struct context *context, json_t *objects)
{
	const struct options *options = context->options;

	if (options->n_words == 0 && isatty(STDIN_FILENO) == 1) {
		context_fail(context, EXIT_CODE_USAGE,
			"import-calico: name files, or pipe into it: " KUBECTL);
		return false;
	}
	if (options->n_words == 0)
		return read_one(context, "-", objects);
	for (unsigned i = 0; i < options->n_words; i++)
		if (!read_one(context, options->words[i], objects))
			return false;
	return true;
}

static void say_remarks(const json_t *doc)
{
	size_t i;
	json_t *remark;

	json_array_foreach(json_object_get(doc, "remarks"), i, remark) fprintf(stderr,
		"remark: %s: %s\n", json_string_value(json_object_get(remark, "of")),
		json_string_value(json_object_get(remark, "text")));
}

/* A list of nodes that was right is not overwritten with none. */
static bool is_something(struct context *context)
{
	size_t n_nodes = json_array_size(json_object_get(context->doc, "nodes"));
	size_t n_pools = json_array_size(json_object_get(context->doc, "pools"));

	if (n_nodes == 0 && (n_pools == 0 || context->options->inventory_path != NULL)) {
		context_fail(context, EXIT_CODE_FAILED,
			"import-calico: no node to take over; nothing written; feed it "
			"with: " KUBECTL);
		return false;
	}
	return true;
}

static void save(struct context *context)
{
	const char *path = context->options->inventory_path;
	int err;

	if (path == NULL)
		return;
	err = import_calico_save(path, context->doc);
	if (err != 0)
		context_fail(context, EXIT_CODE_FAILED, "%s: %s; the inventory is as it was", path,
			strerror(-err));
}

void import_calico_gather(struct context *context, const char *arg)
{
	json_t *objects = json_object();
	struct import import = {.objects = objects,
		.node = context->options->node,
		.doc = context->doc};

	(void)arg;
	if (read_all(context, objects)) {
		import_calico_work_out(&import);
		say_remarks(context->doc);
		if (is_something(context))
			save(context);
	}
	json_decref(objects);
}

void import_calico_print(const json_t *doc, const struct options *options)
{
	if (json_object_get(doc, "errors") != NULL)
		return;
	import_calico_write_config(stdout, doc, options->inventory_path);
	if (options->inventory_path == NULL) {
		fputs("---\n", stdout);
		import_calico_write_inventory(stdout, doc);
	}
}
