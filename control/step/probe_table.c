/* SPDX-License-Identifier: BSD-3-Clause */
/* The nodes of the probe plan: found by address, gone round in turn. Called by the other probe_*.c. */
#include "control/step/probe_table.h"

struct probe_node *probe_table_find(const struct probe_plan *plan, uint32_t addr)
{
	uint32_t hash = hash_words(addr, 0);

	for (struct hash_node *at = hash_chain(&plan->by_addr, hash); at != NULL; at = at->next) {
		struct probe_node *node = hash_entry(at, struct probe_node, hash);

		if (at->hash == hash && node->addr == addr)
			return node;
	}
	return NULL;
}

/* Room for one more, in both arrays. Errors: -ENOMEM */
static int make_room(struct probe_plan *plan)
{
	uint32_t room = plan->room == 0 ? 64 : plan->room * 2;
	void *all, *busy;

	if (plan->n_all < plan->room)
		return 0;
	all = realloc(plan->all, room * sizeof(struct probe_node *));
	if (all == NULL)
		return -ENOMEM;
	plan->all = all;
	busy = realloc(plan->busy, room * sizeof(*plan->busy));
	if (busy == NULL)
		return -ENOMEM;
	plan->busy = busy;
	plan->room = room;
	return 0;
}

struct probe_node *probe_table_take(struct probe_plan *plan, uint32_t addr)
{
	struct probe_node *node = probe_table_find(plan, addr);

	if (node != NULL)
		return node;
	node = make_room(plan) == 0 ? calloc(1, sizeof(*node)) : NULL;
	if (node == NULL)
		return NULL;
	node->addr = addr;
	if (hash_insert(&plan->by_addr, &node->hash, hash_words(addr, 0)) != 0) {
		free(node);
		return NULL;
	}
	node->at = plan->n_all;
	plan->all[plan->n_all++] = node;
	return node;
}

void probe_table_remove(struct probe_plan *plan, struct probe_node *node)
{
	probe_table_end_busy(plan, node);
	if (node->is_changed)
		STAILQ_REMOVE(&plan->changed, node, probe_node, changed);
	hash_remove(&plan->by_addr, &node->hash);
	plan->all[node->at] = plan->all[--plan->n_all];
	plan->all[node->at]->at = node->at;
	free(node);
}

void probe_table_changed(struct probe_plan *plan, struct probe_node *node)
{
	if (!node->is_changed)
		STAILQ_INSERT_TAIL(&plan->changed, node, changed);
	node->is_changed = true;
}

void probe_table_set_busy(struct probe_plan *plan, struct probe_node *node, uint64_t until_ms)
{
	if (node->busy_until_ms < until_ms)
		node->busy_until_ms = until_ms;
	if (node->is_busy)
		return;
	node->is_busy = true;
	node->busy_at = plan->n_busy;
	plan->busy[plan->n_busy++] = (struct probe_busy){.node = node};
	for (int kind = 0; kind < WIRE_PATH_N_KINDS; kind++)
		node->way[kind].next_ms = plan->now_ms;
}

void probe_table_end_busy(struct probe_plan *plan, struct probe_node *node)
{
	if (!node->is_busy)
		return;
	node->is_busy = false;
	plan->n_called -= node->is_called;
	node->is_called = false;
	plan->busy[node->busy_at] = plan->busy[--plan->n_busy];
	plan->busy[node->busy_at].node->busy_at = node->busy_at;
}

void probe_table_set_due(struct probe_plan *plan, struct probe_node *node)
{
	if (node->is_busy)
		plan->busy[node->busy_at].due_ms = plan->now_ms;
}
