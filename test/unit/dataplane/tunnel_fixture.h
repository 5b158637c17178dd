/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets between pods of two nodes, and their way through an encap stage, for the tests of tunnels.
 */
#ifndef PODLANE_TEST_UNIT_DATAPLANE_TUNNEL_FIXTURE_H
#define PODLANE_TEST_UNIT_DATAPLANE_TUNNEL_FIXTURE_H

#include "test/unit/dataplane/stage/burst.h"

#include "dataplane/api/wire.h"
#include "dataplane/stage/encap_ipip.h"
#include "dataplane/stage/encap_vxlan.h"
#include "dataplane/table/adjacency.h"

/* RTE_IPV4() shifts an int, which UBSan reports above 127. */
#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

#define OUR_NODE IP4(192, 168, 1, 10)
#define THE_NODE IP4(192, 168, 1, 11)
#define OUR_POD	 IP4(10, 244, 0, 10)
#define THE_POD	 IP4(10, 244, 1, 10)

static struct rte_mempool *pool;
static const uint8_t kinds[] = {WIRE_PATH_IPIP, WIRE_PATH_VXLAN};

static inline struct wire_path path_of(uint8_t kind)
{
	return (struct wire_path){
		.idx = 16,
		.nexthop = THE_NODE,
		.ifindex = 2,
		.kind = kind,
		.mtu = 1400,
		.dst_mac = {2, 0, 0, 0, 0, 0xb},
		.src_mac = {2, 0, 0, 0, 0, 0xa},
		.tunnel =
			{
				.src = OUR_NODE,
				.dst = THE_NODE,
				.vni = kind == WIRE_PATH_VXLAN ? 4096 : 0,
				.udp_dst = kind == WIRE_PATH_VXLAN ? 4789 : 0,
				.udp_src_min = kind == WIRE_PATH_VXLAN ? 32768 : 0,
				.udp_src_max = kind == WIRE_PATH_VXLAN ? 60999 : 0,
				.inner_dst_mac = {0x66, 1, 2, 3, 4, 5},
				.inner_src_mac = {0x66, 6, 7, 8, 9, 10},
				.has_udp_checksum = kind == WIRE_PATH_VXLAN,
			},
	};
}

static inline struct rte_mbuf *inner_packet(uint8_t tos, uint16_t fragment, uint32_t src)
{
	struct support_packet packet = {.src = src,
		.dst = OUR_POD,
		.src_port = 1000,
		.dst_port = 2000,
		.tos = tos,
		.ttl = 63,
		.fragment = fragment,
		.payload_bytes = 21};

	return support_packet_build(pool, &packet);
}

/* One packet through an encap stage. */
static inline void encap(struct rte_mbuf *pkt, const struct wire_path *wire, uint16_t id)
{
	struct burst burst = burst_of(pkt);
	struct adjacency adjacency;

	assert_int_equal(adjacency_make(&adjacency, wire), 0);
	burst.adjacency[0] = &adjacency;
	burst.n_encap[adjacency.kind - ADJACENCY_NATIVE] = 1;
	if (adjacency.kind == ADJACENCY_IPIP)
		encap_ipip(&burst, &id);
	else
		encap_vxlan(&burst, &id);
	assert_int_equal(burst.n, 1);
}

/* Sum of 16-bit words as read from the wire, RFC 1071; an odd byte at the end counts high. */
static inline uint32_t sum_be(const uint8_t *bytes, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i++)
		sum += (uint32_t)bytes[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The packet as it comes to us: encapsulated by the other node, Ethernet for our port. */
static inline struct rte_mbuf *from_node(uint8_t kind, struct rte_mbuf *inner)
{
	struct wire_path wire = path_of(kind);

	wire.tunnel.src = THE_NODE;
	wire.tunnel.dst = OUR_NODE;
	encap(inner, &wire, 77);
	return inner;
}

#endif
