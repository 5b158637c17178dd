/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_LOOKUP_H
#define PODLANE_DATAPLANE_STAGE_LOOKUP_H

#include "dataplane/packet.h"
#include "dataplane/table/fib.h"
#include "dataplane/table/nexthop.h"
#include "dataplane/table/stats.h"

/**
 * Step 7: longest match of every destination, the path, and the adjacency behind it. Routes that end here
 * (to the kernel, blackhole, unreachable, prohibit, no route) end here; what is for our probe address
 * is put aside for probe_answer. Those to the kernel for a path that is not resolved are counted as
 * carried by it.
 */
void lookup(struct burst *burst, const struct fib *fib, const struct nexthop_view *nexthops,
	const struct path_pkts *path_pkts);

#endif
