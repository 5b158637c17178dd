/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The fast lane's destinations, for the XDP programs of this folder: each object has its own
 * `pools`, and steer.c keeps all of them the same. An empty trie passes everything to the kernel.
 */
#ifndef PODLANE_DATAPLANE_STEER_POOLS_BPF_H
#define PODLANE_DATAPLANE_STEER_POOLS_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "dataplane/steer/steer_maps.h"

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, STEER_MAX_POOLS);
	__type(key, struct steer_pool_key);
	__type(value, __u8);
} pools SEC(".maps");

/**
 * Is this frame an untagged IPv4 packet to a pool? Fragments and packets with options are too: it
 * is the dataplane that decides what to do with them.
 */
static __always_inline int is_to_pool(const void *data, const void *data_end)
{
	const struct ethhdr *eth = data;
	const struct iphdr *ip4 = (const void *)(eth + 1);

	if ((const void *)(ip4 + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return 0;

	struct steer_pool_key key = {.depth = 32, .prefix_be = ip4->daddr};

	return bpf_map_lookup_elem(&pools, &key) != 0;
}

#endif
