/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The TCP port that zebra's FPM connects to. Reads whenever there is something to read, whatever the
 * dataplane does: zebra 8.4 spins on two cores when it cannot write. Feeds pipeline.c.
 */
#include "control/fpm_conn.h"

#include "control/log.h"
#include "control/pipeline.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FPM_READ_BYTES	   65536
#define FPM_READS_PER_TURN 16
#define FPM_RCVBUF_BYTES   (4 << 20)

struct fpm_conn {
	struct event_base *base;
	struct event *acceptable, *readable;
	struct pipeline *pipeline;
	struct fpm_decoder *decoder;
	int listen_fd, fd;
	int apply_error; /* of the RIB, during a push */
	struct fpm_conn_status status;
	struct log_limit refused;
	char buf[FPM_READ_BYTES];
};

static void disconnect(struct fpm_conn *conn, const char *why)
{
	log_line(LOG_LEVEL_NOTICE, "fpm_conn: zebra is gone: %s; its routes are kept", why);
	event_free(conn->readable);
	conn->readable = NULL;
	close(conn->fd);
	conn->fd = -1;
	conn->status.is_connected = false;
	conn->status.peer[0] = '\0';
	pipeline_end_fpm(conn->pipeline);
}

static void on_event(const struct fpm_event *event, void *arg)
{
	struct fpm_conn *conn = arg;

	if (conn->apply_error == 0)
		conn->apply_error = pipeline_take_fpm(conn->pipeline, event);
}

/* Take what one read returned. Returns why the connection must end, or NULL. */
static const char *take_bytes(struct fpm_conn *conn, size_t n)
{
	pipeline_note_fpm_bytes(conn->pipeline);
	conn->apply_error = 0;
	if (fpm_decoder_push(conn->decoder, conn->buf, n, on_event, conn) != 0)
		return "its bytes are no FPM";
	// zebra connects again and replays, so nothing stays lost.
	return conn->apply_error != 0 ? "out of memory for its routes" : NULL;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct fpm_conn *conn = arg;
	const char *why = NULL;

	(void)what;
	for (int i = 0; i < FPM_READS_PER_TURN && why == NULL; i++) {
		ssize_t n = recv(fd, conn->buf, sizeof(conn->buf), MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n == 0)
			why = "closed";
		else if (n < 0)
			why = strerror(errno);
		else
			why = take_bytes(conn, (size_t)n);
	}
	// Before the connection ends: the changes belong to bytes of this one.
	pipeline_turn(conn->pipeline);
	if (why != NULL)
		disconnect(conn, why);
}

static void connect_zebra(struct fpm_conn *conn, int fd, const struct sockaddr_in *from)
{
	struct timespec now;
	int bytes = FPM_RCVBUF_BYTES;

	// Without CAP_NET_ADMIN the kernel is left to size it, up to tcp_rmem: SO_RCVBUF would end that,
	// and give rmem_max, which is 208 KiB on Debian and 4 ms of a replay.
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	conn->readable = event_new(conn->base, fd, EV_READ | EV_PERSIST, on_readable, conn);
	if (conn->readable == NULL) {
		log_line(LOG_LEVEL_ERR, "fpm_conn: out of memory for a connection");
		close(fd);
		return;
	}
	event_add(conn->readable, NULL);
	conn->fd = fd;
	clock_gettime(CLOCK_MONOTONIC, &now);
	conn->status.is_connected = true;
	conn->status.since_sec = (uint64_t)now.tv_sec;
	conn->status.n_connections++;
	inet_ntop(AF_INET, &from->sin_addr, conn->status.peer, 16);
	snprintf(conn->status.peer + strlen(conn->status.peer), 8, ":%u",
		(unsigned)ntohs(from->sin_port));
	log_line(LOG_LEVEL_NOTICE, "fpm_conn: zebra connected from=%s", conn->status.peer);
	fpm_decoder_reset(conn->decoder);
	pipeline_begin_fpm(conn->pipeline);
}

static void on_acceptable(evutil_socket_t listen_fd, short what, void *arg)
{
	struct fpm_conn *conn = arg;
	struct sockaddr_in from = {.sin_family = AF_INET};
	socklen_t len = sizeof(from);
	int fd = accept4(listen_fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (fd < 0)
		return;
	// A zebra that was killed may be noticed only now.
	if (conn->fd >= 0)
		on_readable(conn->fd, EV_READ, conn);
	if (conn->fd < 0) {
		connect_zebra(conn, fd, &from);
		return;
	}
	conn->status.n_refused++;
	log_limited(&conn->refused, LOG_LEVEL_WARNING,
		"fpm_conn: second zebra refused, %s is connected: stop one", conn->status.peer);
	close(fd);
}

static int parse_listen(const char *listen_at, struct sockaddr_in *addr)
{
	char ip[16];
	unsigned port;

	memset(addr, 0, sizeof(*addr));
	addr->sin_family = AF_INET;
	if (sscanf(listen_at, "%15[0-9.]:%u", ip, &port) != 2 || port > 65535 ||
		inet_pton(AF_INET, ip, &addr->sin_addr) != 1)
		return -EINVAL;
	addr->sin_port = htons((uint16_t)port);
	return 0;
}

static int open_listener(struct fpm_conn *conn, const char *listen_at)
{
	struct sockaddr_in addr;
	int on = 1;
	int err = parse_listen(listen_at, &addr);

	if (err != 0)
		return err;
	conn->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (conn->listen_fd < 0)
		return -errno;
	setsockopt(conn->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(conn->listen_fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
		listen(conn->listen_fd, 4) != 0)
		return -errno;
	return 0;
}

int fpm_conn_new(struct event_base *base, const char *listen_at, struct pipeline *pipeline,
	struct fpm_conn **out)
{
	struct fpm_conn *conn = calloc(1, sizeof(*conn));
	int err;

	if (conn == NULL)
		return -ENOMEM;
	conn->base = base;
	conn->pipeline = pipeline;
	conn->fd = -1;
	conn->listen_fd = -1;
	err = open_listener(conn, listen_at);
	if (err != 0)
		goto err_free;
	err = -ENOMEM;
	conn->decoder = fpm_decoder_new();
	conn->acceptable =
		event_new(base, conn->listen_fd, EV_READ | EV_PERSIST, on_acceptable, conn);
	if (conn->decoder == NULL || conn->acceptable == NULL)
		goto err_free;
	event_add(conn->acceptable, NULL);
	*out = conn;
	return 0;

err_free:
	fpm_conn_free(conn);
	return err;
}

void fpm_conn_free(struct fpm_conn *conn)
{
	if (conn == NULL)
		return;
	if (conn->readable != NULL)
		event_free(conn->readable);
	if (conn->acceptable != NULL)
		event_free(conn->acceptable);
	if (conn->fd >= 0)
		close(conn->fd);
	if (conn->listen_fd >= 0)
		close(conn->listen_fd);
	fpm_decoder_free(conn->decoder);
	free(conn);
}

void fpm_conn_status(const struct fpm_conn *conn, struct fpm_conn_status *status)
{
	*status = conn->status;
	status->counters = *fpm_decoder_counters(conn->decoder);
}
