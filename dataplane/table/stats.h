/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters: one block per lcore, written by that lcore alone with plain stores, summed by whoever
 * reads. rx + made = tx + punt + taken + the drops, once nothing is in flight between lcores.
 */
#ifndef PODLANE_DATAPLANE_TABLE_STATS_H
#define PODLANE_DATAPLANE_TABLE_STATS_H

#include <stddef.h>
#include <stdint.h>

#include <rte_common.h>

#include "dataplane/packet.h"
#include "dataplane/table/port.h"

struct port_stats {
	uint64_t rx_pkts, rx_bytes;
	uint64_t tx_pkts, tx_bytes;
};

/**
 * What the path slots carried for one lcore, by enum wire_path_kind of that time; slots below
 * WIRE_NH_PATH_FIRST take what is not counted. A cache line has the counters of eight paths, as each of
 * many paths has one kind at a time. Threads: as struct lcore_stats.
 */
struct path_pkts {
	uint64_t *of_kind[WIRE_PATH_N_KINDS]; /**< by path slot */
};

/** @pkts: memory for WIRE_PATH_N_KINDS times max_paths counters, set to 0 by the caller, who keeps it */
static inline struct path_pkts path_pkts_in(uint64_t *pkts, uint32_t max_paths)
{
	struct path_pkts path_pkts;

	for (uint32_t kind = 0; kind < WIRE_PATH_N_KINDS; kind++)
		path_pkts.of_kind[kind] = pkts + (size_t)kind * max_paths;
	return path_pkts;
}

/** What became of one class of packets for the kernel. Threads: as struct lcore_stats. */
struct punt_stats {
	uint64_t given_pkts;
	uint64_t full_pkts;    /**< the worker found no room in the ring, DROP_PUNT_FULL */
	uint64_t policed_pkts; /**< above the class's rate, DROP_PUNT_POLICED */
	uint64_t error_pkts;   /**< the kernel took them not, DROP_PUNT_ERROR */
};

/** One lcore's counters. Threads: written by that lcore; others may read a little old values. */
struct lcore_stats {
	uint64_t rx_pkts;
	uint64_t tx_pkts;
	uint64_t punt_pkts; /**< given to the kernel */
	uint64_t
		made_pkts; /**< probes sent, frames of the kernel on a twin, fragments but a packet's first */
	uint64_t taken_pkts; /**< answers to our probes */
	uint64_t drop_pkts[DROP_N_REASONS];
	struct punt_stats punt[PUNT_N_CLASSES];
	uint64_t n_polls;
	uint64_t n_empty_polls;
	uint64_t busy_cycles;
	uint64_t n_sleeps;
	struct port_stats port[PORT_MAX];
} __rte_cache_aligned;

/** ICMP errors about dropped packets; outside the sum of packets. Threads: main lcore. */
struct icmp_stats {
	uint64_t sent;	  /**< handed to the kernel */
	uint64_t limited; /**< not sent: above the rate */
	uint64_t refused; /**< not sent: RFC 1122 3.2.2 forbids it, or the kernel refused */
};

#endif
