/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Steps 11 and 12 of the route's walk: the dataplane's end of the unix socket. Takes whole messages
 * (SOCK_SEQPACKET), checks who may say what, and acknowledges. Called by main.c's loop.
 */
#include "dataplane/api_server.h"

#include <rte_cycles.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/log.h"

/* A client that does not read its answers may hold up the main lcore this long, then it is out. */
#define SEND_TIMEOUT_MS 200

/* What one client gets of a turn, whichever ends first, so that a bulk load leaves time for others. */
#define REQUESTS_PER_TURN 16
#define TURN_MS		  5

#define SOCKET_BYTES (4 << 20)

struct client {
	int fd; /* -1: free */
	bool has_greeted;
	bool is_control;
	bool is_gone; /* closed at the end of the turn */
	uint32_t seq; /* of the request being answered */
	struct api_server *server;
};

struct api_server {
	int fd;
	char path[108];
	struct api_tables *tables;
	struct client client[API_MAX_CLIENTS];
	_Alignas(64) uint8_t in[WIRE_MSG_BYTES];
	_Alignas(64) uint8_t out[WIRE_MSG_BYTES];
};

static int bind_path(int fd, const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int probe;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path) + 1);

	// a file whose owner is dead refuses connections, and is in the way
	probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return -errno;
	if (connect(probe, (struct sockaddr *)&addr, sizeof(addr)) == 0) {
		close(probe);
		return -EADDRINUSE;
	}
	if (errno == ECONNREFUSED)
		unlink(path);
	close(probe);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -errno;
	return chmod(path, 0660) < 0 ? -errno : 0;
}

int api_server_create(struct api_server **server, const char *path, struct api_tables *tables,
	char *error, size_t error_bytes)
{
	struct api_server *s = calloc(1, sizeof(*s));
	int ret;

	if (s == NULL)
		return -ENOMEM;
	s->tables = tables;
	for (unsigned i = 0; i < API_MAX_CLIENTS; i++)
		s->client[i] = (struct client){.fd = -1, .server = s};

	s->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	ret = s->fd < 0 ? -errno : bind_path(s->fd, path);
	if (ret == 0 && listen(s->fd, API_MAX_CLIENTS) < 0)
		ret = -errno;
	if (ret < 0) {
		snprintf(error, error_bytes, "cannot listen on %s: %s; %s", path, strerror(-ret),
			ret == -EADDRINUSE ? "another podlane-dataplane has it: stop it, or set "
					     "sockets.dataplane"
					   : "make its folder, or set sockets.dataplane");
		if (s->fd >= 0)
			close(s->fd);
		free(s);
		return ret;
	}
	snprintf(s->path, sizeof(s->path), "%s", path);
	*server = s;
	return 0;
}

static void close_client(struct client *client)
{
	struct api_tables *tables = client->server->tables;

	if (client->is_control) {
		LOG(NOTICE, "api: control is gone; forwarding goes on with its last tables\n");
		tables->is_controlled = false;
	}
	close(client->fd);
	*client = (struct client){.fd = -1, .server = client->server};
}

void api_server_free(struct api_server *server)
{
	if (server == NULL)
		return;
	for (unsigned i = 0; i < API_MAX_CLIENTS; i++) {
		if (server->client[i].fd >= 0)
			close_client(&server->client[i]);
	}
	close(server->fd);
	unlink(server->path);
	free(server);
}

unsigned api_server_pollfds(const struct api_server *server, struct pollfd *fds)
{
	unsigned n = 0;

	fds[n++] = (struct pollfd){.fd = server->fd, .events = POLLIN};
	for (unsigned i = 0; i < API_MAX_CLIENTS; i++) {
		if (server->client[i].fd >= 0)
			fds[n++] = (struct pollfd){.fd = server->client[i].fd, .events = POLLIN};
	}
	return n;
}

/* Errors: -ETIMEDOUT it does not read; -EPIPE, -ECONNRESET it is gone */
static int send_or_wait(int fd, const void *msg, size_t len)
{
	struct pollfd room = {.fd = fd, .events = POLLOUT};

	while (send(fd, msg, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		int n_ready;

		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -errno;
		do
			n_ready = poll(&room, 1, SEND_TIMEOUT_MS);
		while (n_ready < 0 && errno == EINTR);
		if (n_ready <= 0)
			return n_ready == 0 ? -ETIMEDOUT : -errno;
	}
	return 0;
}

static void send_whole(struct client *client, const void *msg, size_t len)
{
	int ret = client->is_gone ? 0 : send_or_wait(client->fd, msg, len);

	if (ret == 0)
		return;
	client->is_gone = true;
	if (ret == -EPIPE || ret == -ECONNRESET)
		LOG(DEBUG, "api: client is gone before its answers\n");
	else
		LOG(WARNING, "api: client closed: %s\n",
			ret == -ETIMEDOUT ? "it does not read its answers" : strerror(-ret));
}

/* struct api_reply's send: an answer under the request's number. */
static void send_items(void *arg, enum wire_type type, const void *items, size_t n_items)
{
	struct client *client = arg;
	size_t len = wire_build(client->server->out, type, client->seq, items, n_items);

	if (len > 0)
		send_whole(client, client->server->out, len);
}

static void send_ack(struct client *client, int error, const struct api_reply *reply)
{
	struct api_server *server = client->server;
	size_t len =
		wire_build(server->out, WIRE_ACK, client->seq, reply->refusal, reply->n_refusals);

	if (error == 0 && reply->n_refusals > 0)
		error = reply->refusal[0].error;
	((struct wire_hdr *)server->out)->error = error;
	send_whole(client, server->out, len);
}

static void announce(struct api_server *server, enum wire_type type, const void *item)
{
	size_t len = wire_build(server->out, type, 0, item, 1);

	for (unsigned i = 0; i < API_MAX_CLIENTS; i++) {
		if (server->client[i].fd >= 0 && server->client[i].is_control)
			send_whole(&server->client[i], server->out, len);
	}
}

void api_server_refresh_ports(struct api_server *server)
{
	struct port_table *ports = server->tables->ports;

	for (unsigned i = 0; i < ports->n; i++) {
		struct port *port = &ports->port[i];
		struct wire_port item;
		bool is_changed = port_refresh(port);

		nexthop_port_set(server->tables->nexthops, port->idx, port->is_up);
		if (!is_changed)
			continue;
		LOG(NOTICE, "port: %s is %s mtu=%u\n", port->name, port->is_up ? "up" : "down",
			port->mtu);
		port_to_wire(port, &item);
		announce(server, WIRE_PORT, &item);
	}
}

void api_server_announce_probe_reply(struct api_server *server,
	const struct wire_probe_reply *reply)
{
	announce(server, WIRE_PROBE_REPLY, reply);
}

static void announce_pods(struct api_server *server, const struct wire_pod *pods, unsigned n,
	bool is_attached, const struct api_reply *reply)
{
	for (unsigned i = 0; i < n; i++) {
		struct wire_pod pod = pods[i];
		bool is_refused = false;

		for (unsigned j = 0; j < reply->n_refusals; j++)
			is_refused |= reply->refusal[j].item == i;
		pod.is_attached = is_attached;
		if (!is_refused)
			announce(server, WIRE_POD, &pod);
	}
}

static int greet(struct client *client, const struct wire_hello *hello, unsigned n)
{
	struct api_server *server = client->server;
	struct api_tables *tables = server->tables;
	struct wire_hello answer = {
		.instance = tables->instance,
		.pid = (uint32_t)getpid(),
		.max_routes = fib_counts(tables->fib).max_routes,
		.max_paths = nexthop_counts(tables->nexthops).max_paths,
		.max_groups = nexthop_counts(tables->nexthops).max_groups,
	};

	if (n != 1)
		return -EINVAL;
	if (client->has_greeted)
		return -EPROTO;
	if (hello->role == WIRE_ROLE_CONTROL && tables->is_controlled)
		return -EBUSY;
	client->has_greeted = true;
	client->is_control = hello->role == WIRE_ROLE_CONTROL;
	if (client->is_control) {
		tables->is_controlled = true;
		LOG(NOTICE, "api: control is here pid=%u node=%.*s\n", hello->pid,
			(int)sizeof(hello->name), hello->name);
	}
	snprintf(answer.name, sizeof(answer.name), "%s", tables->node);
	send_items(client, WIRE_HELLO, &answer, 1);
	return 0;
}

static bool is_write(enum wire_type type)
{
	return type == WIRE_PATH_SET || type == WIRE_PATH_DEL || type == WIRE_GROUP_SET ||
	       type == WIRE_GROUP_DEL || type == WIRE_ROUTE_SET || type == WIRE_ROUTE_DEL ||
	       type == WIRE_POOL_SET || type == WIRE_ENDPOINT_SET || type == WIRE_SOURCE_SET ||
	       type == WIRE_POD_ATTACH || type == WIRE_POD_DETACH || type == WIRE_PROBE;
}

static bool is_read(enum wire_type type)
{
	return type == WIRE_DUMP || type == WIRE_LOOKUP || type == WIRE_STATS ||
	       type == WIRE_INFO || type == WIRE_PATH_STATS;
}

static int handle(struct client *client, enum wire_type type, const void *items, unsigned n_items,
	struct api_reply *reply)
{
	struct api_server *server = client->server;

	if (type == WIRE_HELLO)
		return greet(client, items, n_items);
	if (!client->has_greeted)
		return -EPROTO;
	if (is_read(type)) {
		api_tables_read(server->tables, type, items, n_items, reply);
		return 0;
	}
	if (!is_write(type))
		return -EINVAL;
	if (!client->is_control)
		return -EPERM;
	api_tables_write(server->tables, type, items, n_items, reply);
	if (type == WIRE_POD_ATTACH || type == WIRE_POD_DETACH)
		announce_pods(server, items, n_items, type == WIRE_POD_ATTACH, reply);
	return 0;
}

static void take_message(struct client *client, size_t len)
{
	static struct api_reply reply;
	const struct wire_hdr *hdr;
	const void *items;
	int ret = wire_parse(client->server->in, len, &hdr, &items);

	if (ret < 0) {
		LOG(WARNING, "api: broken message, client closed: %s\n",
			ret == -EPROTO ? "other version" : "length or type");
		client->is_gone = true;
		return;
	}
	client->seq = hdr->seq;
	reply.send = send_items;
	reply.arg = client;
	reply.n_refusals = 0;
	ret = handle(client, hdr->type, items, hdr->n_items, &reply);
	send_ack(client, ret, &reply);
}

static void serve(struct client *client)
{
	uint64_t end = rte_rdtsc() + rte_get_tsc_hz() / 1000 * TURN_MS;

	for (unsigned i = 0; i < REQUESTS_PER_TURN && !client->is_gone; i++) {
		if (i > 0 && rte_rdtsc() > end)
			break;
		ssize_t len = recv(client->fd, client->server->in, WIRE_MSG_BYTES,
			MSG_DONTWAIT | MSG_TRUNC);

		if (len < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (len <= 0)
			client->is_gone = true;
		else
			take_message(client, (size_t)len);
	}
	if (client->is_gone)
		close_client(client);
}

static void accept_clients(struct api_server *server)
{
	const int bytes = SOCKET_BYTES;

	for (unsigned i = 0; i < API_MAX_CLIENTS; i++) {
		int fd;

		if (server->client[i].fd >= 0)
			continue;
		fd = accept4(server->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
		server->client[i].fd = fd;
	}
}

void api_server_run(struct api_server *server)
{
	accept_clients(server);
	for (unsigned i = 0; i < API_MAX_CLIENTS; i++) {
		if (server->client[i].fd >= 0)
			serve(&server->client[i]);
	}
}
