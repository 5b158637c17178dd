/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way out of the pipeline to the kernel.
 */
#include "dataplane/stage/punt.h"

#include <rte_branch_prediction.h>

void punt(struct burst *burst, struct rte_ring *to_kernel)
{
	unsigned n_taken;

	if (likely(burst->n_punt == 0))
		return;
	for (uint16_t i = 0; i < burst->n_punt; i++)
		packet_put_ether(burst->punt[i]);
	n_taken = rte_ring_sp_enqueue_burst(to_kernel, (void **)burst->punt, burst->n_punt, NULL);
	for (uint16_t i = (uint16_t)n_taken; i < burst->n_punt; i++)
		burst_drop(burst, burst->punt[i], DROP_PUNT_FULL);
	burst->n_punt = 0;
}
