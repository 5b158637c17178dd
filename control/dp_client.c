/* SPDX-License-Identifier: BSD-3-Clause */
/* The unix socket to the dataplane. Owned by pipeline.c, which handles what comes. */
#include "control/dp_client.h"

#include "control/log.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define DP_RETRY_MIN_MS	  200u
#define DP_RETRY_MAX_MS	  1000u
#define DP_SOCKET_BYTES	  (4 << 20)
#define DP_READS_PER_TURN 64

enum dp_state { DP_IDLE, DP_GREETING, DP_DUMPING, DP_READY };

struct dp_client {
	struct event_base *base;
	struct event *readable, *writable, *retry;
	struct dp_client_handlers handlers;
	struct sockaddr_un addr;
	char node[WIRE_NAME_BYTES];
	int fd;
	enum dp_state state;
	bool is_broken; /* to be closed when no handler is running */
	uint32_t seq, hello_seq, dump_seq;
	uint64_t instance;
	unsigned retry_ms;
	int last_error; /* logged once, not at every try */
	uint64_t in[WIRE_MSG_BYTES / sizeof(uint64_t)];
};

static void schedule(struct dp_client *client)
{
	struct timeval delay = {
		.tv_sec = client->retry_ms / 1000,
		.tv_usec = (suseconds_t)(client->retry_ms % 1000) * 1000,
	};

	evtimer_add(client->retry, &delay);
	client->retry_ms =
		client->retry_ms * 2 < DP_RETRY_MAX_MS ? client->retry_ms * 2 : DP_RETRY_MAX_MS;
}

static void close_socket(struct dp_client *client)
{
	if (client->readable != NULL)
		event_free(client->readable);
	if (client->writable != NULL)
		event_free(client->writable);
	client->readable = NULL;
	client->writable = NULL;
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	client->is_broken = false;
}

static void lose(struct dp_client *client, const char *why)
{
	bool was_there = client->state >= DP_DUMPING;

	close_socket(client);
	client->state = DP_IDLE;
	if (was_there) {
		log_line(LOG_LEVEL_WARNING, "dp_client: dataplane is gone: %s", why);
		client->retry_ms = DP_RETRY_MIN_MS;
		client->handlers.gone(client->handlers.arg);
	}
	schedule(client);
}

/* The items go from where they are: a copy less for each of a million routes. */
static int send_now(struct dp_client *client, enum wire_type type, const void *items,
	size_t n_items, uint32_t *seq)
{
	struct wire_hdr hdr = {
		.version = WIRE_VERSION,
		.type = (uint16_t)type,
		.seq = client->seq + 1,
		.n_items = (uint32_t)n_items,
	};
	struct iovec part[2] = {
		{.iov_base = &hdr, .iov_len = sizeof(hdr)},
		{.iov_len = n_items * wire_item_bytes(type)},
	};
	struct msghdr msg = {.msg_iov = part, .msg_iovlen = n_items > 0 ? 2 : 1};

	if (n_items > wire_max_items(type))
		return -EMSGSIZE;
	memcpy(&part[1].iov_base, &items, sizeof(items)); // it is only read from
	if (sendmsg(client->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
			event_add(client->writable, NULL);
			return -EAGAIN;
		}
		return -errno; // the read side will see the end of the connection
	}
	*seq = ++client->seq;
	return 0;
}

int dp_client_send(struct dp_client *client, enum wire_type type, const void *items, size_t n_items,
	uint32_t *seq)
{
	if (client->state < DP_DUMPING || client->is_broken)
		return -ENOTCONN;
	return send_now(client, type, items, n_items, seq);
}

void dp_client_restart(struct dp_client *client)
{
	client->is_broken = true;
}

static void take_hello(struct dp_client *client, const struct wire_hello *hello)
{
	if (client->instance != 0 && client->instance != hello->instance)
		log_line(LOG_LEVEL_NOTICE, "dp_client: dataplane was restarted");
	client->instance = hello->instance;
	client->handlers.hello(hello, client->handlers.arg);
}

static void take_ack(struct dp_client *client, const struct wire_hdr *hdr, const void *items)
{
	if (client->state == DP_GREETING && hdr->seq == client->hello_seq) {
		if (hdr->error != 0) {
			if (client->last_error != hdr->error)
				log_line(LOG_LEVEL_ERR, "dp_client: dataplane refuses us: %s%s",
					strerror(-hdr->error),
					hdr->error == -EBUSY ? "; stop the other podlane-control"
							     : "");
			client->last_error = hdr->error;
			client->is_broken = true;
			return;
		}
		client->state = DP_DUMPING;
		client->last_error = 0;
		client->retry_ms = DP_RETRY_MIN_MS;
		log_line(LOG_LEVEL_NOTICE, "dp_client: connected to the dataplane");
		if (send_now(client, WIRE_DUMP, NULL, 0, &client->dump_seq) != 0)
			client->is_broken = true;
	} else if (client->state == DP_DUMPING && hdr->seq == client->dump_seq) {
		client->state = DP_READY;
		client->handlers.dumped(client->handlers.arg);
	} else {
		client->handlers.ack(hdr->seq, hdr->error, items, items == NULL ? 0 : hdr->n_items,
			client->handlers.arg);
	}
}

static void take_message(struct dp_client *client, size_t len)
{
	const struct wire_hdr *hdr;
	const void *items;
	int err = wire_parse(client->in, len, &hdr, &items);

	if (err != 0) {
		log_line(LOG_LEVEL_ERR, "dp_client: cannot read the dataplane's message: %s",
			err == -EPROTO ? "other version; install the same podlane everywhere"
				       : "broken message");
		client->is_broken = true;
		return;
	}
	if (hdr->type == WIRE_HELLO && hdr->n_items == 1)
		take_hello(client, items);
	else if (hdr->type == WIRE_ACK)
		take_ack(client, hdr, items);
	else
		client->handlers.records(hdr->type, items, hdr->n_items, client->handlers.arg);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct dp_client *client = arg;

	(void)what;
	for (int i = 0; i < DP_READS_PER_TURN && !client->is_broken; i++) {
		ssize_t n = recv(fd, client->in, sizeof(client->in), MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0) {
			lose(client, n == 0 ? "closed" : strerror(errno));
			return;
		}
		if ((size_t)n > sizeof(client->in))
			client->is_broken = true;
		else
			take_message(client, (size_t)n);
	}
	if (client->is_broken)
		lose(client, "begin anew");
	else
		client->handlers.writable(client->handlers.arg);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct dp_client *client = arg;

	(void)fd;
	(void)what;
	client->handlers.writable(client->handlers.arg);
}

static int greet(struct dp_client *client)
{
	struct wire_hello hello = {.role = WIRE_ROLE_CONTROL, .pid = (uint32_t)getpid()};

	memcpy(hello.name, client->node, sizeof(hello.name));
	client->state = DP_GREETING;
	return send_now(client, WIRE_HELLO, &hello, 1, &client->hello_seq);
}

static int try_connect(struct dp_client *client)
{
	int bytes = DP_SOCKET_BYTES;

	client->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (client->fd < 0)
		return -errno;
	// Without CAP_NET_ADMIN this is the system's limit, which holds the window as well.
	if (setsockopt(client->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0)
		setsockopt(client->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	if (connect(client->fd, (struct sockaddr *)&client->addr, sizeof(client->addr)) != 0)
		return -errno;
	client->readable =
		event_new(client->base, client->fd, EV_READ | EV_PERSIST, on_readable, client);
	client->writable = event_new(client->base, client->fd, EV_WRITE, on_writable, client);
	if (client->readable == NULL || client->writable == NULL)
		return -ENOMEM;
	event_add(client->readable, NULL);
	return greet(client);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct dp_client *client = arg;
	int err = try_connect(client);

	(void)fd;
	(void)what;
	if (err == 0)
		return;
	if (err != client->last_error)
		log_line(LOG_LEVEL_WARNING, "dp_client: waiting for the dataplane at %s: %s",
			client->addr.sun_path, strerror(-err));
	client->last_error = err;
	close_socket(client);
	client->state = DP_IDLE;
	schedule(client);
}

struct dp_client *dp_client_new(struct event_base *base, const char *path, const char *node,
	const struct dp_client_handlers *handlers)
{
	struct dp_client *client = calloc(1, sizeof(*client));

	if (client == NULL)
		return NULL;
	client->base = base;
	client->fd = -1;
	client->handlers = *handlers;
	client->retry_ms = DP_RETRY_MIN_MS;
	client->addr.sun_family = AF_UNIX;
	strncpy(client->addr.sun_path, path, sizeof(client->addr.sun_path) - 1);
	strncpy(client->node, node, sizeof(client->node) - 1);
	client->retry = evtimer_new(base, on_retry, client);
	if (client->retry == NULL) {
		free(client);
		return NULL;
	}
	return client;
}

void dp_client_free(struct dp_client *client)
{
	if (client == NULL)
		return;
	close_socket(client);
	event_free(client->retry);
	free(client);
}

void dp_client_start(struct dp_client *client)
{
	struct timeval now = {.tv_sec = 0};

	evtimer_add(client->retry, &now);
}
