/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet's walk, the table of contents: each line is a stage, and a file of that name in stage/.
 */
#include "dataplane/pipeline.h"

#include <rte_branch_prediction.h>

#include "dataplane/stage/decap.h"
#include "dataplane/stage/drop.h"
#include "dataplane/stage/encap_ipip.h"
#include "dataplane/stage/encap_vxlan.h"
#include "dataplane/stage/forward.h"
#include "dataplane/stage/fragment.h"
#include "dataplane/stage/ip4_check.h"
#include "dataplane/stage/l2_input.h"
#include "dataplane/stage/l2_output.h"
#include "dataplane/stage/l4_checksum.h"
#include "dataplane/stage/lookup.h"
#include "dataplane/stage/probe_answer.h"
#include "dataplane/stage/probe_take.h"
#include "dataplane/stage/punt.h"
#include "dataplane/stage/rx.h"
#include "dataplane/stage/source_check.h"
#include "dataplane/stage/translated.h"
#include "dataplane/stage/tx.h"
#include "dataplane/stage/vlan_input.h"

/* Steps 6 and 5 again: what tunnels bring goes on behind what came plain. */
static void unwrap(struct pipeline *pipeline, const struct port *port)
{
	const struct endpoint_view *endpoints = endpoint_view(pipeline->endpoints);
	const bool has_xdp = port_is_kernel((enum wire_port_kind)port->kind);
	struct burst *burst = &pipeline->burst;
	struct burst *inner = burst;

	// at once: an answer to a probe goes back in the outer header that it came in
	if (port->complete_checksums)
		l4_checksum(burst);
	if (!decap_all(burst, endpoints, has_xdp)) {
		inner = &pipeline->inner;
		decap(burst, inner, endpoints,
			port->complete_checksums ? DECAP_TRUST : DECAP_VERIFY);
		if (inner->n + inner->n_drop + inner->n_punt == 0)
			return;
	}
	ip4_check(inner);
	if (port->complete_checksums)
		l4_checksum(inner);
	source_check_tunnel(inner, endpoints, pipeline->fib, pipeline->nexthops);
	if (inner == burst)
		return; // decap_all() takes none of those whose addresses the kernel translates
	if (has_xdp)
		translated(inner);
	burst_append(burst, inner);
}

/* Steps 9 and 10: out, with a header in front. */
static void send_out(struct pipeline *pipeline, struct burst *burst)
{
	if (burst->n_encap[ENCAP_IPIP] > 0)
		encap_ipip(burst, &pipeline->ip_id);
	if (burst->n_encap[ENCAP_VXLAN] > 0)
		encap_vxlan(burst, &pipeline->ip_id);
	l2_output(burst);
	tx(burst, pipeline->ports, pipeline->worker, pipeline->stats, pipeline->path_pkts);
}

/* The same for what was too big for its path: its fragments, a burst of them at a time. */
static void send_fragments(struct pipeline *pipeline)
{
	struct burst *big = &pipeline->big;
	struct burst *pieces = &pipeline->pieces;
	struct fragment_cursor cursor = {0};

	if (big->n == 0)
		return;
	big->n_drop = pieces->n_drop = 0;
	while (fragment(big, &cursor, pieces, pipeline->stats)) {
		send_out(pipeline, pieces);
		drop(pieces, pipeline->to_icmp, pipeline->stats);
	}
	drop(big, pipeline->to_icmp, pipeline->stats);
}

uint16_t pipeline_run(struct pipeline *pipeline, const struct port *port, uint16_t queue)
{
	struct burst *burst = &pipeline->burst;
	uint16_t n_rx = rx(burst, port, queue, pipeline->stats);

	if (n_rx == 0)
		return 0;

	if (port->vlan != 0)
		vlan_input(burst, port);
	l2_input(burst, &port->mac);
	ip4_check(burst);
	if (port->kind == WIRE_PORT_TRUNK)
		source_check_pod(burst, endpoint_view(pipeline->endpoints), pipeline->fib,
			pipeline->nexthops, port->pod_tunnels);
	else
		unwrap(pipeline, port);
	lookup(burst, pipeline->fib, pipeline->nexthops, pipeline->path_pkts);
	forward(burst, &pipeline->big);
	probe_answer(burst, port, &pipeline->answerer);
	if (port->kind == WIRE_PORT_TRUNK && port->complete_checksums)
		l4_checksum_late(burst, &pipeline->big, pipeline->ports);
	send_out(pipeline, burst);
	send_fragments(pipeline);

	punt(burst, pipeline->to_kernel, pipeline->stats);
	if (unlikely(burst->n_drop > 0))
		drop(burst, pipeline->to_icmp, pipeline->stats);
	return n_rx;
}

uint16_t pipeline_inject(struct pipeline *pipeline)
{
	struct burst *burst = &pipeline->burst;
	uint16_t n;

	if (pipeline->probes == NULL || likely(rte_ring_empty(pipeline->probes)))
		return 0;

	n = probe_take(burst, pipeline->probes, pipeline->order, pipeline->probe_sent_tsc,
		pipeline->stats);
	send_out(pipeline, burst);
	drop(burst, pipeline->to_icmp, pipeline->stats);
	return n;
}
