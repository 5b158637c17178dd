/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ports: makes DPDK devices from the configuration and starts them. Called by ports.c; the workers
 * only read struct port.
 */
#include "dataplane/table/port.h"

#include "dataplane/table/port_bond.h"
#include "dataplane/table/port_offload.h"

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define DESCRIPTORS 1024u

/* What DPDK adds to an MTU before it asks a driver that names no MTU of its own. */
#define DRIVER_OVERHEAD ((uint32_t)RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN)

static const char *bus_of(enum wire_port_kind kind)
{
	return kind == WIRE_PORT_PCI ? "pci" : "vdev";
}

/* The device's name for DPDK, and its arguments. */
static int name_device(struct port *port, const struct port_config *config, char *args,
	size_t args_bytes)
{
	const char *comma;
	int ret = 0;

	args[0] = '\0';
	switch (config->kind) {
	case WIRE_PORT_PCI:
		snprintf(port->eth_name, sizeof(port->eth_name), "%s", config->pci);
		break;
	case WIRE_PORT_VDEV:
		comma = strchrnul(config->devargs, ',');
		snprintf(port->eth_name, sizeof(port->eth_name), "%.*s",
			(int)(comma - config->devargs), config->devargs);
		ret = snprintf(args, args_bytes, "%s", *comma ? comma + 1 : "");
		break;
	case WIRE_PORT_AF_XDP:
	case WIRE_PORT_TRUNK:
		snprintf(port->eth_name, sizeof(port->eth_name), "net_af_xdp%u", port->idx);
		ret = snprintf(args, args_bytes,
			"iface=%s,start_queue=0,queue_count=%u,xdp_prog=%s", config->interface,
			config->n_queues, config->xdp_prog);
		break;
	}
	return (size_t)ret >= args_bytes ? -ENAMETOOLONG : 0;
}

static int make_device(struct port *port, const struct port_config *config, char *error,
	size_t error_bytes)
{
	char args[512];
	int ret = name_device(port, config, args, sizeof(args));

	if (ret == 0 && port_is_bond(port->eth_name))
		ret = port_bond_open(port, args, sizeof(args));
	if (ret == 0)
		ret = rte_eal_hotplug_add(bus_of(config->kind), port->eth_name, args);
	if (ret == 0)
		ret = rte_eth_dev_get_port_by_name(port->eth_name, &port->eth_id);
	if (ret == 0)
		return 0;
	port_bond_close(port);
	snprintf(error, error_bytes, "port %s: DPDK cannot make %s (%s): %s; %s", config->name,
		port->eth_name, args, strerror(-ret),
		ret == -ENOTSUP ? "none of its drivers knows the device"
				: "the driver's message above says why");
	return ret;
}

/*
 * Will the driver take this MTU? net_memif says that its frames have 1518 bytes, but carries chains
 * of buffers of any length: it is not asked. net_tap says 1522 and means it. Seen in DPDK 22.11; gone
 * when max_rx_pktlen of net_memif is more.
 */
static int check_mtu(struct port *port, const struct port_config *config, char *error,
	size_t error_bytes)
{
	struct rte_eth_dev_info info = {0};
	int ret = rte_eth_dev_info_get(port->eth_id, &info);

	if (ret < 0 || config->mtu == 0 || info.max_mtu != UINT16_MAX ||
		config->mtu + DRIVER_OVERHEAD <= info.max_rx_pktlen)
		return ret;
	if (strcmp(info.driver_name, "net_memif") == 0) {
		port->mtu = config->mtu;
		port->is_mtu_configured = true;
		return 0;
	}
	snprintf(error, error_bytes,
		"port %s: mtu %u is too big for %s, %u at most; jumbo frames want pci:, net_memif "
		"or net_pcap",
		config->name, config->mtu, info.driver_name, info.max_rx_pktlen - DRIVER_OVERHEAD);
	return -EMSGSIZE;
}

static int set_up_queues(const struct port *port, const struct port_config *config)
{
	unsigned socket = (unsigned)rte_eth_dev_socket_id(port->eth_id);
	uint16_t n_rxd = config->n_descriptors > 0 ? config->n_descriptors : DESCRIPTORS;
	uint16_t n_txd = n_rxd;
	int ret = rte_eth_dev_adjust_nb_rx_tx_desc(port->eth_id, &n_rxd, &n_txd);

	for (uint16_t q = 0; q < port->n_rxq && ret == 0; q++)
		ret = rte_eth_rx_queue_setup(port->eth_id, q, n_rxd, socket, NULL, config->pool);
	for (uint16_t q = 0; q < port->n_txq && ret == 0; q++)
		ret = rte_eth_tx_queue_setup(port->eth_id, q, n_txd, socket, NULL);
	return ret;
}

static int start_device(struct port *port, const struct port_config *config)
{
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev_info info = {0};
	int ret = 0;

	// a bond takes its members, and knows what all of them can, when it is configured first
	if (port_is_bond(port->eth_name))
		ret = rte_eth_dev_configure(port->eth_id, 1, 1, &conf);
	if (ret == 0)
		ret = rte_eth_dev_info_get(port->eth_id, &info);
	if (ret < 0)
		return ret;
	port->n_rxq = RTE_MIN(config->n_queues, info.max_rx_queues);
	port->n_txq = RTE_MIN(config->n_senders, info.max_tx_queues);
	// net_af_xdp pairs its queues: a socket is one receive and one transmit queue
	if (port_is_kernel(config->kind))
		port->n_txq = port->n_rxq;
	port->is_tx_shared = port->n_txq < config->n_senders;

	ret = port_choose_offloads(port, config, &info, &conf);
	if (ret == 0)
		ret = rte_eth_dev_configure(port->eth_id, port->n_rxq, port->n_txq, &conf);
	if (ret == 0)
		ret = set_up_queues(port, config);
	if (ret == 0)
		ret = rte_eth_dev_start(port->eth_id);
	// one that filters lets no VLAN through by itself
	if (ret == 0 && conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_VLAN_FILTER)
		ret = rte_eth_dev_vlan_filter(port->eth_id, port->vlan, true);
	return ret;
}

/* Make the device and start it. After an error there is none. */
static int open_device(struct port *port, const struct port_config *config, char *error,
	size_t error_bytes)
{
	int ret = make_device(port, config, error, error_bytes);

	if (ret < 0)
		return ret;
	ret = check_mtu(port, config, error, error_bytes);
	if (ret < 0)
		goto err_remove;
	ret = start_device(port, config);
	if (ret == 0 && config->takes_all)
		ret = rte_eth_promiscuous_enable(port->eth_id);
	if (ret < 0) {
		snprintf(error, error_bytes, "port %s: %s does not start: %s%s", config->name,
			port->eth_name, strerror(-ret),
			ret == -EMSGSIZE || ret == -EINVAL ? "; lower its mtu, or queues" : "");
		goto err_remove;
	}
	// IPv6 and routing protocols send to groups; a device that takes no order takes all or none
	if (config->takes_groups)
		(void)rte_eth_allmulticast_enable(port->eth_id);
	return 0;

err_remove:
	rte_eal_hotplug_remove(bus_of(config->kind), port->eth_name);
	port_bond_close(port);
	return ret;
}

int port_add(struct port_table *table, const struct port_config *config, char *error,
	size_t error_bytes)
{
	struct port *port;
	int ret;

	if (table->n == PORT_MAX) {
		snprintf(error, error_bytes, "port %s: there are %u ports already", config->name,
			PORT_MAX);
		return -ENOSPC;
	}

	port = &table->port[table->n];
	*port = (struct port){
		.idx = (uint16_t)table->n,
		.kind = (uint8_t)config->kind,
		.complete_checksums = config->complete_checksums,
		.pod_tunnels = config->pod_tunnels,
		.vlan = config->vlan,
		.max_mtu = (uint16_t)(rte_pktmbuf_data_room_size(config->pool) -
				      RTE_PKTMBUF_HEADROOM - PORT_FRAME_OVERHEAD),
	};
	snprintf(port->name, sizeof(port->name), "%s", config->name);
	rte_spinlock_init(&port->tx_lock);

	ret = open_device(port, config, error, error_bytes);
	if (ret < 0)
		return ret;
	snprintf(port->device, sizeof(port->device), "%s",
		port_is_kernel(config->kind) ? config->interface : port->eth_name);
	if (port_is_kernel(config->kind))
		port->ifindex = if_nametoindex(config->interface);
	rte_eth_macaddr_get(port->eth_id, &port->mac);
	if (port->n_members > 0)
		port_bond_keep_mac(port);
	table->config[table->n++] = *config;
	port->is_there = true;
	port_watch(table, port);
	port_refresh(port);
	return 0;
}

static void close_device(struct port_table *table, struct port *port)
{
	port_unwatch(table, port);
	rte_eth_dev_stop(port->eth_id);
	rte_eth_dev_close(port->eth_id);
}

unsigned port_let_go(struct port_table *table, struct epoch *epoch)
{
	unsigned n = 0;

	for (unsigned i = 0; i < table->n; i++) {
		struct port *port = &table->port[i];

		n += port_bond_let_go(table, port, epoch);
		if (!port->is_leaving || port->is_there)
			continue;
		// whoever found it there, or up, has ended its turn
		epoch_wait(epoch);
		close_device(table, port);
		rte_eal_hotplug_remove(bus_of((enum wire_port_kind)port->kind), port->eth_name);
		port->eth_id = RTE_MAX_ETHPORTS;
		port->is_leaving = false;
		n++;
	}
	return n;
}

int port_take_back(struct port_table *table, struct port *port, char *error, size_t error_bytes)
{
	struct rte_ether_addr mac;
	int ret = open_device(port, &table->config[port->idx], error, error_bytes);

	if (ret < 0) {
		port->eth_id = RTE_MAX_ETHPORTS;
		return ret;
	}
	rte_eth_macaddr_get(port->eth_id, &mac);
	// neighbours know the old one; but if the PF has set another, that is it now
	if (!rte_is_same_ether_addr(&mac, &port->mac) &&
		rte_eth_dev_default_mac_addr_set(port->eth_id, &port->mac) < 0)
		port->mac = mac;
	port_watch(table, port);
	// release: whoever finds it there sees the device's number
	__atomic_store_n(&port->is_there, true, __ATOMIC_RELEASE);
	return 0;
}

void port_close_all(struct port_table *table)
{
	while (table->n > 0) {
		struct port *port = &table->port[--table->n];

		if (port->eth_id != RTE_MAX_ETHPORTS)
			close_device(table, port);
	}
	port_watch_end(table);
}

void port_to_wire(const struct port *port, struct wire_port *wire)
{
	*wire = (struct wire_port){
		.idx = port->idx,
		.kind = port->kind,
		.is_up = port->is_up,
		.ifindex = port->ifindex,
		.mtu = port->mtu,
		.finishes_l4 = port->finishes_l4,
	};
	memcpy(wire->mac, port->mac.addr_bytes, sizeof(wire->mac));
	memcpy(wire->name, port->name, sizeof(wire->name));
	memcpy(wire->device, port->device, sizeof(wire->device));
}
