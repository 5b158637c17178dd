/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ready-made headers: everything of an outer header that is the same for all packets of a path is
 * worked out here, once. Called by nexthop.c when a path is set.
 */
#include "dataplane/table/adjacency.h"

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>
#include <rte_vxlan.h>

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

// RFC 791: every link carries datagrams of 68 bytes
#define MTU_MIN 68u

#define VNI_MAX	     0xffffffu
#define VXLAN_FLAG_I 0x08000000u
#define VXLAN_TTL    64 /* what Linux takes from the route, net.ipv4.ip_default_ttl */

static_assert(sizeof(struct adjacency) == 2 * RTE_CACHE_LINE_MIN_SIZE, "two cache lines");
static_assert(offsetof(struct adjacency, hdr) + 34 <= RTE_CACHE_LINE_MIN_SIZE, "IPIP in one");
static_assert(offsetof(struct adjacency, hdr) + 50 == RTE_CACHE_LINE_MIN_SIZE, "VXLAN's ends it");

/* Add up 16-bit words as they lie in memory; at most 32 bytes, so nothing overflows. */
static uint32_t sum_words(const void *bytes, unsigned len)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < len; i += 2) {
		uint16_t word;

		memcpy(&word, (const uint8_t *)bytes + i, sizeof(word));
		sum += word;
	}
	return sum;
}

static uint16_t fold_sum(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

static uint8_t *put(struct adjacency *adjacency, const void *hdr, size_t len)
{
	uint8_t *at = adjacency->hdr + adjacency->hdr_len;

	memcpy(at, hdr, len);
	adjacency->hdr_len = (uint8_t)(adjacency->hdr_len + len);
	return at;
}

static void put_ether(struct adjacency *adjacency, const uint8_t *dst, const uint8_t *src)
{
	struct rte_ether_hdr hdr = {.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4)};

	memcpy(&hdr.dst_addr, dst, sizeof(hdr.dst_addr));
	memcpy(&hdr.src_addr, src, sizeof(hdr.src_addr));
	put(adjacency, &hdr, sizeof(hdr));
}

/* TTL 0 here: the stage fills in the inner one. */
static void put_ip(struct adjacency *adjacency, const struct wire_tunnel *tunnel, uint8_t proto,
	uint8_t ttl)
{
	struct rte_ipv4_hdr hdr = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.time_to_live = ttl,
		.next_proto_id = proto,
		.src_addr = rte_cpu_to_be_32(tunnel->src),
		.dst_addr = rte_cpu_to_be_32(tunnel->dst),
	};

	put(adjacency, &hdr, sizeof(hdr));
	adjacency->ip_sum = fold_sum(sum_words(&hdr, sizeof(hdr)));
}

static void put_vxlan(struct adjacency *adjacency, const struct wire_tunnel *tunnel)
{
	struct rte_udp_hdr udp = {.dst_port = rte_cpu_to_be_16(tunnel->udp_dst)};
	struct rte_vxlan_hdr vxlan = {
		.vx_flags = RTE_BE32(VXLAN_FLAG_I),
		.vx_vni = rte_cpu_to_be_32(tunnel->vni << 8),
	};
	const uint8_t *ether;
	struct {
		uint32_t src, dst;
		uint8_t zero, proto;
	} pseudo = {rte_cpu_to_be_32(tunnel->src), rte_cpu_to_be_32(tunnel->dst), 0, IPPROTO_UDP};

	put(adjacency, &udp, sizeof(udp));
	put(adjacency, &vxlan, sizeof(vxlan));
	ether = adjacency->hdr + adjacency->hdr_len;
	put_ether(adjacency, tunnel->inner_dst_mac, tunnel->inner_src_mac);

	adjacency->udp_sum = sum_words(&pseudo, 10) + sum_words(&udp, sizeof(udp)) +
			     sum_words(&vxlan, sizeof(vxlan)) +
			     sum_words(ether, sizeof(struct rte_ether_hdr));
	adjacency->udp_src_min = tunnel->udp_src_min;
	adjacency->n_udp_src = tunnel->udp_src_max - tunnel->udp_src_min + 1u;
	adjacency->has_udp_checksum = tunnel->has_udp_checksum;
}

static int check_tunnel(const struct wire_path *wire)
{
	const struct wire_tunnel *tunnel = &wire->tunnel;

	if (tunnel->src == 0 || tunnel->dst == 0)
		return -EINVAL;
	if (wire->kind == WIRE_PATH_IPIP)
		return 0;
	if (tunnel->vni > VNI_MAX || tunnel->udp_dst == 0 || tunnel->udp_src_min == 0 ||
		tunnel->udp_src_min > tunnel->udp_src_max)
		return -EINVAL;
	return 0;
}

int adjacency_make(struct adjacency *adjacency, const struct wire_path *wire)
{
	*adjacency = (struct adjacency){.node = wire->nexthop, .ifindex = wire->ifindex};

	if (wire->kind == WIRE_PATH_PUNT) {
		// Who may send from there does not depend on whether we can send to there.
		if (wire->tunnel.dst != 0)
			adjacency->node = wire->tunnel.dst;
		adjacency->kind = ADJACENCY_PUNT;
		adjacency->mtu = UINT16_MAX; // too big or not is the kernel's to say
		return 0;
	}
	if (wire->kind >= WIRE_PATH_N_KINDS || wire->port >= RTE_MAX_ETHPORTS ||
		wire->mtu < MTU_MIN)
		return -EINVAL;
	adjacency->port = wire->port;
	adjacency->mtu = wire->mtu;
	put_ether(adjacency, wire->dst_mac, wire->src_mac);
	if (wire->kind == WIRE_PATH_NATIVE) {
		adjacency->kind = ADJACENCY_NATIVE;
		return 0;
	}

	if (check_tunnel(wire) < 0)
		return -EINVAL;
	adjacency->node = wire->tunnel.dst;
	if (wire->kind == WIRE_PATH_IPIP) {
		adjacency->kind = ADJACENCY_IPIP;
		put_ip(adjacency, &wire->tunnel, IPPROTO_IPIP, 0);
	} else {
		adjacency->kind = ADJACENCY_VXLAN;
		put_ip(adjacency, &wire->tunnel, IPPROTO_UDP, VXLAN_TTL);
		put_vxlan(adjacency, &wire->tunnel);
	}
	return 0;
}

void adjacency_set_outer_df(struct adjacency *adjacency)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(adjacency->hdr + RTE_ETHER_HDR_LEN);

	if (adjacency->kind != ADJACENCY_VXLAN)
		return;
	ip->fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG);
	adjacency->ip_sum = fold_sum(sum_words(ip, sizeof(*ip)));
}
