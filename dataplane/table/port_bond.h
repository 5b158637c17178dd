/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bond as a port: devargs: net_bonding0,mode=1,member=0000:3b:02.0,member=0000:3b:0a.0
 */
#ifndef PODLANE_DATAPLANE_TABLE_PORT_BOND_H
#define PODLANE_DATAPLANE_TABLE_PORT_BOND_H

#include <stdbool.h>
#include <stddef.h>

#include "dataplane/table/port.h"

/** Is this the name of a bonding device? */
bool port_is_bond(const char *eth_name);

/**
 * Make the devices that a bond's arguments name, PCI addresses or virtual devices: DPDK wants them
 * there before. "member=" is written as the DPDK in use calls it; up to 23.07 that is "slave=".
 *
 * @port: gets its members
 * @args: of the bond, as configured; ready for DPDK afterwards
 *
 * Errors: -ENAMETOOLONG, also of more than PORT_MEMBERS_MAX; those of rte_eal_hotplug_add(), and none
 *         that was made here is left
 */
int port_bond_open(struct port *port, char *args, size_t args_bytes);

/** Remove the members again, after the bond or before there is one. */
void port_bond_close(struct port *port);

/** The bond has port->mac, whichever member it took that from, and when that one is gone, too. */
void port_bond_keep_mac(const struct port *port);

/**
 * Read the members' links, and tell the bond of those that it has not noticed.
 *
 * Two faults of DPDK 22.11: once no member is left whose driver tells nothing of its link, a bond does
 * not look at links again, also when such a member comes back (a VF beside a PF); and its own link
 * stays up without any member. Gone when test_port_bond_let_go_both and vm.bond.member_removed pass
 * with rte_eth_link_get_nowait() of the bond.
 *
 * Threads: main lcore
 * Returns: has any member a link?
 */
bool port_bond_follow_links(const struct port *port);

/** DPDK's number of the member that sends for an active-backup bond. Errors: -ENOLINK, none does */
int port_bond_sender(const struct port *port);

/**
 * Take out of the bond and close the members that are leaving. Without any the bond has no link.
 *
 * Threads: main lcore; waits until no worker is in the device
 * Returns: how many
 */
unsigned port_bond_let_go(struct port_table *table, struct port *port, struct epoch *epoch);

/**
 * Make a member again that is away, and put it into the bond.
 *
 * Threads: main lcore; workers may find it in the bond at once
 * Errors:  those of rte_eal_hotplug_add(); -EINVAL the bond does not take it; it is still away
 */
int port_bond_take_back(struct port_table *table, struct port *port, struct port_member *member);

#endif
