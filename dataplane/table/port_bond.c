/* SPDX-License-Identifier: BSD-3-Clause */
/* The members of bonding devices. Called by port.c. */
#include "dataplane/table/port_bond.h"

#include <rte_dev.h>
#include <rte_eth_bond.h>
#include <rte_ethdev.h>
#include <rte_log.h>
#include <rte_version.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
#define MEMBER "member="
#else
#define MEMBER				"slave="
#define rte_eth_bond_member_add		rte_eth_bond_slave_add
#define rte_eth_bond_member_remove	rte_eth_bond_slave_remove
#define rte_eth_bond_active_members_get rte_eth_bond_active_slaves_get
#endif

/* What a driver calls; DPDK's header for drivers is not installed. */
struct rte_eth_dev;
struct rte_eth_dev *rte_eth_dev_get_by_name(const char *name);
int rte_eth_dev_callback_process(struct rte_eth_dev *dev, enum rte_eth_event_type event, void *arg);

bool port_is_bond(const char *eth_name)
{
	return strncmp(eth_name, "net_bonding", strlen("net_bonding")) == 0;
}

static const char *bus_of(const char *member)
{
	return strchr(member, ':') != NULL ? "pci" : "vdev";
}

/* The next word of the arguments; if it names a member, that. Returns: is there one? */
static bool next_word(const char **args, char member[RTE_ETH_NAME_MAX_LEN])
{
	size_t len = strcspn(*args, ",");
	const char *equals = memchr(*args, '=', len);

	if (**args == '\0')
		return false;
	member[0] = '\0';
	if (equals != NULL &&
		(strncmp(*args, "member=", 7) == 0 || strncmp(*args, "slave=", 6) == 0))
		snprintf(member, RTE_ETH_NAME_MAX_LEN, "%.*s", (int)(*args + len - equals - 1),
			equals + 1);
	*args += len + ((*args)[len] == ',');
	return true;
}

static int rename_members(char *args, size_t args_bytes)
{
	char member[RTE_ETH_NAME_MAX_LEN], out[512];
	const char *at = args, *word = args;
	size_t len = 0;

	for (out[0] = '\0'; next_word(&at, member) && len < sizeof(out); word = at)
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s%.*s",
			len > 0 ? "," : "", member[0] != '\0' ? MEMBER : "",
			member[0] != '\0' ? (int)strlen(member) : (int)strcspn(word, ","),
			member[0] != '\0' ? member : word);
	if (len >= sizeof(out) || len >= args_bytes)
		return -ENAMETOOLONG;
	memcpy(args, out, len + 1);
	return 0;
}

static int open_member(struct port_member *member)
{
	uint16_t eth_id;
	int ret = 0;

	if (rte_eth_dev_get_port_by_name(member->name, &eth_id) != 0)
		ret = rte_eal_hotplug_add(bus_of(member->name), member->name, "");
	if (ret == 0)
		ret = rte_eth_dev_get_port_by_name(member->name, &member->eth_id);
	if (ret < 0)
		member->eth_id = RTE_MAX_ETHPORTS;
	return ret;
}

static void close_member(struct port_member *member)
{
	if (member->eth_id == RTE_MAX_ETHPORTS)
		return;
	rte_eal_hotplug_remove(bus_of(member->name), member->name);
	member->eth_id = RTE_MAX_ETHPORTS;
}

int port_bond_open(struct port *port, char *args, size_t args_bytes)
{
	char name[RTE_ETH_NAME_MAX_LEN];
	int ret = rename_members(args, args_bytes);
	const char *at = args;

	port->n_members = 0;
	while (ret == 0 && next_word(&at, name)) {
		struct port_member *member = &port->member[port->n_members];

		if (name[0] == '\0')
			continue;
		if (port->n_members == PORT_MEMBERS_MAX || strlen(name) >= sizeof(member->name)) {
			ret = -ENAMETOOLONG;
			break;
		}
		*member = (struct port_member){0};
		memcpy(member->name, name, strlen(name));
		ret = open_member(member);
		port->n_members += ret == 0;
	}
	if (ret < 0)
		port_bond_close(port);
	return ret;
}

void port_bond_close(struct port *port)
{
	while (port->n_members > 0)
		close_member(&port->member[--port->n_members]);
}

void port_bond_keep_mac(const struct port *port)
{
	struct rte_ether_addr mac = port->mac;

	(void)rte_eth_bond_mac_address_set(port->eth_id, &mac);
}

static bool is_active(const struct port *port, uint16_t eth_id)
{
	uint16_t active[RTE_MAX_ETHPORTS];
	int n = rte_eth_bond_active_members_get(port->eth_id, active, RTE_DIM(active));

	for (int i = 0; i < n; i++)
		if (active[i] == eth_id)
			return true;
	return false;
}

/* Returns: has it a link? */
static bool follow_link(const struct port *port, const struct port_member *member)
{
	struct rte_eth_link link = {0};
	bool is_up = rte_eth_link_get_nowait(member->eth_id, &link) == 0 &&
		     link.link_status == RTE_ETH_LINK_UP;

	if (is_up != is_active(port, member->eth_id))
		rte_eth_dev_callback_process(rte_eth_dev_get_by_name(member->name),
			RTE_ETH_EVENT_INTR_LSC, NULL);
	return is_up;
}

bool port_bond_follow_links(const struct port *port)
{
	bool is_up = false;

	for (unsigned i = 0; i < port->n_members; i++)
		if (port->member[i].eth_id != RTE_MAX_ETHPORTS)
			is_up |= follow_link(port, &port->member[i]);
	return is_up;
}

int port_bond_sender(const struct port *port)
{
	int eth_id = rte_eth_bond_primary_get(port->eth_id);

	return eth_id >= 0 && is_active(port, (uint16_t)eth_id) ? eth_id : -ENOLINK;
}

/*
 * 22.11 then resets the member, which only a stopped one allows, and complains; it must not be stopped
 * before, because workers are in it. Gone when this ends without "must be stopped to allow reset".
 */
static void remove_member(const struct port *port, const struct port_member *member)
{
	rte_log_set_level_pattern("lib.ethdev", RTE_LOG_CRIT);
	rte_eth_bond_member_remove(port->eth_id, member->eth_id);
	rte_log_set_level_pattern("lib.ethdev", RTE_LOG_ERR);
}

unsigned port_bond_let_go(struct port_table *table, struct port *port, struct epoch *epoch)
{
	unsigned n = 0;

	for (unsigned i = 0; i < port->n_members; i++) {
		struct port_member *member = &port->member[i];

		if (!__atomic_load_n(&member->is_leaving, __ATOMIC_RELAXED))
			continue;
		port_unwatch_device(table, member->eth_id, member->name);
		remove_member(port, member);
		// whoever was in it by the bond has ended its turn
		epoch_wait(epoch);
		rte_eth_dev_stop(member->eth_id);
		rte_eth_dev_close(member->eth_id);
		close_member(member);
		member->is_leaving = false;
		n++;
	}
	return n;
}

int port_bond_take_back(struct port_table *table, struct port *port, struct port_member *member)
{
	int ret = open_member(member);

	if (ret < 0)
		return ret;
	if (rte_eth_bond_member_add(port->eth_id, member->eth_id) < 0) {
		close_member(member);
		return -EINVAL;
	}
	port_watch_device(table, member->eth_id, member->name);
	return 0;
}
