/* SPDX-License-Identifier: BSD-3-Clause */
/* What sending needs on some ports only. */
#include "dataplane/table/port_send.h"

uint16_t port_flatten(struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t i = 0;

	while (i < n && (likely(pkts[i]->nb_segs == 1) || rte_pktmbuf_linearize(pkts[i]) == 0))
		i++;
	return i;
}
