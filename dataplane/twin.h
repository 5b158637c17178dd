/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The TAP twin of a port that DPDK owns: an interface with the port's name, MAC and MTU, on which
 * the kernel and FRR have their addresses, ARP and BGP. What they send leaves by the port; what is
 * not fast-lane traffic and came in by the port comes to it. It has a carrier while the port has a
 * link. Main lcore only.
 *
 * The interface stays when we end, so its addresses need not be set again; "ip link del" removes it.
 */
#ifndef PODLANE_DATAPLANE_TWIN_H
#define PODLANE_DATAPLANE_TWIN_H

#include <stddef.h>
#include <stdint.h>

#include "dataplane/packet.h"
#include "dataplane/table/port.h"
#include "dataplane/table/stats.h"

struct twin;

struct twin_config {
	uint32_t punt_pps;	   /**< of each class; more is dropped */
	unsigned sender;	   /**< the main lcore's number among the port's senders */
	struct rte_mempool *pool;  /**< for what the kernel sends */
	struct lcore_stats *stats; /**< the main lcore's */
};

/**
 * Make or take over the port's twin; port->ifindex is the twin's afterwards.
 *
 * Owner:  the twin uses the port until twin_free()
 * Errors: those of tap_open(); error is one line with the mend
 */
int twin_create(struct twin **twin, struct port *port, const struct twin_config *config,
	char *error, size_t error_bytes);
void twin_free(struct twin *twin);

/** Give the kernel a packet that came in by the port, if its class may have one. Owner: frees it. */
void twin_punt(struct twin *twin, struct rte_mbuf *pkt);

/** Send a burst of what the kernel has for the port. Returns: how many */
unsigned twin_send(struct twin *twin);

/**
 * Carrier, MTU and MAC as the port has them. When another member of a bond has begun to send, the addresses of
 * the interface are announced by it.
 *
 * Source: RFC 5227 2.3
 */
void twin_follow(struct twin *twin);

/** To wait on for what the kernel sends. */
int twin_fd(const struct twin *twin);

#endif
