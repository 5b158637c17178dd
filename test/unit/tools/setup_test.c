/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * podlane setup on a made-up machine, that of the script $MACHINE. The program is in $PODLANE.
 */
#include "test/unit/support.h"

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIG                                                                                     \
	"node:\n  name: n\ndataplane:\n  hugepages: true\n  memory_mb: 512\n"                      \
	"ports:\n  - name: uplink0\n    "
#define PAGES "/sys/kernel/mm/hugepages/hugepages-2048kB/"

static char folder[64];

static void shell(const char *script)
{
	char command[8192];

	snprintf(command, sizeof(command), "set -e; R=%s; %s", folder, script);
	if (system(command) != 0)
		fail_msg("%s", command);
}

/* Run it. @device: pci or devargs of the port. Returns: its document; *rc is the exit status */
static json_t *setup(const char *device, const char *options, int *rc)
{
	char command[1024];
	json_error_t error;
	json_t *doc;
	FILE *out;

	snprintf(command, sizeof(command), "%s/podlane.yaml", folder);
	out = fopen(command, "we");
	assert_non_null(out);
	fprintf(out, CONFIG "%s: %s\n", strchr(device, '=') != NULL ? "devargs" : "pci", device);
	fclose(out);
	snprintf(command, sizeof(command),
		"PATH=%s/bin:$PATH $PODLANE setup --json --root %s --config %s/podlane.yaml %s "
		"2>/dev/null",
		folder, folder, folder, options);
	out = popen(command, "re");
	assert_non_null(out);
	doc = json_loadf(out, 0, &error);
	*rc = WEXITSTATUS(pclose(out));
	if (doc == NULL)
		fail_msg("%s: %s", command, error.text);
	return doc;
}

static const char *of_step(const json_t *doc, const char *what, const char *key)
{
	json_t *step;
	size_t i;

	json_array_foreach(json_object_get(doc, "steps"), i, step)
	{
		if (strcmp(json_string_value(json_object_get(step, "what")), what) == 0)
			return json_string_value(json_object_get(step, key));
	}
	return NULL;
}

static void expect_state(const json_t *doc, const char *what, const char *state)
{
	const char *seen = of_step(doc, what, "state");

	if (seen == NULL || strcmp(seen, state) != 0)
		fail_msg("%s: %s, not %s", what, seen, state);
}

static bool is_bound(const char *address, const char *driver)
{
	char path[PATH_MAX], target[PATH_MAX] = "";

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/%s/driver", folder, address);
	assert_true(readlink(path, target, sizeof(target) - 1) > 0);
	return strcmp(strrchr(target, '/') + 1, driver) == 0;
}

/* From nothing to ready; then again, when there is nothing left to do. */
static void test_setup_makes_ready(void **state)
{
	json_t *doc;
	int rc;

	(void)state;
	shell("sh $MACHINE $R");
	shell("rmdir $R/sys/bus/pci/drivers/vfio-pci; echo 100 > $R" PAGES "nr_hugepages");
	doc = setup("enp1s0f0/vf1", "", &rc);
	assert_int_equal(rc, 0);
	expect_state(doc, "hugepages", "changed");
	expect_state(doc, "iommu", "ok");
	expect_state(doc, "vfio-pci", "changed");
	expect_state(doc, "locked memory", "ok");
	expect_state(doc, "VFs", "changed");
	expect_state(doc, "driver", "changed");
	assert_string_equal(of_step(doc, "driver", "command"),
		"dpdk-devbind.py -b vfio-pci 0000:01:10.1");
	assert_true(json_is_true(json_object_get(doc, "is_ready")));
	json_decref(doc);
	assert_true(is_bound("0000:01:10.1", "vfio-pci"));
	assert_true(is_bound("0000:01:10.0", "igbvf"));
	shell("[ $(cat $R/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs) = 2 ];"
	      "[ $(cat $R" PAGES "nr_hugepages) = 256 ]");

	doc = setup("enp1s0f0/vf1", "", &rc);
	assert_int_equal(rc, 0);
	for (size_t i = 0; i < json_array_size(json_object_get(doc, "steps")); i++)
		assert_string_equal(
			json_string_value(json_object_get(
				json_array_get(json_object_get(doc, "steps"), i), "state")),
			"ok");
	assert_int_equal(json_array_size(json_object_get(doc, "steps")), 6);
	json_decref(doc);
}

static void test_setup_dry_run_changes_nothing(void **state)
{
	json_t *doc;
	int rc;

	(void)state;
	shell("sh $MACHINE $R");
	shell("rm $R/sys/bus/pci/devices/0000:01:00.0/virtfn1");
	doc = setup("01:00.0/vf1", "--dry-run", &rc);
	assert_int_equal(rc, 0);
	expect_state(doc, "VFs", "to-do");
	expect_state(doc, "driver", "to-do");
	assert_non_null(strstr(of_step(doc, "VFs", "command"),
		"echo 2 > /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs"));
	assert_true(json_is_false(json_object_get(doc, "is_ready")));
	json_decref(doc);
	doc = setup("0000:01:10.0", "-n", &rc);
	assert_int_equal(rc, 0);
	expect_state(doc, "driver", "to-do");
	json_decref(doc);
	assert_true(is_bound("0000:01:10.0", "igbvf"));
	shell("[ $(cat $R/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs) = 0 ]");
}

/* What stands in the way, what is said of it; and then nothing else is done either. */
static const struct {
	const char *pci, *change, *what, *text;
} refusals[] = {
	{"0000:01:10.0", "rm -r $R/sys/kernel/iommu_groups/*", "iommu", "intel_iommu=on"},
	{"0000:01:10.0", "printf 'enp1s0f0v0\\t0000A8C0\\n' >> $R/proc/net/route", "driver",
		"0000:01:10.0 is enp1s0f0v0, by which the kernel has routes"},
	{"enp1s0f0", "printf 'enp1s0f0\\t0000A8C0\\n' >> $R/proc/net/route", "driver",
		"or take a VF: pci: enp1s0f0/vf0"},
	{"0000:01:10.0", "mkdir -p $R/sys/kernel/iommu_groups/2/devices/0000:01:00.0", "driver",
		"shares its IOMMU group with 0000:01:00.0, which igb has"},
	{"0000:01:10.7", "true", "driver", "there is no PCI device 0000:01:10.7"},
	{"enp1s0f0/vf2", "true", "VFs", "it can have 2, and vf2 is wanted"},
	{"enp1s0f0/vf1", "echo 1 > $R/sys/bus/pci/devices/0000:01:00.0/sriov_numvfs", "VFs",
		"it has 1, 2 are wanted"},
	{"enp1s0f0/vf0", "rm $R/sys/bus/pci/devices/0000:01:00.0/sriov_totalvfs", "VFs",
		"has no SR-IOV"},
	{"enp9s0/vf0", "true", "VFs", "there is no interface of this name"},
	{"veth0", "true", "driver", "take interface: veth0"},
	{"PCIDEVICE_NONE", "true", "driver", "the variable PCIDEVICE_NONE is not set"},
};

static void test_setup_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const char *text;
		json_t *doc;
		int rc;

		shell("sh $MACHINE $R");
		shell(refusals[i].change);
		shell("echo 1 > $R" PAGES "nr_hugepages");
		doc = setup(refusals[i].pci, "", &rc);
		text = of_step(doc, refusals[i].what, "text");
		if (rc != 1 || text == NULL || strstr(text, refusals[i].text) == NULL)
			fail_msg("row %zu: %d \"%s\"", i, rc, text);
		expect_state(doc, refusals[i].what, "refused");
		assert_true(json_is_false(json_object_get(doc, "is_ready")));
		expect_state(doc, "hugepages", "to-do");
		shell("[ $(cat $R" PAGES "nr_hugepages) = 1 ]");
		json_decref(doc);
	}
}

/* dpdk-devbind.py ends with 0 whatever becomes of the device. */
static void test_setup_says_what_failed(void **state)
{
	json_t *doc;
	int rc;

	(void)state;
	shell("sh $MACHINE $R");
	shell("printf '#!/bin/sh\\necho it is active. Not modifying\\n' > $R/bin/dpdk-devbind.py");
	doc = setup("0000:01:10.0", "", &rc);
	assert_int_equal(rc, 1);
	expect_state(doc, "driver", "failed");
	assert_string_equal(of_step(doc, "driver", "text"), "it is active. Not modifying");
	json_decref(doc);
}

/* A driver that shares its device needs neither vfio nor an IOMMU. */
static void test_setup_shared_device(void **state)
{
	json_t *doc;
	int rc;

	(void)state;
	shell("sh $MACHINE $R");
	shell("ln -sfn ../../drivers/mlx5_core $R/sys/bus/pci/devices/0000:01:00.0/driver;"
	      "rm -r $R/sys/kernel/iommu_groups/*; printf 'enp1s0f0\\t0000A8C0\\n' >> "
	      "$R/proc/net/route");
	doc = setup("enp1s0f0", "", &rc);
	assert_int_equal(rc, 0);
	assert_null(of_step(doc, "iommu", "state"));
	expect_state(doc, "driver", "ok");
	assert_string_equal(of_step(doc, "driver", "text"), "0000:01:00.0 is bound to mlx5_core");
	json_decref(doc);
}

/* A bond's members are bound like ports; of virtual ones nothing is wanted. */
static void test_setup_bond(void **state)
{
	json_t *doc;
	int rc;

	(void)state;
	shell("sh $MACHINE $R");
	doc = setup("net_bonding0,mode=1,member=0000:01:10.0,member=0000:01:10.1", "", &rc);
	assert_int_equal(rc, 0);
	expect_state(doc, "iommu", "ok");
	expect_state(doc, "locked memory", "ok");
	expect_state(doc, "driver", "changed");
	assert_null(of_step(doc, "VFs", "state"));
	json_decref(doc);
	assert_true(is_bound("0000:01:10.0", "vfio-pci"));
	assert_true(is_bound("0000:01:10.1", "vfio-pci"));

	shell("sh $MACHINE $R");
	doc = setup("net_bonding0,mode=1,member=enp1s0f0/vf0,member=enp1s0f0/vf1", "-n", &rc);
	assert_non_null(strstr(of_step(doc, "VFs", "command"), "echo 2"));
	// node: 4; one of the PF's; one of each driver
	assert_int_equal(json_array_size(json_object_get(doc, "steps")), 7);
	json_decref(doc);

	doc = setup("net_bonding0,mode=1,member=net_null0,member=0000:01:10.7", "", &rc);
	assert_int_equal(rc, 1);
	expect_state(doc, "driver", "refused");
	json_decref(doc);

	doc = setup("net_bonding0,mode=1,member=net_null0", "", &rc);
	assert_int_equal(rc, 0);
	assert_null(of_step(doc, "driver", "state"));
	assert_null(of_step(doc, "locked memory", "state"));
	json_decref(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_setup_makes_ready),
		cmocka_unit_test(test_setup_dry_run_changes_nothing),
		cmocka_unit_test(test_setup_refuses),
		cmocka_unit_test(test_setup_says_what_failed),
		cmocka_unit_test(test_setup_shared_device),
		cmocka_unit_test(test_setup_bond),
	};
	int ret;

	snprintf(folder, sizeof(folder), "/tmp/podlane-setup.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return EXIT_FAILURE;
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	shell("rm -rf $R");
	return ret;
}
