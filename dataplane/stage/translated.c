/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Beside step 6 of the packet's walk: the kernel's connections. The reply of a service's backend has the
 * backend's address until conntrack puts the service's back. Plain packets of that kind stay with the
 * kernel (steer.bpf.c); what is in a tunnel has to come out of it first.
 */
#include "dataplane/stage/translated.h"

#include <rte_branch_prediction.h>

void translated(struct burst *inner)
{
	uint16_t n = 0;

	for (uint16_t i = 0; i < inner->n; i++) {
		struct rte_mbuf *pkt = inner->pkt[i];

		if (unlikely(pkt->hash.fdir.hi != 0)) {
			burst_punt(inner, pkt);
			continue;
		}
		if (unlikely(n != i))
			burst_keep(inner, n, i);
		n++;
	}
	inner->n = n;
}
