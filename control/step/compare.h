/* SPDX-License-Identifier: BSD-3-Clause */
/* Step 8 of the route's walk: choose one of the ways to a next hop and say why. Pure. */
#ifndef PODLANE_CONTROL_STEP_COMPARE_H
#define PODLANE_CONTROL_STEP_COMPARE_H

#include "control/route.h"

/**
 * Choose what the policy of @facts wants; without one the usable candidate that adds the fewest bytes, of
 * equals the first. A pin goes before the policy, if its candidate is usable, whatever probes say.
 *
 * Auto takes, of the usable candidates that are up, the one that adds the fewest bytes. It leaves a path
 * for a cheaper one only if that one is up, and otherwise only because its own is down and another one is up
 * and answered the last probe: a node that answers nobody, and one of whom nothing is known yet, stays
 * where it is. If nothing is used so far: what is up before what is unknown before what is down. So one that
 * is unknown is never preferred to one that is up, and if all are down the kernel is not burdened.
 *
 * @wish: NULL: none
 */
struct choice compare_choose(const struct candidate_list *list, const struct hop_facts *facts,
	const struct choice_wish *wish);

/**
 * The path that a choice leads to, without idx; one that punts if there is none, and waits if that is
 * for its link or a MAC.
 *
 * @node: the node behind the hop, for those who ask who sends from there; 0: unknown
 */
struct wire_path compare_path(const struct candidate_list *list, struct choice choice,
	struct hop_key key, uint32_t node);

/** The reason as it is shown: "only-candidate". */
const char *compare_reason_name(enum choice_reason reason);

#endif
