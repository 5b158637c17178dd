/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Does the kernel translate the addresses of this packet's connection? Then it must see the packet:
 * the reply of a service's backend has the backend's address until conntrack puts the service's
 * back, and a client that gets it without hangs.
 */
#ifndef PODLANE_DATAPLANE_STEER_CONNTRACK_BPF_H
#define PODLANE_DATAPLANE_STEER_CONNTRACK_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define CT_CURRENT_NETNS   -1
#define CT_IPS_NAT_MASK	   0x30 /* IPS_SRC_NAT | IPS_DST_NAT, linux/netfilter/nf_conntrack_common.h */
#define CT_FRAGMENT_OFFSET 0x1fff

/* The kernel's, of which libbpf finds the places at load time. */
struct nf_conn {
	unsigned long status;
} __attribute__((preserve_access_index));

/* The first 12 bytes, which every kernel with this function takes. */
struct bpf_ct_opts___12 {
	__s32 netns_id;
	__s32 error;
	__u8 l4proto;
	__u8 reserved[3];
};

/* Weak: a kernel without conntrack (below 5.19) translates nothing that we could ask for. */
extern struct nf_conn *bpf_xdp_ct_lookup(struct xdp_md *ctx, struct bpf_sock_tuple *tuple,
	__u32 tuple_bytes, struct bpf_ct_opts___12 *opts, __u32 opts_bytes) __ksym __weak;
extern void bpf_ct_release(struct nf_conn *ct) __ksym __weak;

struct ct_ports {
	__be16 source;
	__be16 dest;
};

/**
 * Is this packet part of a connection whose addresses conntrack rewrites? TCP and UDP; others have
 * no service in Kubernetes, but for SCTP, which the kernel does not let us look up.
 *
 * @ctx: the frame that the packet is in; asked of the network namespace it came into
 * @ip4: need not be whole
 */
static __always_inline int is_translated_packet(struct xdp_md *ctx, const struct iphdr *ip4)
{
	const void *data_end = (const void *)(long)ctx->data_end;
	const struct ct_ports *ports = (const void *)(ip4 + 1);
	struct bpf_ct_opts___12 opts = {.netns_id = CT_CURRENT_NETNS};
	struct bpf_sock_tuple tuple = {};
	struct nf_conn *ct;
	int is_nat;

	if (!bpf_xdp_ct_lookup || !bpf_ct_release)
		return 0;
	if ((const void *)(ports + 1) > data_end || ip4->ihl != 5)
		return 0;
	if (ip4->protocol != IPPROTO_TCP && ip4->protocol != IPPROTO_UDP)
		return 0;
	// a later fragment has no ports; the kernel knows which connection it belongs to
	if (ip4->frag_off & bpf_htons(CT_FRAGMENT_OFFSET))
		return 0;

	tuple.ipv4.saddr = ip4->saddr;
	tuple.ipv4.daddr = ip4->daddr;
	tuple.ipv4.sport = ports->source;
	tuple.ipv4.dport = ports->dest;
	opts.l4proto = ip4->protocol;
	ct = bpf_xdp_ct_lookup(ctx, &tuple, sizeof(tuple.ipv4), &opts, sizeof(opts));
	if (!ct)
		return 0;
	is_nat = (ct->status & CT_IPS_NAT_MASK) != 0;
	bpf_ct_release(ct);
	return is_nat;
}

/** The same of the packet that a frame begins with; the frame is IPv4. */
static __always_inline int is_translated(struct xdp_md *ctx)
{
	return is_translated_packet(ctx, (const void *)((struct ethhdr *)(long)ctx->data + 1));
}

#endif
