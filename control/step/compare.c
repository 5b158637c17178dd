/* SPDX-License-Identifier: BSD-3-Clause */
/* Choose one of the ways to a next hop and keep the reason. Called by pipeline.c. */
#include "control/step/compare.h"

#include <stddef.h>

struct choice compare_choose(const struct candidate_list *list)
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
	}
	return "unknown";
}
