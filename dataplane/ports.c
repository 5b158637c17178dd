/* SPDX-License-Identifier: BSD-3-Clause */
/* Making ports, and making them again. Called by main.c. */
#include "dataplane/ports.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/log.h"
#include "dataplane/steer/steer.h"
#include "dataplane/table/port_bond.h"

static int check_pci(const char *name, const char *pci, char address[PCI_ADDRESS_BYTES],
	char *error, size_t error_bytes)
{
	char why[400];
	int ret = pci_find("", pci, address, why, sizeof(why));

	if (ret == 0)
		ret = pci_check("", address, why, sizeof(why));
	if (ret < 0)
		snprintf(error, error_bytes, "port %s: %s", name, why);
	return ret;
}

int ports_find_pci(const char *name, char **pci, char *error, size_t error_bytes)
{
	char address[PCI_ADDRESS_BYTES];
	int ret = check_pci(name, *pci, address, error, error_bytes);

	if (ret < 0)
		return ret;
	free(*pci);
	*pci = strdup(address);
	return *pci == NULL ? -ENOMEM : 0;
}

int ports_find_member(const char *name, const char *pci, char address[PCI_ADDRESS_BYTES],
	char *error, size_t error_bytes)
{
	return check_pci(name, pci, address, error, error_bytes);
}

int ports_add(struct port_table *ports, struct steer *steer, struct port_config *config,
	char *error, size_t error_bytes)
{
	int ret = 0;

	if (config->interface == NULL)
		return port_add(ports, config, error, error_bytes);
	if (config->kind == WIRE_PORT_TRUNK)
		ret = steer_trunk_create(steer, error, error_bytes);
	if (ret == 0)
		ret = steer_uplink_prepare(steer, config->interface, error, error_bytes);
	if (ret < 0)
		return ret;
	config->xdp_prog = steer_uplink_object(steer);
	ret = port_add(ports, config, error, error_bytes);
	return ret < 0 ? ret : steer_uplink_open(steer, config->interface, error, error_bytes);
}

/* Is the device back, and ours to take? A virtual one always is. */
static bool is_fit(const char *eth_name)
{
	char why[400];

	return strchr(eth_name, ':') == NULL || pci_check("", eth_name, why, sizeof(why)) == 0;
}

static void say_lost(const char *port, const char *device)
{
	LOG(WARNING, "port: %s lost its device %s; it is looked for each second\n", port, device);
}

void ports_let_go(struct port_table *ports, struct epoch *epoch)
{
	for (unsigned i = 0; i < ports->n; i++) {
		const struct port *port = &ports->port[i];

		if (port->is_leaving && !port->is_there)
			say_lost(port->name, port->device);
		for (unsigned n = 0; n < port->n_members; n++)
			if (port->member[n].is_leaving)
				say_lost(port->name, port->member[n].name);
	}
	port_let_go(ports, epoch);
}

static void take_members_back(struct port_table *ports, struct port *port)
{
	for (unsigned i = 0; i < port->n_members; i++) {
		struct port_member *member = &port->member[i];
		int ret;

		if (member->eth_id != RTE_MAX_ETHPORTS || !is_fit(member->name))
			continue;
		ret = port_bond_take_back(ports, port, member);
		if (ret == 0)
			LOG(NOTICE, "port: %s has its device %s again\n", port->name, member->name);
		else
			LOG(WARNING, "port %s: %s does not come back into the bond: %s\n",
				port->name, member->name, strerror(-ret));
	}
}

void ports_take_back(struct port_table *ports)
{
	for (unsigned i = 0; i < ports->n; i++) {
		struct port *port = &ports->port[i];
		char error[400];

		take_members_back(ports, port);
		if (port->is_there || port->is_leaving || !is_fit(port->eth_name))
			continue;
		if (port_take_back(ports, port, error, sizeof(error)) == 0)
			LOG(NOTICE, "port: %s has its device %s again\n", port->name, port->device);
		else
			LOG(WARNING, "%s\n", error);
	}
}
