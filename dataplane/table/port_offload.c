/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a port's device does by itself, chosen once when it is started: one way for all its packets.
 * Called by port.c.
 */
#include "dataplane/table/port_offload.h"

#include <errno.h>

#define RSS_FIELDS                                                                                 \
	(RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_SCTP |                   \
		RTE_ETH_RSS_LEVEL_INNERMOST)

/*
 * Packets spread by address and port over several queues; those of tunnels by what is inside, where the
 * device can: of IPIP all of a node's would go to one queue.
 */
static void choose_rss(const struct port *port, const struct rte_eth_dev_info *info,
	struct rte_eth_conf *conf)
{
	if (port->n_rxq <= 1 || info->flow_type_rss_offloads == 0)
		return;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf = info->flow_type_rss_offloads & RSS_FIELDS;
}

/* Tags taken off and put on; stage/vlan_input.c and port_vlan.c do what the device does not. */
static void choose_vlan(struct port *port, const struct rte_eth_dev_info *info,
	struct rte_eth_conf *conf)
{
	if (port->vlan == 0)
		return;
	conf->rxmode.offloads |= info->rx_offload_capa &
				 (RTE_ETH_RX_OFFLOAD_VLAN_STRIP | RTE_ETH_RX_OFFLOAD_VLAN_FILTER);
	conf->txmode.offloads |= info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_VLAN_INSERT;
	port->strips_vlan = conf->rxmode.offloads & RTE_ETH_RX_OFFLOAD_VLAN_STRIP;
	port->inserts_vlan = conf->txmode.offloads & RTE_ETH_TX_OFFLOAD_VLAN_INSERT;
}

/* Of packets that pods send unfinished, both or none; stage/l4_checksum.c does what the device does not. */
static void choose_l4(struct port *port, const struct rte_eth_dev_info *info,
	struct rte_eth_conf *conf)
{
	const uint64_t both = RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;

	port->finishes_l4 = (info->tx_offload_capa & both) == both;
	if (port->finishes_l4)
		conf->txmode.offloads |= both;
}

int port_choose_offloads(struct port *port, const struct port_config *config,
	const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
	uint16_t buffer = rte_pktmbuf_data_room_size(config->pool) - RTE_PKTMBUF_HEADROOM;

	conf->intr_conf.lsc = (*info->dev_flags & RTE_ETH_DEV_INTR_LSC) != 0;
	conf->rxmode.mtu = port->is_mtu_configured ? 0 : config->mtu;
	choose_rss(port, info, conf);
	choose_vlan(port, info, conf);
	choose_l4(port, info, conf);
	// without it a driver may choose a way that sends the first segment alone
	conf->txmode.offloads |= info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	port->sends_flat = !(conf->txmode.offloads & RTE_ETH_TX_OFFLOAD_MULTI_SEGS);
	if (config->mtu + PORT_FRAME_OVERHEAD <= buffer)
		return 0;
	if (!(info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER))
		return -EMSGSIZE;
	conf->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
	return 0;
}
