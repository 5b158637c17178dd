/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finding a port's PCI device, and saying what is wrong with it. Called by main.c before DPDK gets it, and
 * by podlane setup.
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

/* The last part of what a link points to; "" if there is no such link. */
static void follow_link(const char *path, char *target)
{
	char where[PATH_MAX];
	ssize_t len;

	target[0] = '\0';
	len = readlink(path, where, sizeof(where) - 1);
	if (len <= 0)
		return;
	where[len] = '\0';
	snprintf(target, NAME_MAX, "%s", basename(where));
}

void pci_read_link(const char *root, const char *address, const char *name, char target[NAME_MAX])
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/%s", root, address, name);
	follow_link(path, target);
}

static int find_interface(const char *root, const char *name, char address[PCI_ADDRESS_BYTES],
	char *error, size_t error_bytes)
{
	char path[PATH_MAX], target[NAME_MAX];

	snprintf(path, sizeof(path), "%s/sys/class/net/%s", root, name);
	if (access(path, F_OK) < 0) {
		snprintf(error, error_bytes,
			"%s is no PCI address like 0000:3b:02.0, and there is no interface of this "
			"name: \"dpdk-devbind.py --status-dev net\" lists the devices",
			name);
		return -ENODEV;
	}
	snprintf(path, sizeof(path), "%s/sys/class/net/%s/device", root, name);
	follow_link(path, target);
	if (normalize(target, strlen(target), address))
		return 0;
	snprintf(error, error_bytes, "%s is no PCI device; take interface: %s for AF_XDP", name,
		name);
	return -EINVAL;
}

bool pci_is_vf(const char *text, char pf[PCI_PF_BYTES], unsigned *vf)
{
	const char *slash = strchr(text, '/');
	int end = 0;

	if (slash == NULL || slash == text || slash - text >= (ptrdiff_t)PCI_PF_BYTES)
		return false;
	if (sscanf(slash, "/vf%3u%n", vf, &end) != 1 || slash[end] != '\0')
		return false;
	memcpy(pf, text, (size_t)(slash - text));
	pf[slash - text] = '\0';
	return true;
}

static int find_vf(const char *root, const char *pf, unsigned vf, char address[PCI_ADDRESS_BYTES],
	char *error, size_t error_bytes)
{
	char pf_address[PCI_ADDRESS_BYTES], link[32], target[NAME_MAX];
	int ret = 0;

	if (!normalize(pf, strlen(pf), pf_address))
		ret = find_interface(root, pf, pf_address, error, error_bytes);
	if (ret < 0)
		return ret;
	snprintf(link, sizeof(link), "virtfn%u", vf);
	pci_read_link(root, pf_address, link, target);
	if (normalize(target, strlen(target), address))
		return 0;
	snprintf(error, error_bytes, "%s has no VF %u; \"podlane setup\" makes it", pf, vf);
	return -ENODEV;
}

int pci_find(const char *root, const char *text, char address[PCI_ADDRESS_BYTES], char *error,
	size_t error_bytes)
{
	char pf[PCI_PF_BYTES];
	unsigned vf;

	if (strncmp(text, "PCIDEVICE_", 10) == 0)
		return find_variable(text, address, error, error_bytes);
	if (normalize(text, strlen(text), address))
		return 0;
	if (pci_is_vf(text, pf, &vf))
		return find_vf(root, pf, vf, address, error, error_bytes);
	if (text[0] != '\0' && strchr(text, '/') == NULL && strchr(text, ':') == NULL)
		return find_interface(root, text, address, error, error_bytes);
	snprintf(error, error_bytes, "%s is no PCI address like 0000:3b:02.0", text);
	return -EINVAL;
}

static int try_access(const char *root, const char *folder, const char *name, int mode)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s/%s", root, folder, name);
	return access(path, mode) < 0 ? -errno : 0;
}

bool pci_is_for_dpdk(const char *driver)
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

	pci_read_link(root, address, "iommu_group", group);
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
	pci_read_link(root, address, "driver", driver);
	if (strcmp(driver, "vfio-pci") == 0)
		return check_vfio(root, address, error, error_bytes);
	if (pci_is_for_dpdk(driver))
		return 0;
	if (driver[0] != '\0')
		snprintf(bound, sizeof(bound), "bound to %s", driver);
	snprintf(error, error_bytes,
		"%s is %s; run: %sdpdk-devbind.py -b vfio-pci %s (\"podlane setup\" does it)",
		address, bound, has_vfio ? "" : "modprobe vfio-pci && ", address);
	return -EBUSY;
}

int pci_socket(const char *root, const char *address)
{
	char path[PATH_MAX];
	int node = -1;
	FILE *in;

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/numa_node", root, address);
	in = fopen(path, "re");
	if (in == NULL)
		return -1;
	if (fscanf(in, "%d", &node) != 1)
		node = -1;
	fclose(in);
	return node;
}
