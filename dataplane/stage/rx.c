/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 3 of the packet's walk: take a burst from a receive queue and fetch its headers.
 */
#include "dataplane/stage/rx.h"

#include <rte_ethdev.h>
#include <rte_prefetch.h>

uint16_t rx(struct burst *burst, const struct port *port, uint16_t queue, struct lcore_stats *stats)
{
	uint64_t n_bytes = 0;

	burst->n = rte_eth_rx_burst(port->eth_id, queue, burst->pkt, BURST_MAX);
	burst->port = port->idx;
	burst->n_drop = 0;
	burst->n_punt = 0;
	burst->n_probe = 0;
	for (uint16_t i = 0; i < burst->n; i++) {
		rte_prefetch0(rte_pktmbuf_mtod(burst->pkt[i], void *));
		n_bytes += burst->pkt[i]->pkt_len;
	}

	stats->n_polls++;
	if (burst->n == 0) {
		stats->n_empty_polls++;
		return 0;
	}
	stats->rx_pkts += burst->n;
	stats->port[port->idx].rx_pkts += burst->n;
	stats->port[port->idx].rx_bytes += n_bytes;
	return burst->n;
}
