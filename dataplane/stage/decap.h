/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_DECAP_H
#define PODLANE_DATAPLANE_STAGE_DECAP_H

#include "dataplane/packet.h"
#include "dataplane/table/endpoint.h"

/** How a port's L4 checksums are taken, `checksum` of the configuration. */
enum decap_checksum {
	DECAP_VERIFY, /**< a UDP checksum that is there must be right */
	DECAP_TRUST,  /**< a veth peer computes it as if the inner one were finished */
};

/**
 * Step 6: take the outer headers off packets to one of our tunnel ends, and move them to @inner,
 * whatever it had: there they begin with room for an Ethernet header again (PACKET_FROM_IPIP,
 * PACKET_FROM_VXLAN), and mbuf->hash.usr has the node that sent them if their inner source is to be
 * checked, else 0. Their inner headers are not checked yet.
 *
 * Outer fragments go to the kernel, which puts them together; so does VXLAN of Calico's NodePort
 * network (VNI 0xca11c0).
 *
 * Source: RFC 2003 3.2, RFC 7348 4.1, RFC 6040 4.2 for ECN
 */
void decap(struct burst *burst, struct burst *inner, const struct endpoint_view *endpoints,
	enum decap_checksum checksum);

/**
 * The same where every packet of the burst is the usual one to one tunnel end: what is inside takes its
 * place in the burst. Equals decap(), with @burst empty after it and become @inner. What the kernel
 * translates is not usual, so mbuf->hash.fdir.hi says nothing of it; nor does hash.usr of the node, if
 * burst->has_nodes is not set.
 *
 * @has_xdp: the port's packets pass XDP, which marks those
 *
 * Returns: was it so? If not, nothing was done
 */
bool decap_all(struct burst *burst, const struct endpoint_view *endpoints, bool has_xdp);

#endif
