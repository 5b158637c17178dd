/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tags by the device or in software, as port_offload.c chose. Called by port_send.h and
 * stage/vlan_input.c.
 */
#include "dataplane/table/port_vlan.h"

#include <rte_ether.h>

#include "dataplane/table/port.h"

#define VLAN_ID 0x0fffu /* of a tag; priority and DEI are the others */

uint16_t port_vlan_tag(const struct port *port, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t i;

	for (i = 0; i < n; i++) {
		pkts[i]->vlan_tci = port->vlan;
		if (port->inserts_vlan)
			pkts[i]->ol_flags |= RTE_MBUF_F_TX_VLAN;
		else if (rte_vlan_insert(&pkts[i]) < 0)
			break;
	}
	return i;
}

void port_vlan_untag(const struct port *port, struct rte_mbuf **pkts, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		if (port->inserts_vlan)
			pkts[i]->ol_flags &= ~RTE_MBUF_F_TX_VLAN;
		else
			rte_vlan_strip(pkts[i]);
	}
}

bool port_vlan_strip(const struct port *port, struct rte_mbuf *pkt)
{
	if (port->strips_vlan) {
		if (!(pkt->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED))
			return false;
	} else {
		if (pkt->data_len < RTE_ETHER_HDR_LEN + sizeof(struct rte_vlan_hdr) ||
			rte_vlan_strip(pkt) < 0)
			return false;
	}
	return (pkt->vlan_tci & VLAN_ID) == port->vlan;
}
