/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 7 of the route's walk: the ways to reach one next hop, one builder per way. Pure: facts in, list
 * out.
 */
#ifndef PODLANE_CONTROL_STEP_CANDIDATES_H
#define PODLANE_CONTROL_STEP_CANDIDATES_H

#include "control/route.h"

/**
 * List every way to a next hop, also those that cannot be used now, with why not: the one of its device,
 * or with a policy all three.
 */
void candidates_build(const struct hop_facts *facts, struct candidate_list *list);

#endif
