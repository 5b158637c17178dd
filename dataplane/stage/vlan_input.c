/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Before step 4 of the packet's walk, on ports that have a VLAN: behind it nobody knows of tags.
 */
#include "dataplane/stage/vlan_input.h"

#include <rte_branch_prediction.h>

#include "dataplane/table/port_vlan.h"

void vlan_input(struct burst *burst, const struct port *port)
{
	const unsigned n_before = burst->n;
	unsigned n = 0;

	for (unsigned i = 0; i < n_before; i++) {
		struct rte_mbuf *pkt = burst->pkt[i];

		if (likely(port_vlan_strip(port, pkt))) {
			burst->pkt[n] = pkt;
			burst_measure(burst, n++);
		} else {
			burst_drop(burst, pkt, DROP_VLAN);
		}
	}
	burst->n = (uint16_t)n;
}
