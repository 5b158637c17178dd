/* SPDX-License-Identifier: BSD-3-Clause */
/* Choose one of the ways to a next hop and keep the reason. Called by pipeline.c. */
#include "control/step/compare.h"

#include <stddef.h>

/* The usable candidate that adds the fewest bytes; of equals the first. */
static struct choice choose_cheapest(const struct candidate_list *list)
{
	struct choice choice = {.idx = CHOICE_NONE, .reason = CHOICE_NONE_USABLE};

	for (uint32_t i = 0; i < list->n; i++) {
		const struct candidate *candidate = &list->candidate[i];

		if (!candidate->is_usable)
			continue;
		if (choice.idx == CHOICE_NONE ||
			candidate->overhead_bytes < list->candidate[choice.idx].overhead_bytes)
			choice.idx = i;
	}
	if (choice.idx != CHOICE_NONE)
		choice.reason = list->n == 1 ? CHOICE_ONLY_CANDIDATE : CHOICE_FEWEST_BYTES;
	if (choice.idx == CHOICE_NONE && list->n > 0)
		choice.state = list->candidate[0].state;
	return choice;
}

static enum wire_path_kind kind_of_policy(uint8_t policy)
{
	switch (hop_policy_encap(policy)) {
	case ENCAP_FOLLOW:
	case ENCAP_NONE:
	case ENCAP_AUTO:
		break;
	case ENCAP_IPIP:
		return WIRE_PATH_IPIP;
	case ENCAP_VXLAN:
		return WIRE_PATH_VXLAN;
	}
	return WIRE_PATH_NATIVE;
}

/* What the pool wants, or nothing: another way would be one that it does not want. */
static struct choice choose_wanted(const struct candidate_list *list, uint8_t policy,
	bool is_same_subnet)
{
	bool is_spared = hop_policy_scope(policy) == ENCAP_CROSS_SUBNET && is_same_subnet;
	enum wire_path_kind kind = is_spared ? WIRE_PATH_NATIVE : kind_of_policy(policy);
	struct choice choice = {.idx = CHOICE_NONE, .reason = CHOICE_NONE_USABLE};

	for (uint32_t i = 0; i < list->n; i++) {
		if (list->candidate[i].kind != kind)
			continue;
		choice.state = list->candidate[i].state;
		choice.reason = CHOICE_POLICY_UNUSABLE;
		if (list->candidate[i].is_usable) {
			choice.idx = i;
			choice.reason = is_spared ? CHOICE_SAME_SUBNET : CHOICE_POLICY;
		}
	}
	return choice;
}

static uint32_t find_usable(const struct candidate_list *list, enum wire_path_kind kind)
{
	for (uint32_t i = 0; i < list->n && kind != WIRE_PATH_PUNT; i++)
		if (list->candidate[i].kind == kind && list->candidate[i].is_usable)
			return i;
	return CHOICE_NONE;
}

/* The usable candidate in this state that adds the fewest bytes. */
static uint32_t cheapest_in(const struct candidate_list *list, enum probe_state state)
{
	uint32_t best = CHOICE_NONE;

	for (uint32_t i = 0; i < list->n; i++) {
		const struct candidate *candidate = &list->candidate[i];

		if (candidate->is_usable && candidate->probe == state && !candidate->is_shaky &&
			(best == CHOICE_NONE ||
				candidate->overhead_bytes < list->candidate[best].overhead_bytes))
			best = i;
	}
	return best;
}

/* Where to stay, as long as nothing is better. */
static uint32_t find_current(const struct candidate_list *list, enum wire_path_kind current)
{
	static const enum probe_state order[] = {PROBE_UP, PROBE_UNKNOWN, PROBE_NONE};
	uint32_t idx = find_usable(list, current);

	for (size_t i = 0; idx == CHOICE_NONE && i < sizeof(order) / sizeof(order[0]); i++)
		idx = cheapest_in(list, order[i]);
	return idx != CHOICE_NONE ? idx : choose_cheapest(list).idx;
}

/* Why this one and none that adds fewer bytes. */
static enum choice_reason reason_of_auto(const struct candidate_list *list, uint32_t chosen)
{
	enum choice_reason reason = CHOICE_FEWEST_BYTES;

	if (list->candidate[chosen].probe == PROBE_NONE)
		return CHOICE_NOT_PROBED;
	if (list->candidate[chosen].probe == PROBE_DOWN)
		return CHOICE_ALL_DOWN;
	for (uint32_t i = 0; i < list->n; i++) {
		const struct candidate *other = &list->candidate[i];

		if (!other->is_usable ||
			other->overhead_bytes >= list->candidate[chosen].overhead_bytes)
			continue;
		if (other->probe != PROBE_DOWN)
			return CHOICE_PROBING;
		reason = CHOICE_PROBE_DOWN;
	}
	return list->candidate[chosen].probe == PROBE_UP ? reason : CHOICE_PROBING;
}

/* The cheapest one that works; see compare.h for when it is left. */
static struct choice choose_auto(const struct candidate_list *list, enum wire_path_kind current)
{
	struct choice cheapest = choose_cheapest(list);
	uint32_t up = cheapest_in(list, PROBE_UP);
	uint32_t chosen;

	if (cheapest.idx == CHOICE_NONE)
		return cheapest;
	// Without probes nothing keeps it where it is.
	chosen = list->candidate[cheapest.idx].probe == PROBE_NONE ? cheapest.idx
								   : find_current(list, current);
	if (up != CHOICE_NONE && (list->candidate[chosen].probe == PROBE_DOWN ||
					 list->candidate[up].overhead_bytes <
						 list->candidate[chosen].overhead_bytes))
		chosen = up;
	return (struct choice){.idx = chosen, .reason = reason_of_auto(list, chosen)};
}

struct choice compare_choose(const struct candidate_list *list, const struct hop_facts *facts,
	const struct choice_wish *wish)
{
	static const struct choice_wish none;
	struct choice choice;
	uint32_t pinned;

	if (wish == NULL)
		wish = &none;
	pinned = find_usable(list, wish->pin);
	if (pinned != CHOICE_NONE)
		return (struct choice){.idx = pinned, .reason = CHOICE_PINNED};
	if (hop_policy_encap(facts->key.policy) == ENCAP_AUTO && facts->device == WIRE_PATH_NATIVE)
		return choose_auto(list, wish->current);
	if (facts->key.policy != 0 && facts->device == WIRE_PATH_NATIVE)
		return choose_wanted(list, facts->key.policy, facts->is_same_subnet);
	choice = choose_cheapest(list);
	if (choice.idx != CHOICE_NONE && facts->device != WIRE_PATH_NATIVE)
		choice.reason = CHOICE_DEVICE;
	// A device that we do not follow has no candidate.
	if (list->n == 0)
		choice.state = facts->state;
	return choice;
}

/* Will this pass by itself, so that others may carry the packets meanwhile? */
static bool is_passing(enum hop_state state)
{
	switch (state) {
	case HOP_UNRESOLVED:
	case HOP_LINK_DOWN:
	case HOP_NO_LINK:
	case HOP_UNDERLAY_UNRESOLVED:
	case HOP_UNDERLAY_DOWN:
		return true;
	case HOP_RESOLVED:
	case HOP_NOT_OURS:
	case HOP_POD_DETACHED:
	case HOP_NO_VTEP_MAC:
	case HOP_NO_FDB:
	case HOP_NO_UNDERLAY:
	case HOP_NO_TUNNEL_ADDRESS:
	case HOP_NO_TUNNEL_REMOTE:
	case HOP_TUNNEL_UNKNOWN:
		break;
	}
	return false;
}

struct wire_path compare_path(const struct candidate_list *list, struct choice choice,
	struct hop_key key, uint32_t node)
{
	if (choice.idx != CHOICE_NONE)
		return list->candidate[choice.idx].path;
	return (struct wire_path){
		.nexthop = key.nexthop,
		.ifindex = key.ifindex,
		.policy = key.policy,
		.kind = WIRE_PATH_PUNT,
		.is_waiting = is_passing(choice.state),
		.tunnel = {.dst = node != key.nexthop ? node : 0},
	};
}

const char *compare_reason_name(enum choice_reason reason)
{
	switch (reason) {
	case CHOICE_NONE_USABLE:
		return "none-usable";
	case CHOICE_ONLY_CANDIDATE:
		return "only-candidate";
	case CHOICE_FEWEST_BYTES:
		return "fewest-bytes";
	case CHOICE_DEVICE:
		return "device";
	case CHOICE_POLICY:
		return "policy";
	case CHOICE_SAME_SUBNET:
		return "same-subnet";
	case CHOICE_POLICY_UNUSABLE:
		return "policy-unusable";
	case CHOICE_NOT_PROBED:
		return "not-probed";
	case CHOICE_PROBING:
		return "probing";
	case CHOICE_PROBE_DOWN:
		return "probe-down";
	case CHOICE_ALL_DOWN:
		return "all-down";
	case CHOICE_PINNED:
		return "pinned";
	}
	return "unknown";
}
