/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/sizing.h"

#include <rte_common.h>

#include <errno.h>
#include <stdio.h>

#include "dataplane/pool.h"
#include "dataplane/table/nexthop.h"
#include "dataplane/table/stats.h"

#define SPARE_TBL8	1024u /* for prefixes longer than /24 outside the pools */
#define TBL8_MAX	(1u << 20)
#define TBL8_BYTES	1056u /* with its place in librte_lpm's defer queue */
#define TBL24_BYTES	((uint64_t)(1 << 24) * 4)
#define ROUTE_BYTES	8u  /* the rule that librte_lpm keeps */
#define EAL_OVERHEAD_MB 48u /* what DPDK and its drivers take for themselves, measured */

uint32_t sizing_n_tbl8(const struct config *config)
{
	uint64_t n = SPARE_TBL8;

	if (config->dataplane.fib.tbl8_groups > 0)
		return config->dataplane.fib.tbl8_groups;
	for (unsigned i = 0; i < config->n_pools; i++) {
		uint8_t depth = config->pools[i].depth;

		n += depth < 24 ? UINT64_C(1) << (24 - depth) : 1;
	}
	return (uint32_t)RTE_MIN(n, (uint64_t)TBL8_MAX);
}

uint16_t sizing_large_room(const struct config *config)
{
	uint32_t mtu = 0;

	for (unsigned i = 0; i < config->n_ports; i++)
		mtu = RTE_MAX(mtu, config->ports[i].mtu);
	return pool_room(mtu) > pool_room(0) ? pool_room(mtu) : 0;
}

int sizing_check_memory(const struct config *config, char *error, size_t error_bytes)
{
	const struct config_dataplane *dp = &config->dataplane;
	uint64_t bytes = TBL24_BYTES + (uint64_t)sizing_n_tbl8(config) * TBL8_BYTES +
			 pool_bytes(dp->mbufs, pool_room(0)) +
			 pool_bytes(dp->mbufs, sizing_large_room(config)) +
			 (uint64_t)dp->max_paths * 2 * sizeof(struct adjacency) +
			 (uint64_t)dp->max_paths * (dp->n_workers + 1) * WIRE_PATH_N_KINDS *
				 sizeof(uint64_t) +
			 (uint64_t)dp->max_groups *
				 (sizeof(struct nexthop_group) + sizeof(struct wire_group)) +
			 (uint64_t)dp->fib.max_routes * ROUTE_BYTES;
	uint64_t need_mb = bytes / (1 << 20) + EAL_OVERHEAD_MB;

	if (dp->memory_mb >= need_mb)
		return 0;
	snprintf(error, error_bytes,
		"dataplane.memory_mb: %u is too little for these tables and %u mbufs: set it to "
		"%llu",
		dp->memory_mb, dp->mbufs, (unsigned long long)need_mb);
	return -ENOMEM;
}
