/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 10 of the packet's walk, first half: the Ethernet header of the next hop, for packets that
 * are not encapsulated (the others got it with their outer header).
 */
#include "dataplane/stage/l2_output.h"

#include <string.h>

#include "dataplane/table/adjacency.h"

/* An Ethernet header as two words that overlap. */
#define LAST_WORD (RTE_ETHER_HDR_LEN - sizeof(uint64_t))

/* All the same: what is read once needs no look at the adjacency for each. */
static void put_one(struct burst *burst)
{
	const uint8_t *hdr = burst->adjacency[0]->hdr;
	const unsigned n = burst->n;
	uint64_t first, last;

	memcpy(&first, hdr, sizeof(first));
	memcpy(&last, hdr + LAST_WORD, sizeof(last));
#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++) {
		memcpy(burst->frame[i], &first, sizeof(first));
		memcpy(burst->frame[i] + LAST_WORD, &last, sizeof(last));
	}
}

/* No packet has another header: no index is needed. */
static void put_all(struct burst *burst)
{
	const unsigned n = burst->n;

#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++)
		memcpy(burst->frame[i], burst->adjacency[i]->hdr, RTE_ETHER_HDR_LEN);
}

void l2_output(struct burst *burst)
{
	const unsigned n = burst->n_encap[ENCAP_NONE];

	if (n == burst->n) {
		if (burst_is_one_path(burst))
			put_one(burst);
		else
			put_all(burst);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		unsigned at = burst->encap[ENCAP_NONE][i];

		memcpy(burst->frame[at], burst->adjacency[at]->hdr, RTE_ETHER_HDR_LEN);
	}
}
