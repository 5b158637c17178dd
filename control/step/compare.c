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

struct choice compare_choose(const struct candidate_list *list, const struct hop_facts *facts)
{
	struct choice choice;

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

struct wire_path compare_path(const struct candidate_list *list, struct choice choice,
	struct hop_key key)
{
	if (choice.idx != CHOICE_NONE)
		return list->candidate[choice.idx].path;
	return (struct wire_path){
		.nexthop = key.nexthop,
		.ifindex = key.ifindex,
		.policy = key.policy,
		.kind = WIRE_PATH_PUNT,
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
	}
	return "unknown";
}
