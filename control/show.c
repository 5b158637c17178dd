/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The operator's socket. An answer that grows with the routes is written by a forked child, which has
 * the tables as they were at that moment: the loop goes on, and no lock or cursor is needed.
 */
#include "control/show.h"

#include "control/log.h"
#include "control/show_commands.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHOW_LINE_BYTES	 4096
#define SHOW_CLIENTS	 16
#define SHOW_CHILDREN	 4
#define SHOW_TIMEOUT_SEC 5  /* for a request to come, and an answer to be taken */
#define SHOW_CHILD_SEC	 60 /* for a large answer to be taken */

struct client {
	LIST_ENTRY(client) next;
	struct show *show;
	struct event *event;
	int fd;
	size_t len; /* of the request so far */
	char line[SHOW_LINE_BYTES];
	char *answer;
	size_t answer_len, answer_at;
};
LIST_HEAD(client_list, client);

struct show {
	struct event_base *base;
	struct show_sources sources;
	struct sockaddr_un addr;
	int listen_fd;
	struct event *acceptable, *child;
	struct client_list clients;
	unsigned n_clients, n_children;
	bool is_bound;
};

static void drop_client(struct client *client)
{
	LIST_REMOVE(client, next);
	client->show->n_clients--;
	event_free(client->event);
	close(client->fd);
	free(client->answer);
	free(client);
}

static void on_event(evutil_socket_t fd, short what, void *arg);

/* Wait for this, or for the time to run out. */
static int await(struct client *client, short what)
{
	const struct timeval timeout = {.tv_sec = SHOW_TIMEOUT_SEC};
	struct event *event = event_new(client->show->base, client->fd, what, on_event, client);

	if (event == NULL)
		return -ENOMEM;
	if (client->event != NULL)
		event_free(client->event);
	client->event = event;
	return event_add(event, &timeout) == 0 ? 0 : -ENOMEM;
}

/* The child: everything it does not need is closed, so that no port stays taken if we are killed. */
static void run_child(const struct show *show, const char *line, int fd)
{
	FILE *out;

	if (fd > 3)
		close_range(3, (unsigned)fd - 1, 0);
	close_range((unsigned)fd + 1, ~0u, 0);
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	alarm(SHOW_CHILD_SEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	out = fdopen(fd, "w");
	if (out != NULL) {
		show_command_run(&show->sources, line, out);
		fclose(out);
	}
	_exit(0);
}

static bool answer_by_child(struct client *client)
{
	struct show *show = client->show;
	pid_t pid;

	if (show->n_children >= SHOW_CHILDREN)
		return false;
	pid = fork();
	if (pid == 0)
		run_child(show, client->line, client->fd);
	if (pid < 0)
		return false;
	show->n_children++;
	return true;
}

static void answer(struct client *client)
{
	bool is_large = show_command_size(client->line) == SHOW_LARGE;
	FILE *out;

	if (is_large && answer_by_child(client)) {
		drop_client(client);
		return;
	}
	out = open_memstream(&client->answer, &client->answer_len);
	if (out == NULL) {
		drop_client(client);
		return;
	}
	if (is_large)
		show_command_error(out, "", "busy", "too many large answers under way, ask again");
	else
		show_command_run(&client->show->sources, client->line, out);
	fclose(out);
	if (client->answer == NULL || await(client, EV_WRITE) != 0)
		drop_client(client);
}

static void read_request(struct client *client)
{
	ssize_t n = recv(client->fd, client->line + client->len,
		sizeof(client->line) - 1 - client->len, MSG_DONTWAIT);
	char *end;

	if (n <= 0) {
		drop_client(client);
		return;
	}
	client->len += (size_t)n;
	client->line[client->len] = '\0';
	end = strchr(client->line, '\n');
	if (end != NULL) {
		*end = '\0';
		answer(client);
	} else if (client->len == sizeof(client->line) - 1 || await(client, EV_READ) != 0) {
		drop_client(client);
	}
}

static void write_answer(struct client *client)
{
	ssize_t n = send(client->fd, client->answer + client->answer_at,
		client->answer_len - client->answer_at, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		client->answer_at += (size_t)n;
	if (n < 0 || client->answer_at == client->answer_len || await(client, EV_WRITE) != 0)
		drop_client(client);
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;

	(void)fd;
	if (what & EV_TIMEOUT)
		drop_client(client);
	else if (what & EV_READ)
		read_request(client);
	else
		write_answer(client);
}

static void on_acceptable(evutil_socket_t listen_fd, short what, void *arg)
{
	struct show *show = arg;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *client;

	(void)what;
	if (fd < 0)
		return;
	client = show->n_clients < SHOW_CLIENTS ? calloc(1, sizeof(*client)) : NULL;
	if (client == NULL) {
		close(fd);
		return;
	}
	client->show = show;
	client->fd = fd;
	LIST_INSERT_HEAD(&show->clients, client, next);
	show->n_clients++;
	if (await(client, EV_READ) != 0)
		drop_client(client);
}

static void on_child(evutil_socket_t signal_number, short what, void *arg)
{
	struct show *show = arg;

	(void)signal_number;
	(void)what;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		show->n_children--;
}

/* A socket file is left behind by kill -9; one that answers is another podlane-control's. */
static int remove_stale(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0)
		err = -EADDRINUSE;
	else if (errno == ECONNREFUSED && unlink(addr->sun_path) != 0)
		err = -errno;
	close(fd);
	return err;
}

static int open_listener(struct show *show)
{
	int err = remove_stale(&show->addr);

	if (err != 0)
		return err;
	show->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (show->listen_fd < 0)
		return -errno;
	if (bind(show->listen_fd, (struct sockaddr *)&show->addr, sizeof(show->addr)) != 0)
		return -errno;
	show->is_bound = true;
	// Between bind() and listen() nobody can connect, so the mode is right for the first.
	if (chmod(show->addr.sun_path, 0660) != 0 || listen(show->listen_fd, SHOW_CLIENTS) != 0)
		return -errno;
	return 0;
}

int show_new(struct event_base *base, const char *path, const struct show_sources *sources,
	struct show **out)
{
	struct show *show = calloc(1, sizeof(*show));
	int err;

	if (show == NULL)
		return -ENOMEM;
	show->base = base;
	show->sources = *sources;
	show->listen_fd = -1;
	show->addr.sun_family = AF_UNIX;
	strncpy(show->addr.sun_path, path, sizeof(show->addr.sun_path) - 1);
	LIST_INIT(&show->clients);
	err = open_listener(show);
	if (err != 0)
		goto err_free;
	err = -ENOMEM;
	show->acceptable =
		event_new(base, show->listen_fd, EV_READ | EV_PERSIST, on_acceptable, show);
	show->child = evsignal_new(base, SIGCHLD, on_child, show);
	if (show->acceptable == NULL || show->child == NULL)
		goto err_free;
	event_add(show->acceptable, NULL);
	event_add(show->child, NULL);
	*out = show;
	return 0;

err_free:
	show_free(show);
	return err;
}

void show_free(struct show *show)
{
	struct client *client, *next;

	if (show == NULL)
		return;
	for (client = LIST_FIRST(&show->clients); client != NULL; client = next) {
		next = LIST_NEXT(client, next);
		drop_client(client);
	}
	if (show->acceptable != NULL)
		event_free(show->acceptable);
	if (show->child != NULL)
		event_free(show->child);
	if (show->listen_fd >= 0)
		close(show->listen_fd);
	if (show->is_bound)
		unlink(show->addr.sun_path);
	free(show);
}
