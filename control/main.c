/* SPDX-License-Identifier: BSD-3-Clause */
/* podlane-control: starts and stops things. Read pipeline.c to see what happens in between. */
#include "control/fpm_conn.h"
#include "control/inventory.h"
#include "control/log.h"
#include "control/neigh.h"
#include "control/pipeline.h"
#include "control/reload.h"
#include "control/show.h"
#include "control/underlay.h"
#include "control/vtep_mac.h"
#include "dataplane/api/config.h"

#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#ifndef PODLANE_VERSION
#define PODLANE_VERSION "unknown"
#endif

const char *argp_program_version = "podlane-control " PODLANE_VERSION;

static const char doc[] =
	"Takes FRR's routes over FPM, resolves them with the kernel's neighbours, and keeps "
	"podlane-dataplane's tables right.\v"
	"Example:\n"
	"  podlane-control --config /etc/podlane/podlane.yaml --check\n"
	"  podlane-control --config /etc/podlane/podlane.yaml\n\n"
	"zebra has to be told where we listen: see configs/frr. \"podlane status\" shows how it "
	"goes. SIGHUP has it read the file again.";

struct arguments {
	const char *config;
	bool check;
};

static const struct argp_option options[] = {
	{"config", 'c', "FILE", 0, "the configuration, /etc/podlane/podlane.yaml unless given", 0},
	{"check", 'n', NULL, 0, "check the configuration and exit", 0},
	{"log", 'l', "LEVEL", 0, "err, warning, notice, info (default) or debug", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	enum log_level level;

	switch (key) {
	case 'c':
		arguments->config = arg;
		return 0;
	case 'n':
		arguments->check = true;
		return 0;
	case 'l':
		if (log_level_from_name(arg, &level) != 0)
			argp_error(state, "--log %s: give err, warning, notice, info or debug",
				arg);
		log_set_level(level);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {.options = options, .parser = parse_option, .doc = doc};

/* Everything that runs, in the order in which it is started. */
struct program {
	const char *config_path;
	struct config *cfg;
	struct event_base *base;
	struct event *stop[2], *reload;
	struct pipeline *pipeline;
	struct inventory *inventory;
	struct underlay *underlay;
	struct neigh *neigh;
	struct fpm_conn *fpm;
	struct show *show;
};

static void on_stop(evutil_socket_t signal_number, short what, void *arg)
{
	(void)what;
	log_line(LOG_LEVEL_NOTICE, "main: stopping signal=%d; the dataplane keeps its tables",
		(int)signal_number);
	event_base_loopbreak(arg);
}

static void use_neighbour(uint32_t addr, uint32_t ifindex, void *arg)
{
	(void)neigh_use(arg, addr, ifindex);
}

/* config_load() has checked the form. */
static struct fpm_prefix parse_replay_end(const char *text)
{
	struct fpm_prefix prefix = {.table = FPM_MAIN_TABLE, .family = AF_INET6, .len = 128};
	char addr[64] = "";
	unsigned len = 128;

	sscanf(text, "%63[^/]/%u", addr, &len);
	inet_pton(AF_INET6, addr, prefix.addr);
	prefix.len = (uint8_t)len;
	return prefix;
}

/* The ports that Linux gives to flows where nothing else is said. */
static void read_local_ports(uint16_t *min, uint16_t *max)
{
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");

	if (file == NULL || fscanf(file, "%hu %hu", min, max) != 2) {
		*min = 32768;
		*max = 60999;
	}
	if (file != NULL)
		fclose(file);
}

static void take_tunnel(const struct config *cfg, struct resolve_tunnel *tunnel)
{
	*tunnel = (struct resolve_tunnel){
		.address = cfg->tunnel.address,
		.vni = cfg->tunnel.vni,
		.udp_port = (uint16_t)cfg->tunnel.port,
		.udp_src_min = cfg->tunnel.source_port_min,
		.udp_src_max = cfg->tunnel.source_port_max,
		.has_udp_checksum = cfg->tunnel.udp_checksum,
	};
	read_local_ports(&tunnel->system_src_min, &tunnel->system_src_max);
	memcpy(tunnel->mac, cfg->tunnel.mac, sizeof(tunnel->mac));
	if (!cfg->tunnel.has_mac)
		vtep_mac_of_name(cfg->node.name, tunnel->mac);
}

static void on_inventory(void *arg)
{
	struct program *program = arg;

	pipeline_set_inventory(program->pipeline, program->inventory);
	pipeline_turn(program->pipeline);
}

static int start_inventory(struct program *program)
{
	int err;

	if (program->cfg->inventory[0] == '\0')
		return 0;
	err = inventory_new(program->base, program->cfg->inventory, on_inventory, program,
		&program->inventory);
	if (err == 0)
		pipeline_set_inventory(program->pipeline, program->inventory);
	return err;
}

static void on_underlay(void *arg)
{
	struct program *program = arg;

	pipeline_set_underlay(program->pipeline, program->underlay);
	pipeline_turn(program->pipeline);
}

static int start_underlay(struct program *program)
{
	int err = underlay_new(program->base, on_underlay, program, &program->underlay);

	if (err == 0)
		pipeline_set_underlay(program->pipeline, program->underlay);
	return err;
}

/* Make the pipeline, or give it other settings. */
static int set_pipeline(struct program *program)
{
	const struct config *cfg = program->cfg;
	struct route_pool *pools = calloc(cfg->n_pools + 1, sizeof(*pools));
	struct wire_source *sources = calloc(cfg->tunnel.n_sources + 1, sizeof(*sources));
	struct pipeline_options pipeline_options = {
		.node = cfg->node.name,
		.dataplane_socket = cfg->sockets.dataplane,
		.pod_match = cfg->pods == NULL ? "" : cfg->pods->match,
		.pools = pools,
		.n_pools = cfg->n_pools,
		.sources = sources,
		.n_sources = cfg->tunnel.n_sources,
		.has_inner_check = cfg->tunnel.check_inner_source,
		.probe_address = cfg->node.probe_address,
		.probe_budget_pps = cfg->probe.budget_pps,
		.has_replay_end = cfg->fpm.replay_end[0] != '\0',
		.replay_end = parse_replay_end(cfg->fpm.replay_end),
	};
	int err = -ENOMEM;

	if (pools == NULL || sources == NULL)
		goto err_free;
	for (unsigned i = 0; i < cfg->n_pools; i++)
		pools[i] = (struct route_pool){
			.prefix = cfg->pools[i].prefix,
			.depth = cfg->pools[i].depth,
			.policy = hop_policy((enum encap)cfg->pools[i].encap,
				(enum encap_scope)cfg->pools[i].scope),
		};
	for (unsigned i = 0; i < cfg->tunnel.n_sources; i++)
		sources[i] = (struct wire_source){
			.prefix = cfg->tunnel.sources[i].prefix,
			.depth = cfg->tunnel.sources[i].depth,
		};
	take_tunnel(cfg, &pipeline_options.tunnel);
	err = program->pipeline != NULL
		      ? pipeline_change(program->pipeline, &pipeline_options)
		      : pipeline_new(program->base, &pipeline_options, &program->pipeline);
err_free:
	free(pools);
	free(sources);
	return err;
}

/* Another inventory, or none. */
static int change_inventory(struct program *program)
{
	struct inventory *before = program->inventory;
	int err;

	program->inventory = NULL;
	err = start_inventory(program);
	if (err != 0)
		program->inventory = before;
	else if (program->inventory == NULL)
		pipeline_set_inventory(program->pipeline, NULL);
	if (err == 0)
		inventory_free(before);
	return err;
}

static void on_reload(evutil_socket_t signal_number, short what, void *arg)
{
	struct program *program = arg;
	char inventory[256];
	int err;

	(void)signal_number;
	(void)what;
	snprintf(inventory, sizeof(inventory), "%s", program->cfg->inventory);
	if (!reload_config(program->config_path, &program->cfg))
		return;
	err = set_pipeline(program);
	if (err == 0 && strcmp(inventory, program->cfg->inventory) != 0)
		err = change_inventory(program);
	pipeline_turn(program->pipeline);
	if (err != 0)
		log_line(LOG_LEVEL_ERR,
			"main: not all settings of %s were taken: %s; send SIGHUP again",
			program->config_path, strerror(-err));
	else
		log_line(LOG_LEVEL_INFO, "main: took the settings of %s pools=%u sources=%u",
			program->config_path, program->cfg->n_pools,
			program->cfg->tunnel.n_sources);
}

static int start_loop(struct program *program)
{
	program->base = event_base_new();
	if (program->base == NULL)
		return -ENOMEM;
	program->stop[0] = evsignal_new(program->base, SIGTERM, on_stop, program->base);
	program->stop[1] = evsignal_new(program->base, SIGINT, on_stop, program->base);
	program->reload = evsignal_new(program->base, SIGHUP, on_reload, program);
	if (program->stop[0] == NULL || program->stop[1] == NULL || program->reload == NULL)
		return -ENOMEM;
	event_add(program->reload, NULL);
	event_add(program->stop[0], NULL);
	event_add(program->stop[1], NULL);
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

/* The folder of a socket, which nobody else may have made yet. */
static void make_folder_of(const char *path)
{
	char folder[256];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash == NULL || slash == folder)
		return;
	*slash = '\0';
	(void)mkdir(folder, 0755); // if it cannot be made, binding the socket says so
}

static int start_show(struct program *program)
{
	const struct config *cfg = program->cfg;
	struct timespec now;
	struct show_sources sources = {
		.pipeline = program->pipeline,
		.fpm = program->fpm,
		.neigh = program->neigh,
		.version = PODLANE_VERSION,
		.node = cfg->node.name,
		.fpm_listen = cfg->fpm.listen,
		.replay_end = cfg->fpm.replay_end,
		.dataplane_socket = cfg->sockets.dataplane,
	};

	clock_gettime(CLOCK_MONOTONIC, &now);
	sources.since_sec = (uint64_t)now.tv_sec;
	make_folder_of(cfg->sockets.control);
	return show_new(program->base, cfg->sockets.control, &sources, &program->show);
}

/* One line: what could not be started, why, and the mend. */
static int fail(const char *what, const char *subject, int err)
{
	const char *mend = "see the kernel's reason";

	if (err == -EADDRINUSE)
		mend = "stop the other podlane-control, or change it in podlane.yaml";
	else if (err == -EACCES || err == -EPERM)
		mend = "run as root, or give it CAP_NET_ADMIN and the folder";
	else if (err == -ENOENT)
		mend = "make its folder";
	else if (err == -EADDRNOTAVAIL)
		mend = "the address is not up here: \"ip link set lo up\", or correct podlane.yaml";
	log_line(LOG_LEVEL_ERR, "main: %s %s: %s; %s", what, subject, strerror(-err), mend);
	return err;
}

static int start(struct program *program)
{
	int err = start_loop(program);

	if (err != 0)
		return fail("cannot make the event loop", "", err);
	err = set_pipeline(program);
	if (err != 0)
		return fail("cannot make the tables", "", err);
	err = start_inventory(program);
	if (err != 0)
		return fail("cannot watch the inventory", program->cfg->inventory, err);
	err = start_underlay(program);
	if (err == 0)
		err = neigh_new(program->base, program->pipeline, &program->neigh);
	if (err != 0)
		return fail("cannot ask the kernel over", "rtnetlink", err);
	pipeline_set_use(program->pipeline, use_neighbour, program->neigh);
	err = fpm_conn_new(program->base, program->cfg->fpm.listen, program->pipeline,
		&program->fpm);
	if (err != 0)
		return fail("cannot listen on fpm.listen", program->cfg->fpm.listen, err);
	err = start_show(program);
	if (err != 0)
		return fail("cannot listen on sockets.control", program->cfg->sockets.control, err);
	return 0;
}

/* In the reverse order; the dataplane's tables stay as they are. */
static void stop(struct program *program)
{
	show_free(program->show);
	fpm_conn_free(program->fpm);
	if (program->pipeline != NULL)
		pipeline_set_use(program->pipeline, NULL, NULL);
	neigh_free(program->neigh);
	pipeline_free(program->pipeline);
	underlay_free(program->underlay);
	inventory_free(program->inventory);
	for (int i = 0; i < 2; i++)
		if (program->stop[i] != NULL)
			event_free(program->stop[i]);
	if (program->reload != NULL)
		event_free(program->reload);
	if (program->base != NULL)
		event_base_free(program->base);
	config_free(program->cfg);
}

int main(int argc, char **argv)
{
	struct arguments arguments = {.config = "/etc/podlane/podlane.yaml"};
	struct program program = {.cfg = NULL};
	char error[512];
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (config_load(arguments.config, &program.cfg, error, sizeof(error)) != 0) {
		log_line(LOG_LEVEL_ERR, "main: %s", error);
		return EXIT_FAILURE;
	}
	program.config_path = arguments.config;
	if (arguments.check) {
		config_free(program.cfg);
		return EXIT_SUCCESS;
	}
	err = start(&program);
	if (err == 0) {
		log_line(LOG_LEVEL_NOTICE, "main: ready node=%s fpm=%s", program.cfg->node.name,
			program.cfg->fpm.listen);
		event_base_dispatch(program.base);
	}
	stop(&program);
	return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
