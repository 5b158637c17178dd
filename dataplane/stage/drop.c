/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way out of the pipeline to nowhere: with a name and a count.
 */
#include "dataplane/stage/drop.h"

#include <rte_branch_prediction.h>

#define X(name, text, help, icmp_type, icmp_code)                                                  \
	[DROP_##name] = {text, help, icmp_type, icmp_code},
const struct drop_reason_info drop_reason_info[DROP_N_REASONS] = {DROP_REASONS(X)};
#undef X

void drop(struct burst *burst, struct rte_ring *to_icmp, struct lcore_stats *stats)
{
	for (uint16_t i = 0; i < burst->n_drop; i++) {
		struct rte_mbuf *pkt = burst->drop[i];
		uint8_t reason = burst->reason[i];

		stats->drop_pkts[reason]++;
		if (drop_reason_info[reason].icmp_type != 0) {
			packet_put_ether(pkt);
			pkt->port = reason;
			if (rte_ring_sp_enqueue(to_icmp, pkt) == 0)
				continue;
		}
		rte_pktmbuf_free(pkt);
	}
	burst->n_drop = 0;
}
