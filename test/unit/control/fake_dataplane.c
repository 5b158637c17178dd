/* SPDX-License-Identifier: BSD-3-Clause */
/* A dataplane's tables behind a SOCK_SEQPACKET pair or a listening socket. */
#include "test/unit/control/fake_dataplane.h"

#include "test/unit/support.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static _Alignas(8) uint8_t buf[WIRE_MSG_BYTES], items_buf[WIRE_MSG_BYTES];

void fake_open(struct fake *fake)
{
	int fds[2];

	memset(fake, 0, sizeof(*fake));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	fake->fd = fds[0];
	fake->client_fd = fds[1];
	fake->max_routes = FAKE_ROUTES;
	fake->is_sorted = true;
}

void fake_listen(struct fake *fake, const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	memset(fake, 0, sizeof(*fake));
	strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
	fake->client_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fake->client_fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fake->client_fd, 1), 0);
	fake->fd = -1;
	fake->max_routes = FAKE_ROUTES;
	fake->is_sorted = true;
}

void fake_accept(struct fake *fake)
{
	if (fake->fd < 0)
		fake->fd = accept4(fake->client_fd, NULL, NULL, SOCK_NONBLOCK);
}

void fake_close(struct fake *fake)
{
	if (fake->fd >= 0)
		close(fake->fd);
	close(fake->client_fd);
}

int fake_send(void *arg, enum wire_type type, const void *items, size_t n_items, uint32_t *seq)
{
	struct fake *fake = arg;
	size_t len = wire_build(buf, type, fake->client_seq + 1, items, n_items);

	assert_true(len > 0);
	if (send(fake->client_fd, buf, len, 0) < 0)
		return -errno;
	*seq = ++fake->client_seq;
	return 0;
}

static bool has_nh(const struct fake *fake, uint32_t nh)
{
	uint32_t idx = nh & ~(uint32_t)WIRE_NH_GROUP;

	if (nh < WIRE_NH_PATH_FIRST)
		return nh != WIRE_NH_NONE;
	if (nh & WIRE_NH_GROUP)
		return idx < FAKE_GROUPS && fake->has_group[idx];
	return idx < FAKE_PATHS && fake->has_path[idx];
}

static bool is_used(const struct fake *fake, uint32_t nh)
{
	for (uint32_t i = 0; i < fake->n_routes; i++)
		if (fake->route[i].nh == nh)
			return true;
	for (uint32_t i = 0; i < FAKE_GROUPS; i++)
		for (uint32_t j = 0; fake->has_group[i] && j < fake->group[i].n_members; j++)
			if (fake->group[i].member[j].path == nh)
				return true;
	return false;
}

static int set_path(struct fake *fake, const struct wire_path *path)
{
	if (fake->refuse_paths)
		return -ENOSPC;
	assert_in_range(path->idx, WIRE_NH_PATH_FIRST, FAKE_PATHS - 1);
	if (fake->has_path
			[path->idx]) { // an index in use keeps its next hop; a policy may be renamed
		assert_int_equal(fake->path[path->idx].nexthop, path->nexthop);
		assert_int_equal(fake->path[path->idx].ifindex, path->ifindex);
	}
	fake->path[path->idx] = *path;
	fake->has_path[path->idx] = true;
	return 0;
}

static int set_group(struct fake *fake, const struct wire_group *group)
{
	if (fake->refuse_groups)
		return -ENOSPC;
	assert_in_range(group->idx, 0, FAKE_GROUPS - 1);
	assert_false(fake->has_group[group->idx]);
	assert_true(group->n_members >= 2);
	for (uint32_t i = 0; i < group->n_members; i++)
		assert_true(has_nh(fake, group->member[i].path));
	fake->group[group->idx] = *group;
	fake->has_group[group->idx] = true;
	return 0;
}

static uint32_t find_route(const struct fake *fake, uint32_t prefix, uint8_t depth)
{
	uint32_t i = 0;

	while (i < fake->n_routes &&
		(fake->route[i].prefix != prefix || fake->route[i].depth != depth))
		i++;
	return i;
}

uint32_t fake_route(const struct fake *fake, uint32_t prefix, uint8_t depth)
{
	uint32_t i = find_route(fake, prefix, depth);

	return i < fake->n_routes ? fake->route[i].nh : (uint32_t)WIRE_NH_NONE;
}

static int set_route(struct fake *fake, const struct wire_route *route)
{
	uint32_t i = find_route(fake, route->prefix, route->depth);

	assert_true(has_nh(fake, route->nh));
	if (i == fake->n_routes && fake->n_routes >= fake->max_routes)
		return -ENOSPC;
	fake->route[i] = *route;
	fake->n_routes += i == fake->n_routes;
	return 0;
}

static int del_route(struct fake *fake, const struct wire_route *route)
{
	uint32_t i = find_route(fake, route->prefix, route->depth);

	assert_true(i < fake->n_routes);
	fake->route[i] = fake->route[--fake->n_routes];
	return 0;
}

static int del_nh(bool *has, const struct fake *fake, uint32_t nh)
{
	assert_true(*has);
	assert_false(is_used(fake, nh));
	*has = false;
	return 0;
}

static int apply(struct fake *fake, enum wire_type type, const void *item)
{
	uint32_t idx;

	memcpy(&idx, item, sizeof(idx));
	switch ((int)type) {
	case WIRE_PATH_SET:
		return set_path(fake, item);
	case WIRE_PATH_DEL:
		return del_nh(&fake->has_path[idx], fake, idx);
	case WIRE_GROUP_SET:
		return set_group(fake, item);
	case WIRE_GROUP_DEL:
		return del_nh(&fake->has_group[idx], fake, idx | WIRE_NH_GROUP);
	case WIRE_ROUTE_SET:
		return set_route(fake, item);
	case WIRE_ROUTE_DEL:
		return del_route(fake, item);
	}
	fail_msg("unexpected message %d", type);
	return 0;
}

static void check_sorted(struct fake *fake, const struct wire_route *route, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (route[i - 1].prefix > route[i].prefix ||
			(route[i - 1].prefix == route[i].prefix &&
				route[i - 1].depth >= route[i].depth))
			fake->is_sorted = false;
}

static void say(const struct fake *fake, enum wire_type type, uint32_t seq, const void *items,
	uint32_t n)
{
	size_t len = wire_build(buf, type, seq, items, n);

	assert_int_equal(send(fake->fd, buf, len, 0), len);
}

static void serve_one(struct fake *fake, const struct wire_hdr *hdr, const void *items)
{
	struct wire_refusal *refusals = (struct wire_refusal *)(void *)items_buf;
	struct wire_hdr *answer = (struct wire_hdr *)(void *)buf;
	uint32_t n_refusals = 0, seq = hdr->seq, n_items = hdr->n_items;
	enum wire_type type = hdr->type;
	size_t len;

	fake->log[fake->n_log++ % FAKE_LOG] = type;
	if (type == WIRE_HELLO) {
		struct wire_hello hello = {.instance = 1,
			.max_paths = FAKE_PATHS,
			.max_groups = FAKE_GROUPS,
			.name = "fake"};

		say(fake, WIRE_HELLO, seq, &hello, 1);
		n_items = 0;
	}
	if (type == WIRE_DUMP)
		say(fake, WIRE_PORT, seq, fake->port, fake->n_ports);
	if (type == WIRE_ROUTE_SET || type == WIRE_ROUTE_DEL)
		check_sorted(fake, items, n_items);
	if (type == WIRE_ENDPOINT_SET) {
		assert_true(n_items <= 8);
		if (n_items > 0)
			memcpy(fake->endpoint, items, n_items * sizeof(fake->endpoint[0]));
		fake->n_endpoints = n_items;
		n_items = 0;
	}
	if (type == WIRE_SOURCE_SET) {
		assert_true(n_items <= FAKE_SOURCES);
		if (n_items > 0)
			memcpy(fake->source, items, n_items * sizeof(fake->source[0]));
		fake->n_sources = n_items;
		n_items = 0;
	}
	if (type == WIRE_POOL_SET) {
		assert_true(n_items <= 8);
		if (n_items > 0)
			memcpy(fake->pool, items, n_items * sizeof(fake->pool[0]));
		fake->n_pools = n_items;
		n_items = 0;
	}
	for (uint32_t i = 0; i < n_items; i++) {
		int err = apply(fake, type, (const uint8_t *)items + i * wire_item_bytes(type));

		if (err != 0)
			refusals[n_refusals++] = (struct wire_refusal){.item = i, .error = err};
	}
	len = wire_build(buf, WIRE_ACK, seq, refusals, n_refusals);
	answer->error = n_refusals > 0 ? refusals[0].error : 0;
	assert_int_equal(send(fake->fd, buf, len, 0), len);
}

uint32_t fake_serve(struct fake *fake, uint32_t max)
{
	uint32_t n = 0;

	for (; n < max; n++) {
		static _Alignas(8) uint8_t in[WIRE_MSG_BYTES];
		const struct wire_hdr *hdr;
		const void *items;
		ssize_t len = recv(fake->fd, in, sizeof(in), 0);

		if (len < 0)
			break;
		assert_int_equal(wire_parse(in, (size_t)len, &hdr, &items), 0);
		serve_one(fake, hdr, items);
	}
	return n;
}

void fake_deliver(struct fake *fake, struct sync *sync)
{
	static _Alignas(8) uint8_t in[WIRE_MSG_BYTES];
	const struct wire_hdr *hdr;
	const void *items;
	ssize_t len;

	while ((len = recv(fake->client_fd, in, sizeof(in), 0)) > 0) {
		assert_int_equal(wire_parse(in, (size_t)len, &hdr, &items), 0);
		sync_ack(sync, hdr->seq, hdr->error, items, hdr->n_items);
	}
}

void fake_connect(struct fake *fake, struct sync *sync)
{
	assert_int_equal(sync_connected(sync, FAKE_PATHS, FAKE_GROUPS), 0);
	assert_int_equal(sync_adopt(sync, WIRE_POOL_SET, fake->pool, fake->n_pools), 0);
	assert_int_equal(sync_adopt(sync, WIRE_ENDPOINT_SET, fake->endpoint, fake->n_endpoints), 0);
	assert_int_equal(sync_adopt(sync, WIRE_SOURCE_SET, fake->source, fake->n_sources), 0);
	for (uint32_t i = 0; i < FAKE_PATHS; i++)
		if (fake->has_path[i])
			assert_int_equal(sync_adopt(sync, WIRE_PATH_SET, &fake->path[i], 1), 0);
	for (uint32_t i = 0; i < FAKE_GROUPS; i++)
		if (fake->has_group[i])
			assert_int_equal(sync_adopt(sync, WIRE_GROUP_SET, &fake->group[i], 1), 0);
	assert_int_equal(sync_adopt(sync, WIRE_ROUTE_SET, fake->route, fake->n_routes), 0);
	sync_adopted(sync);
}

void fake_settle(struct fake *fake, struct sync *sync)
{
	do {
		fake_deliver(fake, sync);
		sync_pump(sync);
	} while (fake_serve(fake, UINT32_MAX) > 0);
}
