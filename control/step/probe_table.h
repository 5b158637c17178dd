/* SPDX-License-Identifier: BSD-3-Clause */
/* The nodes of the probe plan. Only the probe_*.c include this. */
#ifndef PODLANE_CONTROL_STEP_PROBE_TABLE_H
#define PODLANE_CONTROL_STEP_PROBE_TABLE_H

#include <sys/queue.h>

#include "control/hash.h"
#include "control/step/probe_plan.h"

/* One way to a node. */
struct probe_way {
	bool is_usable;
	uint8_t n_flight;    /* small probes without an answer yet */
	uint32_t round;	     /* in which it was last said */
	struct hop_key said; /* by which hop */
	struct wire_path wire;
	uint64_t next_ms; /* a small probe is due */
	struct probe_path path;
	struct probe_mtu mtu;
};

struct probe_node {
	struct hash_node hash;
	uint32_t addr, probe_addr;
	uint32_t round;
	uint32_t in_use; /* bit per enum wire_path_kind */
	uint32_t at;	 /* in all */
	uint32_t busy_at;
	bool is_busy, is_changed;
	bool is_called; /* busy without traffic, because a probe was lost */
	uint8_t pin;
	uint64_t busy_until_ms;
	uint64_t pkts[WIRE_PATH_N_KINDS];
	STAILQ_ENTRY(probe_node) changed;
	struct probe_way way[WIRE_PATH_N_KINDS]; /* that of WIRE_PATH_PUNT is never used */
};
STAILQ_HEAD(probe_node_list, probe_node);

/* One probe under way. */
struct probe_flight {
	uint32_t node;
	uint8_t kind;
	bool is_done;
	uint16_t bytes;
	uint64_t sent_ms;
};

/* A node with traffic; due_ms is no later than anything of it is due. */
struct probe_busy {
	struct probe_node *node;
	uint64_t due_ms;
};

enum probe_class { PROBE_CLASS_SHAKY, PROBE_CLASS_IN_USE, PROBE_CLASS_OTHER, PROBE_CLASS_MTU };
#define PROBE_CLASSES 4

struct probe_plan {
	probe_send_fn send;
	void *send_arg;
	uint32_t source, budget_pps;
	uint64_t now_ms, clock_ms; /* ours, which stops while nobody ticks; the caller's last */
	uint64_t millitokens;
	struct hash by_addr;
	struct probe_node **all;
	struct probe_busy *busy;
	uint32_t n_all, n_busy, room; /* of both */
	uint32_t cursor[PROBE_CLASSES], rest_cursor;
	uint32_t n_called;
	struct probe_node_list changed;
	struct probe_flight *flight; /* a ring; the oldest has the id first_id */
	uint32_t flight_room, flight_at, n_flight, first_id;
	uint32_t round;
	uint64_t second;
	uint32_t sent_this_second, sent_last_second;
	uint64_t n_sent, n_answered, n_lost, n_late, n_strange;
};

struct probe_node *probe_table_find(const struct probe_plan *plan, uint32_t addr);
/** Errors: NULL if memory is short */
struct probe_node *probe_table_take(struct probe_plan *plan, uint32_t addr);
void probe_table_remove(struct probe_plan *plan, struct probe_node *node);
/** Its health changed. */
void probe_table_changed(struct probe_plan *plan, struct probe_node *node);

/** It is to be probed as one with traffic until then. */
void probe_table_set_busy(struct probe_plan *plan, struct probe_node *node, uint64_t until_ms);
void probe_table_end_busy(struct probe_plan *plan, struct probe_node *node);
/** Look at it at the next tick. */
void probe_table_set_due(struct probe_plan *plan, struct probe_node *node);

/** Between two probes of a way of a node with traffic, in use or not, by what the budget allows. */
uint32_t probe_schedule_interval_ms(const struct probe_plan *plan, bool is_in_use);

static inline bool probe_node_is_probed(const struct probe_plan *plan,
	const struct probe_node *node)
{
	return plan->source != 0 && plan->budget_pps != 0 && node->probe_addr != 0;
}

#endif
