/* SPDX-License-Identifier: BSD-3-Clause */
/* What was imported, as YAML that config_load() and config_nodes_load() read. Called by import_calico.c. */
#include "tools/podlane/import_calico.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void write_pools(FILE *out, const json_t *pools)
{
	const json_t *pool;
	size_t i;

	if (json_array_size(pools) == 0)
		return;
	fputs("pools:\n", out);
	json_array_foreach(pools, i, pool)
	{
		fprintf(out, "  - cidr: %-20s # IPPool %s\n    encap: %s\n", text_of(pool, "cidr"),
			text_of(pool, "name"), text_of(pool, "encap"));
		if (text_of(pool, "scope") != NULL)
			fprintf(out, "    scope: %s\n", text_of(pool, "scope"));
	}
}

static void write_tunnel(FILE *out, const json_t *tunnel)
{
	const json_t *source;
	size_t i;

	fputs("tunnel:\n", out);
	if (text_of(tunnel, "mac") != NULL)
		fprintf(out, "  mac: %s\n", text_of(tunnel, "mac"));
	fprintf(out, "  vni: %d\n  port: %d\n  sources:",
		(int)json_integer_value(json_object_get(tunnel, "vni")),
		(int)json_integer_value(json_object_get(tunnel, "port")));
	if (json_array_size(json_object_get(tunnel, "sources")) == 0)
		fputs(" []", out);
	fputs("\n", out);
	json_array_foreach(json_object_get(tunnel, "sources"), i, source)
		fprintf(out, "    - %s\n", json_string_value(source));
}

void import_calico_write_config(FILE *out, const json_t *doc, const char *inventory)
{
	const json_t *line;
	size_t i;

	fputs("# For podlane.yaml, in place of the sections of these names.\n", out);
	write_pools(out, json_object_get(doc, "pools"));
	write_tunnel(out, json_object_get(doc, "tunnel"));
	if (inventory != NULL)
		fprintf(out, "inventory: %s\n", inventory);
	if (json_array_size(json_object_get(doc, "frr")) > 0)
		fputs("# Where FRR takes BIRD's place, for frr.conf beside what configs/frr "
		      "shows:\n",
			out);
	json_array_foreach(json_object_get(doc, "frr"), i, line)
		fprintf(out, "#   %s\n", json_string_value(line));
}

void import_calico_write_inventory(FILE *out, const json_t *doc)
{
	static const char *const keys[] = {"address", "tunnel_address", "mac", "probe_address"};
	const json_t *nodes = json_object_get(doc, "nodes");
	const json_t *node;
	size_t i;

	fputs("# The file that podlane.yaml's \"inventory\" names. Made by podlane "
	      "import-calico.\n",
		out);
	fprintf(out, "nodes:%s\n", json_array_size(nodes) == 0 ? " []" : "");
	json_array_foreach(nodes, i, node)
	{
		fprintf(out, "  - name: %s\n", text_of(node, "name"));
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			if (text_of(node, keys[k]) != NULL)
				fprintf(out, "    %s: %s\n", keys[k], text_of(node, keys[k]));
	}
}

/* Into a file beside it that then takes its name; control looks at the file once a second. */
int import_calico_save(const char *path, const json_t *doc)
{
	char *temporary = NULL;
	int fd, err = -ENOMEM;
	FILE *out;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		goto err_free;
	}
	out = fdopen(fd, "w");
	if (out == NULL) {
		close(fd);
		goto err_unlink;
	}
	import_calico_write_inventory(out, doc);
	errno = EIO;
	err = fflush(out) == 0 && ferror(out) == 0 && fchmod(fd, 0644) == 0 && fsync(fd) == 0
		      ? 0
		      : -errno;
	if (fclose(out) != 0 && err == 0)
		err = -errno;
	if (err == 0 && rename(temporary, path) != 0)
		err = -errno;
err_unlink:
	if (err != 0)
		unlink(temporary);
err_free:
	free(temporary);
	return err;
}
