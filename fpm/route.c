/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RTM_NEWROUTE and RTM_DELROUTE to one event. Step 3 of the route's walk; called by frame.c.
 */
#include "fpm/decode.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/** What the header says that the next hops need, and what the attributes said so far. */
struct route_context {
	uint8_t family;
	bool is_old_module;
	bool has_dst;
	bool needs_encap;     /**< labels and the like, which no path of ours can carry */
	struct fpm_nh single; /**< from the route's own RTA_GATEWAY and RTA_OIF */
};

static uint8_t family_bits(uint8_t family)
{
	return family == AF_INET ? 32 : 128;
}

/** Read the destination; what lies below the prefix length counts as zero. */
static int read_prefix_addr(struct cursor payload, struct fpm_prefix *prefix)
{
	uint8_t n_whole_bytes = prefix->len / 8;
	uint8_t addr[16] = {0};

	if (cursor_read_whole(payload, addr, family_bits(prefix->family) / 8) < 0)
		return -EBADMSG;
	memcpy(prefix->addr, addr, n_whole_bytes);
	if (prefix->len % 8 != 0)
		prefix->addr[n_whole_bytes] =
			addr[n_whole_bytes] & (uint8_t)(0xff00 >> (prefix->len % 8));
	return 0;
}

/** Source: struct rtvia in linux/rtnetlink.h: a gateway of another family than the route's */
static int read_via(struct cursor payload, struct fpm_nh *nh)
{
	uint16_t family;

	if (cursor_read(&payload, &family, sizeof(family)) < 0 || family > UINT8_MAX)
		return -EBADMSG;
	return fpm_read_gateway(payload, (uint8_t)family, nh);
}

/** Take an attribute that describes one next hop, of a route or inside RTA_MULTIPATH. */
static int read_nh_attr(struct route_context *context, const struct cursor_attr *attr,
	struct fpm_nh *nh)
{
	switch (attr->type) {
	case RTA_GATEWAY:
		return fpm_read_gateway(attr->payload, context->family, nh);
	case RTA_VIA:
		return read_via(attr->payload, nh);
	case RTA_OIF:
		return cursor_read_whole(attr->payload, &nh->ifindex, sizeof(nh->ifindex));
	case RTA_ENCAP:
	case RTA_NEWDST:
		context->needs_encap = true;
		return 0;
	}
	return 0; // the kernel's list grows, and zebra may send what we have no use for
}

/**
 * dplane_fpm_nl sends the weight less one, as the kernel wants it; zebra_fpm sends the weight.
 */
static uint32_t weight_of(const struct route_context *context, uint8_t rtnh_hops)
{
	if (context->is_old_module)
		return rtnh_hops > 0 ? rtnh_hops : 1;
	return rtnh_hops + 1u;
}

/** Read one member of RTA_MULTIPATH with its nested attributes. */
static int read_path(struct route_context *context, struct cursor *paths, struct fpm_nh *nh)
{
	struct rtnexthop header;
	struct cursor attrs;

	*nh = (struct fpm_nh){0};
	if (cursor_read(paths, &header, sizeof(header)) < 0 || header.rtnh_len < sizeof(header) ||
		cursor_split(paths, header.rtnh_len - sizeof(header), &attrs) < 0)
		return -EBADMSG;
	cursor_skip_padding(paths, header.rtnh_len);

	nh->ifindex = (uint32_t)header.rtnh_ifindex;
	nh->is_onlink = (header.rtnh_flags & RTNH_F_ONLINK) != 0;
	nh->weight = weight_of(context, header.rtnh_hops);
	while (cursor_left(&attrs) > 0) {
		struct cursor_attr attr;

		if (cursor_read_attr(&attrs, &attr) < 0 || read_nh_attr(context, &attr, nh) < 0)
			return -EBADMSG;
	}
	return nh->family == AF_UNSPEC && nh->ifindex == 0 ? -EBADMSG : 0;
}

/** Read RTA_MULTIPATH; of more next hops than we hold the first are taken. */
static int read_multipath(struct route_context *context, struct cursor paths,
	struct fpm_route *route, struct fpm_counters *counters)
{
	bool is_cut_short = false;

	route->n_nh = 0;
	while (cursor_left(&paths) > 0) {
		struct fpm_nh nh;

		if (read_path(context, &paths, &nh) < 0)
			return -EBADMSG;
		if (route->n_nh < FPM_MAX_NH)
			route->nh[route->n_nh++] = nh;
		else
			is_cut_short = true;
	}
	counters->cut_short += is_cut_short;
	return route->n_nh > 0 ? 0 : -EBADMSG;
}

static int read_route_attr(struct route_context *context, const struct cursor_attr *attr,
	struct fpm_route *route, struct fpm_counters *counters)
{
	switch (attr->type) {
	case RTA_DST:
		context->has_dst = true;
		return read_prefix_addr(attr->payload, &route->prefix);
	case RTA_TABLE:
		return cursor_read_whole(attr->payload, &route->prefix.table,
			sizeof(route->prefix.table));
	case RTA_NH_ID:
		return cursor_read_whole(attr->payload, &route->nh_id, sizeof(route->nh_id));
	case RTA_MULTIPATH:
		return read_multipath(context, attr->payload, route, counters);
	}
	return read_nh_attr(context, attr, &context->single);
}

/** Take the header of the message as far as a prefix goes. */
static void begin_route(const struct rtmsg *msg, struct fpm_route *route)
{
	route->prefix = (struct fpm_prefix){
		.table = msg->rtm_table,
		.family = msg->rtm_family,
		.len = msg->rtm_dst_len,
	};
	route->type = msg->rtm_type;
	route->protocol = msg->rtm_protocol;
	route->nh_id = 0;
	route->n_nh = 0;
}

/** Make the next hops of a new route one of three: an id, a list, or none because of its type. */
static int finish_route(struct route_context *context, struct fpm_route *route)
{
	if (route->type != RTN_UNICAST) {
		route->nh_id = 0;
		route->n_nh = 0;
		return 0;
	}
	if (route->nh_id != 0) {
		route->n_nh = 0;
		return 0;
	}
	if (route->n_nh > 0)
		return 0;
	if (context->single.family == AF_UNSPEC && context->single.ifindex == 0)
		return -EBADMSG;
	route->nh[0] = context->single;
	route->n_nh = 1;
	return 0;
}

/** Is it of a kind that a unicast FIB has? A delete has no type with 8.4.4. */
static bool is_our_route(const struct rtmsg *msg, uint16_t nlmsg_type)
{
	if (msg->rtm_family != AF_INET && msg->rtm_family != AF_INET6)
		return false; // AF_MPLS: LSPs; RTNL_FAMILY_IPMR: multicast
	if (msg->rtm_src_len != 0)
		return false; // by source too: another route than the one with this destination

	switch (msg->rtm_type) {
	case RTN_UNICAST:
	case RTN_BLACKHOLE:
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
		return true;
	case RTN_UNSPEC:
		return nlmsg_type == RTM_DELROUTE;
	}
	return false; // multicast, throw, local: they must not touch the unicast route either
}

enum fpm_verdict fpm_decode_route(const struct nlmsghdr *header, struct cursor body,
	struct fpm_event *event, struct fpm_counters *counters)
{
	struct fpm_route *route = &event->route;
	struct route_context context = {0};
	struct rtmsg msg;

	if (cursor_read(&body, &msg, sizeof(msg)) < 0)
		return FPM_VERDICT_BAD;
	if (!is_our_route(&msg, header->nlmsg_type))
		return FPM_VERDICT_SKIP;
	if (msg.rtm_dst_len > family_bits(msg.rtm_family))
		return FPM_VERDICT_BAD;

	event->kind = header->nlmsg_type == RTM_NEWROUTE ? FPM_ROUTE_SET : FPM_ROUTE_DEL;
	begin_route(&msg, route);
	context.family = msg.rtm_family;
	context.single.weight = 1;
	context.single.is_onlink = (msg.rtm_flags & RTNH_F_ONLINK) != 0;
	// zebra_fpm never asks to replace and names zebra as the origin of all it learned;
	// dplane_fpm_nl names the daemon, and of its few routes from zebra it replaces those of
	// IPv4.
	context.is_old_module =
		msg.rtm_protocol == RTPROT_ZEBRA && (header->nlmsg_flags & NLM_F_REPLACE) == 0;

	while (cursor_left(&body) > 0) {
		struct cursor_attr attr;

		if (cursor_read_attr(&body, &attr) < 0 ||
			read_route_attr(&context, &attr, route, counters) < 0)
			return FPM_VERDICT_BAD;
	}
	if (!context.has_dst && route->prefix.len > 0)
		return FPM_VERDICT_BAD;
	if (event->kind == FPM_ROUTE_DEL)
		return FPM_VERDICT_EVENT;

	if (context.needs_encap) {
		// It took the place of what the prefix had, so keeping that would be a wrong path.
		event->kind = FPM_ROUTE_DEL;
		counters->skipped_messages++;
		return FPM_VERDICT_EVENT;
	}
	return finish_route(&context, route) < 0 ? FPM_VERDICT_BAD : FPM_VERDICT_EVENT;
}
