/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the main lcore and the workers tell each other about probes, by rings.
 */
#ifndef PODLANE_DATAPLANE_TABLE_PROBE_H
#define PODLANE_DATAPLANE_TABLE_PROBE_H

#include <stdint.h>

#include <rte_icmp.h>
#include <rte_ip.h>

#include "dataplane/table/adjacency.h"

#define PROBE_SLOTS 4096u /**< a power of two; probes whose answers can be told apart */
#define PROBE_BURST 8u	  /**< probes that a worker sends at once */

struct rte_mbuf;

/** The least that an echo has, in bytes of IP total length. */
enum { PROBE_MIN_BYTES = sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_icmp_hdr) };

/** A probe, to the worker that sends it. */
struct probe_order {
	struct adjacency adjacency; /**< the headers it gets */
	struct rte_mbuf *pkt;	    /**< room for Ethernet, then the echo request */
	uint32_t slot;		    /**< where the time of sending is noted */
};

/** An echo reply to our probe address, to the main lcore, which knows whether we asked. */
struct probe_heard {
	struct rte_mbuf *pkt;
	uint64_t tsc; /**< of the worker that received it */
	uint32_t id;
	uint32_t src;  /**< host order, as node */
	uint32_t node; /**< outer source of a tunnel packet, or 0 */
	uint8_t kind;  /**< enum wire_path_kind: how it came */
};

/** Which slot a probe has. */
static inline uint32_t probe_slot(uint32_t id)
{
	return id & (PROBE_SLOTS - 1);
}

#endif
