/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_LOOKUP_H
#define PODLANE_DATAPLANE_STAGE_LOOKUP_H

#include "dataplane/packet.h"
#include "dataplane/table/fib.h"
#include "dataplane/table/nexthop.h"

/**
 * Step 7: longest match of every destination, and the adjacency behind it. Routes that end here
 * (to the kernel, blackhole, unreachable, prohibit, no route) end here.
 */
void lookup(struct burst *burst, const struct fib *fib, const struct nexthop_view *nexthops);

#endif
