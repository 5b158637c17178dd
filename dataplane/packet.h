/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What flows through the pipeline: a burst of packets, and the list of reasons a packet may end for.
 */
#ifndef PODLANE_DATAPLANE_PACKET_H
#define PODLANE_DATAPLANE_PACKET_H

#include <stdint.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#define BURST_MAX 32u

/*
 * Every reason to drop, once: enum name, name on the screen, help, and the ICMP type and code the
 * sender is told with (0, 0: nothing). Counter and `podlane drops` follow from the line.
 */
#define DROP_REASONS(X)                                                                            \
	X(NOT_FOR_US, "not_for_us", "Ethernet destination is another station", 0, 0)               \
	X(L2_BROADCAST, "l2_broadcast", "unicast IPv4 in an Ethernet broadcast, RFC 1812 5.3.4",   \
		0, 0)                                                                              \
	X(TRUNCATED, "truncated", "frame shorter than its headers or its IP total length", 0, 0)   \
	X(BAD_HEADER, "bad_header", "IP version, header length or total length is wrong", 0, 0)    \
	X(BAD_CHECKSUM, "bad_checksum", "IP header checksum is wrong", 0, 0)                       \
	X(MARTIAN_SOURCE, "martian_source", "source no host may use, RFC 1812 5.3.7", 0, 0)        \
	X(MARTIAN_DESTINATION, "martian_destination", "destination that is never routed", 0, 0)    \
	X(NO_ROUTE, "no_route", "in a pool, but nobody announces it", 3, 0)                        \
	X(BLACKHOLE, "blackhole", "a blackhole route", 0, 0)                                       \
	X(UNREACHABLE, "unreachable", "an unreachable route", 3, 1)                                \
	X(PROHIBIT, "prohibit", "a prohibit route", 3, 13)                                         \
	X(TOO_BIG, "too_big", "larger than the path's MTU, with DF set", 3, 4)                     \
	X(PORT_DOWN, "port_down", "the egress port has no link", 0, 0)                             \
	X(TX_FULL, "tx_full", "the egress port took no more packets", 0, 0)                        \
	X(PUNT_FULL, "punt_full", "more for the kernel than the main lcore could take", 0, 0)      \
	X(PUNT_POLICED, "punt_policed", "above dataplane.punt_pps", 0, 0)                          \
	X(PUNT_ERROR, "punt_error", "the kernel's TAP refused it", 0, 0)

enum drop_reason {
#define X(name, text, help, icmp_type, icmp_code) DROP_##name,
	DROP_REASONS(X)
#undef X
		DROP_N_REASONS
};

/** The words of a reason. */
struct drop_reason_info {
	const char *name;
	const char *help;
	uint8_t icmp_type; /**< 0: the sender is not told */
	uint8_t icmp_code;
};

extern const struct drop_reason_info drop_reason_info[DROP_N_REASONS];

/** What comes off one receive queue at once, on its way through the stages. */
struct burst {
	uint16_t n;    /**< packets still on their way, in the order received */
	uint16_t port; /**< ingress, index in the port table */
	uint16_t n_drop;
	uint16_t n_punt;
	struct rte_mbuf *pkt[BURST_MAX];	      /**< Ethernet header first */
	uint32_t dst[BURST_MAX];		      /**< host order; set by ip4_check */
	const struct adjacency *adjacency[BURST_MAX]; /**< set by lookup */
	struct rte_mbuf *drop[BURST_MAX];
	uint8_t reason[BURST_MAX]; /**< of drop[i], enum drop_reason */
	struct rte_mbuf *punt[BURST_MAX];
};

static inline void burst_drop(struct burst *burst, struct rte_mbuf *pkt, enum drop_reason reason)
{
	burst->reason[burst->n_drop] = (uint8_t)reason;
	burst->drop[burst->n_drop++] = pkt;
}

static inline void burst_punt(struct burst *burst, struct rte_mbuf *pkt)
{
	burst->punt[burst->n_punt++] = pkt;
}

/** Owner: points into the packet. The frame was found to hold an IPv4 header by l2_input. */
static inline struct rte_ipv4_hdr *packet_ip4(struct rte_mbuf *pkt)
{
	return rte_pktmbuf_mtod_offset(pkt, struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
}

#endif
