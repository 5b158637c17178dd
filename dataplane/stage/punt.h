/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_PUNT_H
#define PODLANE_DATAPLANE_STAGE_PUNT_H

#include <rte_ring.h>

#include "dataplane/packet.h"

/**
 * One of the two other ways out: hand the burst's punts to the main lcore, which gives them to the
 * kernel and counts them. What the ring does not take is dropped.
 *
 * Owner: the ring's reader frees
 */
void punt(struct burst *burst, struct rte_ring *to_kernel);

#endif
