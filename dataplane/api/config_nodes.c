/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of nodes: keys, types and checks. Called by control/inventory.c. */
#include "dataplane/api/config_nodes.h"

#include <arpa/inet.h>
#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPT (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)
#define FIELD_STR(key, m)                                                                          \
	CYAML_FIELD_STRING_PTR(key, OPT, struct config_node, m, 0, CYAML_UNLIMITED)

static const cyaml_schema_field_t node_fields[] = {
	FIELD_STR("name", name),
	FIELD_STR("address", address),
	FIELD_STR("tunnel_address", tunnel_address),
	FIELD_STR("mac", mac),
	FIELD_STR("probe_address", probe_address),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t node_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_node, node_fields),
};
static const cyaml_schema_field_t nodes_fields[] = {
	CYAML_FIELD_SEQUENCE_COUNT("nodes", OPT, struct config_nodes, node, n, &node_entry, 0,
		CYAML_UNLIMITED),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t nodes_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct config_nodes, nodes_fields),
};

/* libcyaml's first complaint and the first line it names. */
struct complaint {
	char text[160];
	unsigned line;
};

static void note_log(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
	struct complaint *complaint = ctx;
	char line[256];
	const char *at;

	(void)level;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	if (complaint->text[0] == '\0')
		snprintf(complaint->text, sizeof(complaint->text), "%.150s",
			strncmp(line, "Load: ", 6) == 0 ? line + 6 : line);
	at = strstr(line, "(line: ");
	if (at != NULL && complaint->line == 0)
		sscanf(at, "(line: %u", &complaint->line);
}

static const cyaml_config_t quiet = {.mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR};

static int take_address(const char *text, uint32_t *addr)
{
	struct in_addr in;

	*addr = 0;
	if (text == NULL)
		return 0;
	if (inet_pton(AF_INET, text, &in) != 1 || in.s_addr == 0)
		return -EINVAL;
	*addr = ntohl(in.s_addr);
	return 0;
}

static int take_mac(struct config_node *node)
{
	unsigned byte[6];
	int end = 0;

	node->has_mac = node->mac != NULL;
	if (node->mac == NULL)
		return 0;
	if (sscanf(node->mac, "%2x:%2x:%2x:%2x:%2x:%2x%n", &byte[0], &byte[1], &byte[2], &byte[3],
		    &byte[4], &byte[5], &end) != 6 ||
		node->mac[end] != '\0' || (byte[0] & 1) != 0)
		return -EINVAL;
	for (int i = 0; i < 6; i++)
		node->vtep_mac[i] = (uint8_t)byte[i];
	return 0;
}

/* Returns what is wrong, NULL: nothing. */
static const char *check_node(struct config_node *node)
{
	if (node->name == NULL || node->name[0] == '\0')
		return "has no name";
	if (node->address == NULL || take_address(node->address, &node->addr) != 0)
		return "address: is no IPv4 address";
	if (take_address(node->tunnel_address, &node->tunnel_addr) != 0)
		return "tunnel_address: is no IPv4 address";
	if (take_address(node->probe_address, &node->probe_addr) != 0)
		return "probe_address: is no IPv4 address";
	if (take_mac(node) != 0)
		return "mac: is no unicast MAC like 66:3e:ca:a4:db:65";
	return NULL;
}

static int compare_addresses(const void *a, const void *b)
{
	const struct config_node *x = *(struct config_node *const *)a;
	const struct config_node *y = *(struct config_node *const *)b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Two nodes with one address: which of them it is would be chance. */
static int check_doubles(const char *path, const struct config_nodes *nodes, char *error,
	size_t error_bytes)
{
	const struct config_node **sorted = calloc(nodes->n + 1, sizeof(*sorted));
	int err = 0;

	if (sorted == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < nodes->n; i++)
		sorted[i] = &nodes->node[i];
	qsort(sorted, nodes->n, sizeof(*sorted), compare_addresses);
	for (unsigned i = 1; i < nodes->n && err == 0; i++)
		if (sorted[i - 1]->addr == sorted[i]->addr) {
			snprintf(error, error_bytes, "%s: %s and %s: both have address %s", path,
				sorted[i - 1]->name, sorted[i]->name, sorted[i]->address);
			err = -EINVAL;
		}
	free(sorted);
	return err;
}

static int check_nodes(const char *path, const struct config_nodes *nodes, char *error,
	size_t error_bytes)
{
	for (unsigned i = 0; i < nodes->n; i++) {
		const char *wrong = check_node(&nodes->node[i]);

		if (wrong != NULL) {
			snprintf(error, error_bytes, "%s: nodes[%u] (%s): %s", path, i,
				nodes->node[i].name == NULL ? "?" : nodes->node[i].name, wrong);
			return -EINVAL;
		}
	}
	return check_doubles(path, nodes, error, error_bytes);
}

int config_nodes_load(const char *path, struct config_nodes **nodes, char *error,
	size_t error_bytes)
{
	struct complaint complaint = {.line = 0};
	cyaml_config_t with_log = quiet;
	struct config_nodes *read = NULL;
	FILE *file = fopen(path, "re");
	cyaml_err_t status;
	int err;

	if (file == NULL) {
		err = -errno;
		snprintf(error, error_bytes, "%s: %s", path, strerror(-err));
		return err;
	}
	fclose(file);
	with_log.log_fn = note_log;
	with_log.log_ctx = &complaint;
	status = cyaml_load_file(path, &with_log, &nodes_value, (cyaml_data_t **)&read, NULL);
	if (status != CYAML_OK) {
		snprintf(error, error_bytes, "%s:%u: %s; \"nodes:\" is a list of {name, address}",
			path, complaint.line,
			complaint.text[0] != '\0' ? complaint.text : cyaml_strerror(status));
		return -EINVAL;
	}
	if (read == NULL) {
		// perhaps somebody is about to write it
		snprintf(error, error_bytes, "%s: is empty; \"nodes: []\" says that there are none",
			path);
		return -EINVAL;
	}
	err = check_nodes(path, read, error, error_bytes);
	if (err != 0)
		config_nodes_free(read);
	else
		*nodes = read;
	return err;
}

void config_nodes_free(struct config_nodes *nodes)
{
	cyaml_free(&quiet, &nodes_value, nodes, 0);
}
