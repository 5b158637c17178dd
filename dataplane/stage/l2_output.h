/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_L2_OUTPUT_H
#define PODLANE_DATAPLANE_STAGE_L2_OUTPUT_H

#include "dataplane/packet.h"

/**
 * Step 10a: put the adjacency's Ethernet header in place of the one the packet came with; those of
 * ENCAP_NONE.
 */
void l2_output(struct burst *burst);

#endif
