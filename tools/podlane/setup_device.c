/* SPDX-License-Identifier: BSD-3-Clause */
/* What podlane setup sees to for each PCI port: its VF, and the VF's driver. */
#include "tools/podlane/setup.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/pci.h"

#define DEVICES		"/sys/bus/pci/devices"
#define CLASS_BRIDGE	0x06u /* PCI's base class: bridges stay with the kernel */
#define INTERFACE_BYTES 16u

bool setup_wants_vfio(const struct setup *setup, const char *text)
{
	char address[PCI_ADDRESS_BYTES], driver[NAME_MAX], error[300];

	if (pci_find(setup->root, text, address, error, sizeof(error)) < 0)
		return true;
	pci_read_link(setup->root, address, "driver", driver);
	return !pci_is_for_dpdk(driver) || strcmp(driver, "vfio-pci") == 0;
}

static void write_vfs(struct setup *setup, const char *pf, const char *path, unsigned n)
{
	char command[160];
	int ret;

	snprintf(command, sizeof(command), "echo %u > %s", n, path);
	if (setup->mode == SETUP_SHOW) {
		setup_note(setup, SETUP_TO_DO, "VFs", pf, command, "none");
		return;
	}
	ret = setup_write(setup, path, n);
	if (ret < 0)
		setup_note(setup, SETUP_FAILED, "VFs", pf, command, "%s; dmesg may say why",
			strerror(-ret));
	else
		setup_note(setup, SETUP_CHANGED, "VFs", pf, command, "%u", n);
}

void setup_vfs(struct setup *setup, const char *pf, unsigned last)
{
	char address[PCI_ADDRESS_BYTES], error[300], path[96], total[96];
	uint64_t n_have = 0, n_most = 0;
	unsigned n = last + 1;

	if (pci_find(setup->root, pf, address, error, sizeof(error)) < 0) {
		setup_note(setup, SETUP_REFUSED, "VFs", pf, NULL, "%s", error);
		return;
	}
	snprintf(path, sizeof(path), DEVICES "/%s/sriov_numvfs", address);
	snprintf(total, sizeof(total), DEVICES "/%s/sriov_totalvfs", address);
	if (setup_read(setup, total, &n_most) < 0 || setup_read(setup, path, &n_have) < 0)
		setup_note(setup, SETUP_REFUSED, "VFs", pf, NULL,
			"its driver or firmware has no SR-IOV: switch it on there");
	else if (n_have >= n)
		setup_note(setup, SETUP_OK, "VFs", pf, NULL, "%llu", (unsigned long long)n_have);
	else if (n > n_most)
		setup_note(setup, SETUP_REFUSED, "VFs", pf, NULL,
			"it can have %llu, and vf%u is wanted", (unsigned long long)n_most, last);
	else if (n_have > 0)
		setup_note(setup, SETUP_REFUSED, "VFs", pf, NULL,
			"it has %llu, %u are wanted, and the kernel changes that by way of 0 only: "
			"when "
			"nobody uses them, echo 0 > %s",
			(unsigned long long)n_have, n, path);
	else
		write_vfs(setup, pf, path, n);
}

/* Has an interface routes in the kernel's main table? */
static bool has_routes(const struct setup *setup, const char *interface)
{
	char path[PATH_MAX], line[256], name[INTERFACE_BYTES];
	bool is_found = false;
	FILE *in;

	snprintf(path, sizeof(path), "%s/proc/net/route", setup->root);
	in = fopen(path, "re");
	while (in != NULL && !is_found && fgets(line, sizeof(line), in) != NULL)
		is_found = sscanf(line, "%15s", name) == 1 && strcmp(name, interface) == 0;
	if (in != NULL)
		fclose(in);
	return is_found;
}

/* The interface of the device that the kernel sends by. Returns: is there one? */
static bool find_routed(const struct setup *setup, const char *address,
	char interface[INTERFACE_BYTES])
{
	char path[PATH_MAX];
	bool is_found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s" DEVICES "/%s/net", setup->root, address);
	dir = opendir(path);
	for (struct dirent *entry; dir != NULL && !is_found && (entry = readdir(dir)) != NULL;) {
		snprintf(interface, INTERFACE_BYTES, "%.15s", entry->d_name);
		is_found = entry->d_name[0] != '.' && has_routes(setup, interface);
	}
	if (dir != NULL)
		closedir(dir);
	return is_found;
}

static bool is_bridge(const struct setup *setup, const char *address)
{
	char path[PATH_MAX];
	unsigned class = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s" DEVICES "/%s/class", setup->root, address);
	in = fopen(path, "re");
	if (in == NULL || fscanf(in, "%x", &class) != 1)
		class = 0;
	if (in != NULL)
		fclose(in);
	return class >> 16 == CLASS_BRIDGE;
}

/* Another device of the IOMMU group that a driver of the kernel has: vfio gives out whole groups. */
static bool find_neighbour(const struct setup *setup, const char *address, char neighbour[NAME_MAX],
	char driver[NAME_MAX])
{
	char path[PATH_MAX];
	bool is_found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s" DEVICES "/%s/iommu_group/devices", setup->root, address);
	dir = opendir(path);
	for (struct dirent *entry; dir != NULL && !is_found && (entry = readdir(dir)) != NULL;) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, address) == 0 ||
			is_bridge(setup, entry->d_name))
			continue;
		snprintf(neighbour, NAME_MAX, "%.250s", entry->d_name);
		pci_read_link(setup->root, neighbour, "driver", driver);
		is_found = driver[0] != '\0' && strcmp(driver, "vfio-pci") != 0;
	}
	if (dir != NULL)
		closedir(dir);
	return is_found;
}

static void run_devbind(struct setup *setup, const char *port, char *address, const char *command)
{
	static char program[] = "dpdk-devbind.py", bind[] = "-b", driver[] = "vfio-pci";
	char *const argv[] = {program, bind, driver, address, NULL};
	char output[300], now[NAME_MAX];
	int ret = setup_run(argv, output, sizeof(output));

	// it ends with 0 whatever happened to the device
	pci_read_link(setup->root, address, "driver", now);
	if (ret == 0 && strcmp(now, driver) == 0)
		setup_note(setup, SETUP_CHANGED, "driver", port, command, "%s is bound to vfio-pci",
			address);
	else
		setup_note(setup, SETUP_FAILED, "driver", port, command, "%s",
			output[0] != '\0' ? output : "the device stayed where it was; see dmesg");
}

static void bind_device(struct setup *setup, const char *port, char *address, const char *driver)
{
	char interface[INTERFACE_BYTES], neighbour[NAME_MAX], other[NAME_MAX] = "";
	char command[80];

	snprintf(command, sizeof(command), "dpdk-devbind.py -b vfio-pci %s", address);
	if (find_routed(setup, address, interface))
		setup_note(setup, SETUP_REFUSED, "driver", port, NULL,
			"%s is %s, by which the kernel has routes: give its addresses to another "
			"interface first, or take a VF: pci: %s/vf0",
			address, interface, interface);
	else if (find_neighbour(setup, address, neighbour, other))
		setup_note(setup, SETUP_REFUSED, "driver", port, NULL,
			"%s shares its IOMMU group with %s, which %s has: move the card to another "
			"slot, or bind that one to vfio-pci, too",
			address, neighbour, other);
	else if (setup->mode == SETUP_SHOW)
		setup_note(setup, SETUP_TO_DO, "driver", port, command, "%s is bound to %s",
			address, driver[0] != '\0' ? driver : "no driver");
	else
		run_devbind(setup, port, address, command);
}

void setup_device(struct setup *setup, const char *port, const char *text)
{
	char address[PCI_ADDRESS_BYTES], driver[NAME_MAX] = "", error[300], pf[PCI_PF_BYTES];
	unsigned vf;
	int ret = pci_find(setup->root, text, address, error, sizeof(error));

	if (ret < 0 && setup->mode == SETUP_SHOW && pci_is_vf(text, pf, &vf)) {
		setup_note(setup, SETUP_TO_DO, "driver", port, "dpdk-devbind.py -b vfio-pci ...",
			"%s is not there yet", text);
		return;
	}
	if (ret == 0) {
		pci_read_link(setup->root, address, "driver", driver);
		if (pci_is_for_dpdk(driver))
			ret = pci_check(setup->root, address, error, sizeof(error));
		else if (pci_check(setup->root, address, error, sizeof(error)) == -ENODEV)
			ret = -ENODEV;
	}
	if (ret < 0)
		setup_note(setup, SETUP_REFUSED, "driver", port, NULL, "%s", error);
	else if (pci_is_for_dpdk(driver))
		setup_note(setup, SETUP_OK, "driver", port, NULL, "%s is bound to %s", address,
			driver);
	else
		bind_device(setup, port, address, driver);
}
