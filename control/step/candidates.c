/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ways to reach one next hop, each from its own builder. A new encapsulation is one builder and
 * its row here; compare.c and sync.c take what is in the list. Called by pipeline.c.
 */
#include "control/step/candidates.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

/* The packet as it is, with a new Ethernet header. */
static void build_native(const struct hop_facts *facts, struct candidate *candidate)
{
	struct wire_path *path = &candidate->path;

	candidate->kind = WIRE_PATH_NATIVE;
	candidate->overhead_bytes = 0;
	candidate->state = facts->state;
	candidate->is_usable = facts->state == HOP_RESOLVED;
	if (!candidate->is_usable)
		return;
	path->nexthop = facts->key.nexthop;
	path->ifindex = facts->key.ifindex;
	path->kind = WIRE_PATH_NATIVE;
	path->port = facts->port;
	path->mtu = facts->mtu;
	memcpy(path->dst_mac, facts->dst_mac, sizeof(path->dst_mac));
	memcpy(path->src_mac, facts->src_mac, sizeof(path->src_mac));
}

typedef void (*candidate_builder)(const struct hop_facts *facts, struct candidate *candidate);

static const candidate_builder builders[] = {
	build_native,
};

void candidates_build(const struct hop_facts *facts, struct candidate_list *list)
{
	static_assert(sizeof(builders) / sizeof(builders[0]) <= ROUTE_CANDIDATES, "list too short");

	memset(list, 0, sizeof(*list));
	for (size_t i = 0; i < sizeof(builders) / sizeof(builders[0]); i++)
		builders[i](facts, &list->candidate[list->n++]);
}
