/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Starting DPDK's environment from the configuration.
 */
#ifndef PODLANE_DATAPLANE_EAL_H
#define PODLANE_DATAPLANE_EAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EAL_MAIN_LCORE 0u

/** DPDK's number for a worker, whatever CPU it is on. @idx: of the worker */
static inline unsigned eal_lcore_of_worker(unsigned idx)
{
	return EAL_MAIN_LCORE + 1 + idx;
}

struct eal_config {
	const char
		*node; /**< names the hugepage files, so that several can run beside each other */
	uint32_t main_lcore;	 /**< a CPU; it may be a worker's */
	const uint32_t *workers; /**< CPUs */
	unsigned n_workers;
	bool has_hugepages;
	bool has_pci; /**< PCI devices may be added later, by port_add() */
	uint32_t memory_mb;
	bool is_verbose; /**< DPDK's own notices too */
};

/**
 * Start the EAL. Without hugepages it takes plain memory, and nothing is left behind.
 *
 * Errors: from rte_eal_init(); error is one line with the mend
 */
int eal_start(const struct eal_config *config, char *error, size_t error_bytes);

/** End what eal_start() began, when all ports are closed. Without a start the EAL complains. */
void eal_stop(void);

#endif
