/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ways to reach one next hop, each from its own builder. A new encapsulation is one builder and
 * its row here; compare.c and sync.c take what is in the list. Called by pipeline.c.
 */
#include "control/step/candidates.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static void fill(const struct hop_facts *facts, const struct egress_facts *egress,
	struct candidate *candidate)
{
	struct wire_path *path = &candidate->path;

	candidate->is_usable = candidate->state == HOP_RESOLVED;
	if (!candidate->is_usable)
		return;
	path->nexthop = facts->key.nexthop;
	path->ifindex = facts->key.ifindex;
	path->policy = facts->key.policy;
	path->kind = (uint8_t)candidate->kind;
	path->port = egress->port;
	path->mtu = egress->mtu;
	candidate->link_mtu = egress->mtu;
	memcpy(path->dst_mac, egress->dst_mac, sizeof(path->dst_mac));
	memcpy(path->src_mac, egress->src_mac, sizeof(path->src_mac));
}

/* The packet as it is, with a new Ethernet header. */
static void build_native(const struct hop_facts *facts, struct candidate *candidate)
{
	candidate->kind = WIRE_PATH_NATIVE;
	candidate->overhead_bytes = 0;
	candidate->state = facts->state;
	fill(facts, &facts->egress, candidate);
}

static void build_tunnel(const struct hop_facts *facts, const struct tunnel_facts *tunnel,
	struct candidate *candidate)
{
	candidate->state = tunnel->state;
	fill(facts, &tunnel->egress, candidate);
	if (candidate->is_usable)
		candidate->path.tunnel = tunnel->header;
}

/* In IPv4, RFC 2003. */
static void build_ipip(const struct hop_facts *facts, struct candidate *candidate)
{
	candidate->kind = WIRE_PATH_IPIP;
	candidate->overhead_bytes = 20;
	build_tunnel(facts, &facts->ipip, candidate);
}

/* In Ethernet, VXLAN, UDP and IPv4, RFC 7348. */
static void build_vxlan(const struct hop_facts *facts, struct candidate *candidate)
{
	candidate->kind = WIRE_PATH_VXLAN;
	candidate->overhead_bytes = 50;
	build_tunnel(facts, &facts->vxlan, candidate);
}

static const struct {
	enum wire_path_kind kind;
	void (*build)(const struct hop_facts *facts, struct candidate *candidate);
} builders[] = {
	{WIRE_PATH_NATIVE, build_native},
	{WIRE_PATH_IPIP, build_ipip},
	{WIRE_PATH_VXLAN, build_vxlan},
};

void candidates_build(const struct hop_facts *facts, struct candidate_list *list)
{
	// A tunnel device does one thing; without a policy nobody has said how a tunnel would be.
	bool is_one = facts->device != WIRE_PATH_NATIVE || facts->key.policy == 0;

	static_assert(sizeof(builders) / sizeof(builders[0]) <= ROUTE_CANDIDATES, "list too short");
	memset(list, 0, sizeof(*list));
	for (size_t i = 0; i < sizeof(builders) / sizeof(builders[0]); i++)
		if (!is_one || builders[i].kind == facts->device)
			builders[i].build(facts, &list->candidate[list->n++]);
}
