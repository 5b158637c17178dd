/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finding a port's PCI device, and saying what is wrong with it. Called by main.c before DPDK gets it.
 */
#include "dataplane/pci.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VARIABLE_BYTES 256

/* Drivers that leave the device to DPDK; mlx's share it with the kernel (bifurcated). */
static const char *const drivers[] = {
	"vfio-pci",
	"igb_uio",
	"uio_pci_generic",
	"mlx5_core",
	"mlx4_core",
};

/* Write an address in full. Returns: was it one? */
static bool normalize(const char *text, size_t len, char address[PCI_ADDRESS_BYTES])
{
	unsigned domain = 0, bus, device, function;
	char copy[PCI_ADDRESS_BYTES];
	int end = 0, n;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	n = sscanf(copy, "%4x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end);
	if (n != 4 || copy[end] != '\0') {
		domain = 0;
		end = 0;
		n = sscanf(copy, "%2x:%2x.%1x%n", &bus, &device, &function, &end);
		if (n != 3 || copy[end] != '\0')
			return false;
	}
	n = snprintf(address, PCI_ADDRESS_BYTES, "%04x:%02x:%02x.%x", domain & 0xffff, bus & 0xff,
		device & 0xff, function & 7);
	return n == PCI_ADDRESS_BYTES - 1;
}

/* The part of a list between commas; NULL behind its end. */
static const char *nth(const char *list, unsigned n, size_t *len)
{
	for (; n > 0; n--) {
		list = strchr(list, ',');
		if (list == NULL)
			return NULL;
		list++;
	}
	*len = strcspn(list, ",");
	return list;
}

static int find_variable(const char *text, char address[PCI_ADDRESS_BYTES], char *error,
	size_t error_bytes)
{
	char name[VARIABLE_BYTES];
	const char *list, *at;
	unsigned n = 0;
	size_t len;
	int end = 0;

	snprintf(name, sizeof(name), "%s", text);
	name[strcspn(name, "[")] = '\0';
	if (strchr(text, '[') != NULL && (sscanf(strchr(text, '['), "[%3u]%n", &n, &end) != 1 ||
						 strchr(text, '[')[end] != '\0')) {
		snprintf(error, error_bytes, "%s: write %s[0], counting from 0", text, name);
		return -EINVAL;
	}
	list = getenv(name);
	if (list == NULL || list[0] == '\0') {
		snprintf(error, error_bytes,
			"the variable %s is not set; the pod must ask for the SR-IOV device "
			"plugin's resource, or write the address: pci: 0000:3b:02.0",
			name);
		return -EINVAL;
	}
	if (strchr(list, ',') != NULL && strchr(text, '[') == NULL) {
		snprintf(error, error_bytes, "%s lists several devices (%s); write %s[0] for one",
			name, list, name);
		return -EINVAL;
	}
	at = nth(list, n, &len);
	if (at != NULL && normalize(at, len, address))
		return 0;
	snprintf(error, error_bytes, "%s: there is no PCI address in %s=%s", text, name, list);
	return -EINVAL;
}

int pci_find(const char *text, char address[PCI_ADDRESS_BYTES], char *error, size_t error_bytes)
{
	if (strncmp(text, "PCIDEVICE_", 10) == 0)
		return find_variable(text, address, error, error_bytes);
	if (normalize(text, strlen(text), address))
		return 0;
	snprintf(error, error_bytes, "%s is no PCI address like 0000:3b:02.0", text);
	return -EINVAL;
}

/* The last part of what a link of the device points to; "" if there is no such link. */
static void read_link(const char *root, const char *address, const char *name, char *target)
{
	char path[PATH_MAX], where[PATH_MAX];
	ssize_t len;

	target[0] = '\0';
	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/%s", root, address, name);
	len = readlink(path, where, sizeof(where) - 1);
	if (len <= 0)
		return;
	where[len] = '\0';
	snprintf(target, NAME_MAX, "%s", basename(where));
}

static int try_access(const char *root, const char *folder, const char *name, int mode)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s/%s", root, folder, name);
	return access(path, mode) < 0 ? -errno : 0;
}

static bool is_for_dpdk(const char *driver)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (strcmp(driver, drivers[i]) == 0)
			return true;
	return false;
}

/* What vfio needs beside the driver: a group, and the right to open it. */
static int check_vfio(const char *root, const char *address, char *error, size_t error_bytes)
{
	char group[NAME_MAX];
	int ret;

	read_link(root, address, "iommu_group", group);
	if (group[0] == '\0') {
		snprintf(error, error_bytes,
			"%s has no IOMMU group: switch the IOMMU on in the firmware, and boot with "
			"intel_iommu=on or amd_iommu=on",
			address);
		return -ENXIO;
	}
	ret = try_access(root, "/dev/vfio", group, R_OK | W_OK);
	if (ret < 0)
		snprintf(error, error_bytes,
			"%s: /dev/vfio/%s: %s; run as root, or give this user the file", address,
			group, strerror(-ret));
	return ret;
}

int pci_check(const char *root, const char *address, char *error, size_t error_bytes)
{
	char driver[NAME_MAX], bound[NAME_MAX + 16] = "bound to no driver";
	bool has_vfio = try_access(root, "/sys/bus/pci/drivers", "vfio-pci", F_OK) == 0;

	if (try_access(root, "/sys/bus/pci/devices", address, F_OK) < 0) {
		snprintf(error, error_bytes,
			"there is no PCI device %s; \"dpdk-devbind.py --status-dev net\" lists "
			"those "
			"there are",
			address);
		return -ENODEV;
	}
	read_link(root, address, "driver", driver);
	if (strcmp(driver, "vfio-pci") == 0)
		return check_vfio(root, address, error, error_bytes);
	if (is_for_dpdk(driver))
		return 0;
	if (driver[0] != '\0')
		snprintf(bound, sizeof(bound), "bound to %s", driver);
	snprintf(error, error_bytes, "%s is %s; run: %sdpdk-devbind.py -b vfio-pci %s", address,
		bound, has_vfio ? "" : "modprobe vfio-pci && ", address);
	return -EBUSY;
}
