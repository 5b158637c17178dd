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

/* What goes out of one port: the packets, and by which path each goes. */
struct outgoing {
	uint16_t n;
	uint64_t n_bytes;
	struct rte_mbuf **pkt;
	uint32_t *path;
	const struct adjacency **adjacency;
};

/* What the driver refuses ends here; the others go on. */
static __rte_noinline void prepare(struct burst *burst, const struct port *port, unsigned worker,
	struct outgoing *out)
{
	const uint16_t n_before = out->n;
	uint16_t at = 0;

	out->n = 0;
	while (at < n_before) {
		uint16_t n_ready =
			port_prepare(port, worker, &out->pkt[at], (uint16_t)(n_before - at));

		for (; n_ready > 0; n_ready--, at++) {
			out->path[out->n] = out->path[at];
			out->adjacency[out->n] = out->adjacency[at];
			out->pkt[out->n++] = out->pkt[at];
		}
		if (at < n_before) {
			out->n_bytes -= out->pkt[at]->pkt_len;
			burst_drop(burst, out->pkt[at++], DROP_TX_REFUSED);
		}
	}
}

/* Returns: how many the port took */
static unsigned send_to_port(struct burst *burst, struct port *port, unsigned worker,
	struct outgoing *out, struct lcore_stats *stats)
{
	unsigned n_sent = 0;

	if (likely(port->is_up)) {
		if (unlikely(burst->has_unfinished) && port->finishes_l4)
			prepare(burst, port, worker, out);
		n_sent = port_send(port, worker, out->pkt, out->n, burst->has_segments);
	}
	for (unsigned i = n_sent; i < out->n; i++) {
		out->n_bytes -= out->pkt[i]->pkt_len;
		burst_drop(burst, out->pkt[i], port->is_up ? DROP_TX_FULL : DROP_PORT_DOWN);
	}

	stats->tx_pkts += n_sent;
	stats->port[port->idx].tx_pkts += n_sent;
	stats->port[port->idx].tx_bytes += out->n_bytes;
	return n_sent;
}

/* By path slot, of paths of an adjacency's kind. */
static uint64_t *counters_of(const struct adjacency *adjacency, const struct path_pkts *path_pkts)
{
	return path_pkts->of_kind[adjacency->kind - ADJACENCY_NATIVE + WIRE_PATH_NATIVE];
}

static void count_paths(const struct outgoing *out, unsigned n_sent,
	const struct path_pkts *path_pkts)
{
	for (unsigned i = 0; i < n_sent; i++)
		counters_of(out->adjacency[i], path_pkts)[out->path[i]]++;
}

/* The same, with one kind of path for all. */
static void count_uniform(const struct burst *burst, unsigned n_sent,
	const struct path_pkts *path_pkts)
{
	uint64_t *counters = counters_of(burst->adjacency[0], path_pkts);

#pragma GCC unroll 4
	for (unsigned i = 0; i < n_sent; i++)
		counters[burst->path[i]]++;
}

/* Move the packets for the first packet's port to *out, in order; the others stay. */
static void take_port(struct burst *burst, uint16_t port, struct outgoing *out)
{
	uint16_t n_left = 0;

	out->n = 0;
	out->n_bytes = 0;
	for (uint16_t i = 0; i < burst->n; i++) {
		if (burst->adjacency[i]->port == port) {
			out->path[out->n] = burst->path[i];
			out->adjacency[out->n] = burst->adjacency[i];
			out->n_bytes += burst->pkt[i]->pkt_len;
			out->pkt[out->n++] = burst->pkt[i];
		} else {
			burst->path[n_left] = burst->path[i];
			burst->adjacency[n_left] = burst->adjacency[i];
			burst->pkt[n_left++] = burst->pkt[i];
		}
	}
	burst->n = n_left;
}

/* As they came; 32 bits are enough for a burst. */
static uint32_t add_up_lengths(struct burst *burst)
{
	burst_words sums = {0};
	uint32_t sum = 0;
	unsigned at;

	for (at = 0; at + BURST_STEP <= burst->n; at += BURST_STEP)
		sums += *burst_step(burst->len, at);
	for (; at < burst->n; at++)
		sum += burst->len[at];
	for (unsigned i = 0; i < BURST_STEP; i++)
		sum += sums[i];
	return sum;
}

/* All by one port, with headers of one length in front. */
static void send_uniform(struct burst *burst, struct port_table *ports, unsigned worker,
	struct lcore_stats *stats, const struct path_pkts *path_pkts)
{
	const struct adjacency *first = burst->adjacency[0];
	struct outgoing out = {.n = burst->n,
		.pkt = burst->pkt,
		.path = burst->path,
		.adjacency = burst->adjacency};
	unsigned n_sent;

	out.n_bytes = (uint64_t)burst->n * (first->hdr_len - RTE_ETHER_HDR_LEN);
	out.n_bytes += add_up_lengths(burst);
	n_sent = send_to_port(burst, &ports->port[first->port], worker, &out, stats);
	if (burst->is_one_path)
		counters_of(first, path_pkts)[burst->path[0]] += n_sent;
	else
		count_uniform(burst, n_sent, path_pkts);
	burst->n = 0;
}

/* Port by port. Apart from tx(), which has no use for so much stack. */
static __rte_noinline void send_by_port(struct burst *burst, struct port_table *ports,
	unsigned worker, struct lcore_stats *stats, const struct path_pkts *path_pkts)
{
	struct rte_mbuf *pkts[BURST_MAX];
	uint32_t paths[BURST_MAX];
	const struct adjacency *adjacencies[BURST_MAX];
	struct outgoing out = {.pkt = pkts, .path = paths, .adjacency = adjacencies};

	while (burst->n > 0) {
		uint16_t port = burst->adjacency[0]->port;

		take_port(burst, port, &out);
		count_paths(&out, send_to_port(burst, &ports->port[port], worker, &out, stats),
			path_pkts);
	}
}

void tx(struct burst *burst, struct port_table *ports, unsigned worker, struct lcore_stats *stats,
	const struct path_pkts *path_pkts)
{
	if (likely(burst->is_uniform))
		send_uniform(burst, ports, worker, stats, path_pkts);
	else
		send_by_port(burst, ports, worker, stats, path_pkts);
}
