/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A route to its next hops, and a next hop to port, MAC addresses and MTU. Called by pipeline.c; what
 * it knows is kept in resolve_table.c.
 */
#include "control/step/resolve.h"

#include "control/step/resolve_table.h"

#include <arpa/inet.h>
#include <fnmatch.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/steer/trunk_mac.h"

/* The kernel would send by these; FAILED and INCOMPLETE it would not. */
#define NUD_USABLE (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP)

struct hop_key resolve_key(uint32_t prefix, uint8_t depth, const struct fpm_nh *nh)
{
	struct hop_key key = {.ifindex = nh->ifindex};
	uint32_t gateway_be;

	if (nh->family == AF_INET) {
		memcpy(&gateway_be, nh->gateway, sizeof(gateway_be));
		key.nexthop = ntohl(gateway_be);
	} else if (nh->family == AF_UNSPEC && depth == 32) {
		key.nexthop = prefix;
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
	return 0;
}

/* Sort, so that equal sets look equal, and join members that lead the same way. */
static void normalise(struct route_target *target)
{
	uint32_t n = 0;

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

void resolve_route(uint32_t prefix, uint8_t depth, uint8_t type, const struct fpm_nh *nh,
	size_t n_nh, struct route_target *target)
{
	bool all_punt = true;

	target->n = 0;
	target->fixed = fixed_of_type(type);
	if (type != RTN_UNICAST)
		return;
	for (size_t i = 0; i < n_nh && i < WIRE_GROUP_MEMBERS; i++) {
		struct target_member *member = &target->member[target->n++];

		member->key = resolve_key(prefix, depth, &nh[i]);
		member->weight = nh[i].weight > 0 ? nh[i].weight : 1;
		all_punt = all_punt && member->key.nexthop == 0;
	}
	if (all_punt)
		target->n = 0;
	else
		normalise(target);
}

static uint16_t least_mtu(uint32_t link_mtu, uint16_t port_mtu)
{
	uint32_t mtu = link_mtu > 0 ? link_mtu : port_mtu;

	if (port_mtu > 0 && port_mtu < mtu)
		mtu = port_mtu;
	return mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)mtu;
}

/* The port by which an interface is reached, and the source MAC there. */
static const struct wire_port *find_egress(const struct resolve *resolve,
	const struct kernel_link *link, struct hop_facts *facts)
{
	const struct wire_port *port;

	if (resolve_table_is_attached(resolve, link->ifindex)) {
		uint8_t mac[6] = {TRUNK_MAC_0, TRUNK_MAC_1, (uint8_t)(link->ifindex >> 24),
			(uint8_t)(link->ifindex >> 16), (uint8_t)(link->ifindex >> 8),
			(uint8_t)link->ifindex};

		port = resolve_table_trunk(resolve);
		memcpy(facts->src_mac, mac, sizeof(facts->src_mac));
	} else {
		port = resolve_table_port(resolve, link->ifindex);
		memcpy(facts->src_mac, link->mac, sizeof(facts->src_mac));
	}
	if (port == NULL)
		return NULL;
	facts->port = port->idx;
	facts->mtu = least_mtu(link->mtu, port->mtu);
	memcpy(facts->port_name, port->name, sizeof(facts->port_name));
	return port;
}

static enum hop_state judge(const struct resolve *resolve, struct hop_facts *facts)
{
	const struct kernel_link *link = resolve_find_link(resolve, facts->key.ifindex);
	const struct kernel_neighbour *neighbour;

	if (link == NULL)
		return HOP_NO_LINK;
	memcpy(facts->interface, link->name, sizeof(facts->interface));
	neighbour = resolve_table_neighbour(resolve, facts->key);
	if (neighbour != NULL)
		facts->neighbour = neighbour->state;
	if (find_egress(resolve, link, facts) == NULL)
		return fnmatch(resolve_table_pod_match(resolve), link->name, 0) == 0
			       ? HOP_POD_DETACHED
			       : HOP_NOT_OURS;
	if (facts->key.nexthop == 0)
		return HOP_NOT_OURS;
	if (!link->is_up)
		return HOP_LINK_DOWN;
	facts->wants_neighbour = true;
	if (neighbour == NULL || !neighbour->has_mac || (neighbour->state & NUD_USABLE) == 0)
		return HOP_UNRESOLVED;
	memcpy(facts->dst_mac, neighbour->mac, sizeof(facts->dst_mac));
	return HOP_RESOLVED;
}

void resolve_hop(const struct resolve *resolve, struct hop_key key, struct hop_facts *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->key = key;
	facts->state = judge(resolve, facts);
}
