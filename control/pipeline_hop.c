/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One next hop's part of the route's walk: facts, candidates, what probes say, choice. And the kernel is
 * asked for what a next hop lacks. Called by the other pipeline*.c.
 */
#include "control/pipeline_state.h"

#include "control/step/candidates.h"
#include "control/step/compare.h"
#include "control/step/resolve.h"
#include "control/step/sync.h"

#include <linux/neighbour.h>
#include <string.h>

#define ASK_UNRESOLVED_SEC 3u  /* between two requests for one neighbour */
#define ASK_STALE_SEC	   10u /* the kernel sees none of the fast lane's traffic */
#define ASKS_PER_TICK	   512u

/* Have the kernel look for a next hop, not too often. */
static void ask_neighbour(struct pipeline *pipeline, struct hop *hop, struct hop_key neighbour,
	uint64_t every_sec)
{
	uint64_t now_sec = pipeline_now_ms() / 1000;

	if (pipeline->use == NULL || pipeline->n_asked >= ASKS_PER_TICK ||
		(hop->asked_sec != 0 && now_sec < hop->asked_sec + every_sec))
		return;
	pipeline->n_asked++;
	hop->asked_sec = now_sec;
	pipeline->use(neighbour.nexthop, neighbour.ifindex, pipeline->use_arg);
}

/* Have the kernel look for what a hop lacks: its own neighbour, or that of its tunnel. */
static void ask_unresolved(struct pipeline *pipeline, struct hop *hop)
{
	const struct hop_facts *facts = &hop->facts;

	if (facts->state == HOP_UNRESOLVED && facts->wants_neighbour)
		ask_neighbour(pipeline, hop, facts->key, ASK_UNRESOLVED_SEC);
	else if (facts->vxlan.state == HOP_UNDERLAY_UNRESOLVED)
		ask_neighbour(pipeline, hop, facts->vxlan.underlay, ASK_UNRESOLVED_SEC);
	else if (facts->ipip.state == HOP_UNDERLAY_UNRESOLVED)
		ask_neighbour(pipeline, hop, facts->ipip.underlay, ASK_UNRESOLVED_SEC);
}

static void note_kind(struct hop *hop, uint8_t kind)
{
	if (kind == hop->wanted.kind && hop->since_sec != 0)
		return;
	hop->since_sec = pipeline_now_ms() / 1000;
	if (kind == WIRE_PATH_PUNT)
		return;
	hop->n_changes += hop->last_kind != WIRE_PATH_PUNT && kind != hop->last_kind;
	hop->last_kind = kind;
}

void pipeline_work_out_hop(struct pipeline *pipeline, struct hop *hop)
{
	struct choice_wish wish;
	struct wire_path path;

	resolve_hop(pipeline->resolve, hop->key, &hop->facts);
	if (hop_node(&hop->facts) != 0)
		hop->node = hop_node(&hop->facts);
	candidates_build(&hop->facts, &hop->candidates);
	pipeline_probe_offer(pipeline, hop); // so that it is known whether it is probed
	pipeline_probe_judge(pipeline, hop, &wish);
	hop->choice = compare_choose(&hop->candidates, &hop->facts, &wish);
	path = compare_path(&hop->candidates, hop->choice, hop->key, hop->node);

	note_kind(hop, path.kind);
	if (memcmp(&path, &hop->wanted, sizeof(path)) != 0) {
		hop->wanted = path;
		sync_hop_changed(pipeline->sync, hop);
	}
	pipeline_probe_offer(pipeline, hop);
	ask_unresolved(pipeline, hop);
}

/* The kernel confirms the neighbour that a tunnel's packets go to, if it has become stale. */
static void ask_underlay(struct pipeline *pipeline, struct hop *hop)
{
	struct hop_facts outer;
	struct hop_key key = hop->wanted.kind == WIRE_PATH_IPIP ? hop->facts.ipip.underlay
								: hop->facts.vxlan.underlay;

	resolve_hop(pipeline->resolve, key, &outer);
	if (outer.neighbour == NUD_STALE)
		ask_neighbour(pipeline, hop, key, ASK_STALE_SEC);
}

static void refresh(struct hop *hop, void *arg)
{
	struct pipeline *pipeline = arg;

	ask_unresolved(pipeline, hop);
	if (hop->facts.wants_neighbour && hop->facts.neighbour == NUD_STALE)
		ask_neighbour(pipeline, hop, hop->key, ASK_STALE_SEC);
	else if (hop->wanted.kind == WIRE_PATH_IPIP || hop->wanted.kind == WIRE_PATH_VXLAN)
		ask_underlay(pipeline, hop);
}

void pipeline_refresh_hops(struct pipeline *pipeline)
{
	sync_each_hop(pipeline->sync, refresh, pipeline);
}
