/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_RX_H
#define PODLANE_DATAPLANE_STAGE_RX_H

#include "dataplane/packet.h"
#include "dataplane/table/port.h"
#include "dataplane/table/stats.h"

/**
 * Step 3: take a burst from one receive queue.
 *
 * Returns: how many packets; the burst is empty of everything else
 */
uint16_t rx(struct burst *burst, const struct port *port, uint16_t queue,
	struct lcore_stats *stats);

#endif
