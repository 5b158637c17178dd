/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys of podlane.yaml and their types, for libcyaml. Called by config.c only. */
#include "dataplane/api/config_schema.h"

#include "dataplane/api/config.h"
#include "dataplane/api/config_place.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const cyaml_strval_t checksums[] = {
	{"trust", CONFIG_CHECKSUM_TRUST},
	{"complete", CONFIG_CHECKSUM_COMPLETE},
};
static const cyaml_strval_t idles[] = {
	{"sleep", CONFIG_IDLE_SLEEP},
	{"poll", CONFIG_IDLE_POLL},
};
static const cyaml_strval_t engines[] = {
	{"auto", CONFIG_ENGINE_AUTO},
	{"lpm", CONFIG_ENGINE_LPM},
	{"dir24-8", CONFIG_ENGINE_DIR24_8},
};

static const cyaml_strval_t encaps[] = {
	{"follow", CONFIG_ENCAP_FOLLOW},
	{"none", CONFIG_ENCAP_NONE},
	{"ipip", CONFIG_ENCAP_IPIP},
	{"vxlan", CONFIG_ENCAP_VXLAN},
	{"auto", CONFIG_ENCAP_AUTO},
};
static const cyaml_strval_t scopes[] = {
	{"always", CONFIG_SCOPE_ALWAYS},
	{"cross-subnet", CONFIG_SCOPE_CROSS_SUBNET},
};

#define OPT		      (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)
#define FIELD_STR(key, s, m)  CYAML_FIELD_STRING_PTR(key, OPT, s, m, 0, CYAML_UNLIMITED)
#define FIELD_UINT(key, s, m) CYAML_FIELD_UINT_PTR(key, OPT, s, m)
#define FIELD_ENUM(key, s, m, table)                                                               \
	CYAML_FIELD_ENUM_PTR(key, OPT | CYAML_FLAG_STRICT, s, m, table, CYAML_ARRAY_LEN(table))
#define FIELD_MAP(key, s, m, fields) CYAML_FIELD_MAPPING(key, CYAML_FLAG_OPTIONAL, s, m, fields)
#define FIELD_LIST(key, s, m, entry) CYAML_FIELD_SEQUENCE(key, OPT, s, m, entry, 0, CYAML_UNLIMITED)

static const cyaml_schema_field_t node_fields[] = {
	FIELD_STR("name", struct raw_node, name),
	FIELD_STR("probe_address", struct raw_node, probe_address),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t probe_fields[] = {
	FIELD_UINT("budget_pps", struct raw_probe, budget_pps),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t port_fields[] = {
	FIELD_STR("name", struct raw_port, name),
	FIELD_STR("interface", struct raw_port, interface),
	FIELD_STR("devargs", struct raw_port, devargs),
	FIELD_STR("pci", struct raw_port, pci),
	FIELD_UINT("queues", struct raw_port, queues),
	FIELD_UINT("descriptors", struct raw_port, descriptors),
	FIELD_UINT("mtu", struct raw_port, mtu),
	FIELD_UINT("vlan", struct raw_port, vlan),
	FIELD_ENUM("checksum", struct raw_port, checksum, checksums),
	CYAML_FIELD_BOOL_PTR("twin", OPT, struct raw_port, twin),
	CYAML_FIELD_BOOL_PTR("promiscuous", OPT, struct raw_port, promiscuous),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t port_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_port, port_fields),
};

static const cyaml_schema_field_t pods_fields[] = {
	FIELD_STR("match", struct raw_pods, match),
	FIELD_ENUM("checksum", struct raw_pods, checksum, checksums),
	CYAML_FIELD_BOOL_PTR("allow_tunnels", OPT, struct raw_pods, allow_tunnels),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t pool_fields[] = {
	FIELD_STR("cidr", struct raw_pool, cidr),
	FIELD_ENUM("encap", struct raw_pool, encap, encaps),
	FIELD_ENUM("scope", struct raw_pool, scope, scopes),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t pool_entry = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_pool, pool_fields),
};

static const cyaml_schema_value_t source_entry = {
	CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, CYAML_UNLIMITED),
};
static const cyaml_schema_field_t tunnel_fields[] = {
	FIELD_STR("address", struct raw_tunnel, address),
	FIELD_STR("mac", struct raw_tunnel, mac),
	FIELD_UINT("vni", struct raw_tunnel, vni),
	FIELD_UINT("port", struct raw_tunnel, port),
	CYAML_FIELD_BOOL_PTR("udp_checksum", OPT, struct raw_tunnel, udp_checksum),
	FIELD_STR("source_port_range", struct raw_tunnel, source_port_range),
	FIELD_LIST("sources", struct raw_tunnel, sources, &source_entry),
	CYAML_FIELD_BOOL_PTR("check_inner_source", OPT, struct raw_tunnel, check_inner_source),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t fpm_fields[] = {
	FIELD_STR("listen", struct raw_fpm, listen),
	FIELD_STR("replay_end", struct raw_fpm, replay_end),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t sockets_fields[] = {
	FIELD_STR("dataplane", struct raw_sockets, dataplane),
	FIELD_STR("control", struct raw_sockets, control),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t fib_fields[] = {
	FIELD_ENUM("engine", struct raw_fib, engine, engines),
	FIELD_UINT("max_routes", struct raw_fib, max_routes),
	FIELD_UINT("tbl8_groups", struct raw_fib, tbl8_groups),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t lcore_entry = {
	CYAML_VALUE_UINT(CYAML_FLAG_DEFAULT, uint32_t),
};
static const cyaml_schema_field_t dataplane_fields[] = {
	FIELD_UINT("main_lcore", struct raw_dataplane, main_lcore),
	FIELD_LIST("workers", struct raw_dataplane, workers, &lcore_entry),
	FIELD_ENUM("idle", struct raw_dataplane, idle, idles),
	FIELD_UINT("idle_us", struct raw_dataplane, idle_us),
	CYAML_FIELD_BOOL_PTR("hugepages", OPT, struct raw_dataplane, hugepages),
	FIELD_UINT("memory_mb", struct raw_dataplane, memory_mb),
	FIELD_UINT("mbufs", struct raw_dataplane, mbufs),
	FIELD_STR("punt_interface", struct raw_dataplane, punt_interface),
	FIELD_UINT("punt_pps", struct raw_dataplane, punt_pps),
	FIELD_UINT("icmp_errors_pps", struct raw_dataplane, icmp_errors_pps),
	FIELD_MAP("fib", struct raw_dataplane, fib, fib_fields),
	FIELD_UINT("max_paths", struct raw_dataplane, max_paths),
	FIELD_UINT("max_groups", struct raw_dataplane, max_groups),
	CYAML_FIELD_END,
};

static const cyaml_schema_field_t config_fields[] = {
	FIELD_MAP("node", struct raw_config, node, node_fields),
	FIELD_LIST("ports", struct raw_config, ports, &port_entry),
	CYAML_FIELD_MAPPING_PTR("pods", OPT, struct raw_config, pods, pods_fields),
	FIELD_LIST("pools", struct raw_config, pools, &pool_entry),
	FIELD_MAP("tunnel", struct raw_config, tunnel, tunnel_fields),
	FIELD_MAP("probe", struct raw_config, probe, probe_fields),
	FIELD_STR("inventory", struct raw_config, inventory),
	FIELD_MAP("fpm", struct raw_config, fpm, fpm_fields),
	FIELD_MAP("sockets", struct raw_config, sockets, sockets_fields),
	FIELD_MAP("dataplane", struct raw_config, dataplane, dataplane_fields),
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t config_value = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_config, config_fields),
};

/* What libcyaml said: its first complaint, and the innermost place of its backtrace. */
struct complaint {
	char text[160];
	char key[64];
	unsigned line;
};

/* Lines come as "Load: Unexpected key: x", "  in mapping field 'name' (line: 2, column: 3)". */
static void note_log(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
	struct complaint *complaint = ctx;
	char line[256];
	char *at;

	(void)level;
	vsnprintf(line, sizeof(line), fmt, args);
	line[strcspn(line, "\n")] = '\0';
	at = strncmp(line, "Load: ", 6) == 0 ? line + 6 : line;
	if (complaint->text[0] == '\0') {
		snprintf(complaint->text, sizeof(complaint->text), "%.150s", at);
		return;
	}
	if (complaint->key[0] == '\0')
		sscanf(at, " in mapping field '%63[^']'", complaint->key);
	at = strstr(at, "(line: ");
	if (at != NULL && complaint->line == 0)
		sscanf(at, "(line: %u", &complaint->line);
}

static void explain(const char *text, const struct complaint *complaint, char *error,
	size_t error_bytes)
{
	const char *colon = strrchr(complaint->text, ' ');
	unsigned line = complaint->line;

	// For these two libcyaml knows only the last value before; the key itself is at or below it.
	if (strncmp(complaint->text, "Unexpected key: ", 16) == 0) {
		line = config_place_of_name(text, colon + 1, line);
		snprintf(error, error_bytes,
			"%u: %s: unknown key; correct or remove it (configs/podlane.yaml lists "
			"all)",
			line, colon + 1);
	} else if (strncmp(complaint->text, "Mapping field already seen: ", 28) == 0) {
		line = config_place_of_name(text, colon + 1, line + 1);
		snprintf(error, error_bytes, "%u: %s: said twice; remove one of the two", line,
			colon + 1);
	} else if (line != 0) {
		snprintf(error, error_bytes, "%u: %s: %s; configs/podlane.yaml shows the form",
			line, complaint->key, complaint->text);
	} else {
		snprintf(error, error_bytes, " %s; configs/podlane.yaml shows the form",
			complaint->text);
	}
}

static const cyaml_config_t quiet = {.mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR};

int config_schema_load(const char *text, struct raw_config **raw, char *error, size_t error_bytes)
{
	struct complaint complaint = {.line = 0};
	cyaml_config_t with_log = quiet;
	cyaml_data_t *data = NULL;
	cyaml_err_t err;

	with_log.log_fn = note_log;
	with_log.log_ctx = &complaint;
	err = cyaml_load_data((const uint8_t *)text, strlen(text), &with_log, &config_value, &data,
		NULL);
	if (err != CYAML_OK) {
		if (complaint.text[0] == '\0')
			snprintf(complaint.text, sizeof(complaint.text), "%s", cyaml_strerror(err));
		explain(text, &complaint, error, error_bytes);
		return -EINVAL;
	}
	*raw = data;
	return 0;
}

void config_schema_free(struct raw_config *raw)
{
	cyaml_free(&quiet, &config_value, raw, 0);
}
