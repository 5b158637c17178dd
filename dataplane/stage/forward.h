/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_FORWARD_H
#define PODLANE_DATAPLANE_STAGE_FORWARD_H

#include "dataplane/packet.h"

/**
 * Step 8: does it fit the path, has it hops left; then TTL and checksum.
 *
 * The kernel gets what expires, unchanged, and answers with ICMP time exceeded. What is too big with
 * DF set is dropped, unchanged; its mbuf carries the path's MTU in hash.usr for the ICMP error.
 * Splits what goes on by the header it gets.
 *
 * @big: gets what is too big without DF, with its adjacency, for fragment; n is set, whatever it was
 */
void forward(struct burst *burst, struct burst *big);

#endif
