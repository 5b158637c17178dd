/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_PUNT_H
#define PODLANE_DATAPLANE_STAGE_PUNT_H

#include <rte_ring.h>

#include "dataplane/packet.h"
#include "dataplane/table/stats.h"

/** Of what class is a packet? Source: RFC 4271, 4861, 5881, 5883 */
enum punt_class punt_classify(const struct rte_mbuf *pkt);

/**
 * One of the two other ways out: hand the burst's punts to the main lcore, which gives them to the
 * kernel and counts them. What the ring does not take is dropped; its last part is kept for BGP and
 * what BGP needs. hash.usr of each packet becomes its enum punt_class, port the burst's.
 *
 * Owner: the ring's reader frees
 */
void punt(struct burst *burst, struct rte_ring *to_kernel, struct lcore_stats *stats);

#endif
