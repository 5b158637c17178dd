/* SPDX-License-Identifier: BSD-3-Clause */
/* Any text through the import from Calico. What is written must be plain lines, whatever came in. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tools/podlane/import_calico.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/** Our own assert: this build may have none, and the fuzzer wants a crash. */
static void require(bool is_so)
{
	if (!is_so)
		abort();
}

/** A line of the inventory is one of the few that there are, and its value one word. */
static void check_line(const char *line)
{
	static const char *const begins[] = {"# The file", "nodes:", "  - name: ", "    address: ",
		"    tunnel_address: ", "    mac: ", "    probe_address: "};

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (strncmp(line, begins[i], strlen(begins[i])) == 0) {
			require(i < 2 || strcspn(line + strlen(begins[i]), " :#") > 0);
			return;
		}
	require(false);
}

static void check_text(const char *text, bool is_inventory)
{
	const char *end;

	for (; *text != '\0'; text = end + 1) {
		end = strchr(text, '\n');
		require(end != NULL);
		for (const char *c = text; c < end; c++)
			require((unsigned char)*c >= 0x20 && *c != 0x7f);
		if (is_inventory)
			check_line(text);
	}
}

static void check_written(const json_t *doc)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	import_calico_write_config(out, doc, NULL);
	fclose(out);
	require(strlen(text) == len);
	check_text(text, false);
	free(text);
	out = open_memstream(&text, &len);
	import_calico_write_inventory(out, doc);
	fclose(out);
	require(strlen(text) == len);
	check_text(text, true);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	json_t *objects = json_object();
	struct import import = {.objects = objects, .node = "worker-override"};
	char *copy = malloc(len + 1); // its own block, so that a read past it is seen
	char error[300] = "";
	FILE *in;

	memcpy(copy, bytes, len);
	in = fmemopen(copy, len > 0 ? len : 1, "r");
	if (import_calico_read(in, objects, error, sizeof(error)) == 0) {
		import.doc = json_object();
		import_calico_work_out(&import);
		check_written(import.doc);
		json_decref(import.doc);
	} else {
		require(error[0] != '\0' && strchr(error, '\n') == NULL);
	}
	fclose(in);
	free(copy);
	json_decref(objects);
	return 0;
}
