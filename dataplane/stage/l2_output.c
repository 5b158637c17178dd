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
	for (unsigned i = 0; i < burst->n_encap[ENCAP_NONE]; i++) {
		unsigned at = burst->encap[ENCAP_NONE][i];

		memcpy(rte_pktmbuf_mtod(burst->pkt[at], void *), burst->adjacency[at]->hdr,
			RTE_ETHER_HDR_LEN);
	}
}
