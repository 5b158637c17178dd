/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What steer.c, steer_pod.c and steer_trunk.c share. Nobody outside this folder includes it.
 */
#ifndef PODLANE_DATAPLANE_STEER_STEER_PRIVATE_H
#define PODLANE_DATAPLANE_STEER_STEER_PRIVATE_H

#include "dataplane/steer/steer.h"

#include <limits.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>

#include "dataplane/steer/steer_maps.h"

#define STEER_MAX_UPLINKS 32 /**< RTE_MAX_ETHPORTS of Debian's DPDK */

struct bpf_object;

/** An interface under net_af_xdp: an uplink, or the trunk's DPDK end. */
struct steer_uplink {
	char name[IF_NAMESIZE];
	int lock_fd;
	int pools_fd;	  /**< -1 before steer_uplink_open(), and always for the trunk */
	int endpoints_fd; /**< likewise */
};

/** The trunk; host_ifindex is 0 when there is none. */
struct steer_trunk {
	int lock_fd;
	uint32_t host_ifindex;
};

struct steer {
	char uplink_object[PATH_MAX];
	struct bpf_object *pod_object;
	int pod_prog_fd;
	uint32_t pod_prog_id;
	int to_pod_prog_fd;
	int pod_pools_fd;
	int pods_fd;
	int trunk_fd;

	struct steer_uplink uplinks[STEER_MAX_UPLINKS];
	unsigned n_uplinks;
	struct steer_trunk trunk;

	struct steer_prefix pools[STEER_MAX_POOLS];
	unsigned n_pools;
	struct steer_endpoint endpoints[STEER_MAX_ENDPOINTS];
	unsigned n_endpoints;
	struct steer_pod pods[STEER_MAX_PODS];
	unsigned n_pods;
};

/** Write the message and return the code, so that a caller can fail in one line. */
__attribute__((format(printf, 4, 5))) static inline int steer_fail(int code, char *error,
	size_t error_bytes, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, error_bytes, format, args);
	va_end(args);
	return code;
}

/** Undo steer_trunk_create(): the pair is deleted, and with it the tc program. */
void steer_trunk_delete(struct steer *steer);

/** Find the endpoints of an uplink's program, and fill them. Errors: -ENOENT, from the map */
int steer_endpoints_open(struct steer *steer, struct steer_uplink *uplink, uint32_t prog_id,
	char *error, size_t error_bytes);

#endif
