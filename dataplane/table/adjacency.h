/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ready-made answer for a packet: where it leaves, and the bytes that go in front of it.
 */
#ifndef PODLANE_DATAPLANE_TABLE_ADJACENCY_H
#define PODLANE_DATAPLANE_TABLE_ADJACENCY_H

#include <stdint.h>

#include <rte_common.h>

#include "dataplane/api/wire.h"

/** Ethernet, IPv4, UDP, VXLAN, Ethernet. */
#define ADJACENCY_HDR_BYTES (14u + 20u + 8u + 8u + 14u)

/** How a packet ends or leaves; the burst is split by it. The fixed paths have kinds of their own. */
enum adjacency_kind {
	ADJACENCY_NONE = 0, /**< WIRE_NH_NONE and freed slots: outside all tables, to the kernel */
	ADJACENCY_PUNT,
	ADJACENCY_BLACKHOLE,
	ADJACENCY_UNREACHABLE,
	ADJACENCY_PROHIBIT,
	ADJACENCY_NO_ROUTE,
	ADJACENCY_PROBE,  /**< our probe address */
	ADJACENCY_NATIVE, /**< the first that is sent; all before end in the lookup stage */
	ADJACENCY_IPIP,
	ADJACENCY_VXLAN,
	ADJACENCY_N_KINDS,
};

/**
 * Written once, then only read. Native and IPIP packets need the first cache line alone. It ends where
 * the header outside the inner Ethernet header of VXLAN does: encap_vxlan copies it as it lies.
 *
 * Checksums are sums over the constant words of hdr in the order they have in memory: per packet only
 * the words that change are added.
 */
struct adjacency {
	uint8_t kind;	 /**< enum adjacency_kind */
	uint8_t hdr_len; /**< bytes of hdr */
	uint16_t port;	 /**< index in the port table */
	uint16_t mtu;	 /**< largest IP packet before encapsulation */
	uint8_t has_udp_checksum;
	uint8_t pad;
	uint32_t n_udp_src;		  /**< how many UDP source ports */
	uint16_t ip_sum;		  /**< outer IPv4: version, protocol, addresses */
	uint8_t hdr[ADJACENCY_HDR_BYTES]; /**< as sent, but for lengths, id, TTL, ECN, checksums */
	uint16_t udp_src_min;		  /**< the first of them; host order */
	uint32_t udp_sum; /**< pseudo header without length, destination port, VXLAN, Ethernet */
	uint32_t node;	  /**< the far end: next hop or tunnel end; host order */
	uint32_t ifindex; /**< the kernel's egress interface, for pods */
} __rte_cache_aligned;

/**
 * Make the adjacency of a path.
 *
 * Errors: -EINVAL kind, port, MTU, or a tunnel field that cannot be; *adjacency is then undefined
 * Source: RFC 2003 3.1, RFC 7348 5, and what Linux fills in (ip_tunnel_xmit, vxlan_xmit_one)
 */
int adjacency_make(struct adjacency *adjacency, const struct wire_path *wire);

/**
 * Set DF in the outer header of a VXLAN path, to find out what MTU the way has. IPIP takes it from
 * the inner one; to the other kinds nothing is done.
 */
void adjacency_set_outer_df(struct adjacency *adjacency);

#endif
