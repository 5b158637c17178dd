// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * The kernel's part of the pod trunk, loaded by steer.c. podlane_pod is XDP on the host side of
 * each attached pod's veth: packets to a pool go into the trunk. podlane_to_pod is tc at the
 * ingress of the trunk's host end: packets from the dataplane go to the pod that their source MAC
 * names.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "dataplane/steer/conntrack.bpf.h"
#include "dataplane/steer/pools.bpf.h"
#include "dataplane/steer/steer_maps.h"
#include "dataplane/steer/trunk_mac.h"

#define POD_HOST_MAC_BYTE 0xee

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} trunk SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STEER_MAX_PODS);
	__type(key, __u32);
	__type(value, __u8);
} pods SEC(".maps");

SEC("xdp")
int podlane_pod(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	const void *data_end = (const void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	if (!is_to_pool(data, data_end))
		return XDP_PASS;
	if (is_translated(ctx))
		return XDP_PASS;
	// Said to a group on the pod's link, not to its router.
	if (eth->h_dest[0] & 1)
		return XDP_PASS;

	__be32 ifindex_be = bpf_htonl(ctx->ingress_ifindex);

	// The MAC of the trunk's other end, so that the kernel there takes the packet as its own
	// and forwards it when no dataplane does.
	__builtin_memset(eth->h_dest, POD_HOST_MAC_BYTE, ETH_ALEN);
	eth->h_source[0] = TRUNK_MAC_0;
	eth->h_source[1] = TRUNK_MAC_1;
	__builtin_memcpy(&eth->h_source[2], &ifindex_be, sizeof(ifindex_be));
	return bpf_redirect_map(&trunk, 0, XDP_PASS);
}

SEC("tc")
int podlane_to_pod(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;
	const void *data_end = (const void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	__be32 ifindex_be;

	if ((const void *)(eth + 1) > data_end)
		return TC_ACT_OK;
	if (eth->h_source[0] != TRUNK_MAC_0 || eth->h_source[1] != TRUNK_MAC_1)
		return TC_ACT_OK;
	__builtin_memcpy(&ifindex_be, &eth->h_source[2], sizeof(ifindex_be));

	__u32 ifindex = bpf_ntohl(ifindex_be);

	// A pod that was just detached; tc -s qdisc counts it as dropped.
	if (!bpf_map_lookup_elem(&pods, &ifindex))
		return TC_ACT_SHOT;
	__builtin_memset(eth->h_source, POD_HOST_MAC_BYTE, ETH_ALEN);
	return bpf_redirect(ifindex, 0);
}

char license_text[] SEC("license") = "Dual BSD/GPL";
