/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PCI devices as the kernel shows them: which one a configuration means, and whether DPDK can have
 * it. Without DPDK, which says of each of these mistakes only that there is no such port.
 */
#ifndef PODLANE_DATAPLANE_PCI_H
#define PODLANE_DATAPLANE_PCI_H

#include <stddef.h>

#define PCI_ADDRESS_BYTES 13u /**< "0000:3b:02.0" with its NUL */

/**
 * Find the device that a port's "pci" names: an address, with or without its domain, or a variable
 * of Kubernetes' SR-IOV device plugin, PCIDEVICE_NAME, which lists addresses. Of several it takes
 * PCIDEVICE_NAME[n], from 0.
 *
 * Errors: -EINVAL; error is one line with the mend
 */
int pci_find(const char *text, char address[PCI_ADDRESS_BYTES], char *error, size_t error_bytes);

/**
 * Is the device there, and bound to a driver that gives it to DPDK?
 *
 * @root: put in front of /sys and /dev; "" outside of tests
 *
 * Errors: -ENODEV, -EBUSY another driver has it, -ENXIO no IOMMU group, -EACCES; error is one line
 *         with the mend
 */
int pci_check(const char *root, const char *address, char *error, size_t error_bytes);

#endif
