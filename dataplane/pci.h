/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PCI devices as the kernel shows them: which one a configuration means, and whether DPDK can have
 * it. Without DPDK, which says of each of these mistakes only that there is no such port.
 */
#ifndef PODLANE_DATAPLANE_PCI_H
#define PODLANE_DATAPLANE_PCI_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define PCI_ADDRESS_BYTES 13u /**< "0000:3b:02.0" with its NUL */
#define PCI_PF_BYTES	  16u /**< an address, or an interface's name */

/**
 * Find the device that a port's "pci" names:
 *
 *   0000:3b:02.1, 3b:02.1  its address, with or without the domain
 *   enp59s0f0/vf1          a VF of the PF of this name, or of this address; from 0
 *   enp59s0f0np0           the device of a kernel interface, for drivers that share it (mlx5)
 *   PCIDEVICE_NAME         a variable of Kubernetes' SR-IOV device plugin, which lists addresses; of
 *                          several PCIDEVICE_NAME[n], from 0
 *
 * @root: put in front of /sys; "" outside of tests
 *
 * Errors: -EINVAL, -ENODEV there is no such interface or VF; error is one line with the mend
 */
int pci_find(const char *root, const char *text, char address[PCI_ADDRESS_BYTES], char *error,
	size_t error_bytes);

/** Is it the form enp59s0f0/vf1? Then of which PF, and which. */
bool pci_is_vf(const char *text, char pf[PCI_PF_BYTES], unsigned *vf);

/** The NUMA node of a device. Returns: -1, it has none or nobody knows */
int pci_socket(const char *root, const char *address);

/** Does this driver leave the device to DPDK, or share it? */
bool pci_is_for_dpdk(const char *driver);

/** The last part of what a link of the device points to ("driver"); "" if there is no such link. */
void pci_read_link(const char *root, const char *address, const char *name, char target[NAME_MAX]);

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
