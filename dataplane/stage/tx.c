/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 10 of the packet's walk, second half: out of the port.
 */
#include "dataplane/stage/tx.h"

#include <rte_branch_prediction.h>
#include <rte_ethdev.h>

#include "dataplane/table/nexthop.h"

static uint16_t send_burst(struct port *port, unsigned worker, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t queue = (uint16_t)(worker % port->n_txq);
	uint16_t n_sent;

	if (likely(!port->is_tx_shared))
		return rte_eth_tx_burst(port->eth_id, queue, pkts, n);

	rte_spinlock_lock(&port->tx_lock);
	n_sent = rte_eth_tx_burst(port->eth_id, queue, pkts, n);
	rte_spinlock_unlock(&port->tx_lock);
	return n_sent;
}

static void send_to_port(struct burst *burst, struct port *port, unsigned worker,
	struct rte_mbuf **pkts, uint16_t n, struct lcore_stats *stats)
{
	uint16_t n_sent = 0;
	uint64_t n_bytes = 0;
	uint64_t n_bytes_unsent = 0;

	// bytes before the packets are given away
	for (uint16_t i = 0; i < n; i++)
		n_bytes += pkts[i]->pkt_len;

	if (likely(port->is_up))
		n_sent = send_burst(port, worker, pkts, n);
	for (uint16_t i = n_sent; i < n; i++) {
		n_bytes_unsent += pkts[i]->pkt_len;
		burst_drop(burst, pkts[i], port->is_up ? DROP_TX_FULL : DROP_PORT_DOWN);
	}

	stats->tx_pkts += n_sent;
	stats->port[port->idx].tx_pkts += n_sent;
	stats->port[port->idx].tx_bytes += n_bytes - n_bytes_unsent;
}

/* Move the packets for the first packet's port to the front of @pkts, in order; the others stay. */
static uint16_t take_port(struct burst *burst, uint16_t port, struct rte_mbuf **pkts)
{
	uint16_t n_taken = 0;
	uint16_t n_left = 0;

	for (uint16_t i = 0; i < burst->n; i++) {
		if (burst->adjacency[i]->port == port) {
			pkts[n_taken++] = burst->pkt[i];
		} else {
			burst->adjacency[n_left] = burst->adjacency[i];
			burst->pkt[n_left++] = burst->pkt[i];
		}
	}
	burst->n = n_left;
	return n_taken;
}

void tx(struct burst *burst, struct port_table *ports, unsigned worker, struct lcore_stats *stats)
{
	struct rte_mbuf *pkts[BURST_MAX];

	while (burst->n > 0) {
		uint16_t port = burst->adjacency[0]->port;
		uint16_t n = take_port(burst, port, pkts);

		send_to_port(burst, &ports->port[port], worker, pkts, n, stats);
	}
}
