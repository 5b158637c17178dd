/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_IP4_CHECK_H
#define PODLANE_DATAPLANE_STAGE_IP4_CHECK_H

#include "dataplane/packet.h"

/**
 * Step 5: the header checks of RFC 1812 5.2.2, then sources and destinations that are never
 * forwarded (5.3.7). Leaves the destination in burst->dst; cuts off Ethernet padding.
 */
void ip4_check(struct burst *burst);

#endif
