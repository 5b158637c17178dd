/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For the tests of stages: a burst with one packet, and what became of it.
 */
#ifndef PODLANE_TEST_UNIT_DATAPLANE_STAGE_BURST_H
#define PODLANE_TEST_UNIT_DATAPLANE_STAGE_BURST_H

#include "test/unit/support.h"

#include "dataplane/packet.h"

/** What happened to the only packet of a burst: DROP_* for dropped, or one of these. */
enum burst_end { BURST_STAYS = -1, BURST_PUNTED = -2 };

static inline struct burst burst_of(struct rte_mbuf *pkt)
{
	struct burst burst = {.n = 0};

	burst_add(&burst, pkt);
	if (pkt->pkt_len >= RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr))
		burst_read_ip4(&burst, 0);
	// as ip4_check leaves it: a column's vector has the last packet in the places that are left
	for (unsigned i = 1; i < BURST_STEP; i++)
		burst_keep(&burst, i, 0);
	return burst;
}

/** Where the packet is now; fails if it is in none or several places. Frees it. */
static inline int burst_end(struct burst *burst)
{
	struct rte_mbuf *pkt;
	int end;

	assert_int_equal(burst->n + burst->n_drop + burst->n_punt, 1);
	if (burst->n == 1) {
		pkt = burst->pkt[0];
		end = BURST_STAYS;
	} else if (burst->n_punt == 1) {
		pkt = burst->punt[0];
		end = BURST_PUNTED;
	} else {
		pkt = burst->drop[0];
		end = burst->reason[0];
	}
	rte_pktmbuf_free(pkt);
	return end;
}

#endif
