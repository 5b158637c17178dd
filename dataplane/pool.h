/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_POOL_H
#define PODLANE_DATAPLANE_POOL_H

#include <rte_mempool.h>

/**
 * Make the packet buffers, one beside the other without a gap.
 *
 * net_af_xdp shows the kernel as much memory from the first buffer on as all of them have together.
 * rte_pktmbuf_pool_create() lets no buffer cross a page: with 4 KiB pages this is one buffer for
 * each, and the last four of ten are outside of what the kernel knows. It throws them away in both
 * directions, and a port is dead once they are in use. Seen in DPDK 22.11; gone when
 * xdp_umem_configure() takes the size from the pool's memory.
 *
 * Owner:  the caller's, freed with rte_mempool_free()
 * Errors: -ENOMEM, also if the memory is in several pieces
 */
int pool_create(struct rte_mempool **pool, const char *name, unsigned n_mbufs, unsigned cache,
	int socket);

#endif
