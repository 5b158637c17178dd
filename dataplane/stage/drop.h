/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_DROP_H
#define PODLANE_DATAPLANE_STAGE_DROP_H

#include <rte_ring.h>

#include "dataplane/packet.h"
#include "dataplane/table/stats.h"

/**
 * The other of the two ways out: count each packet under its reason and free it. One whose sender is
 * told goes to the main lcore for an ICMP error first, its reason in mbuf->port (hash.usr has the
 * MTU); when that ring is full it is freed like the others.
 */
void drop(struct burst *burst, struct rte_ring *to_icmp, struct lcore_stats *stats);

#endif
