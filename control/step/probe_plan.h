/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which path of which node is probed when, and what came of it. Knows all remote nodes with their usable
 * paths; the clock and the sending are passed in.
 *
 * The order, as long as the budget lasts: paths in use of which a probe was just lost; paths in use by
 * nodes with traffic; the other paths of these nodes; their MTU; all other nodes in turn. The second and
 * third get further apart with the number of nodes with traffic, so that something is always left.
 */
#ifndef PODLANE_CONTROL_STEP_PROBE_PLAN_H
#define PODLANE_CONTROL_STEP_PROBE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/route.h"
#include "control/step/probe_mtu.h"
#include "control/step/probe_path.h"
#include "dataplane/api/wire.h"

#define PROBE_TICK_MS	  10u	 /* how often probe_plan_tick() is called */
#define PROBE_TIMEOUT_MS  250u	 /* without an answer for so long: lost */
#define PROBE_IN_USE_MS	  200u	 /* between two probes of a path in use by a node with traffic */
#define PROBE_OTHER_MS	  1000u	 /* of its other paths, and at least of all others' */
#define PROBE_SHAKY_MS	  50u	 /* after a loss */
#define PROBE_BUSY_MS	  10000u /* traffic counts for so long */
#define PROBE_SMALL_BYTES 84u	 /* as ping's */

struct probe_plan;

/** Send one probe with the next message. Returns false if that cannot be. */
typedef bool (*probe_send_fn)(void *arg, const struct wire_probe *probe);

/** A next hop with what leads to its node. */
struct probe_offer {
	uint32_t node;
	uint32_t probe_addr; /**< the node's; 0: unknown, it is not probed */
	struct hop_key key;
	const struct candidate_list *candidates;
	enum wire_path_kind chosen;
};

/** What is known of a path. */
struct probe_health {
	enum probe_state state;
	bool is_shaky;
	uint16_t mtu; /**< that probes found; 0: nothing against the link's */
};

struct probe_node_view {
	uint32_t node, probe_addr;
	enum wire_path_kind pin;
	bool is_busy;
	uint64_t pkts[WIRE_PATH_N_KINDS]; /**< carried, by enum wire_path_kind */
	/** By enum wire_path_kind; NULL: not usable, or not probed. Owner: valid until the next call */
	const struct probe_path *path[WIRE_PATH_N_KINDS];
	const struct probe_mtu *mtu[WIRE_PATH_N_KINDS];
};

struct probe_counts {
	uint32_t source, budget_pps;
	uint32_t used_pps;  /**< in the last whole second */
	uint32_t detect_ms; /**< until a dead path of a node with traffic is left */
	size_t n_nodes, n_probed, n_busy;
	uint64_t n_sent, n_answered, n_lost, n_late, n_strange;
};

/**
 * @budget_pps: never more in any second; 0: nothing is probed
 * @first_id: of the first probe; should differ from start to start
 *
 * Errors: NULL if memory is short
 */
struct probe_plan *probe_plan_new(uint32_t budget_pps, uint32_t first_id, probe_send_fn send,
	void *arg);
void probe_plan_free(struct probe_plan *plan);

/** Another budget; what is under way is neither answered nor lost. Errors: -ENOMEM, nothing changed */
int probe_plan_set_budget(struct probe_plan *plan, uint32_t budget_pps);

/** Our own probe address; 0: none, nothing is probed. What was known is forgotten if it changes. */
void probe_plan_set_source(struct probe_plan *plan, uint32_t source);

/**
 * Say what there is. What is not said again between begin and end goes; outside of a round it stays
 * until the next. Of several hops to one node, each way is probed as the one with the highest policy, then
 * the lowest interface, has it.
 *
 * Errors: -ENOMEM
 */
void probe_plan_begin_round(struct probe_plan *plan);
int probe_plan_take(struct probe_plan *plan, const struct probe_offer *offer);
void probe_plan_end_round(struct probe_plan *plan);

/** So many more packets went to a node by this way; @is_now: since the last look, a second ago. */
void probe_plan_note_pkts(struct probe_plan *plan, uint32_t node, enum wire_path_kind kind,
	uint64_t n_pkts, bool is_now);

/** Take what is lost as lost, and send what is due. @now_ms: of a clock that only goes forward */
void probe_plan_tick(struct probe_plan *plan, uint64_t now_ms);

void probe_plan_answer(struct probe_plan *plan, const struct wire_probe_reply *reply);

/** A probe was never sent: it is not lost. */
void probe_plan_forget(struct probe_plan *plan, uint32_t id);
/** Nobody will answer what is under way, and that says nothing. */
void probe_plan_forget_all(struct probe_plan *plan);

/** WIRE_PATH_PUNT: unpin. Errors: -ENOENT no such node */
int probe_plan_pin(struct probe_plan *plan, uint32_t node, enum wire_path_kind kind);
enum wire_path_kind probe_plan_pinned(const struct probe_plan *plan, uint32_t node);

struct probe_health probe_plan_health(const struct probe_plan *plan, uint32_t node,
	enum wire_path_kind kind);

/** The next node whose health changed since it was last returned. Errors: false if there is none */
bool probe_plan_next_changed(struct probe_plan *plan, uint32_t *node);

bool probe_plan_view(const struct probe_plan *plan, uint32_t node, struct probe_node_view *view);
struct probe_counts probe_plan_counts(const struct probe_plan *plan);
/** The clock of all times in here. */
uint64_t probe_plan_now_ms(const struct probe_plan *plan);

#endif
