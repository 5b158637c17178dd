/* SPDX-License-Identifier: BSD-3-Clause */
/* Step 8 of the route's walk: choose one of the ways to a next hop and say why. Pure. */
#ifndef PODLANE_CONTROL_STEP_COMPARE_H
#define PODLANE_CONTROL_STEP_COMPARE_H

#include "control/route.h"

/**
 * Choose what the policy of @facts wants; without one the usable candidate that adds the fewest bytes, of
 * equals the first.
 */
struct choice compare_choose(const struct candidate_list *list, const struct hop_facts *facts);

/** The path that a choice leads to, without idx; one that punts if there is none. */
struct wire_path compare_path(const struct candidate_list *list, struct choice choice,
	struct hop_key key);

/** The reason as it is shown: "only-candidate". */
const char *compare_reason_name(enum choice_reason reason);

#endif
