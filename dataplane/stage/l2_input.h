/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_L2_INPUT_H
#define PODLANE_DATAPLANE_STAGE_L2_INPUT_H

#include "dataplane/packet.h"

/**
 * Step 4: keep IPv4 that is addressed to us by Ethernet; the rest is the kernel's, or nobody's.
 *
 * What stays has an Ethernet and 20 bytes of IPv4 header in its first segment.
 *
 * @mac: of the port the burst came from
 */
void l2_input(struct burst *burst, const struct rte_ether_addr *mac);

#endif
