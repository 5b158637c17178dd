/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is probed now. Tokens come at nine tenths of the budget, and a tenth of it can be saved up: so no
 * second has more than the budget, wherever it begins. Called by probe_plan.c's owner every PROBE_TICK_MS.
 */
#include "control/step/probe_table.h"

#include <string.h>

#define MILLI 1000u
#define CLOCK_STEP_MS                                                                              \
	100u /* a longer gap between two ticks is our own, nobody lost anything in it */
#define CALLED_MS    3000u /* so long a node without traffic is looked at closely */
#define CALLED_MAX   32u   /* so many at once, for others have traffic */
#define SHARE_IN_USE 7u	   /* tenths of the rate */
#define SHARE_OTHER  2u

static uint32_t rate_pps(const struct probe_plan *plan)
{
	uint32_t rate = plan->budget_pps * 9 / 10;

	return rate > 0 ? rate : 1;
}

uint32_t probe_schedule_interval_ms(const struct probe_plan *plan, bool is_in_use)
{
	uint64_t n_ways = is_in_use ? plan->n_busy : 2 * (uint64_t)plan->n_busy;
	uint32_t share = is_in_use ? SHARE_IN_USE : SHARE_OTHER;
	uint32_t least = is_in_use ? PROBE_IN_USE_MS : PROBE_OTHER_MS;
	uint64_t stretched = n_ways * MILLI * 10 / ((uint64_t)rate_pps(plan) * share);

	return stretched > least ? (uint32_t)stretched : least;
}

static bool is_in_use(const struct probe_node *node, unsigned kind)
{
	return (node->in_use & 1u << kind) != 0;
}

/* A probe of a path in use was lost, and it is not known yet whether the path is dead. */
static bool is_shaky(const struct probe_node *node)
{
	for (unsigned kind = WIRE_PATH_NATIVE; kind < WIRE_PATH_N_KINDS; kind++)
		if (is_in_use(node, kind) && node->way[kind].is_usable &&
			probe_path_is_shaky(&node->way[kind].path))
			return true;
	return false;
}

/* Send one; counts and remembers it. */
static bool send_probe(struct probe_plan *plan, struct probe_node *node, unsigned kind,
	uint16_t bytes)
{
	struct probe_way *way = &node->way[kind];
	struct wire_probe probe = {
		.id = plan->first_id + plan->n_flight,
		.src = plan->source,
		.dst = node->probe_addr,
		.bytes = bytes != 0 ? bytes : PROBE_SMALL_BYTES,
		.has_df = bytes != 0,
		.path = way->wire,
	};

	if (plan->millitokens < MILLI || plan->n_flight == plan->flight_room ||
		!plan->send(plan->send_arg, &probe))
		return false;
	plan->flight[(plan->flight_at + plan->n_flight++) % plan->flight_room] =
		(struct probe_flight){.node = node->addr,
			.kind = (uint8_t)kind,
			.bytes = bytes,
			.sent_ms = plan->now_ms};
	plan->millitokens -= MILLI;
	plan->sent_this_second++;
	plan->n_sent++;
	return true;
}

static bool send_small(struct probe_plan *plan, struct probe_node *node, unsigned kind,
	uint32_t interval_ms)
{
	struct probe_way *way = &node->way[kind];

	if (!send_probe(plan, node, kind, 0))
		return false;
	way->n_flight++;
	way->next_ms = plan->now_ms + interval_ms;
	return true;
}

/* Both: one way of one node, in its class. Returns false when there is no budget left. */
static bool serve_small(struct probe_plan *plan, struct probe_node *node, unsigned kind,
	enum probe_class class)
{
	struct probe_way *way = &node->way[kind];
	bool in_use = is_in_use(node, kind);
	uint32_t interval_ms = probe_schedule_interval_ms(plan, in_use);

	if (way->next_ms > plan->now_ms)
		return true;
	if (class == PROBE_CLASS_SHAKY) {
		// Two more, and the others once, which are about to be needed.
		if (!is_shaky(node) || way->n_flight >= 2)
			return true;
		interval_ms = in_use ? PROBE_SHAKY_MS : interval_ms;
	} else if (in_use != (class == PROBE_CLASS_IN_USE)) {
		return true;
	}
	return send_small(plan, node, kind, interval_ms);
}

static bool serve_mtu(struct probe_plan *plan, struct probe_node *node, unsigned kind)
{
	struct probe_way *way = &node->way[kind];
	uint16_t bytes;

	if (way->path.state != PROBE_UP || probe_path_is_shaky(&way->path))
		return true;
	bytes = probe_mtu_next(&way->mtu, plan->now_ms);
	if (bytes == 0)
		return true;
	if (!send_probe(plan, node, kind, bytes))
		return false;
	probe_mtu_sent(&way->mtu);
	return true;
}

static bool serve_node(struct probe_plan *plan, struct probe_node *node, enum probe_class class)
{
	for (unsigned kind = WIRE_PATH_NATIVE; kind < WIRE_PATH_N_KINDS; kind++) {
		bool has_budget = true;

		if (!node->way[kind].is_usable || !probe_node_is_probed(plan, node))
			continue;
		if (class == PROBE_CLASS_MTU)
			has_budget = serve_mtu(plan, node, kind);
		else
			has_budget = serve_small(plan, node, kind, class);
		if (!has_budget)
			return false;
	}
	return true;
}

/* Go round from where the budget ended the last time. */
static void serve_class(struct probe_plan *plan, enum probe_class class)
{
	uint32_t n = plan->n_busy;
	uint32_t from = n > 0 ? plan->cursor[class] % n : 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = (from + i) % n;

		if (plan->busy[at].due_ms > plan->now_ms)
			continue;
		if (!serve_node(plan, plan->busy[at].node, class)) {
			plan->cursor[class] = at;
			return;
		}
	}
}

/* When is anything of it due? A search for the MTU goes on with its answers, or soon. */
static uint64_t due_of(const struct probe_plan *plan, const struct probe_node *node)
{
	uint64_t due_ms = plan->now_ms + PROBE_OTHER_MS;

	for (unsigned kind = WIRE_PATH_NATIVE; kind < WIRE_PATH_N_KINDS; kind++) {
		const struct probe_way *way = &node->way[kind];

		if (way->is_usable && way->next_ms < due_ms)
			due_ms = way->next_ms;
	}
	return due_ms;
}

static void settle_busy(struct probe_plan *plan)
{
	for (uint32_t i = plan->n_busy; i-- > 0;) {
		struct probe_node *node = plan->busy[i].node;

		if (node->busy_until_ms <= plan->now_ms)
			probe_table_end_busy(plan, node);
		else if (plan->busy[i].due_ms <= plan->now_ms)
			plan->busy[i].due_ms = due_of(plan, node);
	}
}

/* All nodes in turn, with what is left. */
static void serve_rest(struct probe_plan *plan)
{
	for (uint32_t i = 0; i < plan->n_all && plan->millitokens >= MILLI; i++) {
		struct probe_node *node;

		plan->rest_cursor = (plan->rest_cursor + 1) % plan->n_all;
		node = plan->all[plan->rest_cursor];
		if (node->is_busy || !probe_node_is_probed(plan, node))
			continue;
		for (unsigned kind = WIRE_PATH_NATIVE; kind < WIRE_PATH_N_KINDS; kind++) {
			struct probe_way *way = &node->way[kind];

			if (!way->is_usable || way->next_ms > plan->now_ms)
				continue;
			if (!send_small(plan, node, kind, PROBE_OTHER_MS) ||
				!serve_mtu(plan, node, kind)) {
				plan->rest_cursor =
					(plan->rest_cursor + plan->n_all - 1) % plan->n_all;
				return;
			}
		}
	}
}

static void take_small_loss(struct probe_plan *plan, struct probe_node *node, unsigned kind)
{
	struct probe_way *way = &node->way[kind];
	bool was_shaky = probe_path_is_shaky(&way->path);

	way->n_flight -= way->n_flight > 0;
	if (!way->is_usable)
		return;
	if (probe_path_lost(&way->path, plan->now_ms))
		probe_table_changed(plan, node);
	probe_mtu_stop(&way->mtu, plan->now_ms);
	if (was_shaky || !probe_path_is_shaky(&way->path) || !is_in_use(node, kind))
		return;
	// The first loss of a path in use: ask again, and the others, at once.
	if (!node->is_busy && plan->n_called < CALLED_MAX) {
		node->is_called = true;
		plan->n_called++;
		probe_table_set_busy(plan, node, plan->now_ms + CALLED_MS);
	}
	for (unsigned i = WIRE_PATH_NATIVE; i < WIRE_PATH_N_KINDS && node->is_busy; i++)
		node->way[i].next_ms = plan->now_ms;
	probe_table_set_due(plan, node);
}

static void take_loss(struct probe_plan *plan, const struct probe_flight *flight)
{
	struct probe_node *node = probe_table_find(plan, flight->node);

	plan->n_lost++;
	if (node == NULL)
		return;
	if (flight->bytes == 0)
		take_small_loss(plan, node, flight->kind);
	else if (probe_mtu_result(&node->way[flight->kind].mtu, flight->bytes, false, plan->now_ms))
		probe_table_changed(plan, node);
	probe_table_set_due(plan, node);
}

static void take_losses(struct probe_plan *plan)
{
	while (plan->n_flight > 0) {
		struct probe_flight flight = plan->flight[plan->flight_at];

		if (!flight.is_done && flight.sent_ms + PROBE_TIMEOUT_MS > plan->now_ms)
			return;
		plan->flight_at = (plan->flight_at + 1) % plan->flight_room;
		plan->n_flight--;
		plan->first_id++;
		if (!flight.is_done)
			take_loss(plan, &flight);
	}
}

/* Ours stands still while nobody ticks, so that what nobody could take is not taken for lost. */
static void advance(struct probe_plan *plan, uint64_t clock_ms)
{
	uint64_t step = plan->clock_ms == 0 ? 0 : clock_ms - plan->clock_ms;
	uint64_t most = plan->budget_pps * (uint64_t)MILLI / 10;

	if (step > CLOCK_STEP_MS)
		step = CLOCK_STEP_MS;
	plan->clock_ms = clock_ms;
	plan->now_ms += step;
	plan->millitokens += step * rate_pps(plan);
	if (most < MILLI)
		most = MILLI;
	if (plan->millitokens > most)
		plan->millitokens = most;
	if (plan->now_ms / MILLI == plan->second)
		return;
	plan->second = plan->now_ms / MILLI;
	plan->sent_last_second = plan->sent_this_second;
	plan->sent_this_second = 0;
}

void probe_plan_tick(struct probe_plan *plan, uint64_t now_ms)
{
	advance(plan, now_ms);
	take_losses(plan);
	if (plan->source == 0 || plan->budget_pps == 0)
		return;
	for (int class = PROBE_CLASS_SHAKY; class < PROBE_CLASSES; class ++)
		serve_class(plan, (enum probe_class) class);
	settle_busy(plan);
	serve_rest(plan);
}
