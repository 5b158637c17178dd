/* SPDX-License-Identifier: BSD-3-Clause */
/* Making ports. Called by main.c at the start. */
#include "dataplane/ports.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/pci.h"
#include "dataplane/steer/steer.h"

int ports_find_pci(const char *name, char **pci, char *error, size_t error_bytes)
{
	char address[PCI_ADDRESS_BYTES], why[400];
	int ret = pci_find("", *pci, address, why, sizeof(why));

	if (ret == 0)
		ret = pci_check("", address, why, sizeof(why));
	if (ret < 0) {
		snprintf(error, error_bytes, "port %s: %s", name, why);
		return ret;
	}
	free(*pci);
	*pci = strdup(address);
	return *pci == NULL ? -ENOMEM : 0;
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
