/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The frames of a made-up routing table, as zebra 8.4.4 would send them; for tools/fpm-replay.c.
 */
#include "tools/fpm_table.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

enum {
	FRAME_HEADER_BYTES = 4,
	RTPROT_ZSTATIC = 196,
	PRIORITY = 20, /**< of every route */
};

/** A frame being made: FPM header, one netlink message. */
struct frame {
	uint8_t *bytes;
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

static struct frame begin_frame(uint8_t *bytes, uint16_t type, const void *body, size_t body_len)
{
	struct frame frame = {.len = FRAME_HEADER_BYTES};
	struct nlmsghdr header = {
		.nlmsg_type = type,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE,
	};

	frame.bytes = bytes;
	if (type == RTM_NEWROUTE || type == RTM_NEWNEXTHOP)
		header.nlmsg_flags |= NLM_F_REPLACE;
	put_bytes(&frame, &header, sizeof(header));
	put_bytes(&frame, body, body_len);
	return frame;
}

/** Fill in the lengths. Returns: that of the frame */
static size_t end_frame(struct frame *frame)
{
	uint32_t nlmsg_len = (uint32_t)(frame->len - FRAME_HEADER_BYTES);
	uint8_t header[FRAME_HEADER_BYTES] = {1, 1, (uint8_t)(frame->len >> 8),
		(uint8_t)frame->len};

	memcpy(frame->bytes, header, sizeof(header));
	memcpy(frame->bytes + FRAME_HEADER_BYTES, &nlmsg_len, sizeof(nlmsg_len));
	return frame->len;
}

static uint32_t nexthop_address_be(const struct fpm_table *table, uint32_t i)
{
	return htonl(ntohl(table->first_nh.s_addr) + i);
}

size_t fpm_table_nexthop(const struct fpm_table *table, uint32_t i,
	uint8_t bytes[static FPM_TABLE_FRAME_BYTES])
{
	struct nhmsg msg = {.nh_family = AF_INET, .nh_protocol = RTPROT_ZEBRA};
	struct frame frame;

	frame = begin_frame(bytes, RTM_NEWNEXTHOP, &msg, sizeof(msg));
	put_attr_u32(&frame, NHA_ID, i + 1);
	put_attr_u32(&frame, NHA_GATEWAY, nexthop_address_be(table, i));
	put_attr_u32(&frame, NHA_OIF, table->ifindex);
	return end_frame(&frame);
}

size_t fpm_table_route(const struct fpm_table *table, uint16_t type, uint32_t i,
	uint8_t bytes[static FPM_TABLE_FRAME_BYTES])
{
	uint32_t step = table->prefix_len > 0 ? 1u << (32 - table->prefix_len) : 0;
	uint32_t nh = table->n_nexthops > 0 ? i % table->n_nexthops : 0;
	struct rtmsg msg = {
		.rtm_family = AF_INET,
		.rtm_dst_len = (uint8_t)table->prefix_len,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_BGP,
		.rtm_type = type == RTM_NEWROUTE ? RTN_UNICAST : RTN_UNSPEC,
	};
	struct frame frame;

	frame = begin_frame(bytes, type, &msg, sizeof(msg));
	put_attr_u32(&frame, RTA_DST, htonl(ntohl(table->first.s_addr) + i * step));
	put_attr_u32(&frame, RTA_PRIORITY, PRIORITY);
	if (type == RTM_NEWROUTE && table->is_by_id) {
		put_attr_u32(&frame, RTA_NH_ID, nh + 1);
	} else if (type == RTM_NEWROUTE) {
		put_attr_u32(&frame, RTA_GATEWAY, nexthop_address_be(table, nh));
		put_attr_u32(&frame, RTA_OIF, table->ifindex);
	}
	return end_frame(&frame);
}

size_t fpm_table_sentinel(uint8_t bytes[static FPM_TABLE_FRAME_BYTES])
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
	frame = begin_frame(bytes, RTM_NEWROUTE, &msg, sizeof(msg));
	put_attr(&frame, RTA_DST, all_ones, sizeof(all_ones));
	put_attr_u32(&frame, RTA_PRIORITY, PRIORITY);
	return end_frame(&frame);
}
