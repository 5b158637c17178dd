/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Beside step 6 of the packet's walk: the kernel's connections. The reply of a service's backend has the
 * backend's address until conntrack puts the service's back. Plain packets of that kind stay with the
 * kernel (steer.bpf.c); what is in a tunnel has to come out of it first.
 */
#include "dataplane/stage/translated.h"

#include <rte_branch_prediction.h>

static bool is_any_marked(const struct burst *inner)
{
	const unsigned n = inner->n;
	uint32_t marks = 0;

#pragma GCC unroll 4
	for (unsigned i = 0; i < n; i++)
		marks |= inner->pkt[i]->hash.fdir.hi;
	return marks != 0;
}

void translated(struct burst *inner)
{
	uint16_t n = 0;

	if (likely(!is_any_marked(inner)))
		return;
	for (uint16_t i = 0; i < inner->n; i++) {
		struct rte_mbuf *pkt = inner->pkt[i];

		if (pkt->hash.fdir.hi != 0) {
			burst_punt(inner, pkt);
			continue;
		}
		burst_keep(inner, n++, i);
	}
	inner->n = n;
}
