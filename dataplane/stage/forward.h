/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_FORWARD_H
#define PODLANE_DATAPLANE_STAGE_FORWARD_H

#include "dataplane/packet.h"

/**
 * Step 8: does it fit the path, has it hops left; then TTL and checksum.
 *
 * The kernel gets what expires (it answers with ICMP time exceeded) and what must be fragmented,
 * both unchanged. What is too big with DF set is dropped; its mbuf carries the path's MTU in
 * hash.usr for the ICMP error. Splits what goes on by the header it gets.
 */
void forward(struct burst *burst);

#endif
