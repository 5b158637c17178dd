/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plays zebra: sends a recorded FPM stream, or a made-up table of N routes over M next hops, to an
 * FPM listener. For tests and benchmarks of podlane-control.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/fpm_table.h"
#include "tools/stream_file.h"

enum {
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3,
	BUFFER_BYTES = 65536,
	MAX_FILES = 8,
	FRAME_HEADER_BYTES = 4,
};

enum option_key {
	KEY_FROM = 0x100,
	KEY_TO,
	KEY_FIRST,
	KEY_FIRST_NH,
	KEY_IFINDEX,
	KEY_GROUPS,
	KEY_NO_SENTINEL,
	KEY_WITHDRAW,
	KEY_STEP,
};

struct settings {
	struct in_addr address;
	uint32_t port;
	uint32_t speed;
	uint32_t hold_sec;
	const char *file[MAX_FILES];
	uint32_t n_files;
	uint32_t from_bytes, to_bytes;
	struct fpm_table table;
	bool is_withdrawn, has_no_sentinel, is_stepped;
};

/** What goes out, and how far it is. */
struct sender {
	int fd;
	uint32_t speed; /**< frames per second, 0: no limit */
	uint64_t n_frames, n_total, n_bytes;
	uint64_t begin_ns, shown_ns;
	uint64_t waited_ns; /**< for the listener to read */
	size_t used;
	uint8_t buf[BUFFER_BYTES];
};

static const struct argp_option options[] = {
	{"address", 'a', "ADDRESS", 0, "listener (127.0.0.1)", 0},
	{"port", 'p', "PORT", 0, "its TCP port (2620)", 0},
	{"speed", 's', "N", 0, "send at most N frames per second (no limit)", 0},
	{"hold", 'H', "SECONDS", 0, "keep the connection open that long afterwards (0)", 0},
	{"step", KEY_STEP, NULL, 0, "wait for a line on stdin before each file", 0},
	{0, 0, NULL, 0, "Part of a file:", 1},
	{"from", KEY_FROM, "BYTE", 0, "begin at this byte (0)", 0},
	{"to", KEY_TO, "BYTE", 0, "end before this byte (the end)", 0},
	{0, 0, NULL, 0, "A made-up table, sorted:", 2},
	{"routes", 'n', "N", 0, "how many routes", 0},
	{"next-hops", 'm', "M", 0, "over how many next hops (1)", 0},
	{"length", 'l', "LENGTH", 0, "prefix length, 26 or 32 for example (32)", 0},
	{"first", KEY_FIRST, "ADDRESS", 0, "first prefix (10.64.0.0)", 0},
	{"first-next-hop", KEY_FIRST_NH, "ADDRESS", 0, "first next hop (192.168.1.11)", 0},
	{"ifindex", KEY_IFINDEX, "INDEX", 0, "interface of the next hops (2)", 0},
	{"by-id", KEY_GROUPS, NULL, 0, "send next-hop objects and name their ids", 0},
	{"withdraw", KEY_WITHDRAW, NULL, 0, "delete all routes again after --hold", 0},
	{"no-sentinel", KEY_NO_SENTINEL, NULL, 0, "leave the end-of-replay mark out", 0},
	{0},
};

static uint32_t parse_number(struct argp_state *state, const char *text, uint32_t max)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != 0 || errno != 0 || value > max)
		argp_error(state, "\"%s\" is not a number from 0 to %u", text, max);
	return (uint32_t)value;
}

static struct in_addr parse_address(struct argp_state *state, const char *text)
{
	struct in_addr address = {0};

	if (inet_pton(AF_INET, text, &address) != 1)
		argp_error(state, "\"%s\" is not an IPv4 address", text);
	return address;
}

static void check_settings(struct argp_state *state, const struct settings *settings)
{
	uint64_t first = ntohl(settings->table.first.s_addr);
	uint64_t step = 1ull << (32 - settings->table.prefix_len);

	if ((settings->n_files == 0) == (settings->table.n_routes == 0))
		argp_error(state, "give either a FILE or --routes");
	if (first % step != 0)
		argp_error(state, "--first has bits below the prefix length %u",
			settings->table.prefix_len);
	if (first + settings->table.n_routes * step > 1ull << 32)
		argp_error(state, "%u routes of length %u do not fit behind --first",
			settings->table.n_routes, settings->table.prefix_len);
	if (settings->table.n_nexthops == 0)
		argp_error(state, "--next-hops must be at least 1");
	if (settings->from_bytes > settings->to_bytes)
		argp_error(state, "--from is behind --to");
}

static error_t parse_table_option(int key, char *arg, struct argp_state *state)
{
	struct settings *settings = state->input;

	switch (key) {
	case 'n':
		settings->table.n_routes = parse_number(state, arg, UINT32_MAX);
		return 0;
	case 'm':
		settings->table.n_nexthops = parse_number(state, arg, UINT32_MAX);
		return 0;
	case 'l':
		settings->table.prefix_len = parse_number(state, arg, 32);
		return 0;
	case KEY_FIRST:
		settings->table.first = parse_address(state, arg);
		return 0;
	case KEY_FIRST_NH:
		settings->table.first_nh = parse_address(state, arg);
		return 0;
	case KEY_IFINDEX:
		settings->table.ifindex = parse_number(state, arg, INT32_MAX);
		return 0;
	case KEY_GROUPS:
		settings->table.is_by_id = true;
		return 0;
	case KEY_WITHDRAW:
		settings->is_withdrawn = true;
		return 0;
	case KEY_NO_SENTINEL:
		settings->has_no_sentinel = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct settings *settings = state->input;

	switch (key) {
	case 'a':
		settings->address = parse_address(state, arg);
		return 0;
	case 'p':
		settings->port = parse_number(state, arg, UINT16_MAX);
		return 0;
	case 's':
		settings->speed = parse_number(state, arg, UINT32_MAX);
		return 0;
	case 'H':
		settings->hold_sec = parse_number(state, arg, UINT32_MAX);
		return 0;
	case KEY_FROM:
		settings->from_bytes = parse_number(state, arg, UINT32_MAX);
		return 0;
	case KEY_TO:
		settings->to_bytes = parse_number(state, arg, UINT32_MAX);
		return 0;
	case KEY_STEP:
		settings->is_stepped = true;
		return 0;
	case ARGP_KEY_ARG:
		if (settings->n_files == MAX_FILES)
			argp_error(state, "at most %d files", MAX_FILES);
		settings->file[settings->n_files++] = arg;
		return 0;
	case ARGP_KEY_END:
		check_settings(state, settings);
		return 0;
	}
	return parse_table_option(key, arg, state);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/** One line that renews itself on a terminal; in a log one line per second. */
static void show_progress(struct sender *sender)
{
	uint64_t now = now_ns();
	double sec = (double)(now - sender->begin_ns) / 1e9;

	if (now - sender->shown_ns < 1000000000u)
		return;
	sender->shown_ns = now;
	fprintf(stderr, "%sfpm-replay: %llu of %llu frames, %.0f/s%s",
		isatty(STDERR_FILENO) ? "\r" : "", (unsigned long long)sender->n_frames,
		(unsigned long long)sender->n_total, (double)sender->n_frames / sec,
		isatty(STDERR_FILENO) ? "  " : "\n");
}

/** Send without waiting; if the socket is full, wait, and count how long. */
static ssize_t send_some(struct sender *sender, const uint8_t *bytes, size_t len)
{
	ssize_t n = send(sender->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	uint64_t since;

	if (n >= 0 || errno != EAGAIN)
		return n;
	since = now_ns();
	n = send(sender->fd, bytes, len, MSG_NOSIGNAL);
	sender->waited_ns += now_ns() - since;
	return n;
}

static int send_buffer(struct sender *sender)
{
	size_t sent = 0;

	while (sent < sender->used) {
		ssize_t n = send_some(sender, sender->buf + sent, sender->used - sent);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		sent += (size_t)n;
	}
	sender->n_bytes += sender->used;
	sender->used = 0;
	show_progress(sender);
	return 0;
}

/** Wait until the frames sent so far are due. */
static void keep_speed(struct sender *sender)
{
	uint64_t due_ns = sender->begin_ns + sender->n_frames * 1000000000u / sender->speed;
	uint64_t now = now_ns();
	struct timespec rest;

	if (now >= due_ns)
		return;
	rest = (struct timespec){
		.tv_sec = (time_t)((due_ns - now) / 1000000000u),
		.tv_nsec = (long)((due_ns - now) % 1000000000u),
	};
	nanosleep(&rest, NULL);
}

/** Put a frame in the buffer; with a limited speed send it when it is due. */
static int put_frame(struct sender *sender, const uint8_t *frame, size_t len)
{
	int err = 0;

	if (sender->used + len > sizeof(sender->buf))
		err = send_buffer(sender);
	if (err < 0)
		return err;
	memcpy(sender->buf + sender->used, frame, len);
	sender->used += len;
	sender->n_frames++;
	// A thousand wake-ups a second are enough for any speed.
	if (sender->speed > 0 && sender->n_frames % (sender->speed / 1000 + 1) == 0) {
		err = send_buffer(sender);
		keep_speed(sender);
	}
	return err;
}

/** The length of the frame at @bytes, at most what is left: a cut file is sent as it is. */
static size_t frame_len_at(const uint8_t *bytes, size_t left)
{
	size_t len = left;

	if (left >= FRAME_HEADER_BYTES)
		len = (size_t)bytes[2] << 8 | bytes[3];
	if (len < FRAME_HEADER_BYTES || len > left)
		len = left < BUFFER_BYTES ? left : BUFFER_BYTES;
	return len;
}

static int play_file(struct sender *sender, const uint8_t *bytes, size_t len)
{
	for (size_t at = 0; at < len; at += frame_len_at(bytes + at, len - at))
		sender->n_total++;
	while (len > 0) {
		size_t frame_len = frame_len_at(bytes, len);
		int err = put_frame(sender, bytes, frame_len);

		if (err < 0)
			return err;
		bytes += frame_len;
		len -= frame_len;
	}
	return send_buffer(sender);
}

static int play_table(struct sender *sender, const struct settings *settings)
{
	const struct fpm_table *table = &settings->table;
	uint32_t n_ids = table->is_by_id ? table->n_nexthops : 0;
	uint8_t frame[FPM_TABLE_FRAME_BYTES];
	int err = 0;

	sender->n_total = (uint64_t)table->n_routes + n_ids + !settings->has_no_sentinel;
	for (uint32_t i = 0; err == 0 && i < n_ids; i++)
		err = put_frame(sender, frame, fpm_table_nexthop(table, i, frame));
	for (uint32_t i = 0; err == 0 && i < table->n_routes; i++)
		err = put_frame(sender, frame, fpm_table_route(table, RTM_NEWROUTE, i, frame));
	if (err == 0 && !settings->has_no_sentinel)
		err = put_frame(sender, frame, fpm_table_sentinel(frame));
	return err < 0 ? err : send_buffer(sender);
}

static int withdraw_table(struct sender *sender, const struct fpm_table *table)
{
	uint8_t frame[FPM_TABLE_FRAME_BYTES];
	int err = 0;

	sender->n_total = table->n_routes;
	for (uint32_t i = 0; err == 0 && i < table->n_routes; i++)
		err = put_frame(sender, frame, fpm_table_route(table, RTM_DELROUTE, i, frame));
	return err < 0 ? err : send_buffer(sender);
}

static int connect_to(const struct settings *settings)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_addr = settings->address,
		.sin_port = htons((uint16_t)settings->port),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static void show_result(const struct sender *sender)
{
	double sec = (double)(now_ns() - sender->begin_ns) / 1e9;

	fprintf(stderr,
		"%sfpm-replay: sent %llu frames, %llu bytes in %.3f s: %.0f frames/s, waited %.3f "
		"s\n",
		isatty(STDERR_FILENO) ? "\r" : "", (unsigned long long)sender->n_frames,
		(unsigned long long)sender->n_bytes, sec, (double)sender->n_frames / sec,
		(double)sender->waited_ns / 1e9);
}

/** Keep the connection, since its end tells the listener that zebra is gone. */
static void hold(const struct settings *settings)
{
	if (settings->hold_sec > 0)
		fprintf(stderr, "fpm-replay: holding the connection for %u s\n",
			settings->hold_sec);
	for (unsigned int left = settings->hold_sec; left > 0;)
		left = sleep(left);
}

static void begin(struct sender *sender)
{
	sender->n_frames = sender->n_total = sender->n_bytes = sender->waited_ns = 0;
	sender->begin_ns = sender->shown_ns = now_ns();
}

static int play_part_of_file(struct sender *sender, const struct settings *settings,
	const char *file)
{
	uint8_t *bytes;
	size_t from = settings->from_bytes, to = settings->to_bytes, len;
	int err = stream_file_load(file, &bytes, &len);

	if (err < 0) {
		fprintf(stderr, "fpm-replay: cannot read %s: %s\n", file, strerror(-err));
		return err;
	}
	if (settings->is_stepped)
		for (int c = getchar(); c != '\n' && c != EOF;)
			c = getchar();
	to = to < len ? to : len;
	from = from < to ? from : to;
	begin(sender);
	err = play_file(sender, bytes + from, to - from);
	free(bytes);
	return err;
}

static int play_files(struct sender *sender, const struct settings *settings)
{
	int err = 0;

	for (uint32_t i = 0; i < settings->n_files && err == 0; i++) {
		err = play_part_of_file(sender, settings, settings->file[i]);
		if (err == 0)
			show_result(sender);
	}
	if (err == 0)
		hold(settings);
	return err;
}

static int play(struct sender *sender, const struct settings *settings)
{
	int err;

	begin(sender);
	if (settings->n_files > 0)
		return play_files(sender, settings);
	err = play_table(sender, settings);
	if (err < 0)
		return err;
	show_result(sender);
	hold(settings);
	if (!settings->is_withdrawn)
		return 0;

	begin(sender);
	err = withdraw_table(sender, &settings->table);
	if (err < 0)
		return err;
	show_result(sender);
	hold(settings);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.args_doc = "FILE...\n--routes=N",
		.doc = "Play recorded FPM streams (.bin or .bin.xz), or a made-up table, to an "
		       "FPM "
		       "listener.\vThe table ends with the end-of-replay mark of podlane-control. "
		       "Exit status: 0 sent, 1 failed, 2 wrong usage, 3 no listener.",
	};
	static struct sender sender;
	struct settings settings = {
		.port = 2620,
		.to_bytes = UINT32_MAX,
		.table = {.n_nexthops = 1, .prefix_len = 32, .ifindex = 2},
	};
	int err;

	settings.address.s_addr = htonl(INADDR_LOOPBACK);
	settings.table.first.s_addr = htonl(0x0a400000);    // 10.64.0.0
	settings.table.first_nh.s_addr = htonl(0xc0a8010b); // 192.168.1.11
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &settings);

	sender.speed = settings.speed;
	sender.fd = connect_to(&settings);
	if (sender.fd < 0) {
		fprintf(stderr,
			"fpm-replay: cannot connect to %s port %u: %s; is podlane-control "
			"running?\n",
			inet_ntoa(settings.address), settings.port, strerror(-sender.fd));
		return EXIT_UNREACHABLE;
	}
	err = play(&sender, &settings);
	close(sender.fd);
	if (err < 0) {
		fprintf(stderr, "fpm-replay: stopped after %llu frames: %s\n",
			(unsigned long long)sender.n_frames, strerror(-err));
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
