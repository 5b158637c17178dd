/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * podlane.yaml: defaults and checks. Called by main.c of both programs. Each option has one row below
 * with its default and range; config_schema.c says where it stands in the file.
 */
#include "dataplane/api/config.h"

#include "dataplane/api/config_place.h"
#include "dataplane/api/config_loading.h"
#include "dataplane/api/config_schema.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define CONFIG_FILE_BYTES 1048576u
#define CONFIG_CPUS	  1024u /* CPU_SETSIZE of glibc */
#define CONFIG_POOL	  "10.244.0.0/16"

#define RAW(member) offsetof(struct raw_config, member)
#define CFG(member) offsetof(struct config, member)

struct number_row {
	const char *key;
	size_t raw, cfg;
	uint32_t preset, min, max;
};

static const struct number_row number_rows[] = {
	{"tunnel.vni", RAW(tunnel.vni), CFG(tunnel.vni), 4096, 0, 0xffffff},
	{"tunnel.port", RAW(tunnel.port), CFG(tunnel.port), 4789, 1, 65535},
	{"probe.budget_pps", RAW(probe.budget_pps), CFG(probe.budget_pps), 500, 0, 100000},
	{"dataplane.main_lcore", RAW(dataplane.main_lcore), CFG(dataplane.main_lcore), 0, 0,
		CONFIG_CPUS - 1},
	{"dataplane.idle_us", RAW(dataplane.idle_us), CFG(dataplane.idle_us), 50, 1, 100000},
	{"dataplane.memory_mb", RAW(dataplane.memory_mb), CFG(dataplane.memory_mb), 512, 64,
		1048576},
	{"dataplane.mbufs", RAW(dataplane.mbufs), CFG(dataplane.mbufs), 16384, 1024, 16777216},
	{"dataplane.punt_pps", RAW(dataplane.punt_pps), CFG(dataplane.punt_pps), 20000, 0,
		100000000},
	{"dataplane.icmp_errors_pps", RAW(dataplane.icmp_errors_pps),
		CFG(dataplane.icmp_errors_pps), 100, 0, 1000000},
	{"dataplane.fib.max_routes", RAW(dataplane.fib.max_routes), CFG(dataplane.fib.max_routes),
		65536, 16, 8388608},
	{"dataplane.fib.tbl8_groups", RAW(dataplane.fib.tbl8_groups),
		CFG(dataplane.fib.tbl8_groups), 0, 0, 8388608},
	{"dataplane.max_paths", RAW(dataplane.max_paths), CFG(dataplane.max_paths), 16384, 64,
		4194304},
	{"dataplane.max_groups", RAW(dataplane.max_groups), CFG(dataplane.max_groups), 4096, 16,
		1048576},
	// Enumerations: their names are checked by the schema.
	{"dataplane.idle", RAW(dataplane.idle), CFG(dataplane.idle), CONFIG_IDLE_SLEEP, 0,
		UINT32_MAX},
	{"dataplane.fib.engine", RAW(dataplane.fib.engine), CFG(dataplane.fib.engine),
		CONFIG_ENGINE_AUTO, 0, UINT32_MAX},
};

struct string_row {
	const char *key;
	size_t raw, cfg;
	const char *preset; /* NULL: must be said */
	size_t max_len;
};

static const struct string_row string_rows[] = {
	{"node.name", RAW(node.name), CFG(node.name), NULL, 253},
	{"inventory", RAW(inventory), CFG(inventory), "", 255},
	{"fpm.listen", RAW(fpm.listen), CFG(fpm.listen), "127.0.0.1:2620", 64},
	{"fpm.replay_end", RAW(fpm.replay_end), CFG(fpm.replay_end),
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 64},
	{"sockets.dataplane", RAW(sockets.dataplane), CFG(sockets.dataplane),
		"/run/podlane/dataplane.sock", sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1},
	{"sockets.control", RAW(sockets.control), CFG(sockets.control), "/run/podlane/control.sock",
		sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1},
	{"dataplane.punt_interface", RAW(dataplane.punt_interface), CFG(dataplane.punt_interface),
		"podlane0", IFNAMSIZ - 1},
};

int config_refuse(struct config_loading *load, const char *key, const char *fmt, ...)
{
	unsigned line = config_place_of(load->text, key);
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (line > 0)
		snprintf(load->error, load->error_bytes, "%s:%u: %s: %s", load->path, line, key,
			text);
	else
		snprintf(load->error, load->error_bytes, "%s: %s: %s", load->path, key, text);
	return -EINVAL;
}

int config_no_memory(struct config_loading *load)
{
	snprintf(load->error, load->error_bytes, "%s: out of memory", load->path);
	return -ENOMEM;
}

static int take_numbers(struct config_loading *load)
{
	for (size_t i = 0; i < sizeof(number_rows) / sizeof(number_rows[0]); i++) {
		const struct number_row *row = &number_rows[i];
		uint32_t *const *raw = (uint32_t *const *)((const char *)load->raw + row->raw);
		uint32_t value = *raw != NULL ? **raw : row->preset;

		if (value < row->min || value > row->max)
			return config_refuse(load, row->key,
				"%u is not in %u..%u; the default is %u", value, row->min, row->max,
				row->preset);
		*(uint32_t *)((char *)load->cfg + row->cfg) = value;
	}
	load->cfg->dataplane.hugepages =
		load->raw->dataplane.hugepages != NULL && *load->raw->dataplane.hugepages;
	return 0;
}

char *config_take_string(char **raw, const char *preset)
{
	char *value = *raw;

	*raw = NULL;
	if (value == NULL && preset != NULL)
		value = strdup(preset);
	return value;
}

static int take_strings(struct config_loading *load)
{
	for (size_t i = 0; i < sizeof(string_rows) / sizeof(string_rows[0]); i++) {
		const struct string_row *row = &string_rows[i];
		char *value =
			config_take_string((char **)((char *)load->raw + row->raw), row->preset);

		if (value == NULL && row->preset != NULL)
			return config_no_memory(load);
		*(char **)((char *)load->cfg + row->cfg) = value;
		if (value == NULL)
			return config_refuse(load, row->key, "has no default; set it");
		if (strlen(value) > row->max_len)
			return config_refuse(load, row->key,
				"is %zu characters long; shorten it to %zu", strlen(value),
				row->max_len);
		if (value[0] == '\0' && strcmp(row->key, "fpm.replay_end") != 0 &&
			strcmp(row->key, "inventory") != 0)
			return config_refuse(load, row->key,
				"is empty; set it or leave the key out");
	}
	return 0;
}

static int take_pods(struct config_loading *load)
{
	struct raw_pods *raw = load->raw->pods;

	if (raw == NULL)
		return 0;
	load->cfg->pods = calloc(1, sizeof(*load->cfg->pods));
	if (load->cfg->pods == NULL)
		return config_no_memory(load);
	load->cfg->pods->match = config_take_string(&raw->match, "cali*");
	load->cfg->pods->checksum = raw->checksum != NULL ? (enum config_checksum) * raw->checksum
							  : CONFIG_CHECKSUM_COMPLETE;
	load->cfg->pods->allow_tunnels = raw->allow_tunnels != NULL && *raw->allow_tunnels;
	return load->cfg->pods->match != NULL ? 0 : config_no_memory(load);
}

static int check_pool(struct config_loading *load, unsigned i)
{
	struct config_pool *pool = &load->cfg->pools[i];
	struct in_addr in;
	unsigned depth;
	char key[64], addr[16];
	uint32_t mask;
	int end = 0;

	snprintf(key, sizeof(key), "pools[%u].cidr", i);
	if (pool->cidr == NULL)
		return config_refuse(load, key, "is missing; write \"- cidr: " CONFIG_POOL "\"");
	if (sscanf(pool->cidr, "%15[0-9.]/%2u%n", addr, &depth, &end) != 2 ||
		pool->cidr[end] != '\0' || inet_pton(AF_INET, addr, &in) != 1 || depth < 1 ||
		depth > 32)
		return config_refuse(load, key,
			"%s is no IPv4 prefix of length 1..32 like " CONFIG_POOL, pool->cidr);
	mask = UINT32_MAX << (32 - depth);
	pool->prefix = ntohl(in.s_addr);
	pool->depth = (uint8_t)depth;
	if ((pool->prefix & ~mask) != 0) {
		in.s_addr = htonl(pool->prefix & mask);
		inet_ntop(AF_INET, &in, addr, sizeof(addr));
		return config_refuse(load, key, "%s has bits right of /%u; write %s/%u", pool->cidr,
			depth, addr, depth);
	}
	for (unsigned j = 0; j < i; j++)
		if (load->cfg->pools[j].prefix == pool->prefix &&
			load->cfg->pools[j].depth == depth)
			return config_refuse(load, key, "%s is there twice; remove one",
				pool->cidr);
	return 0;
}

static void take_encap(struct config_loading *load, unsigned i, bool is_said)
{
	const int *encap = is_said ? load->raw->pools[i].encap : NULL;
	const int *scope = is_said ? load->raw->pools[i].scope : NULL;

	load->cfg->pools[i].encap =
		encap != NULL ? (enum config_encap) * encap : CONFIG_ENCAP_FOLLOW;
	load->cfg->pools[i].scope =
		scope != NULL ? (enum config_scope) * scope : CONFIG_SCOPE_ALWAYS;
}

static int take_pools(struct config_loading *load)
{
	// An empty list is an answer, "no pools"; only a missing key means the default.
	bool is_said = config_place_of(load->text, "pools") != 0;
	unsigned n = is_said ? load->raw->pools_count : 1;

	load->cfg->pools = calloc(n + 1, sizeof(*load->cfg->pools));
	if (load->cfg->pools == NULL)
		return config_no_memory(load);
	load->cfg->n_pools = n;
	for (unsigned i = 0; i < n; i++) {
		char *none = NULL;
		int err;

		load->cfg->pools[i].cidr = config_take_string(
			is_said ? &load->raw->pools[i].cidr : &none, is_said ? NULL : CONFIG_POOL);
		take_encap(load, i, is_said);
		err = check_pool(load, i);
		if (err != 0)
			return err;
	}
	return 0;
}

static int check_workers(struct config_loading *load)
{
	struct config_dataplane *dp = &load->cfg->dataplane;
	const char *key = "dataplane.workers";

	for (unsigned i = 0; i < dp->n_workers; i++) {
		if (dp->workers[i] >= CONFIG_CPUS)
			return config_refuse(load, key, "CPU %u is not in 0..%u", dp->workers[i],
				CONFIG_CPUS - 1);
		for (unsigned j = 0; j < i; j++)
			if (dp->workers[j] == dp->workers[i])
				return config_refuse(load, key, "CPU %u is there twice; remove one",
					dp->workers[i]);
	}
	return 0;
}

static int take_workers(struct config_loading *load)
{
	struct config_dataplane *dp = &load->cfg->dataplane;
	const uint32_t *raw = load->raw->dataplane.workers;
	static const uint32_t preset = 1;
	bool is_said = load->raw->dataplane.workers_count > 0;

	if (!is_said && config_place_of_name(load->text, "workers", 1) != 0)
		return config_refuse(load, "dataplane.workers",
			"is empty; nobody would poll: name a CPU");
	dp->n_workers = is_said ? load->raw->dataplane.workers_count : 1;
	dp->workers = calloc(dp->n_workers, sizeof(*dp->workers));
	if (dp->workers == NULL)
		return config_no_memory(load);
	memcpy(dp->workers, is_said ? raw : &preset, dp->n_workers * sizeof(*dp->workers));
	return check_workers(load);
}

/* "127.0.0.1:2620" */
static int check_listen(struct config_loading *load)
{
	struct in_addr in;
	unsigned port;
	char addr[16];
	int end = 0;

	if (sscanf(load->cfg->fpm.listen, "%15[0-9.]:%5u%n", addr, &port, &end) != 2 ||
		load->cfg->fpm.listen[end] != '\0' || inet_pton(AF_INET, addr, &in) != 1 ||
		port < 1 || port > 65535)
		return config_refuse(load, "fpm.listen",
			"%s is no IPv4 address:port like 127.0.0.1:2620", load->cfg->fpm.listen);
	return 0;
}

static int check_replay_end(struct config_loading *load)
{
	const char *text = load->cfg->fpm.replay_end;
	struct in6_addr in;
	unsigned depth;
	char addr[64];
	int end = 0;

	if (text[0] == '\0')
		return 0;
	if (sscanf(text, "%63[0-9a-fA-F:.]/%3u%n", addr, &depth, &end) != 2 || text[end] != '\0' ||
		inet_pton(AF_INET6, addr, &in) != 1 || depth < 1 || depth > 128)
		return config_refuse(load, "fpm.replay_end",
			"%s is no IPv6 prefix; leave it out for the default, see configs/frr",
			text);
	return 0;
}

static int check_whole(struct config_loading *load)
{
	if (load->cfg->n_ports == 0 && load->cfg->pods == NULL)
		return config_refuse(load, "ports",
			"there is nothing to poll; add ports: or pods:");
	if (strcmp(load->cfg->sockets.dataplane, load->cfg->sockets.control) == 0)
		return config_refuse(load, "sockets.control",
			"is also sockets.dataplane; change one");
	return 0;
}

/* Read a whole file; the text ends with a NUL. */
static int read_file(const char *path, char **text)
{
	FILE *file = fopen(path, "re");
	size_t n;
	int err;

	if (file == NULL)
		return -errno;
	err = -ENOMEM;
	*text = calloc(1, CONFIG_FILE_BYTES + 1);
	if (*text == NULL)
		goto err_close;
	errno = 0;
	n = fread(*text, 1, CONFIG_FILE_BYTES, file);
	err = ferror(file) ? -errno : n == CONFIG_FILE_BYTES ? -EFBIG : 0;
	if (err == 0 && strlen(*text) != n)
		err = -EINVAL;
	if (err != 0) {
		free(*text);
		*text = NULL;
	}
err_close:
	fclose(file);
	return err;
}

static int take_all(struct config_loading *load)
{
	static int (*const steps[])(struct config_loading *) = {
		take_strings,
		take_numbers,
		config_take_ports,
		take_pods,
		take_pools,
		config_take_tunnel,
		config_take_probe,
		take_workers,
		check_listen,
		check_replay_end,
		check_whole,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int err = steps[i](load);

		if (err != 0)
			return err;
	}
	return 0;
}

int config_load(const char *path, struct config **cfg, char *error, size_t error_bytes)
{
	struct config_loading load = {.path = path, .error = error, .error_bytes = error_bytes};
	char text[400];
	int err = read_file(path, &load.text);

	if (err != 0) {
		snprintf(error, error_bytes, "%s: %s; give the file with --config FILE", path,
			strerror(-err));
		return err;
	}
	err = config_schema_load(load.text, &load.raw, text, sizeof(text));
	if (err != 0) {
		snprintf(error, error_bytes, "%s:%s", path, text);
		goto err_free_text;
	}
	err = -EINVAL;
	if (load.raw == NULL) {
		snprintf(error, error_bytes, "%s: is empty; copy configs/podlane.yaml", path);
		goto err_free_text;
	}
	load.cfg = calloc(1, sizeof(*load.cfg));
	err = load.cfg != NULL ? take_all(&load) : config_no_memory(&load);
	config_schema_free(load.raw);
	if (err != 0)
		config_free(load.cfg);
	else
		*cfg = load.cfg;
err_free_text:
	free(load.text);
	return err;
}

void config_free(struct config *cfg)
{
	if (cfg == NULL)
		return;
	for (unsigned i = 0; cfg->ports != NULL && i < cfg->n_ports; i++) {
		free(cfg->ports[i].name);
		free(cfg->ports[i].interface);
		free(cfg->ports[i].devargs);
		free(cfg->ports[i].pci);
	}
	for (unsigned i = 0; cfg->pools != NULL && i < cfg->n_pools; i++)
		free(cfg->pools[i].cidr);
	for (size_t i = 0; i < sizeof(string_rows) / sizeof(string_rows[0]); i++)
		free(*(char **)((char *)cfg + string_rows[i].cfg));
	if (cfg->pods != NULL)
		free(cfg->pods->match);
	free(cfg->pods);
	free(cfg->ports);
	free(cfg->pools);
	free(cfg->tunnel.sources);
	free(cfg->dataplane.workers);
	free(cfg);
}
