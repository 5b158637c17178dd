/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The message format between the dataplane and its clients: sizes, layout, checks. No sockets here;
 * dataplane/api_server.c, control/dp_client.c and tools/podlane.c each have their own.
 */
#include "dataplane/api/wire.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static_assert(sizeof(struct wire_hdr) == 16, "header");
static_assert(sizeof(struct wire_tunnel) == 32, "tunnel");
static_assert(sizeof(struct wire_path) == 64, "path");
static_assert(sizeof(struct wire_endpoint) == 12, "endpoint");
static_assert(sizeof(struct wire_source) == 8, "source");
static_assert(sizeof(struct wire_group) == 8 + 8 * WIRE_GROUP_MEMBERS, "group");
static_assert(sizeof(struct wire_route) == 12, "route");
static_assert(sizeof(struct wire_pool) == 8, "pool");
static_assert(sizeof(struct wire_pod) == 40, "pod");
static_assert(sizeof(struct wire_port) == 84, "port");
static_assert(sizeof(struct wire_lookup) == 84, "lookup");
static_assert(sizeof(struct wire_probe) == 80, "probe");
static_assert(sizeof(struct wire_probe_reply) == 20, "probe reply");
static_assert(sizeof(struct wire_path_stats) == 40, "path stats");

size_t wire_item_bytes(enum wire_type type)
{
	switch (type) {
	case WIRE_HELLO:
		return sizeof(struct wire_hello);
	case WIRE_ACK:
		return sizeof(struct wire_refusal);
	case WIRE_PATH_SET:
	case WIRE_PATH_DEL:
		return sizeof(struct wire_path);
	case WIRE_GROUP_SET:
	case WIRE_GROUP_DEL:
		return sizeof(struct wire_group);
	case WIRE_ROUTE_SET:
	case WIRE_ROUTE_DEL:
		return sizeof(struct wire_route);
	case WIRE_POOL_SET:
		return sizeof(struct wire_pool);
	case WIRE_ENDPOINT_SET:
		return sizeof(struct wire_endpoint);
	case WIRE_SOURCE_SET:
		return sizeof(struct wire_source);
	case WIRE_POD_ATTACH:
	case WIRE_POD_DETACH:
	case WIRE_POD:
		return sizeof(struct wire_pod);
	case WIRE_PORT:
		return sizeof(struct wire_port);
	case WIRE_LOOKUP:
		return sizeof(struct wire_lookup);
	case WIRE_PORT_STATS:
		return sizeof(struct wire_port_stats);
	case WIRE_LCORE_STATS:
		return sizeof(struct wire_lcore_stats);
	case WIRE_DROP_STATS:
		return sizeof(struct wire_drop_stats);
	case WIRE_PUNT_STATS:
		return sizeof(struct wire_punt_stats);
	case WIRE_PROBE:
		return sizeof(struct wire_probe);
	case WIRE_PROBE_REPLY:
		return sizeof(struct wire_probe_reply);
	case WIRE_PATH_STATS:
		return sizeof(struct wire_path_stats);
	case WIRE_INFO:
		return sizeof(struct wire_info);
	case WIRE_DUMP:
	case WIRE_STATS:
	case WIRE_N_TYPES:
		return 0;
	}
	return 0;
}

size_t wire_max_items(enum wire_type type)
{
	size_t item_bytes = wire_item_bytes(type);

	return item_bytes == 0 ? 0 : (WIRE_MSG_BYTES - sizeof(struct wire_hdr)) / item_bytes;
}

int wire_parse(const void *msg, size_t len, const struct wire_hdr **hdr, const void **items)
{
	const struct wire_hdr *h = msg;

	if (len < sizeof(*h))
		return -EBADMSG;
	if (h->version != WIRE_VERSION)
		return -EPROTO;
	if (h->type < WIRE_HELLO || h->type >= WIRE_N_TYPES)
		return -EBADMSG;
	if (h->n_items > wire_max_items(h->type))
		return -EBADMSG;
	if (len != sizeof(*h) + h->n_items * wire_item_bytes(h->type))
		return -EBADMSG;

	*hdr = h;
	*items = h->n_items > 0 ? h + 1 : NULL;
	return 0;
}

size_t wire_build(void *buf, enum wire_type type, uint32_t seq, const void *items, size_t n_items)
{
	size_t item_bytes = wire_item_bytes(type);
	struct wire_hdr *h = buf;

	if (n_items > wire_max_items(type))
		return 0;

	*h = (struct wire_hdr){
		.version = WIRE_VERSION,
		.type = (uint16_t)type,
		.seq = seq,
		.n_items = (uint32_t)n_items,
	};
	if (n_items > 0)
		memcpy(h + 1, items, n_items * item_bytes);
	return sizeof(*h) + n_items * item_bytes;
}
