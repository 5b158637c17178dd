/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the probe plan knows: nodes and their ways as they are offered, answers, pins. Called by
 * pipeline_probe.c; probe_schedule.c sends.
 */
#include "control/step/probe_plan.h"

#include "control/step/probe_table.h"

#include <errno.h>
#include <string.h>

void probe_plan_forget_all(struct probe_plan *plan)
{
	for (uint32_t i = 0; i < plan->n_flight; i++)
		probe_plan_forget(plan, plan->first_id + i);
}

int probe_plan_set_budget(struct probe_plan *plan, uint32_t budget_pps)
{
	// As many as are sent within the timeout, and some.
	uint32_t room = budget_pps * PROBE_TIMEOUT_MS / 1000 * 2 + 64;
	struct probe_flight *flight = calloc(room, sizeof(*flight));

	if (flight == NULL)
		return -ENOMEM;
	probe_plan_forget_all(plan);
	free(plan->flight);
	plan->flight = flight;
	plan->flight_room = room;
	plan->first_id += plan->n_flight;
	plan->flight_at = plan->n_flight = 0;
	plan->budget_pps = budget_pps;
	return 0;
}

struct probe_plan *probe_plan_new(uint32_t budget_pps, uint32_t first_id, probe_send_fn send,
	void *arg)
{
	struct probe_plan *plan = calloc(1, sizeof(*plan));

	if (plan == NULL)
		return NULL;
	plan->send = send;
	plan->send_arg = arg;
	plan->first_id = first_id;
	plan->now_ms = 1;
	plan->round = 1;
	STAILQ_INIT(&plan->changed);
	if (probe_plan_set_budget(plan, budget_pps) != 0) {
		free(plan);
		return NULL;
	}
	return plan;
}

void probe_plan_free(struct probe_plan *plan)
{
	if (plan == NULL)
		return;
	for (uint32_t i = 0; i < plan->n_all; i++)
		free(plan->all[i]);
	hash_free(&plan->by_addr);
	free(plan->all);
	free(plan->busy);
	free(plan->flight);
	free(plan);
}

/* Nothing is known of it any more. */
static void forget_way(struct probe_plan *plan, struct probe_node *node, struct probe_way *way)
{
	probe_path_begin(&way->path, plan->now_ms);
	way->mtu = (struct probe_mtu){.link = way->wire.mtu, .next_ms = plan->now_ms};
	way->n_flight = 0;
	way->next_ms = plan->now_ms;
	probe_table_changed(plan, node);
	probe_table_set_due(plan, node);
}

static void forget_node(struct probe_plan *plan, struct probe_node *node)
{
	for (unsigned kind = WIRE_PATH_NATIVE; kind < WIRE_PATH_N_KINDS; kind++)
		forget_way(plan, node, &node->way[kind]);
}

void probe_plan_set_source(struct probe_plan *plan, uint32_t source)
{
	if (plan->source == source)
		return;
	plan->source = source;
	probe_plan_forget_all(plan);
	for (uint32_t i = 0; i < plan->n_all; i++)
		forget_node(plan, plan->all[i]);
}

void probe_plan_begin_round(struct probe_plan *plan)
{
	plan->round++;
	for (uint32_t i = 0; i < plan->n_all; i++)
		plan->all[i]->in_use = 0;
}

static bool is_same_key(const struct hop_key *a, const struct hop_key *b)
{
	return a->nexthop == b->nexthop && a->ifindex == b->ifindex && a->policy == b->policy;
}

/* Does this hop say how the way goes, or does the one that said it last? */
static bool has_say(const struct probe_plan *plan, const struct probe_way *way,
	const struct hop_key *key)
{
	if (!way->is_usable || way->round != plan->round || is_same_key(&way->said, key))
		return true;
	if (way->said.policy != key->policy)
		return key->policy > way->said.policy;
	return key->ifindex < way->said.ifindex;
}

static void set_unusable(struct probe_plan *plan, struct probe_node *node, struct probe_way *way)
{
	if (!way->is_usable)
		return;
	way->is_usable = false;
	forget_way(plan, node, way);
}

static void take_way(struct probe_plan *plan, struct probe_node *node,
	const struct candidate *candidate, const struct hop_key *key)
{
	struct probe_way *way = &node->way[candidate->kind];
	bool is_new = !way->is_usable;

	if (!candidate->is_usable) {
		if (is_same_key(&way->said, key))
			set_unusable(plan, node, way);
		return;
	}
	if (!has_say(plan, way, key))
		return;
	way->wire = candidate->path;
	way->wire.mtu = candidate->link_mtu;
	way->said = *key;
	way->round = plan->round;
	way->is_usable = true;
	if (is_new)
		forget_way(plan, node, way);
	probe_mtu_set_link(&way->mtu, candidate->link_mtu, plan->now_ms);
}

int probe_plan_take(struct probe_plan *plan, const struct probe_offer *offer)
{
	struct probe_node *node = probe_table_take(plan, offer->node);

	if (node == NULL)
		return -ENOMEM;
	node->round = plan->round;
	if (node->probe_addr != offer->probe_addr) {
		node->probe_addr = offer->probe_addr;
		forget_node(plan, node);
	}
	for (uint32_t i = 0; i < offer->candidates->n; i++)
		take_way(plan, node, &offer->candidates->candidate[i], &offer->key);
	if (offer->chosen != WIRE_PATH_PUNT)
		node->in_use |= 1u << offer->chosen;
	return 0;
}

void probe_plan_end_round(struct probe_plan *plan)
{
	for (uint32_t i = plan->n_all; i-- > 0;) {
		struct probe_node *node = plan->all[i];

		for (unsigned kind = WIRE_PATH_NATIVE; kind < WIRE_PATH_N_KINDS; kind++)
			if (node->way[kind].round != plan->round)
				set_unusable(plan, node, &node->way[kind]);
		// An operator's wish outlives the routes.
		if (node->round != plan->round && node->pin == WIRE_PATH_PUNT)
			probe_table_remove(plan, node);
	}
}

void probe_plan_note_pkts(struct probe_plan *plan, uint32_t addr, enum wire_path_kind kind,
	uint64_t n_pkts, bool is_now)
{
	struct probe_node *node = probe_table_find(plan, addr);

	if (node == NULL || n_pkts == 0)
		return;
	node->pkts[kind] += n_pkts;
	if (!is_now)
		return;
	plan->n_called -= node->is_called;
	node->is_called = false;
	probe_table_set_busy(plan, node, plan->now_ms + PROBE_BUSY_MS);
}

static struct probe_flight *find_flight(struct probe_plan *plan, uint32_t id)
{
	uint32_t at = id - plan->first_id;

	if (at >= plan->n_flight)
		return NULL;
	return &plan->flight[(plan->flight_at + at) % plan->flight_room];
}

static void take_answer(struct probe_plan *plan, struct probe_node *node,
	const struct probe_flight *flight, const struct wire_probe_reply *reply)
{
	struct probe_way *way = &node->way[flight->kind];
	bool has_changed;

	if (flight->bytes != 0) {
		has_changed = probe_mtu_result(&way->mtu, flight->bytes, true, plan->now_ms);
	} else {
		way->n_flight -= way->n_flight > 0;
		has_changed =
			way->is_usable && probe_path_answered(&way->path, plan->now_ms,
						  reply->rtt_ns, (enum wire_path_kind)reply->kind);
	}
	if (has_changed)
		probe_table_changed(plan, node);
	probe_table_set_due(plan, node);
}

void probe_plan_answer(struct probe_plan *plan, const struct wire_probe_reply *reply)
{
	struct probe_flight *flight = find_flight(plan, reply->id);
	struct probe_node *node;

	if (flight == NULL || flight->is_done) {
		plan->n_late++;
		return;
	}
	node = probe_table_find(plan, flight->node);
	if (node != NULL && (reply->src != node->probe_addr || reply->kind >= WIRE_PATH_N_KINDS)) {
		plan->n_strange++;
		return;
	}
	flight->is_done = true;
	plan->n_answered++;
	if (node != NULL)
		take_answer(plan, node, flight, reply);
}

void probe_plan_forget(struct probe_plan *plan, uint32_t id)
{
	struct probe_flight *flight = find_flight(plan, id);
	struct probe_node *node;

	if (flight == NULL || flight->is_done)
		return;
	flight->is_done = true;
	node = probe_table_find(plan, flight->node);
	if (node == NULL)
		return;
	if (flight->bytes != 0)
		probe_mtu_stop(&node->way[flight->kind].mtu, plan->now_ms);
	else
		node->way[flight->kind].n_flight -= node->way[flight->kind].n_flight > 0;
}

int probe_plan_pin(struct probe_plan *plan, uint32_t addr, enum wire_path_kind kind)
{
	struct probe_node *node = probe_table_find(plan, addr);

	if (node == NULL)
		return -ENOENT;
	node->pin = (uint8_t)kind;
	probe_table_changed(plan, node);
	return 0;
}

enum wire_path_kind probe_plan_pinned(const struct probe_plan *plan, uint32_t addr)
{
	const struct probe_node *node = probe_table_find(plan, addr);

	return node == NULL ? WIRE_PATH_PUNT : (enum wire_path_kind)node->pin;
}

struct probe_health probe_plan_health(const struct probe_plan *plan, uint32_t addr,
	enum wire_path_kind kind)
{
	const struct probe_node *node = probe_table_find(plan, addr);
	const struct probe_way *way = node == NULL ? NULL : &node->way[kind];

	if (node == NULL || !probe_node_is_probed(plan, node))
		return (struct probe_health){.state = PROBE_NONE};
	if (!way->is_usable)
		return (struct probe_health){.state = PROBE_UNKNOWN};
	return (struct probe_health){
		.state = (enum probe_state)way->path.state,
		.is_shaky = probe_path_is_shaky(&way->path),
		.mtu = way->mtu.found,
	};
}

bool probe_plan_next_changed(struct probe_plan *plan, uint32_t *addr)
{
	struct probe_node *node = STAILQ_FIRST(&plan->changed);

	if (node == NULL)
		return false;
	STAILQ_REMOVE_HEAD(&plan->changed, changed);
	node->is_changed = false;
	*addr = node->addr;
	return true;
}

bool probe_plan_view(const struct probe_plan *plan, uint32_t addr, struct probe_node_view *view)
{
	const struct probe_node *node = probe_table_find(plan, addr);

	if (node == NULL)
		return false;
	*view = (struct probe_node_view){
		.node = addr,
		.probe_addr = node->probe_addr,
		.pin = (enum wire_path_kind)node->pin,
		.is_busy = node->is_busy && !node->is_called,
	};
	memcpy(view->pkts, node->pkts, sizeof(view->pkts));
	for (unsigned kind = WIRE_PATH_NATIVE; kind < WIRE_PATH_N_KINDS; kind++) {
		if (!node->way[kind].is_usable || !probe_node_is_probed(plan, node))
			continue;
		view->path[kind] = &node->way[kind].path;
		view->mtu[kind] = &node->way[kind].mtu;
	}
	return true;
}

struct probe_counts probe_plan_counts(const struct probe_plan *plan)
{
	struct probe_counts counts = {
		.source = plan->source,
		.budget_pps = plan->budget_pps,
		.used_pps = plan->sent_last_second,
		.detect_ms = probe_schedule_interval_ms(plan, true) + 2 * PROBE_TIMEOUT_MS +
			     PROBE_SHAKY_MS,
		.n_nodes = plan->n_all,
		.n_busy = plan->n_busy - plan->n_called,
		.n_sent = plan->n_sent,
		.n_answered = plan->n_answered,
		.n_lost = plan->n_lost,
		.n_late = plan->n_late,
		.n_strange = plan->n_strange,
	};

	for (uint32_t i = 0; i < plan->n_all; i++)
		counts.n_probed += probe_node_is_probed(plan, plan->all[i]);
	return counts;
}

uint64_t probe_plan_now_ms(const struct probe_plan *plan)
{
	return plan->now_ms;
}
