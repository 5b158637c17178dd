/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port's link: told by the driver's interrupt where it has one, by the kernel for its own interfaces,
 * and looked at every few milliseconds by main.c where nobody tells.
 */
#include "dataplane/table/port.h"

#include <rte_dev.h>
#include <rte_ethdev.h>

#include <errno.h>
#include <net/if.h> // before the kernel's: only in this order do they agree on struct ifreq
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/table/port_bond.h"

/* What a driver tells. A device that wants a reset has to be made anew, as one that was away. */
static const enum rte_eth_event_type events[] = {
	RTE_ETH_EVENT_INTR_LSC,
	RTE_ETH_EVENT_INTR_RMV,
	RTE_ETH_EVENT_INTR_RESET,
};

static void note_leaving(struct port *port, uint16_t eth_id)
{
	if (port->is_there && port->eth_id == eth_id)
		__atomic_store_n(&port->is_leaving, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < port->n_members; i++)
		if (port->member[i].eth_id == eth_id)
			__atomic_store_n(&port->member[i].is_leaving, true, __ATOMIC_RELAXED);
}

/* In EAL's interrupt thread: the link itself is read, and devices are closed, by the main lcore. */
static int note_event(uint16_t eth_id, enum rte_eth_event_type event, void *arg, void *ret)
{
	struct port_table *table = arg;

	(void)ret;
	for (unsigned i = 0; i < PORT_MAX && event != RTE_ETH_EVENT_INTR_LSC; i++)
		note_leaving(&table->port[i], eth_id);
	__atomic_store_n(&table->has_news, true, __ATOMIC_RELEASE);
	return 0;
}

/* Likewise: of vfio, whose device the kernel wants back. */
static void note_device(const char *name, enum rte_dev_event_type event, void *arg)
{
	uint16_t eth_id;

	if (event == RTE_DEV_EVENT_REMOVE && rte_eth_dev_get_port_by_name(name, &eth_id) == 0)
		note_event(eth_id, RTE_ETH_EVENT_INTR_RMV, arg, NULL);
}

/* What the kernel tells of interfaces; only that it tells something matters. Errors: 0, it will not */
static int open_netlink(void)
{
	struct sockaddr_nl at = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd > 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return 0;
}

void port_watch_device(struct port_table *table, uint16_t eth_id, const char *name)
{
	for (size_t i = 0; i < RTE_DIM(events); i++)
		rte_eth_dev_callback_register(eth_id, events[i], note_event, table);
	rte_dev_event_callback_register(name, note_device, table);
}

void port_unwatch_device(struct port_table *table, uint16_t eth_id, const char *name)
{
	rte_dev_event_callback_unregister(name, note_device, table);
	for (size_t i = 0; i < RTE_DIM(events); i++)
		rte_eth_dev_callback_unregister(eth_id, events[i], note_event, table);
}

void port_watch(struct port_table *table, const struct port *port)
{
	if (port_is_kernel((enum wire_port_kind)port->kind) && table->netlink_fd == 0)
		table->netlink_fd = open_netlink();
	port_watch_device(table, port->eth_id, port->eth_name);
	for (unsigned i = 0; i < port->n_members; i++)
		port_watch_device(table, port->member[i].eth_id, port->member[i].name);
}

void port_unwatch(struct port_table *table, const struct port *port)
{
	for (unsigned i = 0; i < port->n_members; i++)
		if (port->member[i].eth_id != RTE_MAX_ETHPORTS)
			port_unwatch_device(table, port->member[i].eth_id, port->member[i].name);
	port_unwatch_device(table, port->eth_id, port->eth_name);
}

void port_watch_end(struct port_table *table)
{
	if (table->netlink_fd > 0)
		close(table->netlink_fd);
	table->netlink_fd = 0;
}

unsigned port_pollfds(const struct port_table *table, struct pollfd *fds)
{
	if (table->netlink_fd == 0)
		return 0;
	fds[0] = (struct pollfd){.fd = table->netlink_fd, .events = POLLIN};
	return 1;
}

static bool has_netlink_news(const struct port_table *table)
{
	char scratch[8192];
	bool is_any = false;

	// ENOBUFS: there was more than it could keep
	while (table->netlink_fd > 0 &&
		(recv(table->netlink_fd, scratch, sizeof(scratch), 0) > 0 || errno == ENOBUFS))
		is_any = true;
	return is_any;
}

bool port_take_news(struct port_table *table)
{
	if (has_netlink_news(table))
		return true;
	return __atomic_load_n(&table->has_news, __ATOMIC_RELAXED) &&
	       __atomic_exchange_n(&table->has_news, false, __ATOMIC_ACQUIRE);
}

/* net_af_xdp says "up" from its start on; the kernel knows better. */
static int read_kernel_link(const char *ifname, bool *is_up, uint16_t *mtu)
{
	struct ifreq ifr = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret = -ENODEV;

	if (fd < 0)
		return -errno;
	memcpy(ifr.ifr_name, ifname, strnlen(ifname, sizeof(ifr.ifr_name) - 1));
	if (ioctl(fd, SIOCGIFMTU, &ifr) < 0)
		goto out;
	*mtu = (uint16_t)ifr.ifr_mtu;
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) < 0)
		goto out;
	*is_up = (ifr.ifr_flags & IFF_UP) && (ifr.ifr_flags & IFF_RUNNING);
	ret = 0;
out:
	close(fd);
	return ret;
}

static void read_nic_link(const struct port *port, bool *is_up, uint16_t *mtu)
{
	struct rte_eth_link link = {0};

	if (port->n_members > 0)
		*is_up = port_bond_follow_links(port);
	else if (rte_eth_link_get_nowait(port->eth_id, &link) == 0)
		*is_up = link.link_status == RTE_ETH_LINK_UP;
	if (!port->is_mtu_configured)
		rte_eth_dev_get_mtu(port->eth_id, mtu);
}

bool port_refresh(struct port *port)
{
	bool is_up = false;
	uint16_t mtu = port->mtu;
	bool is_changed;

	if (__atomic_load_n(&port->is_leaving, __ATOMIC_RELAXED))
		__atomic_store_n(&port->is_there, false, __ATOMIC_RELAXED);
	if (!port->is_there)
		is_up = false;
	else if (!port_is_kernel((enum wire_port_kind)port->kind))
		read_nic_link(port, &is_up, &mtu);
	else if (read_kernel_link(port->device, &is_up, &mtu) < 0)
		is_up = false; // the interface is gone

	is_changed = port->is_up != is_up || port->mtu != mtu;
	port->is_up = is_up;
	port->mtu = mtu;
	return is_changed;
}
