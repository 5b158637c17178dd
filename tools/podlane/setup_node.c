/* SPDX-License-Identifier: BSD-3-Clause */
/* What podlane setup sees to once per node: huge pages, vfio, the IOMMU, locked memory. */
#include "tools/podlane/setup.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PAGES	     "/sys/kernel/mm/hugepages"
#define CAP_IPC_LOCK 14 /* linux/capability.h */

/* All huge pages of one size. */
static uint64_t count_mb(const struct setup *setup, unsigned page_kb, const char *file)
{
	char path[128];
	uint64_t n = 0;

	snprintf(path, sizeof(path), PAGES "/hugepages-%ukB/%s", page_kb, file);
	return setup_read(setup, path, &n) < 0 ? 0 : n * page_kb / 1024;
}

void setup_hugepages(struct setup *setup, uint32_t memory_mb)
{
	static const char path[] = PAGES "/hugepages-2048kB/nr_hugepages";
	uint64_t have_mb =
		count_mb(setup, 2048, "nr_hugepages") + count_mb(setup, 1048576, "nr_hugepages");
	uint64_t free_mb = count_mb(setup, 2048, "free_hugepages") +
			   count_mb(setup, 1048576, "free_hugepages");
	uint64_t n_pages = 0, wanted;
	char command[160];
	int ret;

	if (have_mb >= memory_mb) {
		setup_note(setup, SETUP_OK, "hugepages", "node", NULL,
			"%llu MB, %llu free; dataplane.memory_mb is %u",
			(unsigned long long)have_mb, (unsigned long long)free_mb, memory_mb);
		return;
	}
	setup_read(setup, path, &n_pages);
	wanted = n_pages + (memory_mb - have_mb + 1) / 2;
	snprintf(command, sizeof(command), "echo %llu > %s", (unsigned long long)wanted, path);
	if (setup->mode == SETUP_SHOW) {
		setup_note(setup, SETUP_TO_DO, "hugepages", "node", command,
			"%llu MB, but dataplane.memory_mb is %u", (unsigned long long)have_mb,
			memory_mb);
		return;
	}
	ret = setup_write(setup, path, wanted);
	if (ret == 0)
		ret = setup_read(setup, path, &n_pages);
	if (ret == 0 && n_pages >= wanted)
		setup_note(setup, SETUP_CHANGED, "hugepages", "node", command, "%u MB", memory_mb);
	else
		setup_note(setup, SETUP_FAILED, "hugepages", "node", command,
			"%s: %llu of %llu pages; free memory, or boot with hugepages=%llu",
			ret < 0 ? strerror(-ret) : "memory is short", (unsigned long long)n_pages,
			(unsigned long long)wanted, (unsigned long long)wanted);
}

static bool is_there(const struct setup *setup, const char *path)
{
	char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s%s", setup->root, path);
	return access(full, F_OK) == 0;
}

static unsigned count_entries(const struct setup *setup, const char *path)
{
	char full[PATH_MAX];
	unsigned n = 0;
	DIR *dir;

	snprintf(full, sizeof(full), "%s%s", setup->root, path);
	dir = opendir(full);
	if (dir == NULL)
		return 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void load_vfio(struct setup *setup)
{
	static char program[] = "modprobe", module[] = "vfio-pci";
	char *const argv[] = {program, module, NULL};
	char output[300];

	if (is_there(setup, "/sys/bus/pci/drivers/vfio-pci"))
		setup_note(setup, SETUP_OK, "vfio-pci", "node", NULL, "loaded");
	else if (setup->mode == SETUP_SHOW)
		setup_note(setup, SETUP_TO_DO, "vfio-pci", "node", "modprobe vfio-pci",
			"not loaded");
	else if (setup_run(argv, output, sizeof(output)) < 0)
		setup_note(setup, SETUP_FAILED, "vfio-pci", "node", "modprobe vfio-pci", "%s",
			output);
	else
		setup_note(setup, SETUP_CHANGED, "vfio-pci", "node", "modprobe vfio-pci", "loaded");
}

void setup_vfio(struct setup *setup)
{
	unsigned n_groups = count_entries(setup, "/sys/kernel/iommu_groups");

	// vfio's mode without one takes physical addresses, and ours are virtual (dataplane/eal.c)
	if (n_groups == 0)
		setup_note(setup, SETUP_REFUSED, "iommu", "node", NULL,
			"off: switch it on in the firmware (VT-d, AMD-Vi), and boot with "
			"intel_iommu=on or amd_iommu=on");
	else
		setup_note(setup, SETUP_OK, "iommu", "node", NULL, "on, %u groups", n_groups);
	load_vfio(setup);
}

static bool may_lock(const struct setup *setup)
{
	char full[PATH_MAX], line[128];
	unsigned long long caps = 0;
	FILE *in;

	snprintf(full, sizeof(full), "%s/proc/self/status", setup->root);
	in = fopen(full, "re");
	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	if (in != NULL)
		fclose(in);
	return caps >> CAP_IPC_LOCK & 1;
}

void setup_locked_memory(struct setup *setup)
{
	struct rlimit limit = {0};

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (may_lock(setup))
		setup_note(setup, SETUP_OK, "locked memory", "process", NULL, "CAP_IPC_LOCK");
	else if (limit.rlim_cur == RLIM_INFINITY)
		setup_note(setup, SETUP_OK, "locked memory", "process", NULL, "no limit");
	else
		setup_note(setup, SETUP_REFUSED, "locked memory", "process", NULL,
			"%llu kB at most, and vfio locks all packet memory: run as root, give the "
			"container CAP_IPC_LOCK, or the service LimitMEMLOCK=infinity",
			(unsigned long long)limit.rlim_cur / 1024);
}
