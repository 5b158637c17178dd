/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet's walk, the table of contents: each line is a stage, and a file of that name in stage/.
 */
#include "dataplane/pipeline.h"

#include "dataplane/stage/drop.h"
#include "dataplane/stage/forward.h"
#include "dataplane/stage/ip4_check.h"
#include "dataplane/stage/l2_input.h"
#include "dataplane/stage/l2_output.h"
#include "dataplane/stage/l4_checksum.h"
#include "dataplane/stage/lookup.h"
#include "dataplane/stage/punt.h"
#include "dataplane/stage/rx.h"
#include "dataplane/stage/tx.h"

uint16_t pipeline_run(struct pipeline *pipeline, const struct port *port, uint16_t queue)
{
	struct burst *burst = &pipeline->burst;
	uint16_t n_rx = rx(burst, port, queue, pipeline->stats);

	if (n_rx == 0)
		return 0;

	l2_input(burst, &port->mac);
	ip4_check(burst);
	if (port->complete_checksums)
		l4_checksum(burst);
	lookup(burst, pipeline->fib, pipeline->nexthops);
	forward(burst);
	l2_output(burst);
	tx(burst, pipeline->ports, pipeline->worker, pipeline->stats);

	punt(burst, pipeline->to_kernel);
	drop(burst, pipeline->to_icmp, pipeline->stats);
	return n_rx;
}
