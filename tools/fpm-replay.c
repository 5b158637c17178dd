/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plays zebra: sends a recorded FPM stream, or a made-up table of N routes over M next hops, to an
 * FPM listener. For tests and benchmarks of podlane-control.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tools/stream_file.h"

enum {
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3,
	BUFFER_BYTES = 65536,
	FRAME_HEADER_BYTES = 4,
	MAX_FRAME_BYTES = 256, /**< of those made here */
	RTPROT_ZSTATIC = 196,
	PRIORITY = 20, /**< what zebra 8.4.4 always says */
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
};

struct settings {
	struct in_addr address;
	uint32_t port;
	uint32_t speed;
	uint32_t hold_sec;
	const char *file;
	uint32_t from_bytes, to_bytes;
	uint32_t n_routes, n_nexthops, prefix_len, ifindex;
	struct in_addr first, first_nh;
	bool is_by_id, is_withdrawn, has_no_sentinel;
};

/** What goes out, and how far it is. */
struct sender {
	int fd;
	uint32_t speed; /**< frames per second, 0: no limit */
	uint64_t n_frames, n_total, n_bytes;
	uint64_t begin_ns, shown_ns;
	size_t used;
	uint8_t buf[BUFFER_BYTES];
};

static const struct argp_option options[] = {
	{"address", 'a', "ADDRESS", 0, "listener (127.0.0.1)", 0},
	{"port", 'p', "PORT", 0, "its TCP port (2620)", 0},
	{"speed", 's', "N", 0, "send at most N frames per second (no limit)", 0},
	{"hold", 'H', "SECONDS", 0, "keep the connection open that long afterwards (0)", 0},
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
	uint64_t first = ntohl(settings->first.s_addr);
	uint64_t step = 1ull << (32 - settings->prefix_len);

	if ((settings->file == NULL) == (settings->n_routes == 0))
		argp_error(state, "give either a FILE or --routes");
	if (first % step != 0)
		argp_error(state, "--first has bits below the prefix length %u",
			settings->prefix_len);
	if (first + settings->n_routes * step > 1ull << 32)
		argp_error(state, "%u routes of length %u do not fit behind --first",
			settings->n_routes, settings->prefix_len);
	if (settings->n_nexthops == 0)
		argp_error(state, "--next-hops must be at least 1");
	if (settings->from_bytes > settings->to_bytes)
		argp_error(state, "--from is behind --to");
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
	case 'n':
		settings->n_routes = parse_number(state, arg, UINT32_MAX);
		return 0;
	case 'm':
		settings->n_nexthops = parse_number(state, arg, UINT32_MAX);
		return 0;
	case 'l':
		settings->prefix_len = parse_number(state, arg, 32);
		return 0;
	case KEY_FIRST:
		settings->first = parse_address(state, arg);
		return 0;
	case KEY_FIRST_NH:
		settings->first_nh = parse_address(state, arg);
		return 0;
	case KEY_IFINDEX:
		settings->ifindex = parse_number(state, arg, INT32_MAX);
		return 0;
	case KEY_GROUPS:
		settings->is_by_id = true;
		return 0;
	case KEY_WITHDRAW:
		settings->is_withdrawn = true;
		return 0;
	case KEY_NO_SENTINEL:
		settings->has_no_sentinel = true;
		return 0;
	case ARGP_KEY_ARG:
		if (settings->file != NULL)
			argp_usage(state);
		settings->file = arg;
		return 0;
	case ARGP_KEY_END:
		check_settings(state, settings);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
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

static int send_buffer(struct sender *sender)
{
	size_t sent = 0;

	while (sent < sender->used) {
		ssize_t n = send(sender->fd, sender->buf + sent, sender->used - sent, MSG_NOSIGNAL);

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

/** A frame being made: FPM header, one netlink message. */
struct frame {
	uint8_t bytes[MAX_FRAME_BYTES];
	size_t len;
};

static void put_bytes(struct frame *frame, const void *bytes, size_t len)
{
	memcpy(frame->bytes + frame->len, bytes, len);
	frame->len += len;
}

static void put_attr(struct frame *frame, uint16_t type, const void *payload, uint16_t len)
{
	struct nlattr header = {.nla_type = type, .nla_len = (uint16_t)(sizeof(header) + len)};

	put_bytes(frame, &header, sizeof(header)); // all payloads here are whole words
	put_bytes(frame, payload, len);
}

static void put_attr_u32(struct frame *frame, uint16_t type, uint32_t value)
{
	put_attr(frame, type, &value, sizeof(value));
}

static void begin_frame(struct frame *frame, uint16_t type, const void *body, size_t body_len)
{
	struct nlmsghdr header = {
		.nlmsg_type = type,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE,
	};

	if (type == RTM_NEWROUTE || type == RTM_NEWNEXTHOP)
		header.nlmsg_flags |= NLM_F_REPLACE;
	frame->len = FRAME_HEADER_BYTES;
	put_bytes(frame, &header, sizeof(header));
	put_bytes(frame, body, body_len);
}

/** Fill in the lengths, and send it. */
static int end_frame(struct sender *sender, struct frame *frame)
{
	uint32_t nlmsg_len = (uint32_t)(frame->len - FRAME_HEADER_BYTES);
	uint8_t header[FRAME_HEADER_BYTES] = {1, 1, (uint8_t)(frame->len >> 8),
		(uint8_t)frame->len};

	memcpy(frame->bytes, header, sizeof(header));
	memcpy(frame->bytes + FRAME_HEADER_BYTES, &nlmsg_len, sizeof(nlmsg_len));
	return put_frame(sender, frame->bytes, frame->len);
}

static uint32_t nexthop_address_be(const struct settings *settings, uint32_t i)
{
	return htonl(ntohl(settings->first_nh.s_addr) + i);
}

static int send_nexthop(struct sender *sender, const struct settings *settings, uint32_t i)
{
	struct nhmsg msg = {.nh_family = AF_INET, .nh_protocol = RTPROT_ZEBRA};
	struct frame frame;

	begin_frame(&frame, RTM_NEWNEXTHOP, &msg, sizeof(msg));
	put_attr_u32(&frame, NHA_ID, i + 1);
	put_attr_u32(&frame, NHA_GATEWAY, nexthop_address_be(settings, i));
	put_attr_u32(&frame, NHA_OIF, settings->ifindex);
	return end_frame(sender, &frame);
}

static int send_route(struct sender *sender, const struct settings *settings, uint16_t type,
	uint32_t i)
{
	uint32_t step = settings->prefix_len > 0 ? 1u << (32 - settings->prefix_len) : 0;
	uint32_t nh = i % settings->n_nexthops;
	struct rtmsg msg = {
		.rtm_family = AF_INET,
		.rtm_dst_len = (uint8_t)settings->prefix_len,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_BGP,
		.rtm_type = type == RTM_NEWROUTE ? RTN_UNICAST : RTN_UNSPEC,
	};
	struct frame frame;

	begin_frame(&frame, type, &msg, sizeof(msg));
	put_attr_u32(&frame, RTA_DST, htonl(ntohl(settings->first.s_addr) + i * step));
	put_attr_u32(&frame, RTA_PRIORITY, PRIORITY);
	if (type == RTM_NEWROUTE && settings->is_by_id) {
		put_attr_u32(&frame, RTA_NH_ID, nh + 1);
	} else if (type == RTM_NEWROUTE) {
		put_attr_u32(&frame, RTA_GATEWAY, nexthop_address_be(settings, nh));
		put_attr_u32(&frame, RTA_OIF, settings->ifindex);
	}
	return end_frame(sender, &frame);
}

/** The IPv6 blackhole route that says the replay is complete: zebra sends IPv6 last. */
static int send_sentinel(struct sender *sender)
{
	struct rtmsg msg = {
		.rtm_family = AF_INET6,
		.rtm_dst_len = 128,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_ZSTATIC,
		.rtm_type = RTN_BLACKHOLE,
	};
	struct frame frame;
	uint8_t all_ones[16];

	memset(all_ones, 0xff, sizeof(all_ones));
	begin_frame(&frame, RTM_NEWROUTE, &msg, sizeof(msg));
	put_attr(&frame, RTA_DST, all_ones, sizeof(all_ones));
	put_attr_u32(&frame, RTA_PRIORITY, PRIORITY);
	return end_frame(sender, &frame);
}

static int play_table(struct sender *sender, const struct settings *settings)
{
	int err = 0;

	sender->n_total = settings->n_routes + (settings->is_by_id ? settings->n_nexthops : 0) +
			  !settings->has_no_sentinel;
	for (uint32_t i = 0; err == 0 && settings->is_by_id && i < settings->n_nexthops; i++)
		err = send_nexthop(sender, settings, i);
	for (uint32_t i = 0; err == 0 && i < settings->n_routes; i++)
		err = send_route(sender, settings, RTM_NEWROUTE, i);
	if (err == 0 && !settings->has_no_sentinel)
		err = send_sentinel(sender);
	return err < 0 ? err : send_buffer(sender);
}

static int withdraw_table(struct sender *sender, const struct settings *settings)
{
	int err = 0;

	sender->n_total += settings->n_routes;
	for (uint32_t i = 0; err == 0 && i < settings->n_routes; i++)
		err = send_route(sender, settings, RTM_DELROUTE, i);
	return err < 0 ? err : send_buffer(sender);
}

static int play_part_of_file(struct sender *sender, const struct settings *settings)
{
	uint8_t *bytes;
	size_t from = settings->from_bytes, to = settings->to_bytes, len;
	int err = stream_file_load(settings->file, &bytes, &len);

	if (err < 0) {
		fprintf(stderr, "fpm-replay: cannot read %s: %s\n", settings->file, strerror(-err));
		return err;
	}
	to = to < len ? to : len;
	from = from < to ? from : to;
	sender->begin_ns = now_ns();
	err = play_file(sender, bytes + from, to - from);
	free(bytes);
	return err;
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

	fprintf(stderr, "%sfpm-replay: sent %llu frames, %llu bytes in %.3f s: %.0f frames/s\n",
		isatty(STDERR_FILENO) ? "\r" : "", (unsigned long long)sender->n_frames,
		(unsigned long long)sender->n_bytes, sec, (double)sender->n_frames / sec);
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

static int play(struct sender *sender, const struct settings *settings)
{
	int err;

	sender->begin_ns = sender->shown_ns = now_ns();
	err = settings->file != NULL ? play_part_of_file(sender, settings)
				     : play_table(sender, settings);
	if (err < 0)
		return err;
	show_result(sender);
	hold(settings);
	if (settings->file != NULL || !settings->is_withdrawn)
		return 0;

	sender->begin_ns = sender->shown_ns = now_ns();
	sender->n_frames = sender->n_bytes = sender->n_total = 0;
	err = withdraw_table(sender, settings);
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
		.args_doc = "FILE\n--routes=N",
		.doc = "Play a recorded FPM stream (.bin or .bin.xz), or a made-up table, to an "
		       "FPM "
		       "listener.\vThe table ends with the end-of-replay mark of podlane-control. "
		       "Exit status: 0 sent, 1 failed, 2 wrong usage, 3 no listener.",
	};
	static struct sender sender;
	struct settings settings = {
		.port = 2620,
		.to_bytes = UINT32_MAX,
		.n_nexthops = 1,
		.prefix_len = 32,
		.ifindex = 2,
	};
	int err;

	settings.address.s_addr = htonl(INADDR_LOOPBACK);
	settings.first.s_addr = htonl(0x0a400000);    // 10.64.0.0
	settings.first_nh.s_addr = htonl(0xc0a8010b); // 192.168.1.11
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
