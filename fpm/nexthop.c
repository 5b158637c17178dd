/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RTM_NEWNEXTHOP and RTM_DELNEXTHOP to one event. Step 3 of the route's walk; called by frame.c.
 */
#include "fpm/decode.h"

#include <errno.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/**
 * A member of NHA_GROUP. zebra 8.4.4 leaves the high byte zero, newer kernels and zebras use it.
 *
 * Source: struct nexthop_grp in linux/nexthop.h, from 6.12 on with weight_high
 */
struct group_entry {
	uint32_t id;
	uint8_t weight_low; /**< the weight less one, in both bytes together */
	uint8_t weight_high;
	uint16_t reserved;
};

int fpm_read_gateway(struct cursor payload, uint8_t family, struct fpm_nh *nh)
{
	size_t len = family == AF_INET ? 4 : 16;

	if (family != AF_INET && family != AF_INET6)
		return -EBADMSG;
	memset(nh->gateway, 0, sizeof(nh->gateway));
	nh->family = family;
	return cursor_read_whole(payload, nh->gateway, len);
}

/** Read NHA_GROUP; of more members than we hold the first are taken. */
static int read_group(struct cursor payload, struct fpm_nexthop *nexthop,
	struct fpm_counters *counters)
{
	bool is_cut_short = false;

	nexthop->n_members = 0;
	while (cursor_left(&payload) > 0) {
		struct group_entry entry;

		if (cursor_read(&payload, &entry, sizeof(entry)) < 0 || entry.id == 0)
			return -EBADMSG;
		if (nexthop->n_members == FPM_MAX_NH) {
			is_cut_short = true;
			continue;
		}
		nexthop->member[nexthop->n_members++] = (struct fpm_nexthop_member){
			.id = entry.id,
			.weight = ((uint32_t)entry.weight_high << 8 | entry.weight_low) + 1,
		};
	}
	counters->cut_short += is_cut_short;
	return nexthop->n_members > 0 ? 0 : -EBADMSG;
}

static int read_nexthop_attr(const struct cursor_attr *attr, uint8_t family,
	struct fpm_nexthop *nexthop, struct fpm_counters *counters)
{
	switch (attr->type) {
	case NHA_ID:
		return cursor_read_whole(attr->payload, &nexthop->id, sizeof(nexthop->id));
	case NHA_GROUP:
		return read_group(attr->payload, nexthop, counters);
	case NHA_BLACKHOLE:
		nexthop->is_blackhole = true;
		return 0;
	case NHA_OIF:
		return cursor_read_whole(attr->payload, &nexthop->nh.ifindex,
			sizeof(nexthop->nh.ifindex));
	case NHA_GATEWAY:
		return fpm_read_gateway(attr->payload, family, &nexthop->nh);
	}
	return 0;
}

/** Does it describe what a route can be forwarded to? */
static bool is_complete(const struct fpm_nexthop *nexthop)
{
	return nexthop->n_members > 0 || nexthop->is_blackhole || nexthop->nh.family != AF_UNSPEC ||
	       nexthop->nh.ifindex != 0;
}

enum fpm_verdict fpm_decode_nexthop(const struct nlmsghdr *header, struct cursor body,
	struct fpm_event *event, struct fpm_counters *counters)
{
	struct fpm_nexthop *nexthop = &event->nexthop;
	bool is_unusable = false;
	struct nhmsg msg;

	if (cursor_read(&body, &msg, sizeof(msg)) < 0)
		return FPM_VERDICT_BAD;

	event->kind = header->nlmsg_type == RTM_NEWNEXTHOP ? FPM_NEXTHOP_SET : FPM_NEXTHOP_DEL;
	nexthop->id = 0;
	nexthop->is_blackhole = false;
	nexthop->n_members = 0;
	nexthop->nh = (struct fpm_nh){
		.weight = 1,
		.is_onlink = (msg.nh_flags & RTNH_F_ONLINK) != 0,
	};
	while (cursor_left(&body) > 0) {
		struct cursor_attr attr;

		if (cursor_read_attr(&body, &attr) < 0 ||
			read_nexthop_attr(&attr, msg.nh_family, nexthop, counters) < 0)
			return FPM_VERDICT_BAD;
		// Labels no path of ours can carry; entries of a bridge's FDB are for no route.
		if (attr.type == NHA_ENCAP || attr.type == NHA_FDB)
			is_unusable = true;
	}
	if (nexthop->id == 0)
		return FPM_VERDICT_BAD;
	if (event->kind == FPM_NEXTHOP_DEL)
		return FPM_VERDICT_EVENT;
	if (is_unusable)
		return FPM_VERDICT_SKIP;
	return is_complete(nexthop) ? FPM_VERDICT_EVENT : FPM_VERDICT_BAD;
}
