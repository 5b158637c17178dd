/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The routes of a RIB in the form of the .fib.tsv files, for captures_test.c.
 */
#include "test/unit/fpm/fib_text.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct text {
	char *bytes;
	size_t len, n_room;
	enum fib_text_form form;
};

static void append(struct text *text, const char *piece)
{
	size_t len = strlen(piece);

	if (text->len + len + 1 > text->n_room) {
		text->n_room = (text->len + len + 1) * 2;
		text->bytes = realloc(text->bytes, text->n_room);
		if (text->bytes == NULL)
			abort();
	}
	memcpy(text->bytes + text->len, piece, len + 1);
	text->len += len;
}

static const char *type_name(uint8_t type)
{
	switch (type) {
	case RTN_UNICAST:
		return "UNICAST";
	case RTN_BLACKHOLE:
		return "BLACKHOLE";
	case RTN_UNREACHABLE:
		return "UNREACHABLE";
	case RTN_PROHIBIT:
		return "PROHIBIT";
	}
	return "?";
}

static const char *protocol_name(uint8_t protocol)
{
	switch (protocol) {
	case RTPROT_BGP:
		return "bgp";
	case RTPROT_KERNEL:
		return "kernel";
	case RTPROT_ZEBRA:
		return "zebra";
	case 196:
		return "zstatic";
	}
	return "?";
}

static void append_nh(struct text *text, const struct fpm_nh *nh)
{
	char gateway[INET6_ADDRSTRLEN] = "-", piece[96];

	if (nh->family != AF_UNSPEC)
		inet_ntop(nh->family, nh->gateway, gateway, sizeof(gateway));
	snprintf(piece, sizeof(piece), "%s@%u*%u", gateway, nh->ifindex, nh->weight);
	append(text, piece);
}

static void append_nexthops(struct text *text, const struct rib_route *route)
{
	char piece[64];

	if (route->nexthops == NULL) {
		snprintf(piece, sizeof(piece), "-@unresolved%u*1", route->nh_id);
		append(text, piece);
		return;
	}
	for (uint32_t i = 0; i < route->nexthops->n; i++) {
		if (i > 0)
			append(text, ",");
		append_nh(text, &route->nexthops->nh[i]);
	}
}

static void append_route(const struct rib_route *route, void *arg)
{
	uint8_t type = route->nexthops != NULL ? route->nexthops->type : RTN_UNICAST;
	char addr[INET6_ADDRSTRLEN], piece[128];
	struct text *text = arg;

	if (text->form == FIB_TEXT_ANSWERS && route->nexthops == NULL)
		return;
	inet_ntop(route->prefix.family, route->prefix.addr, addr, sizeof(addr));
	snprintf(piece, sizeof(piece), "%u\t%s/%u\t%s\t%s\t", route->prefix.table, addr,
		route->prefix.len, type_name(type),
		text->form == FIB_TEXT_FULL ? protocol_name(route->protocol) : "");
	append(text, piece);
	append_nexthops(text, route);
	append(text, "\n");
}

static int compare_lines(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	while ((text = strchr(text, '\n')) != NULL) {
		text++;
		n++;
	}
	return n;
}

void fib_text_sort(char *text)
{
	size_t n_lines = count_lines(text), n = 0;
	char **line = calloc(n_lines + 1, sizeof(char *));
	char *copy = strdup(text);

	if (line == NULL || copy == NULL)
		abort();
	for (char *rest = copy, *one; (one = strsep(&rest, "\n")) != NULL && n < n_lines;)
		line[n++] = one;
	qsort(line, n, sizeof(char *), compare_lines);
	for (size_t i = 0; i < n; i++)
		text = stpcpy(stpcpy(text, line[i]), "\n");
	free(line);
	free(copy);
}

char *fib_text_print(const struct rib *rib, enum fib_text_form form)
{
	struct text text = {.form = form};

	append(&text, "");
	if (rib_walk(rib, append_route, &text) < 0)
		abort();
	fib_text_sort(text.bytes);
	return text.bytes;
}
