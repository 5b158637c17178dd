/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rate of what goes to the kernel: a bucket for each class.
 */
#ifndef PODLANE_DATAPLANE_POLICE_H
#define PODLANE_DATAPLANE_POLICE_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/packet.h"
#include "dataplane/table/bucket.h"

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

/** May this packet go to the kernel? @pkt: as stage/punt.c leaves it: hash.usr is the class */
static inline bool police_allows(struct police *police, const struct rte_mbuf *pkt)
{
	uint32_t class = RTE_MIN(pkt->hash.usr, PUNT_N_CLASSES - 1u);

	return bucket_take(&police->class[class]);
}

#endif
