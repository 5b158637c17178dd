/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Out of a port; for whoever sends: the workers, and the main lcore for twins.
 */
#ifndef PODLANE_DATAPLANE_TABLE_PORT_SEND_H
#define PODLANE_DATAPLANE_TABLE_PORT_SEND_H

#include <rte_branch_prediction.h>
#include <rte_ethdev.h>

#include "dataplane/table/port.h"
#include "dataplane/table/port_vlan.h"

/**
 * Make one buffer of each packet that is a chain, for a device that would send its first part alone.
 *
 * Returns: how many; the first one that has no room for it ends it
 */
uint16_t port_flatten(struct rte_mbuf **pkts, uint16_t n);

/**
 * Have the driver look at packets whose checksums its device is to finish, before they are sent.
 *
 * Returns: how many it takes, from the first on; the next one, if there is one, it cannot
 */
static inline uint16_t port_prepare(const struct port *port, unsigned sender,
	struct rte_mbuf **pkts, uint16_t n)
{
	return rte_eth_tx_prepare(port->eth_id, (uint16_t)(sender % port->n_txq), pkts, n);
}

/**
 * Send a burst.
 *
 * @sender: the caller's number, 0 .. port_config.n_senders - 1
 * @has_chains: some may be in several buffers
 *
 * Owner:   what is sent is the port's, the rest stays the caller's
 * Returns: how many, from the first on
 */
static inline uint16_t port_send(struct port *port, unsigned sender, struct rte_mbuf **pkts,
	uint16_t n, bool has_chains)
{
	uint16_t queue = (uint16_t)(sender % port->n_txq);
	uint16_t n_sent, n_ready = n;

	if (unlikely(has_chains && port->sends_flat))
		n_ready = port_flatten(pkts, n);
	if (unlikely(port->vlan != 0))
		n_ready = port_vlan_tag(port, pkts, n_ready);
	if (unlikely(port->is_tx_shared))
		rte_spinlock_lock(&port->tx_lock);
	n_sent = rte_eth_tx_burst(port->eth_id, queue, pkts, n_ready);
	if (unlikely(port->is_tx_shared))
		rte_spinlock_unlock(&port->tx_lock);
	if (unlikely(port->vlan != 0))
		port_vlan_untag(port, pkts + n_sent, n_ready - n_sent);
	return n_sent;
}

#endif
