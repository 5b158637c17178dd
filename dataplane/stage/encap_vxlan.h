/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_ENCAP_VXLAN_H
#define PODLANE_DATAPLANE_STAGE_ENCAP_VXLAN_H

#include "dataplane/packet.h"

/**
 * Step 9: Ethernet, IPv4, UDP, VXLAN and the inner Ethernet header in front of the packets of
 * ENCAP_VXLAN, as Linux does for Calico: TTL 64, DF 0, ECN copied, DSCP 0, source port by flow, UDP
 * checksum if the path says so.
 *
 * @id: the worker's next IP identification; moves on
 *
 * Source: RFC 7348 5; vxlan_xmit_one()
 *
 * @burst: one packet at least gets this header
 */
void encap_vxlan(struct burst *burst, uint16_t *id);

#endif
