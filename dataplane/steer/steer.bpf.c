// SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
/*
 * XDP on AF_XDP ports: packets to a pool, and tunnel packets to one of our ends, go to the dataplane's socket, the rest to the kernel.
 * DPDK's net_af_xdp loads this object (xdp_prog=), attaches its first and only program, and puts
 * its sockets into the map called xsks_map; steer.c then fills `pools`.
 *
 * A queue without a socket, so every queue of a dead dataplane, gives its packets to the kernel.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/udp.h>

#include <bpf/bpf_helpers.h>

#include "dataplane/steer/conntrack.bpf.h"
#include "dataplane/steer/pools.bpf.h"
#include "dataplane/steer/translated_mac.h"

#define MAX_QUEUES 256

#define IP4_MF		0x2000
#define IP4_OFFSET_MASK 0x1fff
#define VXLAN_BYTES	(8 + 8 + ETH_HLEN) /* UDP, VXLAN, Ethernet */

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, MAX_QUEUES);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STEER_MAX_ENDPOINTS);
	__type(key, struct steer_endpoint_key);
	__type(value, __u8);
} endpoints SEC(".maps");

/* Is this frame a whole tunnel packet to one of our ends? Fragments are the kernel's to put together. */
static __always_inline int is_to_endpoint(const void *data, const void *data_end)
{
	const struct ethhdr *eth = data;
	const struct iphdr *ip4 = (const void *)(eth + 1);
	const struct udphdr *udp = (const void *)(ip4 + 1);

	if ((const void *)(udp + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP) ||
		ip4->ihl != 5 || (ip4->frag_off & bpf_htons(IP4_MF | IP4_OFFSET_MASK)))
		return 0;

	struct steer_endpoint_key key = {.addr_be = ip4->daddr, .proto = ip4->protocol};

	if (ip4->protocol == IPPROTO_UDP)
		key.port_be = udp->dest;
	else if (ip4->protocol != IPPROTO_IPIP)
		return 0;
	return bpf_map_lookup_elem(&endpoints, &key) != 0;
}

/*
 * Is there a packet in the tunnel of a connection that the kernel translates? The kernel must get it, but
 * without the tunnel: the dataplane takes that off, and has to be told.
 *
 * @ctx: what is_to_endpoint() said yes of
 */
static __always_inline void mark_translated(struct xdp_md *ctx)
{
	const void *data_end = (const void *)(long)ctx->data_end;
	struct ethhdr *eth = (void *)(long)ctx->data;
	const struct iphdr *outer = (const void *)(eth + 1);
	const void *inner = outer + 1;

	if (inner > data_end)
		return;
	if (outer->protocol == IPPROTO_UDP)
		inner += VXLAN_BYTES;
	if (!is_translated_packet(ctx, inner))
		return;
	__builtin_memset(eth->h_source, 0, ETH_ALEN);
	eth->h_source[0] = TRANSLATED_MAC_0;
	eth->h_source[1] = TRANSLATED_MAC_1;
}

SEC("xdp")
int podlane_steer(struct xdp_md *ctx)
{
	const void *data = (const void *)(long)ctx->data;
	const void *data_end = (const void *)(long)ctx->data_end;

	if (is_to_pool(data, data_end)) {
		if (is_translated(ctx))
			return XDP_PASS;
	} else if (is_to_endpoint(data, data_end)) {
		mark_translated(ctx);
	} else {
		return XDP_PASS;
	}
	return bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
}

char license_text[] SEC("license") = "Dual BSD/GPL";
