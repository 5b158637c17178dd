/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The paths to each node side by side. A node's facts lie in its next hops, one for each policy, and in the
 * probe plan. Called by show_commands.c.
 */
#include "control/show_compare.h"

#include "control/inventory.h"
#include "control/pipeline.h"
#include "control/show_json.h"
#include "control/show_names.h"
#include "control/step/compare.h"
#include "control/step/probe_plan.h"
#include "control/step/sync.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

/* Next hops of nodes, collected to be sorted. */
struct hop_list {
	const struct hop **hop;
	size_t n, room;
	uint32_t only; /* 0: all */
	int err;
};

static void collect(const struct sync_path_view *view, void *arg)
{
	struct hop_list *list = arg;
	const struct hop *hop = view->hop;

	if (!hop_is_node(hop) || hop->node == 0 || view->n_refs == 0 ||
		(list->only != 0 && hop->node != list->only))
		return;
	if (list->n == list->room) {
		size_t room = list->room == 0 ? 64 : list->room * 2;
		const struct hop **more = realloc(list->hop, room * sizeof(const struct hop *));

		if (more == NULL) {
			list->err = -ENOMEM;
			return;
		}
		list->hop = more;
		list->room = room;
	}
	list->hop[list->n++] = hop;
}

/* By node; of one node first the hop by which its paths are probed. */
static int compare_hops(const void *a, const void *b)
{
	const struct hop *x = *(const struct hop *const *)a, *y = *(const struct hop *const *)b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	if (x->key.policy != y->key.policy)
		return (int)y->key.policy - (int)x->key.policy;
	return x->key.ifindex < y->key.ifindex ? -1 : x->key.ifindex > y->key.ifindex;
}

static json_t *age_ms(const struct pipeline *pipeline, uint64_t since_ms)
{
	uint64_t now_ms = probe_plan_now_ms(pipeline_probes(pipeline));

	return json_integer((json_int_t)((now_ms - since_ms) / 1000));
}

static const char *chosen_kind(const struct hop *hop)
{
	uint32_t idx = hop->choice.idx;

	return idx < hop->candidates.n ? show_name_path_kind(hop->candidates.candidate[idx].kind)
				       : NULL;
}

static json_t *hop_json(const struct hop *hop)
{
	return json_pack("{s:s, s:o, s:s?, s:s?, s:s, s:s, s:o, s:I}", "policy",
		show_name_policy(hop->key.policy), "nexthop", show_json_address(hop->key.nexthop),
		"interface", hop->facts.interface[0] != '\0' ? hop->facts.interface : NULL,
		"chosen", chosen_kind(hop), "reason", compare_reason_name(hop->choice.reason),
		"state", show_name_hop_state(hop->choice.state), "since_sec",
		show_json_age(hop->since_sec), "n_changes", (json_int_t)hop->n_changes);
}

/* What its probes have shown. */
static void add_results(json_t *json, const struct pipeline *pipeline,
	const struct probe_path *path, const struct probe_mtu *mtu)
{
	unsigned n = path->n_results, n_lost = probe_path_n_lost(path);
	json_t *fields = json_pack("{s:I, s:I, s:I, s:o, s:b}", "n_probes", (json_int_t)n, "n_lost",
		(json_int_t)n_lost, "n_lost_row", (json_int_t)path->n_lost_row, "probe_since_sec",
		age_ms(pipeline, path->since_ms), "is_mtu_probed", mtu->is_known);

	if (n > 0)
		json_object_set_new(fields, "loss_percent", json_real(100.0 * n_lost / n));
	if (path->n_rtts > 0) {
		json_object_set_new(fields, "rtt_p50_us",
			json_real(probe_path_rtt_ns(path, 50) / 1000.0));
		json_object_set_new(fields, "rtt_p99_us",
			json_real(probe_path_rtt_ns(path, 99) / 1000.0));
		json_object_set_new(fields, "answered_by",
			json_string(show_name_path_kind(path->answer_kind)));
	}
	json_object_update(json, fields);
	json_decref(fields);
}

static const struct candidate *find_candidate(const struct hop *const *hop, size_t n,
	enum wire_path_kind kind)
{
	const struct candidate *best = NULL;

	for (size_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < hop[i]->candidates.n; j++) {
			const struct candidate *one = &hop[i]->candidates.candidate[j];

			if (one->kind == kind &&
				(best == NULL || (!best->is_usable && one->is_usable)))
				best = one;
		}
	return best;
}

static bool is_in_use(const struct hop *const *hop, size_t n, enum wire_path_kind kind)
{
	for (size_t i = 0; i < n; i++)
		if (hop[i]->wanted.kind == (uint8_t)kind)
			return true;
	return false;
}

static json_t *path_json(const struct pipeline *pipeline, const struct candidate *candidate,
	const struct probe_node_view *view)
{
	enum wire_path_kind kind = candidate->kind;
	bool is_usable = candidate->is_usable;
	json_t *json = json_pack("{s:s, s:b, s:s, s:s, s:i, s:o, s:o, s:I}", "kind",
		show_name_path_kind((uint8_t)kind), "is_usable", is_usable, "state",
		show_name_hop_state(candidate->state), "probe",
		show_name_probe_state(candidate->probe), "overhead_bytes",
		(int)candidate->overhead_bytes, "mtu",
		is_usable ? json_integer(candidate->path.mtu) : json_null(), "link_mtu",
		is_usable ? json_integer(candidate->link_mtu) : json_null(), "pkts",
		(json_int_t)view->pkts[kind]);

	if (view->path[kind] != NULL)
		add_results(json, pipeline, view->path[kind], view->mtu[kind]);
	return json;
}

static json_t *node_json(const struct pipeline *pipeline, const struct hop *const *hop, size_t n)
{
	struct probe_node_view view = {.node = hop[0]->node};
	json_t *hops = json_array(), *paths = json_array();
	struct inventory_node named = {.name = NULL};

	(void)probe_plan_view(pipeline_probes(pipeline), hop[0]->node, &view);
	(void)pipeline_inventory_node(pipeline, hop[0]->node, &named);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(hops, hop_json(hop[i]));
	for (unsigned kind = WIRE_PATH_NATIVE; kind < WIRE_PATH_N_KINDS; kind++) {
		const struct candidate *candidate =
			find_candidate(hop, n, (enum wire_path_kind)kind);
		json_t *path;

		if (candidate == NULL)
			continue;
		path = path_json(pipeline, candidate, &view);
		json_object_set_new(path, "in_use",
			json_boolean(is_in_use(hop, n, (enum wire_path_kind)kind)));
		json_array_append_new(paths, path);
	}
	return json_pack("{s:s?, s:o, s:o, s:b, s:s?, s:b, s:o, s:o}", "name", named.name,
		"address", show_json_address(view.node), "probe_address",
		view.probe_addr != 0 ? show_json_address(view.probe_addr) : json_null(), "is_busy",
		view.is_busy, "pin",
		view.pin != WIRE_PATH_PUNT ? show_name_path_kind((uint8_t)view.pin) : NULL,
		"is_same_subnet", hop[0]->facts.is_same_subnet, "hops", hops, "paths", paths);
}

int show_compare_each(const struct pipeline *pipeline, uint32_t only,
	void (*visit)(json_t *node, void *arg), void *arg)
{
	struct hop_list list = {.only = only};

	sync_each_path(pipeline_sync(pipeline), collect, &list);
	if (list.n > 0)
		qsort(list.hop, list.n, sizeof(list.hop[0]), compare_hops);
	for (size_t i = 0, n; i < list.n; i += n) {
		for (n = 1; i + n < list.n && list.hop[i + n]->node == list.hop[i]->node;)
			n++;
		visit(node_json(pipeline, &list.hop[i], n), arg);
	}
	free(list.hop);
	return list.err;
}

json_t *show_compare_probe(const struct pipeline *pipeline)
{
	struct probe_counts c = probe_plan_counts(pipeline_probes(pipeline));

	return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "address",
		c.source != 0 ? show_json_address(c.source) : json_null(), "budget_pps",
		(json_int_t)c.budget_pps, "used_pps", (json_int_t)c.used_pps, "detect_ms",
		(json_int_t)c.detect_ms, "n_nodes", (json_int_t)c.n_nodes, "n_probed",
		(json_int_t)c.n_probed, "n_busy", (json_int_t)c.n_busy, "n_sent",
		(json_int_t)c.n_sent, "n_answered", (json_int_t)c.n_answered, "n_lost",
		(json_int_t)c.n_lost, "n_late", (json_int_t)c.n_late, "n_strange",
		(json_int_t)c.n_strange);
}

bool show_compare_find(const struct pipeline *pipeline, const char *text, uint32_t *node)
{
	struct inventory_node named;
	struct hop_list list = {.only = 0};
	struct probe_node_view view;
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) == 1)
		list.only = ntohl(in.s_addr);
	else if (pipeline_inventory_name(pipeline, text, &named))
		list.only = named.addr;
	if (list.only == 0)
		return false;
	sync_each_path(pipeline_sync(pipeline), collect, &list);
	free(list.hop);
	*node = list.only;
	// One that was pinned is known even without a route.
	return list.n > 0 || probe_plan_view(pipeline_probes(pipeline), list.only, &view);
}
