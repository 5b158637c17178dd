/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Builds FPM frames for the tests, sound or broken.
 */
#ifndef PODLANE_TEST_UNIT_FPM_BUILDER_H
#define PODLANE_TEST_UNIT_FPM_BUILDER_H

#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

/** A stream being built. The open frame, message and attribute get their lengths when closed. */
struct builder {
	uint8_t bytes[1 << 18];
	size_t len, frame, message, nest;
};

static inline void put(struct builder *b, const void *bytes, size_t len)
{
	if (len > 0)
		memcpy(b->bytes + b->len, bytes, len);
	b->len += len;
}

static inline void put_padding(struct builder *b, size_t since)
{
	while ((b->len - since) % 4 != 0)
		b->bytes[b->len++] = 0;
}

static inline void begin_frame(struct builder *b)
{
	b->frame = b->len;
	put(b, (const uint8_t[]){1, 1, 0, 0}, 4);
}

static inline void end_frame(struct builder *b)
{
	size_t len = b->len - b->frame;

	b->bytes[b->frame + 2] = (uint8_t)(len >> 8);
	b->bytes[b->frame + 3] = (uint8_t)len;
}

static inline void begin_message(struct builder *b, uint16_t type, uint16_t flags, const void *body,
	size_t len)
{
	struct nlmsghdr header = {.nlmsg_type = type, .nlmsg_flags = flags | NLM_F_REQUEST};

	b->message = b->len;
	put(b, &header, sizeof(header));
	put(b, body, len);
}

static inline void set_nlmsg_len(struct builder *b, uint32_t len)
{
	memcpy(b->bytes + b->message, &len, sizeof(len));
}

static inline void end_message(struct builder *b)
{
	set_nlmsg_len(b, (uint32_t)(b->len - b->message));
	put_padding(b, b->message);
}

static inline void put_attr(struct builder *b, uint16_t type, const void *payload, size_t len)
{
	struct nlattr header = {.nla_len = (uint16_t)(sizeof(header) + len), .nla_type = type};
	size_t begin = b->len;

	put(b, &header, sizeof(header));
	put(b, payload, len);
	put_padding(b, begin);
}

static inline void put_u32(struct builder *b, uint16_t type, uint32_t value)
{
	put_attr(b, type, &value, sizeof(value));
}

static inline void begin_nest(struct builder *b, uint16_t type)
{
	b->nest = b->len;
	put_attr(b, type, NULL, 0);
}

static inline void end_nest(struct builder *b)
{
	uint16_t len = (uint16_t)(b->len - b->nest);

	memcpy(b->bytes + b->nest, &len, sizeof(len));
}

/** One next hop of RTA_MULTIPATH, as its own small attribute list. */
static inline void put_path(struct builder *b, uint8_t hops, int ifindex, const uint8_t gateway[4])
{
	struct rtnexthop header = {.rtnh_len = sizeof(header) + 8,
		.rtnh_hops = hops,
		.rtnh_ifindex = ifindex};

	put(b, &header, sizeof(header));
	put_attr(b, RTA_GATEWAY, gateway, 4);
}

static inline struct rtmsg route_header(uint8_t prefix_len)
{
	return (struct rtmsg){
		.rtm_family = AF_INET,
		.rtm_dst_len = prefix_len,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_BGP,
		.rtm_type = RTN_UNICAST,
	};
}

/** NEWROUTE or DELROUTE as far as RTA_DST, left open for more attributes. */
static inline void begin_route(struct builder *b, uint16_t type, const struct rtmsg *header,
	const uint8_t addr[4])
{
	begin_message(b, type, type == RTM_NEWROUTE ? NLM_F_CREATE | NLM_F_REPLACE : 0, header,
		sizeof(*header));
	put_attr(b, RTA_DST, addr, 4);
}

#endif
