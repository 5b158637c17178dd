/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A node and its pods in network namespaces without names: they end with the test, however it ends.
 */
#ifndef PODLANE_TEST_UNIT_DATAPLANE_STEER_NAMESPACES_H
#define PODLANE_TEST_UNIT_DATAPLANE_STEER_NAMESPACES_H

#include <stdint.h>

#define EXIT_SKIP 77

/** One pod, wired as Calico does. */
struct pod {
	int ns_fd;
	char host_name[16];
	uint32_t ifindex; /**< of the host side */
	uint32_t address; /**< host order */
	uint8_t mac[6];
};

/** Move this process into a new namespace that forwards. Returns: 0, or EXIT_SKIP with the reason.
 */
int node_enter(void);

/** Run a shell command in a namespace, -1 for this one. Returns: its exit status. */
__attribute__((format(printf, 2, 3))) int run_in(int ns_fd, const char *format, ...);

/** The pod's host side is cali<number>, its address 10.244.0.<number>. */
void pod_add(struct pod *pod, unsigned number);
void pod_remove(struct pod *pod);

/** How many packets this namespace's kernel forwarded. */
uint64_t count_kernel_forwarded(void);

#endif
