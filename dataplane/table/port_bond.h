/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bond as a port: devargs: net_bonding0,mode=1,member=0000:3b:02.0,member=0000:3b:0a.0
 */
#ifndef PODLANE_DATAPLANE_TABLE_PORT_BOND_H
#define PODLANE_DATAPLANE_TABLE_PORT_BOND_H

#include <stdbool.h>
#include <stddef.h>

/** Is this the name of a bonding device? */
bool port_is_bond(const char *eth_name);

/**
 * Make the devices that a bond's arguments name, PCI addresses or virtual devices: DPDK wants them
 * there before. "member=" is written as the DPDK in use calls it; up to 23.07 that is "slave=".
 *
 * @args: of the bond, as configured; ready for DPDK afterwards
 *
 * Errors: -ENAMETOOLONG; those of rte_eal_hotplug_add(), and none that was made here is left
 */
int port_bond_open(char *args, size_t args_bytes);

/** Remove the members again. @args: as port_bond_open() left them */
void port_bond_close(const char *args);

#endif
