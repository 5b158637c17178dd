/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making ports: what has to be right outside of DPDK before a device is a struct port.
 */
#ifndef PODLANE_DATAPLANE_PORTS_H
#define PODLANE_DATAPLANE_PORTS_H

#include <stddef.h>

#include "dataplane/pci.h"
#include "dataplane/table/port.h"

struct steer;

/**
 * Before DPDK starts: find a port's PCI device and see that it is fit.
 *
 * @name: of the port
 * @pci: as configured; the address afterwards
 *
 * Owner:  *pci is allocated, and freed here when it is replaced
 * Errors: those of pci_find() and pci_check(), -ENOMEM; error is one line with the mend
 */
int ports_find_pci(const char *name, char **pci, char *error, size_t error_bytes);

/** The same for a member of a bond. @address: its address */
int ports_find_member(const char *name, const char *pci, char address[PCI_ADDRESS_BYTES],
	char *error, size_t error_bytes);

/**
 * Make a port and start it; on an interface of the kernel with our XDP program. The trunk's is made
 * first.
 *
 * @config: xdp_prog is filled in here
 *
 * Errors: those of port_add() and steer.h; error is one line with the mend
 */
int ports_add(struct port_table *ports, struct steer *steer, struct port_config *config,
	char *error, size_t error_bytes);

/** Close the devices that are leaving; see port_let_go(). Threads: main lcore */
void ports_let_go(struct port_table *ports, struct epoch *epoch);

/** Make those again that are back, bound to a driver of ours. Threads: main lcore */
void ports_take_back(struct port_table *ports);

#endif
