/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fills a dataplane's tables and reads its counters, for tools/bench: control's place at the socket,
 * without FRR. Commands come as lines on stdin, each is answered by one line on stdout:
 *
 *   port NAME                        idx=0 mac=02:70:63:61:70:00
 *   paths native|ipip|vxlan PORT N   sets N paths, one for each node, all out of one port
 *   path native|ipip|vxlan PORT I    sets the path of node I alone
 *   ends 0|1                         our tunnel ends, one of each kind; 1: inner sources are checked
 *   set FILE, withdraw FILE          routes, a file of struct wire_route
 *   stats                            the workers' counters, and when they were read
 *   await routes MIN MAX SEC         until the FIB has so many; when that was
 *   await KIND SEC ADDRESS...        until packets to each of these leave by a path of that kind
 *
 * With --read it is a reader beside a real control, and only asks.
 */
#include "dataplane/api/wire.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/podlane/connect.h"

#define TIMEOUT_SEC 60u
#define WINDOW	    16u /* requests without their acknowledgement */
#define LINE_BYTES  4096u

#define AWAIT_ADDRESSES 64u

#define OUR_ADDR   0xac100001u /* 172.16.0.1 */
#define FIRST_NODE 0xac110000u /* 172.17.0.0: node i has the i-th address from here */
#define NODE_DEPTH 12u	       /* 172.16.0.0/12 */
#define NODE_RANGE 0xac100000u
#define VNI	   4096u
#define UDP_PORT   4789u
#define MTU	   1500u

struct client {
	int fd;
	uint32_t seq;
	uint32_t n_refused; /* items, since the last command */
	_Alignas(16) unsigned char out[WIRE_MSG_BYTES];
	_Alignas(16) unsigned char in[WIRE_MSG_BYTES];
};

/* What the command does with the records of an answer. */
typedef void (*record_fn)(uint16_t type, const void *items, uint32_t n, void *arg);

static void die(const char *what)
{
	fprintf(stderr, "bench-client: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void request(struct client *client, enum wire_type type, const void *items, size_t n)
{
	size_t len = wire_build(client->out, type, ++client->seq, items, n);

	if (send(client->fd, client->out, len, MSG_NOSIGNAL) < 0)
		die("send");
}

/* Take messages until one acknowledgement is among them. */
static void await_ack(struct client *client, record_fn record, void *arg)
{
	for (;;) {
		ssize_t len = recv(client->fd, client->in, sizeof(client->in), 0);
		const struct wire_hdr *hdr;
		const void *items;

		if (len <= 0)
			die("the dataplane is gone");
		if (wire_parse(client->in, (size_t)len, &hdr, &items) < 0) {
			errno = EPROTO;
			die("the dataplane is of another version");
		}
		if (hdr->type == WIRE_ACK) {
			client->n_refused +=
				hdr->error != 0 && hdr->n_items == 0 ? 1 : hdr->n_items;
			return;
		}
		if (record != NULL && hdr->seq != 0)
			record(hdr->type, items, hdr->n_items, arg);
	}
}

static void ask(struct client *client, enum wire_type type, const void *items, size_t n,
	record_fn record, void *arg)
{
	request(client, type, items, n);
	await_ack(client, record, arg);
}

/* Any number of items, in as many messages as that takes. */
static void send_all(struct client *client, enum wire_type type, const void *items, size_t n)
{
	size_t max = wire_max_items(type), item_bytes = wire_item_bytes(type);
	unsigned n_waiting = 0;

	for (size_t at = 0; at < n; at += max) {
		request(client, type, (const char *)items + at * item_bytes,
			n - at < max ? n - at : max);
		if (++n_waiting < WINDOW)
			continue;
		await_ack(client, NULL, NULL);
		n_waiting--;
	}
	for (; n_waiting > 0; n_waiting--)
		await_ack(client, NULL, NULL);
}

static void answer(const struct client *client)
{
	if (client->n_refused > 0)
		printf("error=%u items refused\n", client->n_refused);
	else
		printf("ok=1\n");
}

static void find_port(uint16_t type, const void *items, uint32_t n, void *arg)
{
	const struct wire_port *port = items;
	struct wire_port *wanted = arg;

	if (type == WIRE_PORT && n == 1 && strcmp(port->name, wanted->name) == 0)
		*wanted = *port;
}

static void do_port(struct client *client, const char name[static WIRE_NAME_BYTES])
{
	struct wire_port port = {.idx = UINT16_MAX};
	const uint8_t *mac = port.mac;

	memcpy(port.name, name, WIRE_NAME_BYTES);
	ask(client, WIRE_DUMP, NULL, 0, find_port, &port);
	if (port.idx == UINT16_MAX)
		printf("error=no such port\n");
	else
		printf("idx=%u mac=%02x:%02x:%02x:%02x:%02x:%02x\n", port.idx, mac[0], mac[1],
			mac[2], mac[3], mac[4], mac[5]);
}

static enum wire_path_kind parse_kind(const char *name)
{
	if (strcmp(name, "ipip") == 0)
		return WIRE_PATH_IPIP;
	return strcmp(name, "vxlan") == 0 ? WIRE_PATH_VXLAN : WIRE_PATH_NATIVE;
}

static struct wire_path make_path(uint32_t i, enum wire_path_kind kind, unsigned port)
{
	struct wire_path path = {
		.idx = WIRE_NH_PATH_FIRST + i,
		.nexthop = FIRST_NODE + i,
		.ifindex = 1,
		.kind = (uint8_t)kind,
		.port = (uint16_t)port,
		.mtu = MTU,
		.dst_mac = {2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i},
		.src_mac = {2, 0, 0, 1, 0, 0},
	};

	if (kind == WIRE_PATH_NATIVE)
		return path;
	path.tunnel.src = OUR_ADDR;
	path.tunnel.dst = FIRST_NODE + i;
	if (kind == WIRE_PATH_IPIP)
		return path;
	path.tunnel.vni = VNI;
	path.tunnel.udp_dst = UDP_PORT;
	path.tunnel.udp_src_min = 32768;
	path.tunnel.udp_src_max = 60999;
	memcpy(path.tunnel.inner_dst_mac, path.dst_mac, sizeof(path.dst_mac));
	memcpy(path.tunnel.inner_src_mac, path.src_mac, sizeof(path.src_mac));
	return path;
}

static void do_paths(struct client *client, const char *kind, unsigned port, unsigned first,
	unsigned n)
{
	struct wire_path *paths = calloc(n, sizeof(*paths));
	uint64_t began;

	if (paths == NULL)
		die("paths");
	for (unsigned i = 0; i < n; i++)
		paths[i] = make_path(first + i, parse_kind(kind), port);
	began = now_ns();
	send_all(client, WIRE_PATH_SET, paths, n);
	free(paths);
	if (client->n_refused > 0)
		answer(client);
	else
		printf("ok=1 ns=%llu\n", (unsigned long long)(now_ns() - began));
}

static void do_ends(struct client *client, unsigned has_inner_check)
{
	struct wire_endpoint ends[] = {
		{.addr = OUR_ADDR, .kind = WIRE_TUNNEL_IPIP},
		{.addr = OUR_ADDR, .vni = VNI, .udp_port = UDP_PORT, .kind = WIRE_TUNNEL_VXLAN},
	};
	struct wire_source nodes = {.prefix = NODE_RANGE, .depth = NODE_DEPTH};

	ends[0].has_inner_check = ends[1].has_inner_check = has_inner_check != 0;
	ask(client, WIRE_ENDPOINT_SET, ends, sizeof(ends) / sizeof(ends[0]), NULL, NULL);
	ask(client, WIRE_SOURCE_SET, &nodes, 1, NULL, NULL);
	answer(client);
}

static void do_routes(struct client *client, enum wire_type type, const char *path)
{
	FILE *file = fopen(path, "rb");
	struct wire_route *routes;
	uint64_t began;
	long bytes;
	size_t n;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (bytes = ftell(file)) < 0)
		die(path);
	rewind(file);
	n = (size_t)bytes / sizeof(*routes);
	routes = calloc(n + 1, sizeof(*routes));
	if (routes == NULL || fread(routes, sizeof(*routes), n, file) != n)
		die(path);
	fclose(file);

	began = now_ns();
	send_all(client, type, routes, n);
	free(routes);
	if (client->n_refused > 0)
		answer(client);
	else
		printf("ok=1 n=%zu ns=%llu\n", n, (unsigned long long)(now_ns() - began));
}

static void add_stats(uint16_t type, const void *items, uint32_t n, void *arg)
{
	struct {
		struct wire_lcore_stats lcores;
		uint64_t tx_bytes;
	} *sum = arg;
	const struct wire_lcore_stats *lcore = items;
	const struct wire_port_stats *port = items;

	if (type == WIRE_PORT_STATS && n == 1)
		sum->tx_bytes += port->tx_bytes;
	if (type != WIRE_LCORE_STATS || n != 1 || lcore->is_main)
		return;
	sum->lcores.rx_pkts += lcore->rx_pkts;
	sum->lcores.tx_pkts += lcore->tx_pkts;
	sum->lcores.drop_pkts += lcore->drop_pkts;
	sum->lcores.n_polls += lcore->n_polls;
	sum->lcores.n_empty_polls += lcore->n_empty_polls;
	sum->lcores.busy_cycles += lcore->busy_cycles;
}

static void do_stats(struct client *client)
{
	struct {
		struct wire_lcore_stats lcores;
		uint64_t tx_bytes;
	} sum = {0};
	uint64_t before = now_ns(), after;

	ask(client, WIRE_STATS, NULL, 0, add_stats, &sum);
	after = now_ns();
	printf("before_ns=%llu after_ns=%llu rx=%llu tx=%llu drop=%llu busy=%llu polls=%llu "
	       "empty=%llu bytes=%llu\n",
		(unsigned long long)before, (unsigned long long)after,
		(unsigned long long)sum.lcores.rx_pkts, (unsigned long long)sum.lcores.tx_pkts,
		(unsigned long long)sum.lcores.drop_pkts,
		(unsigned long long)sum.lcores.busy_cycles, (unsigned long long)sum.lcores.n_polls,
		(unsigned long long)sum.lcores.n_empty_polls, (unsigned long long)sum.tx_bytes);
}

static void note_tsc(uint16_t type, const void *items, uint32_t n, void *arg)
{
	if (type == WIRE_INFO && n == 1)
		*(struct wire_info *)arg = *(const struct wire_info *)items;
}

static void do_info(struct client *client)
{
	struct wire_info info = {0};

	ask(client, WIRE_INFO, NULL, 0, note_tsc, &info);
	printf("tsc_hz=%llu routes=%u tbl8=%u engine=%s\n", (unsigned long long)info.tsc_hz,
		info.n_routes, info.n_tbl8, info.fib_engine);
}

struct kind_count {
	enum wire_path_kind kind;
	unsigned n;
};

static void count_kind(uint16_t type, const void *items, uint32_t n, void *arg)
{
	const struct wire_lookup *found = items;
	struct kind_count *count = arg;

	for (uint32_t i = 0; type == WIRE_LOOKUP && i < n; i++)
		count->n += found[i].path.kind == (uint8_t)count->kind;
}

static bool has_routes(struct client *client, unsigned min, unsigned max)
{
	struct wire_info info = {0};

	ask(client, WIRE_INFO, NULL, 0, note_tsc, &info);
	return info.n_routes >= min && info.n_routes <= max;
}

static bool has_kind(struct client *client, enum wire_path_kind kind,
	const struct wire_lookup *lookups, unsigned n)
{
	struct kind_count count = {.kind = kind};

	ask(client, WIRE_LOOKUP, lookups, n, count_kind, &count);
	return count.n == n;
}

static bool poll_again(uint64_t until)
{
	const struct timespec pause = {.tv_nsec = 500000};

	nanosleep(&pause, NULL);
	return now_ns() < until;
}

static void do_await_routes(struct client *client, const unsigned word[static 3])
{
	uint64_t until = now_ns() + word[2] * 1000000000ull;

	while (!has_routes(client, word[0], word[1]))
		if (!poll_again(until)) {
			printf("error=the FIB has not got %u to %u routes\n", word[0], word[1]);
			return;
		}
	printf("ok=1 ns=%llu\n", (unsigned long long)now_ns());
}

static void do_await_kind(struct client *client, const char *kind, unsigned sec, const char *text)
{
	struct wire_lookup lookups[AWAIT_ADDRESSES] = {{0}};
	uint64_t until = now_ns() + sec * 1000000000ull;
	unsigned n = 0;
	int used = 0;

	while (n < AWAIT_ADDRESSES && sscanf(text, "%u%n", &lookups[n].addr, &used) == 1) {
		text += used;
		n++;
	}
	while (!has_kind(client, parse_kind(kind), lookups, n))
		if (!poll_again(until)) {
			printf("error=not all paths are %s\n", kind);
			return;
		}
	printf("ok=1 n=%u ns=%llu\n", n, (unsigned long long)now_ns());
}

static void run(struct client *client, char *line)
{
	char text[LINE_BYTES] = "", word[16];
	unsigned a = 0, b = 0, range[3];
	int used = 0;

	client->n_refused = 0;
	if (sscanf(line, "port %31s", text) == 1)
		do_port(client, text);
	else if (sscanf(line, "paths %15s %u %u", word, &a, &b) == 3)
		do_paths(client, word, a, 0, b);
	else if (sscanf(line, "path %15s %u %u", word, &a, &b) == 3)
		do_paths(client, word, a, b, 1);
	else if (sscanf(line, "ends %u", &a) == 1)
		do_ends(client, a);
	else if (sscanf(line, "set %4095s", text) == 1)
		do_routes(client, WIRE_ROUTE_SET, text);
	else if (sscanf(line, "withdraw %4095s", text) == 1)
		do_routes(client, WIRE_ROUTE_DEL, text);
	else if (sscanf(line, "await routes %u %u %u", &range[0], &range[1], &range[2]) == 3)
		do_await_routes(client, range);
	else if (sscanf(line, "await %15s %u%n", word, &a, &used) == 2)
		do_await_kind(client, word, a, line + used);
	else if (strcmp(line, "stats\n") == 0)
		do_stats(client);
	else if (strcmp(line, "info\n") == 0)
		do_info(client);
	else
		printf("error=unknown command\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static struct client client;
	struct wire_hello hello = {.role = WIRE_ROLE_CONTROL, .name = "bench"};
	char line[LINE_BYTES];
	int rc;

	if (argc != 2 && (argc != 3 || strcmp(argv[1], "--read") != 0)) {
		fprintf(stderr, "usage: bench-client [--read] SOCKET; tools/bench runs it\n");
		return 2;
	}
	if (argc == 3)
		hello.role = WIRE_ROLE_READER;
	rc = connect_unix(&client.fd, argv[argc - 1], SOCK_SEQPACKET, TIMEOUT_SEC);
	errno = -rc;
	if (rc != 0)
		die(argv[argc - 1]);
	hello.pid = (uint32_t)getpid();
	ask(&client, WIRE_HELLO, &hello, 1, NULL, NULL);
	if (client.n_refused > 0) {
		errno = EBUSY;
		die("the dataplane has another control");
	}
	printf("ok=1\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL)
		run(&client, line);
	close(client.fd);
	return EXIT_SUCCESS;
}
