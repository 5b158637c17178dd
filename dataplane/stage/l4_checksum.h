/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_L4_CHECKSUM_H
#define PODLANE_DATAPLANE_STAGE_L4_CHECKSUM_H

#include "dataplane/packet.h"

/**
 * After step 5, on ports with `checksum: complete`: finish TCP, UDP and SCTP checksums that a veth
 * peer left to hardware which is not there.
 *
 * An unfinished checksum is known by its value: Linux leaves the sum of the pseudo header there (0
 * for SCTP). Any other value is left alone, so that a broken packet arrives broken. Fragments are
 * never unfinished.
 *
 * Source: linux/skbuff.h, CHECKSUM_PARTIAL
 */
void l4_checksum(struct burst *burst);

#endif
