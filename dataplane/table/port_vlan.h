/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tag of a port's VLAN: frames have it on the wire only. For ports that have a VLAN.
 */
#ifndef PODLANE_DATAPLANE_TABLE_PORT_VLAN_H
#define PODLANE_DATAPLANE_TABLE_PORT_VLAN_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

struct port;

/**
 * Tag frames that go out.
 *
 * Returns: how many; the first one without room for the tag ends it
 */
uint16_t port_vlan_tag(const struct port *port, struct rte_mbuf **pkts, uint16_t n);

/** Undo that for frames that were not sent. */
void port_vlan_untag(const struct port *port, struct rte_mbuf **pkts, uint16_t n);

/** Take the tag off a frame that came in. Returns: did it have this VLAN's? */
bool port_vlan_strip(const struct port *port, struct rte_mbuf *pkt);

#endif
