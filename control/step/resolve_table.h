/* SPDX-License-Identifier: BSD-3-Clause */
/* What step 6 knows: look-ups for resolve.c. Only resolve.c and resolve_table.c include this. */
#ifndef PODLANE_CONTROL_STEP_RESOLVE_TABLE_H
#define PODLANE_CONTROL_STEP_RESOLVE_TABLE_H

#include "control/step/resolve.h"

/** All four: valid until the next change; NULL if there is none. */
const struct kernel_neighbour *resolve_table_neighbour(const struct resolve *resolve,
	struct hop_key key);
const struct wire_port *resolve_table_port(const struct resolve *resolve, uint32_t ifindex);
const struct wire_port *resolve_table_trunk(const struct resolve *resolve);
const char *resolve_table_pod_match(const struct resolve *resolve);

bool resolve_table_is_attached(const struct resolve *resolve, uint32_t ifindex);

#endif
