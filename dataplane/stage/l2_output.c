/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 10 of the packet's walk, first half: the Ethernet header of the next hop, for packets that
 * are not encapsulated (the others got it with their outer header).
 */
#include "dataplane/stage/l2_output.h"

#include <string.h>

#include "dataplane/table/adjacency.h"

void l2_output(struct burst *burst)
{
	const unsigned n = burst->n_encap[ENCAP_NONE];

#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++) {
		unsigned at = burst->encap[ENCAP_NONE][i];

		memcpy(burst->frame[at], burst->adjacency[at]->hdr, RTE_ETHER_HDR_LEN);
	}
}
