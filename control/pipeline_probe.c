/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pipeline's probes: who is offered to the plan, what the plan sends and gets back, and which next hops
 * are worked out anew when something was learnt. The clock is a timer here; the plan itself is pure. Called
 * by the other pipeline*.c.
 */
#include "control/pipeline_state.h"

#include "control/inventory.h"
#include "control/log.h"
#include "control/step/probe_plan.h"
#include "control/step/sync.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH_PROBES  256u /* in one message */
#define BATCH_SENT    64u  /* messages that may wait for their acknowledgement */
#define IDLE_TICK_MS  1000u
#define NODES_AT_ONCE 256u

/* One message of probes on its way. */
struct sent_message {
	uint32_t seq, first_id, n;
	bool is_waiting;
};

/* Probes of one tick, as they are collected. */
struct probe_batch {
	struct wire_probe probe[BATCH_PROBES];
	uint32_t n;
	struct sent_message sent[BATCH_SENT];
	uint32_t sent_at;
};

static bool add_probe(void *arg, const struct wire_probe *probe)
{
	struct probe_batch *batch = arg;

	if (batch->n == BATCH_PROBES)
		return false;
	batch->probe[batch->n++] = *probe;
	return true;
}

static void flush_batch(struct pipeline *pipeline)
{
	struct probe_batch *batch = pipeline->probe_batch;
	struct sent_message *sent = &batch->sent[batch->sent_at];

	if (batch->n == 0)
		return;
	*sent = (struct sent_message){.first_id = batch->probe[0].id, .n = batch->n};
	if (pipeline_dp_send(pipeline, WIRE_PROBE, batch->probe, batch->n, &sent->seq) == 0) {
		sent->is_waiting = true;
		batch->sent_at = (batch->sent_at + 1) % BATCH_SENT;
	} else {
		for (uint32_t i = 0; i < batch->n; i++)
			probe_plan_forget(pipeline->probes, batch->probe[i].id);
	}
	batch->n = 0;
}

bool pipeline_probe_ack(struct pipeline *pipeline, uint32_t seq,
	const struct wire_refusal *refusals, size_t n_refusals)
{
	struct sent_message *sent = pipeline->probe_batch->sent;
	uint32_t i = 0;

	while (i < BATCH_SENT && (!sent[i].is_waiting || sent[i].seq != seq))
		i++;
	if (i == BATCH_SENT)
		return false;
	sent[i].is_waiting = false;
	// Without a buffer it was not tried; other refusals say that the path does not work.
	for (size_t j = 0; j < n_refusals; j++)
		if (refusals[j].error == -ENOBUFS && refusals[j].item < sent[i].n)
			probe_plan_forget(pipeline->probes, sent[i].first_id + refusals[j].item);
	return true;
}

void pipeline_probe_gone(struct pipeline *pipeline)
{
	for (uint32_t i = 0; i < BATCH_SENT; i++)
		pipeline->probe_batch->sent[i].is_waiting = false;
	probe_plan_forget_all(pipeline->probes);
}

static uint32_t probe_address_of(const struct pipeline *pipeline, const struct hop *hop)
{
	struct inventory_node node;

	if (pipeline_inventory_node(pipeline, hop->node, &node) && node.probe_addr != 0)
		return node.probe_addr;
	// Calico's routes through vxlan.calico have the node's own address in the pool as gateway.
	return hop->facts.device == WIRE_PATH_VXLAN ? hop->key.nexthop : 0;
}

void pipeline_probe_offer(struct pipeline *pipeline, const struct hop *hop)
{
	static struct log_limit limit;
	struct probe_offer offer = {
		.node = hop->node,
		.key = hop->key,
		.candidates = &hop->candidates,
		.chosen = (enum wire_path_kind)hop->wanted.kind,
	};

	if (!hop_is_node(hop) || hop->node == 0)
		return;
	offer.probe_addr = probe_address_of(pipeline, hop);
	if (probe_plan_take(pipeline->probes, &offer) != 0)
		log_limited(&limit, LOG_LEVEL_ERR, "pipeline: out of memory for a node to probe");
}

void pipeline_probe_judge(struct pipeline *pipeline, struct hop *hop, struct choice_wish *wish)
{
	*wish = (struct choice_wish){
		.pin = hop_is_node(hop) ? probe_plan_pinned(pipeline->probes, hop->node)
					: WIRE_PATH_PUNT,
		.current = (enum wire_path_kind)hop->last_kind,
	};
	for (uint32_t i = 0; hop_is_node(hop) && i < hop->candidates.n; i++) {
		struct candidate *candidate = &hop->candidates.candidate[i];
		struct probe_health health =
			probe_plan_health(pipeline->probes, hop->node, candidate->kind);

		candidate->probe = health.state;
		candidate->is_shaky = health.is_shaky;
		if (health.mtu != 0 && candidate->is_usable && health.mtu < candidate->path.mtu)
			candidate->path.mtu = health.mtu;
	}
}

/* Next hops of some nodes are worked out anew: after a load of routes all nodes are new at once. */
struct of_nodes {
	struct pipeline *pipeline;
	size_t n;
	uint32_t node[NODES_AT_ONCE]; /* sorted */
};

static int compare_nodes(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void work_out_if_of_nodes(struct hop *hop, void *arg)
{
	const struct of_nodes *of = arg;

	if (hop_is_node(hop) &&
		bsearch(&hop->node, of->node, of->n, sizeof(of->node[0]), compare_nodes) != NULL)
		pipeline_work_out_hop(of->pipeline, hop);
}

static void work_out_changed(struct pipeline *pipeline)
{
	struct of_nodes of = {.pipeline = pipeline};
	bool has_changed = false;

	for (;;) {
		of.n = 0;
		while (of.n < NODES_AT_ONCE &&
			probe_plan_next_changed(pipeline->probes, &of.node[of.n]))
			of.n++;
		if (of.n == 0)
			break;
		qsort(of.node, of.n, sizeof(of.node[0]), compare_nodes);
		sync_each_hop(pipeline->sync, work_out_if_of_nodes, &of);
		has_changed = true;
	}
	if (has_changed)
		pipeline_turn(pipeline);
}

static void schedule(struct pipeline *pipeline)
{
	uint32_t ms = pipeline->probe_source != 0 && pipeline->is_dp_adopted ? PROBE_TICK_MS
									     : IDLE_TICK_MS;
	const struct timeval next = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)ms % 1000 * 1000};

	evtimer_add(pipeline->probe_tick, &next);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct pipeline *pipeline = arg;

	(void)fd;
	(void)what;
	if (pipeline->is_dp_adopted) {
		probe_plan_tick(pipeline->probes, pipeline_now_ms());
		flush_batch(pipeline);
	}
	work_out_changed(pipeline);
	schedule(pipeline);
}

static void offer_again(struct hop *hop, void *arg)
{
	pipeline_probe_offer(arg, hop);
}

void pipeline_probe_second(struct pipeline *pipeline)
{
	uint32_t seq;

	probe_plan_begin_round(pipeline->probes);
	sync_each_hop(pipeline->sync, offer_again, pipeline);
	probe_plan_end_round(pipeline->probes);
	if (pipeline->is_dp_adopted)
		(void)pipeline_dp_send(pipeline, WIRE_PATH_STATS, NULL, 0, &seq); // or in a second
}

static void take_stats(struct pipeline *pipeline, const struct wire_path_stats *stats)
{
	struct hop *hop = sync_find_hop_at(pipeline->sync, stats->idx);

	if (hop == NULL || !hop_is_node(hop))
		return;
	for (unsigned kind = WIRE_PATH_NATIVE; kind < WIRE_PATH_N_KINDS; kind++) {
		uint64_t before = hop->counted_pkts[kind], now = stats->pkts[kind];

		// Counters of a dataplane that was started anew begin at 0.
		probe_plan_note_pkts(pipeline->probes, hop->node, (enum wire_path_kind)kind,
			now < before ? now : now - before, hop->has_stats);
		hop->counted_pkts[kind] = now;
	}
	hop->has_stats = true;
}

void pipeline_probe_take(struct pipeline *pipeline, enum wire_type type, const void *items,
	size_t n_items)
{
	const struct wire_probe_reply *reply = items;
	const struct wire_path_stats *stats = items;

	for (size_t i = 0; i < n_items; i++) {
		if (type == WIRE_PROBE_REPLY)
			probe_plan_answer(pipeline->probes, &reply[i]);
		else
			take_stats(pipeline, &stats[i]);
	}
}

void pipeline_probe_find_source(struct pipeline *pipeline)
{
	uint32_t before = pipeline->probe_source, now = pipeline->probe_address;
	struct inventory_node self;

	if (now == 0 && pipeline_inventory_name(pipeline, pipeline->node, &self))
		now = self.probe_addr;
	if (now == before)
		return;
	pipeline->probe_source = now;
	probe_plan_set_source(pipeline->probes, now);
	if (before != 0)
		pipeline_work_out_route(pipeline, before, 32);
	if (now != 0)
		pipeline_work_out_route(pipeline, now, 32);
	schedule(pipeline);
}

/* A candidate of some hop of one node. */
struct pin_search {
	uint32_t node;
	enum wire_path_kind kind;
	bool has_node, has_kind, is_usable;
	enum hop_state state;
};

static void look_for_candidate(struct hop *hop, void *arg)
{
	struct pin_search *search = arg;

	if (!hop_is_node(hop) || hop->node != search->node)
		return;
	search->has_node = true;
	for (uint32_t i = 0; i < hop->candidates.n; i++) {
		if (hop->candidates.candidate[i].kind != search->kind)
			continue;
		search->has_kind = true;
		search->state = hop->candidates.candidate[i].state;
		search->is_usable = search->is_usable || hop->candidates.candidate[i].is_usable;
	}
}

int pipeline_pin(struct pipeline *pipeline, uint32_t node, enum wire_path_kind kind,
	enum hop_state *state)
{
	struct pin_search search = {.node = node, .kind = kind};
	int err;

	if (kind != WIRE_PATH_PUNT) {
		sync_each_hop(pipeline->sync, look_for_candidate, &search);
		*state = search.state;
		if (!search.has_node)
			return -ENOENT;
		if (!search.has_kind)
			return -EINVAL;
		if (!search.is_usable)
			return -ENETUNREACH;
	}
	err = probe_plan_pin(pipeline->probes, node, kind);
	if (err == 0)
		work_out_changed(pipeline);
	return err;
}

int pipeline_probe_new(struct event_base *base, const struct pipeline_options *options,
	struct pipeline *pipeline)
{
	struct timespec now;

	// Answers to the probes of one who was here before us are not ours.
	clock_gettime(CLOCK_REALTIME, &now);
	pipeline->probe_batch = calloc(1, sizeof(*pipeline->probe_batch));
	if (pipeline->probe_batch == NULL)
		return -ENOMEM;
	pipeline->probes = probe_plan_new(options->probe_budget_pps,
		(uint32_t)now.tv_sec << 16 ^ (uint32_t)now.tv_nsec, add_probe,
		pipeline->probe_batch);
	pipeline->probe_tick = evtimer_new(base, on_tick, pipeline);
	if (pipeline->probes == NULL || pipeline->probe_tick == NULL)
		return -ENOMEM;
	strncpy(pipeline->node, options->node, sizeof(pipeline->node) - 1);
	schedule(pipeline);
	return 0;
}

int pipeline_probe_change(struct pipeline *pipeline, const struct pipeline_options *options)
{
	int err = 0;

	if (options->probe_budget_pps != probe_plan_counts(pipeline->probes).budget_pps)
		err = probe_plan_set_budget(pipeline->probes, options->probe_budget_pps);
	if (err != 0)
		return err;
	pipeline->probe_address = options->probe_address;
	pipeline_probe_find_source(pipeline);
	return 0;
}

void pipeline_probe_free(struct pipeline *pipeline)
{
	if (pipeline->probe_tick != NULL)
		event_free(pipeline->probe_tick);
	probe_plan_free(pipeline->probes);
	free(pipeline->probe_batch);
}

bool pipeline_inventory_node(const struct pipeline *pipeline, uint32_t addr,
	struct inventory_node *node)
{
	return pipeline->inventory != NULL && inventory_find(pipeline->inventory, addr, node);
}

bool pipeline_inventory_name(const struct pipeline *pipeline, const char *name,
	struct inventory_node *node)
{
	return pipeline->inventory != NULL && inventory_find_name(pipeline->inventory, name, node);
}

const struct probe_plan *pipeline_probes(const struct pipeline *pipeline)
{
	return pipeline->probes;
}
