/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_FRAGMENT_H
#define PODLANE_DATAPLANE_STAGE_FRAGMENT_H

#include <stdbool.h>

#include "dataplane/packet.h"
#include "dataplane/table/stats.h"

/** How far a burst of packets too big has come. All 0 before its first round. */
struct fragment_cursor {
	uint16_t pkt;	/**< which of the burst */
	uint16_t bytes; /**< of its payload, in fragments already */
};

/**
 * Make the next fragments of packets that are too big for their path, as many as a burst holds, in
 * order. They are copies in one segment each, since not every driver sends segments (net_af_xdp
 * does not); split by the header they get, as forward leaves a burst.
 *
 * @big:    what forward left there; a packet is freed with its last fragment. Those that cannot be
 *          fragmented end in its drop list, after the fragments that could be made.
 * @pieces: n is set, whatever it was
 *
 * Returns: was anything made? If not, @big is done with
 * Owner:   fragments are from the pool of their packet
 * Source:  RFC 791 3.2 (page 26); equal to a loop over packets, and over the fragments of each
 */
bool fragment(struct burst *big, struct fragment_cursor *cursor, struct burst *pieces,
	struct lcore_stats *stats);

#endif
