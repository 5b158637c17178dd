/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tables and the packets of reference_test.c: a bit of everything.
 */
#include "test/unit/dataplane/reference_traffic.h"

#include "test/unit/support.h"

#include <rte_common.h>
#include <rte_udp.h>

#include <string.h>

/* RTE_IPV4() shifts an int, which UBSan reports above 127. */
#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

#define N_MEMBERS REFERENCE_MEMBERS
#define TRUNK	  REFERENCE_TRUNK
#define POD	  100u /* the pod's interface */

#define OURS	     IP4(192, 168, 1, 10)
#define OURS_CHECKED IP4(192, 168, 1, 20) /* the tunnel end that checks inner sources */
#define OUR_PROBE    IP4(10, 9, 0, 1)
#define NODE	     IP4(192, 168, 1, 11)
#define NODE2	     IP4(192, 168, 2, 12)

#define TUNNEL(to, with_checksum)                                                                  \
	{                                                                                          \
		.src = OURS, .dst = (to), .vni = 4096, .udp_dst = 4789, .udp_src_min = 32768,      \
		.udp_src_max = 60999, .inner_dst_mac = {0x66, 1, 2, 3, 4, 5},                      \
		.inner_src_mac = {0x66, 6, 7, 8, 9, 10}, .has_udp_checksum = (with_checksum)       \
	}
#define PATH(i, what, to, eth, bytes, ...)                                                         \
	{                                                                                          \
		.idx = (i), .kind = (what), .nexthop = (to), .ifindex = 2, .port = (eth),          \
		.mtu = (bytes), .dst_mac = {2, 0, 0, 0, 9, (i)}, .src_mac = {2, 0, 0, 0, 0, 1},    \
		__VA_ARGS__                                                                        \
	}

static const struct wire_path paths[] = {
	PATH(16, WIRE_PATH_NATIVE, NODE, 0, 1500),
	PATH(17, WIRE_PATH_NATIVE, NODE2, 1, 1400),
	PATH(18, WIRE_PATH_IPIP, NODE, 1, 1480, .tunnel = TUNNEL(NODE, 0)),
	PATH(19, WIRE_PATH_VXLAN, NODE, 1, 1450, .tunnel = TUNNEL(NODE, 1)),
	PATH(20, WIRE_PATH_VXLAN, NODE2, 0, 1450, .tunnel = TUNNEL(NODE2, 0)),
	PATH(21, WIRE_PATH_IPIP, NODE2, 0, 576, .tunnel = TUNNEL(NODE2, 0)),
	{.idx = 22, .kind = WIRE_PATH_NATIVE, .port = TRUNK, .mtu = 1500, .ifindex = POD},
	{.idx = 23, .kind = WIRE_PATH_PUNT, .nexthop = NODE},
	{.idx = 24, .kind = WIRE_PATH_NATIVE, .port = 0, .mtu = 1500, .ifindex = POD},
};
static const struct wire_group groups[] = {
	{.idx = 3, .n_members = N_MEMBERS, .member = {{16, 1}, {17, 1}, {18, 2}, {19, 3}}},
	{.idx = 4, .n_members = N_MEMBERS, .member = {{20, 1}, {21, 5}, {17, 1}, {23, 1}}},
};
static const struct wire_route routes[] = {
	{.prefix = IP4(10, 0, 0, 0), .depth = 8, .nh = 16},
	{.prefix = IP4(10, 1, 0, 0), .depth = 16, .nh = 17},
	{.prefix = IP4(10, 2, 0, 0), .depth = 16, .nh = 18},
	{.prefix = IP4(10, 3, 0, 0), .depth = 16, .nh = 19},
	{.prefix = IP4(10, 4, 0, 0), .depth = 16, .nh = 20},
	{.prefix = IP4(10, 5, 0, 0), .depth = 26, .nh = 21},
	{.prefix = IP4(10, 5, 0, 64), .depth = 26, .nh = 3 | WIRE_NH_GROUP},
	{.prefix = IP4(10, 6, 0, 0), .depth = 16, .nh = 4 | WIRE_NH_GROUP},
	{.prefix = IP4(10, 7, 0, 1), .depth = 32, .nh = 22},
	{.prefix = IP4(10, 7, 0, 2), .depth = 32, .nh = 22},
	{.prefix = IP4(10, 7, 1, 0), .depth = 24, .nh = 23},
	{.prefix = IP4(10, 8, 0, 0), .depth = 16, .nh = WIRE_NH_NO_ROUTE},
	{.prefix = IP4(10, 8, 0, 64), .depth = 26, .nh = WIRE_NH_BLACKHOLE},
	{.prefix = IP4(10, 8, 1, 0), .depth = 24, .nh = WIRE_NH_UNREACHABLE},
	{.prefix = IP4(10, 8, 1, 7), .depth = 32, .nh = WIRE_NH_PROHIBIT},
	{.prefix = OURS, .depth = 32, .nh = WIRE_NH_PUNT},
	{.prefix = OURS_CHECKED, .depth = 32, .nh = WIRE_NH_PUNT},
	{.prefix = IP4(10, 7, 0, 3), .depth = 32, .nh = 24},
	{.prefix = OUR_PROBE, .depth = 32, .nh = WIRE_NH_PROBE},
};
#define N_LEADING 10u /* of the routes */

static const struct wire_endpoint ends[] = {
	{.addr = OURS, .kind = WIRE_TUNNEL_IPIP},
	{.addr = OURS, .kind = WIRE_TUNNEL_VXLAN, .udp_port = 4789, .vni = 4096},
	{.addr = OURS_CHECKED, .kind = WIRE_TUNNEL_IPIP, .has_inner_check = 1},
	{.addr = OURS_CHECKED,
		.kind = WIRE_TUNNEL_VXLAN,
		.udp_port = 4789,
		.vni = 4096,
		.has_inner_check = 1},
};
static const struct wire_source sources[] = {
	{.prefix = NODE, .depth = 32},
	{.prefix = IP4(192, 168, 2, 0), .depth = 24},
};
static const struct reference tables = {
	.mac = {2, 0, 0, 0, 0, 1},
	.n_paths = RTE_DIM(paths),
	.n_groups = RTE_DIM(groups),
	.n_routes = RTE_DIM(routes),
	.n_ends = RTE_DIM(ends),
	.n_sources = RTE_DIM(sources),
	.path = paths,
	.group = groups,
	.route = routes,
	.end = ends,
	.source = sources,
};

static uint64_t random_state = 1;

const struct reference *reference_tables(void)
{
	return &tables;
}

uint32_t reference_random_below(uint32_t n)
{
	return (uint32_t)(support_random(&random_state) >> 32) % n;
}

static bool is_once_in(uint32_t n)
{
	return reference_random_below(n) == 0;
}

/* Of a route most of the time, and sometimes of none; those that lead somewhere come first. */
static uint32_t random_addr(void)
{
	uint32_t n = is_once_in(4) ? RTE_DIM(routes) : N_LEADING;
	const struct wire_route *route = &routes[reference_random_below(n)];
	uint32_t any = (uint32_t)support_random(&random_state);

	if (is_once_in(16))
		return any;
	return route->prefix | (any & (uint32_t)((UINT64_C(1) << (32 - route->depth)) - 1));
}

/* Mostly the pod behind the trunk, or one whose route leads elsewhere, or an impostor. */
static uint32_t random_pod(void)
{
	if (is_once_in(8))
		return random_addr();
	return is_once_in(16) ? IP4(10, 7, 0, 3) : IP4(10, 7, 0, 1);
}

/* An IPv4 header in front of what is at @bytes + 20. Returns: its total length */
static uint32_t put_ip(uint8_t *bytes, uint32_t src, uint32_t dst, uint8_t proto, uint32_t payload)
{
	static const uint8_t ttls[] = {0, 1, 2, 64, 255};
	struct rte_ipv4_hdr ip = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.type_of_service = (uint8_t)reference_random_below(256),
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(ip) + payload)),
		.packet_id = (uint16_t)reference_random_below(65536),
		.fragment_offset = is_once_in(2) ? RTE_BE16(RTE_IPV4_HDR_DF_FLAG) : 0,
		.time_to_live = is_once_in(8) ? ttls[reference_random_below(RTE_DIM(ttls))] : 63,
		.next_proto_id = proto,
		.src_addr = rte_cpu_to_be_32(src),
		.dst_addr = rte_cpu_to_be_32(dst),
	};

	if (is_once_in(32))
		ip.fragment_offset = rte_cpu_to_be_16((uint16_t)reference_random_below(65536));
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	memcpy(bytes, &ip, sizeof(ip));
	return sizeof(ip) + payload;
}

/* What a sender leaves that thinks that its NIC will do the rest: the pseudo header's sum, or 0. */
static void unfinish(uint8_t *bytes, uint32_t payload)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)bytes;
	uint16_t sum = rte_ipv4_phdr_cksum(ip, 0);

	if (ip->next_proto_id == 6 && payload >= 18)
		memcpy(bytes + 20 + 16, &sum, sizeof(sum));
	if (ip->next_proto_id == 17 && payload >= 8)
		memcpy(bytes + 20 + 6, &sum, sizeof(sum));
	if (ip->next_proto_id == 132 && payload >= 12)
		memset(bytes + 20 + 8, 0, 4);
}

/* An echo, or what may be taken for one; its checksum is wrong now and then. */
static void make_icmp(uint8_t *icmp, uint32_t bytes)
{
	static const uint8_t types[] = {8, 8, 8, 0, 13};
	uint16_t sum = 0;

	icmp[0] = types[reference_random_below(RTE_DIM(types))];
	icmp[1] = is_once_in(16);
	if (bytes < 8 || is_once_in(8))
		return;
	memcpy(icmp + 2, &sum, sizeof(sum));
	sum = (uint16_t)~rte_raw_cksum(icmp, bytes);
	memcpy(icmp + 2, &sum, sizeof(sum));
}

/* What a host sends: any payload, any size, and now and then a tunnel of its own. */
static uint32_t put_packet(uint8_t *bytes, uint32_t src)
{
	static const uint16_t sizes[] = {0, 7, 8, 19, 20, 26, 400, 556, 557, 1380, 1381, 1430, 1431,
		1480};
	static const uint8_t protos[] = {1, 6, 17, 17, 132};
	uint32_t payload = is_once_in(2) ? sizes[reference_random_below(RTE_DIM(sizes))]
					 : reference_random_below(1481);
	uint8_t proto = is_once_in(32) ? 4 : protos[reference_random_below(RTE_DIM(protos))];

	for (uint32_t i = 0; i < payload; i++)
		bytes[20 + i] = (uint8_t)support_random(&random_state);
	if (is_once_in(32))
		memcpy(bytes + 22, (uint8_t[]){4789 >> 8, 4789 & 0xff}, 2);
	if (proto == 1)
		make_icmp(bytes + 20, payload);
	put_ip(bytes, src, proto == 1 && is_once_in(2) ? OUR_PROBE : random_addr(), proto, payload);
	if (is_once_in(4))
		unfinish(bytes, payload);
	return 20 + payload;
}

/* Behind a packet in a tunnel: a short frame may have been padded before it came there. */
static uint32_t random_padding(void)
{
	return is_once_in(16) ? 1 + reference_random_below(18) : 0;
}

static void put_ether(uint8_t *bytes, const uint8_t *src)
{
	memcpy(bytes, tables.mac, 6);
	memcpy(bytes + 6, src, 6);
	bytes[12] = 8;
	bytes[13] = 0;
}

static uint32_t random_node(void)
{
	if (is_once_in(16))
		return IP4(192, 168, 3, 1);
	return is_once_in(2) ? NODE : NODE2;
}

/* A sound VXLAN header in front of the inner packet; the UDP checksum half of the time. */
static uint32_t put_vxlan(uint8_t *ip, uint32_t inner_bytes)
{
	uint8_t *udp = ip + 20;
	struct rte_udp_hdr hdr = {
		.src_port = (uint16_t)reference_random_below(65536),
		.dst_port = RTE_BE16(4789),
		.dgram_len = rte_cpu_to_be_16((uint16_t)(30 + inner_bytes)),
	};
	uint32_t total;

	memcpy(udp, &hdr, sizeof(hdr));
	memcpy(udp + 8, (uint8_t[]){8, 0, 0, 0, 0, 0x10, 0, 0}, 8);
	put_ether(udp + 16, (uint8_t[]){0x66, 1, 1, 1, 1, 1});
	total = put_ip(ip, random_node(), is_once_in(2) ? OURS : OURS_CHECKED, 17,
		30 + inner_bytes);
	if (is_once_in(2))
		((struct rte_udp_hdr *)udp)->dgram_cksum =
			rte_ipv4_udptcp_cksum((struct rte_ipv4_hdr *)ip, udp);
	if (is_once_in(8))
		unfinish(ip, total - 20);
	return total;
}

/* A packet from a pod or through a tunnel or from anybody, mostly in order. */
static void make_sound(struct reference_packet *packet)
{
	static const uint8_t pod_mac[6] = {2, 0x70, 0, 0, 0, POD};
	uint8_t *ip = packet->bytes + 14;
	// pods send tunnel packets only to be refused
	uint32_t form = packet->is_from_pod && !is_once_in(8) ? 3 : reference_random_below(4);
	uint32_t bytes;

	packet->is_unwrapped = false;
	packet->is_finished = false;
	packet->is_answer = false;
	packet->n_pieces = 0;
	put_ether(packet->bytes, pod_mac);
	if (form == 0) {
		bytes = put_packet(ip + 20, random_addr()) + random_padding();
		bytes = put_ip(ip, random_node(), is_once_in(2) ? OURS : OURS_CHECKED, 4, bytes);
	} else if (form == 1) {
		bytes = put_packet(ip + 50, random_addr()) + random_padding();
		bytes = put_vxlan(ip, bytes);
	} else {
		bytes = put_packet(ip, packet->is_from_pod ? random_pod() : random_addr());
	}
	packet->len = 14 + bytes;
	// what short frames are padded with
	for (; packet->len < 60; packet->len++)
		packet->bytes[packet->len] = 0;
}

/* One in eight is broken somewhere: a header's byte, its length, or a checksum made right again. */
static void damage(struct reference_packet *packet)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(packet->bytes + 14);

	if (!is_once_in(8))
		return;
	for (uint32_t i = reference_random_below(3); i > 0; i--)
		packet->bytes[reference_random_below(100)] ^=
			(uint8_t)(1u << reference_random_below(8));
	if (is_once_in(2)) {
		ip->hdr_checksum = 0;
		ip->hdr_checksum = (uint16_t)~rte_raw_cksum(ip, rte_ipv4_hdr_len(ip));
	}
	if (is_once_in(4))
		packet->len = 1 + reference_random_below(packet->len);
}

void reference_make_packet(struct reference_packet *packet, bool is_from_pod)
{
	packet->is_from_pod = is_from_pod;
	make_sound(packet);
	damage(packet);
}
