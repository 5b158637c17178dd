// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * XDP on AF_XDP ports: packets to a pool go to the dataplane's socket, the rest to the kernel.
 * DPDK's net_af_xdp loads this object (xdp_prog=), attaches its first and only program, and puts
 * its sockets into the map called xsks_map; steer.c then fills `pools`.
 *
 * A queue without a socket, so every queue of a dead dataplane, gives its packets to the kernel.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "dataplane/steer/pools.bpf.h"

#define MAX_QUEUES 256

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, MAX_QUEUES);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");

SEC("xdp")
int podlane_steer(struct xdp_md *ctx)
{
	const void *data = (const void *)(long)ctx->data;
	const void *data_end = (const void *)(long)ctx->data_end;

	if (!is_to_pool(data, data_end))
		return XDP_PASS;
	return bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
}

char license_text[] SEC("license") = "Dual BSD/GPL";
