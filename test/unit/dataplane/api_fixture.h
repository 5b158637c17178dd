/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An API server with its tables on a socket of its own, and a client to talk to it.
 */
#ifndef PODLANE_TEST_UNIT_DATAPLANE_API_FIXTURE_H
#define PODLANE_TEST_UNIT_DATAPLANE_API_FIXTURE_H

#include "test/unit/support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/api_server.h"
#include "dataplane/pool.h"
#include "dataplane/prober.h"

#define N_ROUTES 20000u /* several messages */

static char path[] = "/tmp/podlane-api-XXXXXX/sock";
static struct api_server *server;
static struct api_tables tables;
static struct port_table ports;
static struct lcore_stats stats[2];
static uint64_t main_pkts[WIRE_PATH_N_KINDS][64], worker_pkts[WIRE_PATH_N_KINDS][64];
static const struct path_pkts path_pkts[2] = {
	{{main_pkts[0], main_pkts[1], main_pkts[2], main_pkts[3]}},
	{{worker_pkts[0], worker_pkts[1], worker_pkts[2], worker_pkts[3]}}};
static struct icmp_stats icmp;
static const unsigned lcores[2] = {0, 1};
static struct epoch epoch;
static struct prober *prober;
static unsigned n_foreign;
static _Alignas(64) uint8_t buf[WIRE_MSG_BYTES];

static inline void on_answered(void *arg, const struct wire_probe_reply *reply)
{
	(void)arg;
	api_server_announce_probe_reply(server, reply);
}

static inline void on_foreign(void *arg, struct rte_mbuf *pkt)
{
	(void)arg;
	n_foreign++;
	rte_pktmbuf_free(pkt);
}

static inline int api_setup(void **state)
{
	const struct prober_events events = {on_answered, on_foreign, NULL};
	struct fib_config config = {.engine = FIB_ENGINE_DIR24_8,
		.max_routes = N_ROUTES,
		.n_tbl8 = 1024};
	char error[256];

	(void)state;
	*strrchr(path, '/') = '\0';
	assert_non_null(mkdtemp(path));
	path[strlen(path)] = '/';

	assert_int_equal(epoch_init(&epoch, 1), 0);
	assert_int_equal(fib_create(&tables.fib, &config, &epoch), 0);
	assert_int_equal(nexthop_create(&tables.nexthops, 64, 16, SOCKET_ID_ANY, &epoch), 0);
	assert_int_equal(endpoint_create(&tables.endpoints, &epoch), 0);
	ports.n = 1;
	ports.port[0] = (struct port){.name = "uplink0",
		.device = "eth0",
		.ifindex = 7,
		.mtu = 1500,
		.max_mtu = 2000,
		.is_up = true};
	tables.instance = 0x1234;
	tables.node = "worker-a";
	tables.ports = &ports;
	assert_int_equal(pool_create(&tables.pool, "api", 63, pool_room(0), 0, SOCKET_ID_ANY), 0);
	assert_int_equal(prober_create(&prober, tables.pool, &ports, &events, &stats[0]), 0);
	tables.prober = prober;
	tables.stats = stats;
	tables.path_pkts = path_pkts;
	tables.cpus = lcores;
	tables.n_lcores = 2;
	tables.icmp = &icmp;
	assert_int_equal(api_server_create(&server, path, &tables, error, sizeof(error)), 0);
	return 0;
}

static inline int api_teardown(void **state)
{
	(void)state;
	api_server_free(server);
	assert_int_equal(access(path, F_OK), -1);
	*strrchr(path, '/') = '\0';
	rmdir(path);
	prober_free(prober);
	endpoint_free(tables.endpoints);
	nexthop_free(tables.nexthops);
	fib_free(tables.fib);
	epoch_fini(&epoch);
	return 0;
}

static inline int dial(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static inline void say(int fd, enum wire_type type, const void *items, size_t n)
{
	size_t len = wire_build(buf, type, 9, items, n);

	assert_true(len > 0);
	assert_int_equal(send(fd, buf, len, 0), (ssize_t)len);
	api_server_run(server);
}

/* The next message, which must be of that type; its items are behind the header in buf. */
static inline const struct wire_hdr *hear(int fd, enum wire_type type, const void **items)
{
	const struct wire_hdr *hdr;
	ssize_t len = recv(fd, buf, sizeof(buf), 0);

	assert_true(len > 0);
	assert_int_equal(wire_parse(buf, (size_t)len, &hdr, items), 0);
	assert_int_equal(hdr->type, type);
	return hdr;
}

static inline int ask(int fd, enum wire_type type, const void *request, size_t n)
{
	const void *items;

	say(fd, type, request, n);
	return hear(fd, WIRE_ACK, &items)->error;
}

static inline int greet(int fd, enum wire_role role)
{
	struct wire_hello hello = {.role = role};
	const struct wire_hdr *hdr;
	const void *items;

	say(fd, WIRE_HELLO, &hello, 1);
	assert_true(recv(fd, buf, sizeof(buf), 0) > 0);
	hdr = (const struct wire_hdr *)buf;
	if (hdr->type == WIRE_ACK)
		return hdr->error;
	assert_int_equal(((const struct wire_hello *)(hdr + 1))->instance, 0x1234);
	return hear(fd, WIRE_ACK, &items)->error;
}

static inline void hang_up(int fd)
{
	close(fd);
	api_server_run(server);
}

#endif
