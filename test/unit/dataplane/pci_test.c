/* SPDX-License-Identifier: BSD-3-Clause */
/* A port's PCI device: what is written, and what a made-up /sys says of it. */
#include "dataplane/pci.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/unit/support.h"

#define VF "0000:3b:02.1"

static const struct {
	const char *text;
	const char *variable; /* value of PCIDEVICE_X; NULL: not set */
	const char *address;  /* NULL: refused */
	const char *error;    /* part of the message */
} finds[] = {
	{"0000:3b:02.1", NULL, "0000:3b:02.1", NULL},
	{"3b:02.1", NULL, "0000:3b:02.1", NULL},
	{"10AF:3B:1f.7", NULL, "10af:3b:1f.7", NULL},
	{"0000:3b:02", NULL, NULL, "0000:3b:02 is no PCI address like 0000:3b:02.0"},
	{"0000:3b:02.1 ", NULL, NULL, "is no PCI address"},
	{"00000:3b:02.1", NULL, NULL, "is no PCI address"},
	{"", NULL, NULL, "is no PCI address"},
	{"PCIDEVICE_X", "0000:3b:02.1", "0000:3b:02.1", NULL},
	{"PCIDEVICE_X[0]", "0000:3b:02.1", "0000:3b:02.1", NULL},
	{"PCIDEVICE_X[1]", "0000:3b:02.1,0000:3b:02.3", "0000:3b:02.3", NULL},
	{"PCIDEVICE_X", NULL, NULL, "the variable PCIDEVICE_X is not set"},
	{"PCIDEVICE_X", "", NULL, "the variable PCIDEVICE_X is not set"},
	{"PCIDEVICE_X", "0000:3b:02.1,0000:3b:02.3", NULL, "write PCIDEVICE_X[0] for one"},
	{"PCIDEVICE_X[2]", "0000:3b:02.1,0000:3b:02.3", NULL, "no PCI address in PCIDEVICE_X="},
	{"PCIDEVICE_X[x]", "0000:3b:02.1", NULL, "write PCIDEVICE_X[0], counting from 0"},
	{"PCIDEVICE_X[0]x", "0000:3b:02.1", NULL, "write PCIDEVICE_X[0], counting from 0"},
	{"PCIDEVICE_X", "nonsense", NULL, "no PCI address in PCIDEVICE_X=nonsense"},
	{"PCIDEVICE_X[1]", "0000:3b:02.1,", NULL, "no PCI address in"},
};

static void test_pci_find(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(finds) / sizeof(finds[0]); i++) {
		char address[PCI_ADDRESS_BYTES] = "", error[400] = "";
		int ret;

		unsetenv("PCIDEVICE_X");
		if (finds[i].variable != NULL)
			setenv("PCIDEVICE_X", finds[i].variable, 1);
		ret = pci_find("/nowhere", finds[i].text, address, error, sizeof(error));
		if (finds[i].address != NULL
				? ret != 0 || strcmp(address, finds[i].address) != 0
				: ret != -EINVAL || strstr(error, finds[i].error) == NULL)
			fail_msg("%s: %d \"%s\" \"%s\"", finds[i].text, ret, address, error);
	}
}

/* Whatever an address is cut at, it is taken whole or refused. */
static void test_pci_find_cut(void **state)
{
	const char *whole = "PCIDEVICE_X[1]";

	(void)state;
	setenv("PCIDEVICE_X", "0000:3b:02.1,0000:3b:02.3", 1);
	for (size_t len = 0; len < strlen(whole); len++) {
		char address[PCI_ADDRESS_BYTES], error[400] = "";
		char *cut = strndup(whole, len);

		assert_true(pci_find("/nowhere", cut, address, error, sizeof(error)) < 0);
		assert_true(error[0] != '\0');
		free(cut);
	}
}

static void test_pci_is_vf(void **state)
{
	static const struct {
		const char *text;
		bool is_vf;
	} rows[] = {
		{"enp59s0f0/vf1", true},
		{"0000:3b:00.0/vf1", true},
		{"3b:00.0/vf1", true},
		{"enp59s0f0/vf", false},
		{"enp59s0f0/1", false},
		{"/vf1", false},
		{"enp59s0f0/vf1 ", false},
		{"a-name-too-long-0/vf1", false},
		{"enp59s0f0", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char pf[PCI_PF_BYTES];
		unsigned vf = 0;

		if (pci_is_vf(rows[i].text, pf, &vf) != rows[i].is_vf)
			fail_msg("%s", rows[i].text);
		assert_true(!rows[i].is_vf || vf == 1);
	}
}

/* A root with one device in it; what is NULL is not there. */
struct machine {
	const char *driver; /* bound to the device */
	const char *group;  /* its IOMMU group */
	const char *vfio;   /* file in /dev/vfio */
	bool has_vfio_pci;  /* the module is loaded */
};

static void make_folders(const char *path)
{
	char part[PATH_MAX];

	for (const char *at = strchr(path + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
		assert_true(mkdir(part, 0755) == 0 || errno == EEXIST);
	}
}

static void put(const char *root, const char *path, const char *target)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", root, path);
	make_folders(full);
	if (target != NULL)
		assert_int_equal(symlink(target, full), 0);
	else
		assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
}

static void make_machine(char *root, const struct machine *machine)
{
	char path[PATH_MAX], target[PATH_MAX];

	assert_non_null(mkdtemp(root));
	put(root, "/sys/bus/pci/devices/" VF, NULL);
	if (machine->driver != NULL) {
		snprintf(target, sizeof(target), "../../drivers/%s", machine->driver);
		put(root, "/sys/bus/pci/devices/" VF "/driver", target);
	}
	if (machine->group != NULL) {
		snprintf(target, sizeof(target), "../../../kernel/iommu_groups/%s", machine->group);
		put(root, "/sys/bus/pci/devices/" VF "/iommu_group", target);
	}
	if (machine->vfio != NULL) {
		snprintf(path, sizeof(path), "/dev/vfio/%s", machine->vfio);
		put(root, path, NULL);
	}
	if (machine->has_vfio_pci)
		put(root, "/sys/bus/pci/drivers/vfio-pci", NULL);
}

static void remove_machine(const char *root)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

static const struct {
	struct machine machine;
	const char *address;
	int ret;
	const char *error; /* part of the message */
} checks[] = {
	{{"vfio-pci", "12", "12", true}, VF, 0, ""},
	{{"mlx5_core", NULL, NULL, false}, VF, 0, ""},
	{{"vfio-pci", "12", "12", true}, "0000:3b:02.2", -ENODEV,
		"there is no PCI device 0000:3b:02.2"},
	{{"iavf", "12", NULL, true}, VF, -EBUSY,
		VF " is bound to iavf; run: dpdk-devbind.py -b vfio-pci " VF},
	{{"iavf", "12", NULL, false}, VF, -EBUSY,
		"run: modprobe vfio-pci && dpdk-devbind.py -b vfio-pci " VF},
	{{NULL, "12", NULL, true}, VF, -EBUSY, VF " is bound to no driver; run: dpdk-devbind.py"},
	{{"vfio-pci", NULL, NULL, true}, VF, -ENXIO, VF " has no IOMMU group: switch the IOMMU on"},
	{{"vfio-pci", "12", "13", true}, VF, -ENOENT, "/dev/vfio/12: No such file or directory"},
};

static void test_pci_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		char root[] = "/tmp/podlane-pci-XXXXXX", error[400] = "";
		int ret;

		make_machine(root, &checks[i].machine);
		ret = pci_check(root, checks[i].address, error, sizeof(error));
		remove_machine(root);
		if (ret != checks[i].ret || strstr(error, checks[i].error) == NULL)
			fail_msg("row %zu: %d \"%s\"", i, ret, error);
	}
}

static void test_pci_socket(void **state)
{
	static const struct {
		const char *text;
		int node;
	} rows[] = {{"1\n", 1}, {"0\n", 0}, {"-1\n", -1}, {"", -1}, {"x\n", -1}};
	char root[] = "/tmp/podlane-pci-XXXXXX", path[PATH_MAX];

	(void)state;
	assert_non_null(mkdtemp(root));
	put(root, "/sys/bus/pci/devices/" VF, NULL);
	assert_int_equal(pci_socket(root, VF), -1);
	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/" VF "/numa_node", root);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		FILE *out = fopen(path, "we");

		assert_non_null(out);
		fputs(rows[i].text, out);
		fclose(out);
		assert_int_equal(pci_socket(root, VF), rows[i].node);
	}
	remove_machine(root);
}

/* By what the kernel shows: an interface's device, a PF's VF. */
static void test_pci_find_by_name(void **state)
{
	static const struct {
		const char *text, *address;
		int ret;
		const char *error;
	} rows[] = {
		{"enp59s0f0", "0000:3b:00.0", 0, ""},
		{"enp59s0f0/vf1", VF, 0, ""},
		{"0000:3b:00.0/vf1", VF, 0, ""},
		{"3B:00.0/vf1", VF, 0, ""},
		{"enp59s0f0/vf2", NULL, -ENODEV,
			"enp59s0f0 has no VF 2; \"podlane setup\" makes it"},
		{"enp59s0f9/vf1", NULL, -ENODEV, "there is no interface of this name"},
		{"veth0", NULL, -EINVAL, "veth0 is no PCI device; take interface: veth0"},
		{"virtio0", NULL, -EINVAL, "is no PCI device"},
		{"enp59s0f0/vfx", NULL, -EINVAL, "is no PCI address"},
	};
	char root[] = "/tmp/podlane-pci-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(root));
	put(root, "/sys/class/net/enp59s0f0/device", "../../../0000:3b:00.0");
	put(root, "/sys/bus/pci/devices/0000:3b:00.0/virtfn1", "../" VF);
	put(root, "/sys/class/net/veth0", NULL);
	put(root, "/sys/class/net/virtio0/device", "../../../virtio1");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char address[PCI_ADDRESS_BYTES] = "", error[400] = "";
		int ret = pci_find(root, rows[i].text, address, error, sizeof(error));

		if (ret != rows[i].ret || strstr(error, rows[i].error) == NULL ||
			(ret == 0 && strcmp(address, rows[i].address) != 0))
			fail_msg("%s: %d \"%s\" \"%s\"", rows[i].text, ret, address, error);
	}
	remove_machine(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pci_find),
		cmocka_unit_test(test_pci_find_cut),
		cmocka_unit_test(test_pci_is_vf),
		cmocka_unit_test(test_pci_find_by_name),
		cmocka_unit_test(test_pci_socket),
		cmocka_unit_test(test_pci_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
