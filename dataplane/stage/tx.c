/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 10 of the packet's walk, second half: out of the port.
 */
#include "dataplane/stage/tx.h"

#include <rte_branch_prediction.h>

#include <assert.h>

#include "dataplane/table/adjacency.h"
#include "dataplane/table/port_send.h"

static_assert(ADJACENCY_N_KINDS - ADJACENCY_NATIVE == WIRE_PATH_N_KINDS - WIRE_PATH_NATIVE,
	"same order");

/* What goes out of one port: the packets, and the adjacencies that say where each was sent. */
struct outgoing {
	uint16_t n;
	struct rte_mbuf **pkt;
	const struct adjacency **adjacency;
};

/* Returns: how many the port took */
static uint16_t send_to_port(struct burst *burst, struct port *port, unsigned worker,
	struct outgoing *out, struct lcore_stats *stats)
{
	uint16_t n_sent = 0;
	uint64_t n_bytes = 0;
	uint64_t n_bytes_unsent = 0;

	// bytes before the packets are given away
	for (uint16_t i = 0; i < out->n; i++)
		n_bytes += out->pkt[i]->pkt_len;

	if (likely(port->is_up))
		n_sent = port_send(port, worker, out->pkt, out->n);
	for (uint16_t i = n_sent; i < out->n; i++) {
		n_bytes_unsent += out->pkt[i]->pkt_len;
		burst_drop(burst, out->pkt[i], port->is_up ? DROP_TX_FULL : DROP_PORT_DOWN);
	}

	stats->tx_pkts += n_sent;
	stats->port[port->idx].tx_pkts += n_sent;
	stats->port[port->idx].tx_bytes += n_bytes - n_bytes_unsent;
	return n_sent;
}

/* Neighbours often go the same way: one addition for all of them, as each waits for the one before. */
static void count_paths(const struct outgoing *out, uint16_t n_sent, struct path_pkts *path_pkts)
{
	for (unsigned i = 0, first; i < n_sent;) {
		const struct adjacency *adjacency = out->adjacency[i];

		for (first = i++; i < n_sent && out->adjacency[i] == adjacency; i++)
			;
		path_pkts[adjacency->path]
			.pkts[adjacency->kind - ADJACENCY_NATIVE + WIRE_PATH_NATIVE] += i - first;
	}
}

/* Mostly all packets leave by one port. */
static bool is_one_port(const struct burst *burst)
{
	const unsigned n = burst->n;
	uint32_t differ = 0;

	for (unsigned i = 1; i < n; i++)
		differ |= burst->adjacency[i]->port ^ burst->adjacency[0]->port;
	return differ == 0;
}

/* Move the packets for the first packet's port to *out, in order; the others stay. */
static void take_port(struct burst *burst, uint16_t port, struct outgoing *out)
{
	uint16_t n_left = 0;

	out->n = 0;
	for (uint16_t i = 0; i < burst->n; i++) {
		if (burst->adjacency[i]->port == port) {
			out->adjacency[out->n] = burst->adjacency[i];
			out->pkt[out->n++] = burst->pkt[i];
		} else {
			burst->adjacency[n_left] = burst->adjacency[i];
			burst->pkt[n_left++] = burst->pkt[i];
		}
	}
	burst->n = n_left;
}

void tx(struct burst *burst, struct port_table *ports, unsigned worker, struct lcore_stats *stats,
	struct path_pkts *path_pkts)
{
	struct rte_mbuf *pkts[BURST_MAX];
	const struct adjacency *adjacencies[BURST_MAX];
	struct outgoing out = {.n = burst->n, .pkt = pkts, .adjacency = adjacencies};

	if (likely(burst->n > 0 && is_one_port(burst))) {
		struct port *port = &ports->port[burst->adjacency[0]->port];

		out.pkt = burst->pkt;
		out.adjacency = burst->adjacency;
		count_paths(&out, send_to_port(burst, port, worker, &out, stats), path_pkts);
		burst->n = 0;
		return;
	}
	while (burst->n > 0) {
		uint16_t port = burst->adjacency[0]->port;

		take_port(burst, port, &out);
		count_paths(&out, send_to_port(burst, &ports->port[port], worker, &out, stats),
			path_pkts);
	}
}
