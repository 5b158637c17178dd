/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A route to its next hops, and a next hop to what is known of it. Called by pipeline.c; what it knows
 * is kept in resolve_table.c.
 */
#include "control/step/resolve.h"

#include "control/step/resolve_table.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

struct hop_key resolve_key(const struct route_pool *route, const struct fpm_nh *nh)
{
	struct hop_key key = {.ifindex = nh->ifindex};
	uint32_t gateway_be;

	if (nh->family == AF_INET) {
		memcpy(&gateway_be, nh->gateway, sizeof(gateway_be));
		key.nexthop = ntohl(gateway_be);
		key.policy = route->policy;
	} else if (nh->family == AF_UNSPEC && route->depth == 32) {
		key.nexthop = route->prefix;
	}
	// Left at 0: an IPv6 gateway (RFC 8950), or a whole subnet on the link, each of whose
	// addresses has its own neighbour. Both punt, and the kernel resolves.
	return key;
}

static uint32_t fixed_of_type(uint8_t type)
{
	switch (type) {
	case RTN_BLACKHOLE:
		return WIRE_NH_BLACKHOLE;
	case RTN_UNREACHABLE:
		return WIRE_NH_UNREACHABLE;
	case RTN_PROHIBIT:
		return WIRE_NH_PROHIBIT;
	default:
		return WIRE_NH_PUNT;
	}
}

static int compare_members(const void *a, const void *b)
{
	const struct target_member *x = a, *y = b;

	if (x->key.nexthop != y->key.nexthop)
		return x->key.nexthop < y->key.nexthop ? -1 : 1;
	if (x->key.ifindex != y->key.ifindex)
		return x->key.ifindex < y->key.ifindex ? -1 : 1;
	return (int)x->key.policy - (int)y->key.policy;
}

/* Sort, so that equal sets look equal, and join members that lead the same way. */
static void normalise(struct route_target *target)
{
	uint32_t n = 0;

	if (target->n > 1)
		qsort(target->member, target->n, sizeof(target->member[0]), compare_members);
	for (uint32_t i = 0; i < target->n; i++) {
		if (n > 0 && compare_members(&target->member[n - 1], &target->member[i]) == 0)
			target->member[n - 1].weight += target->member[i].weight;
		else
			target->member[n++] = target->member[i];
	}
	target->n = n;
	for (uint32_t i = 0; i < n; i++)
		if (target->member[i].weight > 65536)
			target->member[i].weight = 65536;
}

void resolve_route(const struct route_pool *route, uint8_t type, const struct fpm_nh *nh,
	size_t n_nh, struct route_target *target)
{
	bool all_punt = true;

	target->n = 0;
	target->fixed = fixed_of_type(type);
	if (type != RTN_UNICAST)
		return;
	for (size_t i = 0; i < n_nh && i < WIRE_GROUP_MEMBERS; i++) {
		struct target_member *member = &target->member[target->n++];

		member->key = resolve_key(route, &nh[i]);
		member->weight = nh[i].weight > 0 ? nh[i].weight : 1;
		all_punt = all_punt && member->key.nexthop == 0;
	}
	if (all_punt)
		target->n = 0;
	else
		normalise(target);
}

static enum hop_state judge(const struct resolve *resolve, struct hop_facts *facts)
{
	const struct kernel_link *link = resolve_find_link(resolve, facts->key.ifindex);

	if (link == NULL)
		return HOP_NO_LINK;
	memcpy(facts->interface, link->name, sizeof(facts->interface));
	if (link->tunnel.kind != KERNEL_TUNNEL_NONE)
		return resolve_device(resolve, link, facts);
	if (facts->key.policy != 0)
		resolve_tunnels(resolve, facts);
	return resolve_native(resolve, facts);
}

void resolve_hop(const struct resolve *resolve, struct hop_key key, struct hop_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->key = key;
	facts->device = WIRE_PATH_NATIVE;
	facts->state = judge(resolve, facts);
}
