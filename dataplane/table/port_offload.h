/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_TABLE_PORT_OFFLOAD_H
#define PODLANE_DATAPLANE_TABLE_PORT_OFFLOAD_H

#include <rte_ethdev.h>

#include "dataplane/table/port.h"

/** Ethernet header, two VLAN tags, checksum: what an MTU does not count. */
#define PORT_FRAME_OVERHEAD (RTE_ETHER_HDR_LEN + 2 * 4 + RTE_ETHER_CRC_LEN)

/**
 * What is asked of a device, of what it says it can; the port remembers what is left for us to do.
 *
 * @conf: zeroed; offloads, MTU, RSS and interrupts are filled in
 *
 * Errors: -EMSGSIZE the MTU does not fit a buffer, and the device makes no chains of them
 */
int port_choose_offloads(struct port *port, const struct port_config *config,
	const struct rte_eth_dev_info *info, struct rte_eth_conf *conf);

#endif
