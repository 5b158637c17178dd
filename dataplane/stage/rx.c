/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 3 of the packet's walk: take a burst from a receive queue and fetch its headers.
 */
#include "dataplane/stage/rx.h"

#include <rte_ethdev.h>
#include <rte_prefetch.h>

uint16_t rx(struct burst *burst, const struct port *port, uint16_t queue, struct lcore_stats *stats)
{
	const unsigned n = rte_eth_rx_burst(port->eth_id, queue, burst->pkt, BURST_MAX);
	uint32_t n_bytes = 0, elsewhere_bytes = 0;

	stats->n_polls++;
	if (n == 0) {
		stats->n_empty_polls++;
		return 0;
	}
#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++) {
		burst_measure(burst, i);
		rte_prefetch0(burst->frame[i]);
		n_bytes += burst->len[i];
		elsewhere_bytes |= burst->len[i] ^ burst->pkt[i]->data_len;
	}
	burst->n = (uint16_t)n;
	burst->port = port->idx;
	burst->n_drop = 0;
	burst->n_punt = 0;
	burst->n_probe = 0;
	burst->has_segments = elsewhere_bytes != 0;
	burst->has_unfinished = false;

	stats->rx_pkts += n;
	stats->port[port->idx].rx_pkts += n;
	stats->port[port->idx].rx_bytes += n_bytes;
	return (uint16_t)n;
}
