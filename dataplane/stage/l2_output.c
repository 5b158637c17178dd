/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 10 of the packet's walk, first half: the Ethernet header of the next hop.
 */
#include "dataplane/stage/l2_output.h"

#include <string.h>

#include "dataplane/table/nexthop.h"

void l2_output(struct burst *burst)
{
	for (uint16_t i = 0; i < burst->n; i++)
		memcpy(rte_pktmbuf_mtod(burst->pkt[i], void *), burst->adjacency[i]->l2,
			RTE_ETHER_HDR_LEN);
}
