/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_ENCAP_IPIP_H
#define PODLANE_DATAPLANE_STAGE_ENCAP_IPIP_H

#include "dataplane/packet.h"

/**
 * Step 9: Ethernet and outer IPv4 in front of the packets of ENCAP_IPIP, as Linux's tunl0 does:
 * TTL is the inner one after forwarding, DF is the inner one, ECN is copied, DSCP is 0.
 *
 * @id: the worker's next IP identification; moves on
 *
 * Source: RFC 2003 3.1; ip_tunnel_xmit() with "ttl inherit nopmtudisc"
 *
 * @burst: one packet at least gets this header
 */
void encap_ipip(struct burst *burst, uint16_t *id);

#endif
