/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_TX_H
#define PODLANE_DATAPLANE_STAGE_TX_H

#include "dataplane/packet.h"
#include "dataplane/table/port.h"
#include "dataplane/table/stats.h"

/**
 * Step 10b: send, in order per port, and count what was sent by path. Nothing is held back for the
 * next burst. What a port does not take is dropped.
 *
 * @worker: picks the transmit queue
 */
void tx(struct burst *burst, struct port_table *ports, unsigned worker, struct lcore_stats *stats,
	const struct path_pkts *path_pkts);

#endif
