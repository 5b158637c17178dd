/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What the BPF programs and the C that loads them must agree on: names of programs and maps, keys,
 * sizes. The kernel cuts names at 15 characters.
 */
#ifndef PODLANE_DATAPLANE_STEER_STEER_MAPS_H
#define PODLANE_DATAPLANE_STEER_STEER_MAPS_H

#include <linux/types.h>

#define STEER_PROG_UPLINK "podlane_steer"
#define STEER_PROG_POD	  "podlane_pod"
#define STEER_PROG_TO_POD "podlane_to_pod"

#define STEER_MAP_POOLS "pools" /**< LPM trie: struct steer_pool_key to a byte nobody reads */
#define STEER_MAP_PODS	"pods"	/**< hash: ifindex of an attached pod to a byte nobody reads */
#define STEER_MAP_TRUNK "trunk" /**< devmap: 0 to the ifindex of the trunk's host end */

#define STEER_MAP_ENDPOINTS "endpoints" /**< hash: struct steer_endpoint_key to a byte */

#define STEER_MAX_ENDPOINTS 8
#define STEER_MAX_POOLS	    1024
#define STEER_MAX_PODS	    1024

struct steer_pool_key {
	__u32 depth;
	__be32 prefix_be;
};

/** A tunnel end of ours: protocol 4 with port 0, or UDP with its port. */
struct steer_endpoint_key {
	__be32 addr_be;
	__be16 port_be;
	__u8 proto;
	__u8 pad;
};

#endif
