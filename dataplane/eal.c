/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Starting DPDK's environment: the configuration as rte_eal_init() wants it. Called by main.c.
 */
#include "dataplane/eal.h"

#include "dataplane/packet.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_mbuf_dyn.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_ARGS 20

/*
 * The only device that the EAL may take by itself: none, for no NIC has this address. It would take
 * all that are bound to vfio-pci; port_add() takes each that is configured, and says why it cannot.
 */
#define NO_DEVICE "0000:00:00.0"

static int check_cpus(const struct eal_config *config, char *error, size_t error_bytes)
{
	long n_cpus = sysconf(_SC_NPROCESSORS_CONF);
	unsigned i;

	for (i = 0; i < config->n_workers && config->workers[i] < n_cpus; i++)
		;
	if (i == config->n_workers && config->main_lcore < n_cpus)
		return 0;
	snprintf(error, error_bytes,
		"there is no CPU %u: this machine has 0 to %ld; set dataplane.main_lcore and "
		"dataplane.workers",
		i < config->n_workers ? config->workers[i] : config->main_lcore, n_cpus - 1);
	return -EINVAL;
}

/*
 * DPDK's lcores are numbers of ours, each pinned to a CPU: the main lcore may have a worker's, and a CPU
 * may have a number above RTE_MAX_LCORE.
 */
static void list_lcores(const struct eal_config *config, char *list, size_t bytes)
{
	int len = snprintf(list, bytes, "--lcores=%u@%u", EAL_MAIN_LCORE, config->main_lcore);

	for (unsigned i = 0; i < config->n_workers && (size_t)len < bytes; i++)
		len += snprintf(list + len, bytes - (size_t)len, ",%u@%u", eal_lcore_of_worker(i),
			config->workers[i]);
}

/* The marks of packet.h; a driver that needs a bit of its own takes another one. */
static int keep_mark(const char *name, unsigned bit)
{
	struct rte_mbuf_dynflag flag = {{0}};

	snprintf(flag.name, sizeof(flag.name), "%s", name);
	return rte_mbuf_dynflag_register_bitnum(&flag, bit) < 0 ? -rte_errno : 0;
}

int eal_start(const struct eal_config *config, char *error, size_t error_bytes)
{
	char lcores[512], main_lcore[32], memory[32], prefix[64];
	char program[] = "podlane-dataplane", no_pci[] = "--no-pci",
	     no_device[] = "--allow=" NO_DEVICE, quiet[] = "--log-level=lib.*:4";
	// the addresses in rings and the kernel's are virtual: memory stays in one piece (pool.c)
	char iova[] = "--iova-mode=va";
	char no_telemetry[] = "--no-telemetry", in_memory[] = "--in-memory",
	     no_huge[] = "--no-huge";
	char no_shconf[] = "--no-shconf", app[] = "--log-level=user1:7",
	     pmd[] = "--log-level=pmd.*:4";
	char *argv[MAX_ARGS];
	int argc = 0;

	if (check_cpus(config, error, error_bytes) < 0)
		return -EINVAL;
	list_lcores(config, lcores, sizeof(lcores));
	snprintf(main_lcore, sizeof(main_lcore), "--main-lcore=%u", EAL_MAIN_LCORE);
	snprintf(memory, sizeof(memory), "-m%u", config->memory_mb);
	snprintf(prefix, sizeof(prefix), "--file-prefix=podlane-%s", config->node);

	argv[argc++] = program;
	argv[argc++] = lcores;
	argv[argc++] = main_lcore;
	argv[argc++] = memory;
	argv[argc++] = prefix;
	argv[argc++] = config->has_pci ? no_device : no_pci;
	argv[argc++] = iova;
	argv[argc++] = no_telemetry;
	if (config->has_hugepages) {
		argv[argc++] = in_memory;
	} else {
		// 22.11 refuses --in-memory together with --no-huge
		argv[argc++] = no_huge;
		argv[argc++] = no_shconf;
	}
	if (!config->is_verbose) {
		argv[argc++] = quiet;
		argv[argc++] = pmd;
	}
	argv[argc++] = app;
	argv[argc] = NULL;

	if (rte_eal_init(argc, argv) >= 0) {
		int ret = keep_mark("podlane_from_ipip", PACKET_FROM_IPIP_BIT);

		if (ret == 0)
			ret = keep_mark("podlane_from_vxlan", PACKET_FROM_VXLAN_BIT);
		if (ret < 0)
			snprintf(error, error_bytes, "cannot mark packets: %s", strerror(-ret));
		return ret;
	}
	snprintf(error, error_bytes, "DPDK does not start: %s; %s", strerror(rte_errno),
		config->has_hugepages ? "check hugepages (/proc/sys/vm/nr_hugepages), or set "
					"dataplane.hugepages: false"
				      : "check dataplane.memory_mb against free memory");
	return -rte_errno;
}

void eal_stop(void)
{
	// 22.11 closes vfio with the last device, and then complains of each page that it cannot unmap;
	// gone when a PCI port ends without "Unexpected size 0 of DMA remapping cleared"
	rte_log_set_level_pattern("lib.eal", RTE_LOG_CRIT);
	rte_eal_cleanup();
}
