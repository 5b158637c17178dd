/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The last step to the kernel: at a rate of its own for each class, into a TAP, and counted.
 */
#ifndef PODLANE_DATAPLANE_POLICE_H
#define PODLANE_DATAPLANE_POLICE_H

#include <stdint.h>

#include "dataplane/packet.h"
#include "dataplane/table/bucket.h"
#include "dataplane/table/stats.h"
#include "dataplane/tap.h"

/** A flood of one class leaves the others their share. Threads: one. */
struct police {
	struct bucket class[PUNT_N_CLASSES];
};

static inline struct police police_make(uint32_t pps_of_each)
{
	struct police police;

	for (unsigned i = 0; i < PUNT_N_CLASSES; i++)
		police.class[i] = bucket_make(pps_of_each);
	return police;
}

/**
 * Write a packet into a TAP, if its class may have one now, and count what becomes of it.
 *
 * @pkt: as stage/punt.c leaves it: hash.usr is the class
 *
 * Owner: frees the packet
 */
static inline void police_punt(struct police *police, int tap_fd, struct rte_mbuf *pkt,
	struct lcore_stats *stats)
{
	uint32_t class = RTE_MIN(pkt->hash.usr, PUNT_N_CLASSES - 1u);
	struct punt_stats *of_class = &stats->punt[class];

	if (!bucket_take(&police->class[class])) {
		of_class->policed_pkts++;
		stats->drop_pkts[DROP_PUNT_POLICED]++;
	} else if (tap_write(tap_fd, pkt) < 0) {
		of_class->error_pkts++;
		stats->drop_pkts[DROP_PUNT_ERROR]++;
	} else {
		of_class->given_pkts++;
		stats->punt_pkts++;
	}
	rte_pktmbuf_free(pkt);
}

#endif
