/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * podlane-dataplane: start everything in order, run the main lcore's loop, stop in reverse order.
 */
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_random.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "dataplane/api/config.h"
#include "dataplane/api_server.h"
#include "dataplane/eal.h"
#include "dataplane/host.h"
#include "dataplane/log.h"
#include "dataplane/options.h"
#include "dataplane/pci.h"
#include "dataplane/pool.h"
#include "dataplane/ports.h"
#include "dataplane/prober.h"
#include "dataplane/sizing.h"
#include "dataplane/steer/steer.h"
#include "dataplane/worker.h"

#define LINK_POLL_MS 20u /* of drivers that do not tell of it; a look costs microseconds */
#define LOOP_MS	     1	 /* how long a punted packet may wait for the main lcore */
#define DRAIN_TURNS  32u /* as much as a ring holds */
#define HAND_OVER_MS 50u /* at the end, for packets on their way to us */
#define POOL_CACHE   256u

struct dataplane {
	struct config *config;
	struct epoch epoch;
	struct pool_set pools;
	struct rte_mempool *pool; /* of what belongs to no device */
	struct port_table ports;
	struct steer *steer;
	struct host *host;
	struct prober *prober;
	struct api_server *server;
	struct api_tables tables;
	struct worker *workers; /* n_workers of them */
	unsigned n_workers;
	struct lcore_stats *stats;		    /* main, then workers */
	struct path_pkts path_pkts[WORKER_MAX + 1]; /* likewise */
	unsigned cpus[WORKER_MAX + 1];		    /* likewise */
	bool is_eal_started;
	char error[512];
};

static volatile sig_atomic_t is_stopping;

static void on_signal(int signal)
{
	(void)signal;
	is_stopping = 1;
}

/* The PCI devices of a port; names become addresses. */
static int find_devices(struct dataplane *dp, struct config_port *port, bool *has_pci)
{
	char member[CONFIG_PCI_BYTES], address[PCI_ADDRESS_BYTES];
	int ret = 0;

	*has_pci |= port->pci != NULL || config_port_member(port, 0, member);
	if (port->pci != NULL)
		return ports_find_pci(port->name, &port->pci, dp->error, sizeof(dp->error));
	for (unsigned n = 0; ret == 0 && config_port_member(port, n, member); n++) {
		ret = ports_find_member(port->name, member, address, dp->error, sizeof(dp->error));
		if (ret == 0)
			ret = config_port_set_member(port, n, address);
	}
	return ret;
}

static int start_eal(struct dataplane *dp, const struct options *options)
{
	const struct config_dataplane *config = &dp->config->dataplane;
	struct eal_config eal = {
		.node = dp->config->node.name,
		.main_lcore = config->main_lcore,
		.workers = config->workers,
		.n_workers = config->n_workers,
		.has_hugepages = config->hugepages,
		.memory_mb = config->memory_mb,
		.is_verbose = options->is_verbose,
	};
	int ret = sizing_check_memory(dp->config, dp->error, sizeof(dp->error));

	for (unsigned i = 0; ret == 0 && i < dp->config->n_ports; i++)
		ret = find_devices(dp, &dp->config->ports[i], &eal.has_pci);
	if (ret < 0)
		return ret;
	if (config->n_workers == 0 || config->n_workers > WORKER_MAX) {
		snprintf(dp->error, sizeof(dp->error), "dataplane.workers: 1 to %u lcores",
			WORKER_MAX);
		return -EINVAL;
	}
	ret = eal_start(&eal, dp->error, sizeof(dp->error));
	dp->is_eal_started = ret == 0;
	return ret;
}

static void on_probe_answered(void *arg, const struct wire_probe_reply *reply)
{
	const struct dataplane *dp = arg;

	api_server_announce_probe_reply(dp->server, reply);
}

static void on_foreign_echo(void *arg, struct rte_mbuf *pkt)
{
	const struct dataplane *dp = arg;

	host_punt(dp->host, pkt);
}

static int create_tables(struct dataplane *dp)
{
	const struct config_dataplane *config = &dp->config->dataplane;
	int socket = (int)rte_socket_id();
	struct fib_config fib = {
		.engine = (enum fib_engine)config->fib.engine,
		.max_routes = config->fib.max_routes,
		.n_tbl8 = sizing_n_tbl8(dp->config),
		.socket = socket,
	};
	const struct prober_events events = {
		.answered = on_probe_answered,
		.foreign = on_foreign_echo,
		.arg = dp,
	};
	int ret;

	dp->n_workers = config->n_workers;
	dp->stats = rte_calloc("stats", dp->n_workers + 1, sizeof(*dp->stats), 0);
	dp->workers = rte_calloc("workers", dp->n_workers, sizeof(*dp->workers), 0);
	ret = dp->stats == NULL || dp->workers == NULL ? -ENOMEM : 0;
	for (unsigned i = 0; i <= dp->n_workers && ret == 0; i++) {
		uint64_t *pkts =
			rte_calloc("path_pkts", (size_t)config->max_paths * WIRE_PATH_N_KINDS,
				sizeof(*pkts), RTE_CACHE_LINE_SIZE);

		dp->path_pkts[i] = path_pkts_in(pkts, config->max_paths);
		ret = pkts == NULL ? -ENOMEM : 0;
	}
	dp->pools = (struct pool_set){
		.n_mbufs = config->mbufs,
		.cache = POOL_CACHE,
		.large_room = sizing_large_room(dp->config),
		.home = socket,
	};
	if (ret == 0)
		ret = pool_set_find(&dp->pools, socket, 0, &dp->pool);
	if (ret == 0)
		ret = epoch_init(&dp->epoch, dp->n_workers);
	if (ret == 0)
		ret = fib_create(&dp->tables.fib, &fib, &dp->epoch);
	if (ret == 0)
		ret = nexthop_create(&dp->tables.nexthops, config->max_paths, config->max_groups,
			socket, &dp->epoch);
	if (ret == 0)
		ret = endpoint_create(&dp->tables.endpoints, &dp->epoch);
	if (ret == 0)
		ret = prober_create(&dp->prober, dp->pool, &dp->ports, &events, &dp->stats[0]);
	if (ret < 0)
		snprintf(dp->error, sizeof(dp->error),
			"cannot make the tables: %s; raise dataplane.memory_mb (now %u)",
			strerror(-ret), config->memory_mb);
	return ret;
}

static bool needs_steer(const struct config *config)
{
	for (unsigned i = 0; i < config->n_ports; i++) {
		if (config->ports[i].interface != NULL)
			return true;
	}
	return config->pods != NULL;
}

static int add_port(struct dataplane *dp, const struct config_port *config)
{
	struct port_config port = {
		.name = config->name,
		.kind = config->interface != NULL ? WIRE_PORT_AF_XDP
			: config->pci != NULL	  ? WIRE_PORT_PCI
						  : WIRE_PORT_VDEV,
		.interface = config->interface,
		.devargs = config->devargs,
		.pci = config->pci,
		.n_queues = (uint16_t)config->queues,
		.n_descriptors = (uint16_t)config->descriptors,
		.mtu = (uint16_t)config->mtu,
		.vlan = (uint16_t)config->vlan,
		.n_senders = (uint16_t)(dp->n_workers + config->twin),
		.complete_checksums = config->checksum == CONFIG_CHECKSUM_COMPLETE,
		.takes_groups = config->twin,
		.takes_all = config->promiscuous,
	};
	char member[CONFIG_PCI_BYTES];
	int socket = -1, ret;

	if (config->pci != NULL)
		socket = pci_socket("", config->pci);
	else if (config_port_member(config, 0, member))
		socket = pci_socket("", member);
	ret = pool_set_find(&dp->pools, socket, config->mtu, &port.pool);
	if (ret < 0)
		snprintf(dp->error, sizeof(dp->error),
			"port %s: no memory for its buffers; raise dataplane.memory_mb (now %u)",
			config->name, dp->config->dataplane.memory_mb);
	else
		ret = ports_add(&dp->ports, dp->steer, &port, dp->error, sizeof(dp->error));

	if (ret == 0 && config->twin)
		ret = host_add_twin(dp->host, &dp->ports.port[dp->ports.n - 1], dp->n_workers,
			port.pool, dp->error, sizeof(dp->error));
	return ret;
}

static int add_trunk(struct dataplane *dp)
{
	struct port_config port = {
		.name = "pods",
		.kind = WIRE_PORT_TRUNK,
		.interface = STEER_TRUNK_DPDK,
		.n_queues = 1,
		.n_senders = (uint16_t)dp->n_workers,
		.complete_checksums = dp->config->pods->checksum == CONFIG_CHECKSUM_COMPLETE,
		.pod_tunnels =
			dp->config->pods->allow_tunnels ? POD_TUNNELS_PASS : POD_TUNNELS_DROP,
		.pool = dp->pool,
	};

	return ports_add(&dp->ports, dp->steer, &port, dp->error, sizeof(dp->error));
}

static int add_ports(struct dataplane *dp)
{
	int ret = 0;

	if (needs_steer(dp->config))
		ret = steer_create(&dp->steer, options_find_bpf_dir(), dp->error,
			sizeof(dp->error));
	for (unsigned i = 0; i < dp->config->n_ports && ret == 0; i++)
		ret = add_port(dp, &dp->config->ports[i]);
	if (ret == 0 && dp->config->pods != NULL)
		ret = add_trunk(dp);
	return ret;
}

static int create_workers(struct dataplane *dp)
{
	const struct config_dataplane *config = &dp->config->dataplane;

	dp->cpus[0] = config->main_lcore;
	for (unsigned i = 0; i < dp->n_workers; i++) {
		struct worker *worker = &dp->workers[i];

		dp->cpus[i + 1] = config->workers[i];
		*worker = (struct worker){
			.pipeline =
				{
					.fib = dp->tables.fib,
					.nexthops = nexthop_view(dp->tables.nexthops),
					.endpoints = dp->tables.endpoints,
					.ports = &dp->ports,
					.stats = &dp->stats[i + 1],
					.path_pkts = &dp->path_pkts[i + 1],
					.worker = i,
					.probes = i == 0 ? prober_waiting(dp->prober) : NULL,
					.probe_sent_tsc = prober_sent_tsc(dp->prober),
				},
			.code = pipeline_code(0),
			.epoch = &dp->epoch,
			.idx = i,
			.idle_us = config->idle == CONFIG_IDLE_SLEEP ? config->idle_us : 0,
		};
		if (worker_make_rings(worker) < 0) {
			snprintf(dp->error, sizeof(dp->error),
				"cannot make the workers' rings; raise dataplane.memory_mb (now "
				"%u)",
				config->memory_mb);
			return -ENOMEM;
		}
	}
	return worker_deal_queues(dp->workers, dp->n_workers, &dp->ports, dp->error,
		sizeof(dp->error));
}

/* Returns: how many packets the rings held. */
static unsigned drain_rings(struct dataplane *dp)
{
	unsigned n = 0;

	for (unsigned i = 0; i < dp->n_workers; i++) {
		struct pipeline *pipeline = &dp->workers[i].pipeline;

		n += host_drain(dp->host, pipeline->to_kernel, pipeline->to_icmp);
		n += prober_drain(dp->prober, pipeline->answerer.heard);
	}
	return n;
}

/* struct api_tables' between: a bulk load does not keep punted packets waiting. */
static void drain_between(void *arg)
{
	for (unsigned i = 0; i < DRAIN_TURNS && drain_rings(arg) > 0; i++)
		;
}

static int create_server(struct dataplane *dp)
{
	struct api_tables *tables = &dp->tables;

	if (getrandom(&tables->instance, sizeof(tables->instance), 0) < 0)
		tables->instance = rte_rdtsc();
	tables->start_tsc = rte_rdtsc();
	tables->node = dp->config->node.name;
	tables->is_polling = dp->config->dataplane.idle == CONFIG_IDLE_POLL;
	tables->ports = &dp->ports;
	tables->steer = dp->steer;
	tables->pool = dp->pool;
	tables->prober = dp->prober;
	tables->stats = dp->stats;
	tables->path_pkts = dp->path_pkts;
	tables->cpus = dp->cpus;
	tables->n_lcores = dp->n_workers + 1;
	tables->icmp = host_icmp_stats(dp->host);
	tables->between = drain_between;
	tables->between_arg = dp;
	return api_server_create(&dp->server, dp->config->sockets.dataplane, tables, dp->error,
		sizeof(dp->error));
}

static int start(struct dataplane *dp, const struct options *options)
{
	const struct config_dataplane *config = &dp->config->dataplane;
	struct host_config host = {
		.ifname = config->punt_interface,
		.punt_pps = config->punt_pps,
		.icmp_pps = config->icmp_errors_pps,
	};
	int ret = start_eal(dp, options);

	if (ret < 0)
		return ret;
	ret = create_tables(dp);
	if (ret < 0)
		return ret;
	ret = host_create(&dp->host, &host, &dp->stats[0], dp->error, sizeof(dp->error));
	if (ret < 0)
		return ret;
	ret = add_ports(dp);
	if (ret < 0)
		return ret;
	ret = create_workers(dp);
	if (ret < 0)
		return ret;
	ret = create_server(dp);
	if (ret < 0)
		return ret;

	for (unsigned i = 0; i < dp->n_workers; i++)
		rte_eal_remote_launch(worker_main, &dp->workers[i], eal_lcore_of_worker(i));
	return 0;
}

static void stop(struct dataplane *dp)
{
	for (unsigned i = 0; dp->workers != NULL && i < dp->n_workers; i++)
		worker_stop(&dp->workers[i]);
	rte_eal_mp_wait_lcore();

	api_server_free(dp->server);
	port_close_all(&dp->ports);
	steer_close(dp->steer);
	host_free(dp->host);
	endpoint_free(dp->tables.endpoints);
	nexthop_free(dp->tables.nexthops);
	fib_free(dp->tables.fib);
	epoch_fini(&dp->epoch);
	prober_free(dp->prober);
	for (unsigned i = 0; dp->workers != NULL && i < dp->n_workers; i++)
		worker_free_rings(&dp->workers[i]);
	rte_free(dp->workers);
	for (unsigned i = 0; i <= dp->n_workers; i++)
		rte_free(dp->path_pkts[i].of_kind[0]);
	rte_free(dp->stats);
	pool_set_free(&dp->pools);
}

static void run(struct dataplane *dp)
{
	uint64_t link_poll_cycles = rte_get_tsc_hz() / 1000 * LINK_POLL_MS;
	uint64_t next_link_poll = 0, next_device_poll = 0;
	unsigned n_moved = 0;

	while (!is_stopping) {
		struct pollfd fds[API_MAX_CLIENTS + 1 + PORT_MAX + 1];
		unsigned n_fds = api_server_pollfds(dp->server, fds);

		n_fds += host_pollfds(dp->host, fds + n_fds);
		n_fds += port_pollfds(&dp->ports, fds + n_fds);
		poll(fds, n_fds, n_moved > 0 ? 0 : LOOP_MS);
		api_server_run(dp->server);
		n_moved = drain_rings(dp) + host_send(dp->host);
		if (port_take_news(&dp->ports) || rte_rdtsc() >= next_link_poll) {
			api_server_refresh_ports(dp->server);
			host_follow_ports(dp->host);
			ports_let_go(&dp->ports, &dp->epoch);
			next_link_poll = rte_rdtsc() + link_poll_cycles;
		}
		if (rte_rdtsc() >= next_device_poll) {
			ports_take_back(&dp->ports);
			next_device_poll = rte_rdtsc() + rte_get_tsc_hz();
		}
	}
}

/*
 * The kernel first takes what is new, then the workers end what they have: closing the ports at once
 * loses what is on its way to them.
 */
static void hand_over(struct dataplane *dp)
{
	if (dp->steer == NULL)
		return;
	steer_set_pools(dp->steer, NULL, 0);
	steer_set_endpoints(dp->steer, NULL, 0);
	for (unsigned ms = 0; ms < HAND_OVER_MS; ms++) {
		drain_rings(dp);
		rte_delay_us_sleep(1000);
	}
}

static void say_ready(const struct dataplane *dp)
{
	const struct config_dataplane *config = &dp->config->dataplane;

	LOG(NOTICE, "fib: engine=%s max_routes=%u (%s)\n", fib_engine_name(dp->tables.fib),
		config->fib.max_routes,
		config->fib.engine == CONFIG_ENGINE_AUTO ? "auto: lpm up to 65536, else dir24-8"
							 : "as configured");
	for (unsigned i = 0; i < dp->ports.n; i++)
		LOG(NOTICE, "port: %s device=%s queues=%u mtu=%u\n", dp->ports.port[i].name,
			dp->ports.port[i].device, dp->ports.port[i].n_rxq, dp->ports.port[i].mtu);
	LOG(NOTICE, "main: ready node=%s workers=%u pipeline=%s idle=%s socket=%s\n",
		dp->config->node.name, dp->n_workers, pipeline_code(0)->processor,
		config->idle == CONFIG_IDLE_POLL ? "poll" : "sleep", dp->config->sockets.dataplane);
}

int main(int argc, char **argv)
{
	static struct dataplane dp;
	struct sigaction action = {.sa_handler = on_signal};
	struct options options;
	int ret;

	options_parse(argc, argv, &options);
	ret = config_load(options.config, &dp.config, dp.error, sizeof(dp.error));
	if (ret < 0 || options.is_check) {
		fprintf(stderr, "podlane-dataplane: %s\n", ret < 0 ? dp.error : "configuration ok");
		config_free(dp.config);
		return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	}

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	ret = start(&dp, &options);
	if (ret < 0) {
		fprintf(stderr, "podlane-dataplane: %s\n", dp.error);
	} else {
		say_ready(&dp);
		run(&dp);
		LOG(NOTICE, "main: stopping\n");
		hand_over(&dp);
	}

	stop(&dp);
	config_free(dp.config);
	if (dp.is_eal_started)
		eal_stop();
	return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
