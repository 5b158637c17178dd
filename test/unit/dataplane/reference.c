/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plain forwarder. It follows the RFCs and calico-interop's facts, in the order in which the
 * checks are documented in dataplane/README.md; it shares no code with the stages.
 */
#include "test/unit/dataplane/reference.h"

#include <string.h>

#include "test/unit/dataplane/reference_bytes.h"
#include "test/unit/dataplane/reference_l4.h"
#include "test/unit/dataplane/reference_probe.h"

#define MAC_TRUNK_0 0x02
#define MAC_TRUNK_1 0x70

static uint32_t mask_of(uint8_t depth)
{
	return depth == 0 ? 0 : UINT32_MAX << (32 - depth);
}

static bool drop(struct reference_packet *packet, enum drop_reason reason)
{
	packet->end = REFERENCE_DROPPED;
	packet->reason = reason;
	return false;
}

static bool punt(struct reference_packet *packet)
{
	packet->end = REFERENCE_PUNTED;
	return false;
}

static bool check_ether(const struct reference *tables, struct reference_packet *packet)
{
	const uint8_t *frame = packet->bytes;

	if (packet->len < ETHER)
		return drop(packet, DROP_TRUNCATED);
	if (get16(frame + 12) != 0x0800)
		return punt(packet);
	if (packet->len < ETHER + IP)
		return drop(packet, DROP_TRUNCATED);
	if (memcmp(frame, tables->mac, 6) == 0)
		return true;
	if ((frame[0] & 1) == 0)
		return drop(packet, DROP_NOT_FOR_US);
	return get32(frame + ETHER + 16) >= 0xe0000000 ? punt(packet)
						       : drop(packet, DROP_L2_BROADCAST);
}

static bool is_nowhere(uint32_t addr)
{
	return addr >> 24 == 0 || addr >> 24 == 127 || addr >> 24 >= 224;
}

static bool check_ip_header(struct reference_packet *packet)
{
	const uint8_t *ip = packet->bytes + ETHER;
	uint32_t hdr_bytes = (ip[0] & 15u) * 4u, total_bytes = get16(ip + 2);
	uint32_t dst = get32(ip + 16);

	if (ip[0] >> 4 != 4 || hdr_bytes < IP || total_bytes < hdr_bytes)
		return drop(packet, DROP_BAD_HEADER);
	if (total_bytes > packet->len - ETHER)
		return drop(packet, DROP_TRUNCATED);
	if (add_up(ip, hdr_bytes, 0) != 0xffff)
		return drop(packet, DROP_BAD_CHECKSUM);
	if (is_nowhere(dst))
		return dst >> 28 == 14 || dst == UINT32_MAX
			       ? punt(packet)
			       : drop(packet, DROP_MARTIAN_DESTINATION);
	if (is_nowhere(get32(ip + 12)))
		return drop(packet, DROP_MARTIAN_SOURCE);
	packet->len = ETHER + total_bytes;
	return hdr_bytes == IP ? true : punt(packet);
}

static bool check_ip(struct reference_packet *packet)
{
	if (!check_ip_header(packet))
		return false;
	if (packet->has_unfinished &&
		reference_finish_l4(packet->bytes + ETHER, packet->len - ETHER))
		packet->is_finished = true;
	return true;
}

static const struct wire_endpoint *find_end(const struct reference *tables,
	const struct reference_packet *packet)
{
	const uint8_t *ip = packet->bytes + ETHER;
	bool is_vxlan =
		ip[9] == 17 && (get16(ip + 6) & 0x1fff) == 0 && packet->len >= ETHER + IP + UDP;

	for (unsigned i = 0; i < tables->n_ends; i++) {
		const struct wire_endpoint *end = &tables->end[i];

		if (end->addr != get32(ip + 16))
			continue;
		if (end->kind == WIRE_TUNNEL_IPIP && ip[9] == 4)
			return end;
		if (end->kind == WIRE_TUNNEL_VXLAN && is_vxlan &&
			get16(ip + IP + 2) == end->udp_port)
			return end;
	}
	return NULL;
}

static bool is_known_node(const struct reference *tables, uint32_t addr)
{
	for (unsigned i = 0; i < tables->n_sources; i++)
		if ((addr & mask_of(tables->source[i].depth)) == tables->source[i].prefix)
			return true;
	return false;
}

static bool check_vxlan(struct reference_packet *packet, const struct wire_endpoint *end)
{
	const uint8_t *ip = packet->bytes + ETHER, *udp = ip + IP, *vxlan = udp + UDP;

	if (packet->len < ETHER + IP + UDP + VXLAN + ETHER + IP)
		return drop(packet, DROP_TRUNCATED);
	if (get16(udp + 4) + IP != get16(ip + 2) || (vxlan[0] & 8) == 0)
		return drop(packet, DROP_TUNNEL_HEADER);
	if (get32(vxlan + 4) >> 8 == 0xca11c0)
		return punt(packet);
	if (get32(vxlan + 4) >> 8 != end->vni)
		return drop(packet, DROP_TUNNEL_VNI);
	// Linux computes it as if the inner one were finished already
	if (!packet->has_unfinished && get16(udp + 6) != 0 && udp_sum(ip) != 0xffff)
		return drop(packet, DROP_TUNNEL_CHECKSUM);
	return get16(vxlan + VXLAN + 12) == 0x0800 ? true : drop(packet, DROP_TUNNEL_INNER);
}

/* RFC 6040 4.2. Errors: false, and the packet was dropped */
static bool merge_ecn(struct reference_packet *packet, uint8_t outer)
{
	static const uint8_t merged[4][4] = {/* [inner][outer]; 9: drop */
		{0, 0, 0, 9}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}};
	uint8_t *ip = packet->bytes + ETHER;
	uint8_t ecn = merged[ip[1] & 3][outer & 3];
	uint32_t hdr_bytes = (ip[0] & 15u) * 4u;
	bool was_right = add_up(ip, hdr_bytes, 0) == 0xffff;

	if (ecn == 9)
		return drop(packet, DROP_TUNNEL_ECN);
	if (ecn == (ip[1] & 3))
		return true;
	ip[1] = (uint8_t)((ip[1] & ~3) | ecn);
	put_ip_checksum(ip, hdr_bytes);
	if (!was_right)
		ip[10] ^= 0x80; // it stays wrong
	return true;
}

/* Off with what is between the Ethernet header and the inner packet. */
static bool strip(struct reference_packet *packet, const struct wire_endpoint *end)
{
	uint32_t n = end->kind == WIRE_TUNNEL_IPIP ? IP : IP + UDP + VXLAN + ETHER;
	uint8_t outer_tos = packet->bytes[ETHER + 1];

	memcpy(packet->outer, packet->bytes, ETHER + n);
	packet->outer_bytes = n;
	packet->is_outer_summed = end->kind == WIRE_TUNNEL_VXLAN &&
				  get16(packet->bytes + ETHER + IP + 6) != 0 &&
				  udp_sum(packet->bytes + ETHER) == 0xffff;
	memmove(packet->bytes + ETHER, packet->bytes + ETHER + n, packet->len - ETHER - n);
	packet->len -= n;
	packet->is_unwrapped = true;
	return merge_ecn(packet, outer_tos);
}

static const struct wire_route *match(const struct reference *tables, uint32_t addr)
{
	const struct wire_route *best = NULL;

	for (unsigned i = 0; i < tables->n_routes; i++) {
		const struct wire_route *route = &tables->route[i];

		if ((addr & mask_of(route->depth)) == route->prefix &&
			(best == NULL || route->depth > best->depth))
			best = route;
	}
	return best;
}

static const struct wire_path *path_of(const struct reference *tables, uint32_t idx)
{
	for (unsigned i = 0; i < tables->n_paths; i++)
		if (tables->path[i].idx == idx)
			return &tables->path[i];
	return NULL;
}

static const struct wire_group *group_of(const struct reference *tables, uint32_t dst)
{
	const struct wire_route *route = match(tables, dst);

	if (route == NULL || (route->nh & WIRE_NH_GROUP) == 0)
		return NULL;
	for (unsigned i = 0; i < tables->n_groups; i++)
		if (tables->group[i].idx == (route->nh & ~(uint32_t)WIRE_NH_GROUP))
			return &tables->group[i];
	return NULL;
}

static bool is_path_to(const struct wire_path *path, uint32_t node)
{
	return path != NULL &&
	       (path->kind >= WIRE_PATH_IPIP ? path->tunnel.dst : path->nexthop) == node;
}

static bool is_routed_to(const struct reference *tables, uint32_t addr, uint32_t node)
{
	const struct wire_group *group = group_of(tables, addr);
	const struct wire_route *route = match(tables, addr);

	if (group == NULL)
		return route != NULL && is_path_to(path_of(tables, route->nh), node);
	for (unsigned i = 0; i < group->n_members; i++)
		if (is_path_to(path_of(tables, group->member[i].path), node))
			return true;
	return false;
}

static bool is_tunnel(const struct reference *tables, const struct reference_packet *packet)
{
	const uint8_t *ip = packet->bytes + ETHER;
	uint32_t hdr_bytes = (ip[0] & 15u) * 4u;

	if (ip[9] == 4)
		return true;
	if (ip[9] != 17 || (get16(ip + 6) & 0x1fff) != 0 || packet->len < ETHER + hdr_bytes + UDP)
		return false;
	for (unsigned i = 0; i < tables->n_ends; i++)
		if (tables->end[i].kind == WIRE_TUNNEL_VXLAN &&
			tables->end[i].udp_port == get16(ip + hdr_bytes + 2))
			return true;
	return false;
}

static bool unwrap(const struct reference *tables, struct reference_packet *packet)
{
	const struct wire_endpoint *end = find_end(tables, packet);
	const uint8_t *ip = packet->bytes + ETHER;
	uint32_t node = get32(ip + 12);
	bool goes_on;

	if (end == NULL)
		return true;
	if ((get16(ip + 6) & 0x3fff) != 0)
		return punt(packet);
	if (!is_known_node(tables, node))
		return drop(packet, DROP_TUNNEL_SOURCE);
	if (end->kind == WIRE_TUNNEL_IPIP && packet->len < ETHER + IP + IP)
		return drop(packet, DROP_TRUNCATED);
	if (end->kind == WIRE_TUNNEL_VXLAN && !check_vxlan(packet, end))
		return false;
	if (!strip(packet, end))
		return false;
	goes_on = check_ip(packet);
	if (!goes_on && packet->end == REFERENCE_DROPPED)
		return false;
	// what the kernel is to handle must have the right sender, too
	if (is_tunnel(tables, packet))
		return drop(packet, DROP_TUNNEL_NESTED);
	if (end->has_inner_check && !is_routed_to(tables, get32(ip + 12), node))
		return drop(packet, DROP_TUNNEL_INNER_SOURCE);
	return goes_on;
}

static bool check_pod(const struct reference *tables, struct reference_packet *packet)
{
	const uint8_t *mac = packet->bytes + 6;
	const struct wire_route *route = match(tables, get32(packet->bytes + ETHER + 12));
	const struct wire_path *path = route != NULL ? path_of(tables, route->nh) : NULL;

	if (is_tunnel(tables, packet))
		return drop(packet, DROP_POD_TUNNEL);
	if (mac[0] != MAC_TRUNK_0 || mac[1] != MAC_TRUNK_1 || path == NULL ||
		path->ifindex != get32(mac + 2) || path->ifindex == 0)
		return drop(packet, DROP_POD_SOURCE);
	return true;
}

static bool end_fixed(struct reference_packet *packet, uint32_t nh)
{
	switch (nh) {
	case WIRE_NH_BLACKHOLE:
		return drop(packet, DROP_BLACKHOLE);
	case WIRE_NH_UNREACHABLE:
		return drop(packet, DROP_UNREACHABLE);
	case WIRE_NH_PROHIBIT:
		return drop(packet, DROP_PROHIBIT);
	case WIRE_NH_NO_ROUTE:
		return drop(packet, DROP_NO_ROUTE);
	}
	return punt(packet);
}

static void put_outer_ip(uint8_t *ip, const struct wire_path *path, uint32_t total_bytes,
	uint16_t id, const uint8_t *inner)
{
	bool is_ipip = path->kind == WIRE_PATH_IPIP;

	memset(ip, 0, IP);
	ip[0] = 0x45;
	ip[1] = inner[1] & 3;
	put16(ip + 2, (uint16_t)total_bytes);
	put16(ip + 4, id);
	put16(ip + 6, is_ipip ? get16(inner + 6) & 0x4000 : 0);
	ip[8] = is_ipip ? inner[8] : 64;
	ip[9] = is_ipip ? 4 : 17;
	put32(ip + 12, path->tunnel.src);
	put32(ip + 16, path->tunnel.dst);
	put_ip_checksum(ip, IP);
}

static void put_vxlan(uint8_t *udp, const struct wire_path *path, uint32_t inner_bytes,
	uint16_t sport)
{
	const struct wire_tunnel *tunnel = &path->tunnel;
	uint16_t sum;

	// which port of the range is ours to choose
	put16(udp, sport >= tunnel->udp_src_min && sport <= tunnel->udp_src_max
			   ? sport
			   : tunnel->udp_src_min); // which it has not
	put16(udp + 2, tunnel->udp_dst);
	put16(udp + 4, (uint16_t)(UDP + VXLAN + ETHER + inner_bytes));
	put16(udp + 6, 0);
	put32(udp + 8, 0x08000000);
	put32(udp + 12, tunnel->vni << 8);
	memcpy(udp + 16, tunnel->inner_dst_mac, 6);
	memcpy(udp + 22, tunnel->inner_src_mac, 6);
	put16(udp + 28, 0x0800);
	if (!tunnel->has_udp_checksum)
		return;
	sum = (uint16_t)~udp_sum(udp - IP);
	put16(udp + 6, sum == 0 ? 0xffff : sum);
}

/* RFC 791: all fragments but the last have a multiple of 8 bytes. */
static void cut_out(struct reference_packet *packet, uint32_t mtu, unsigned piece)
{
	uint8_t *ip = packet->bytes + ETHER;
	uint32_t payload = packet->len - ETHER - IP, step = (mtu - IP) / 8 * 8;
	uint32_t from = piece * step, bytes = payload - from < step ? payload - from : step;
	uint16_t field = get16(ip + 6);

	packet->n_pieces = (payload + step - 1) / step;
	memmove(ip + IP, ip + IP + from, bytes);
	packet->len = ETHER + IP + bytes;
	put16(ip + 2, (uint16_t)(IP + bytes));
	field = (uint16_t)((field & 0xe000) | ((field & 0x1fff) + from / 8));
	put16(ip + 6, piece + 1 < packet->n_pieces ? field | 0x2000 : field);
}

static void put_on_wire(struct reference_packet *packet, const struct wire_path *path, uint16_t id,
	uint16_t sport)
{
	uint32_t inner_bytes = packet->len - ETHER;
	uint32_t room = path->kind == WIRE_PATH_IPIP	? IP
			: path->kind == WIRE_PATH_VXLAN ? IP + UDP + VXLAN + ETHER
							: 0;
	uint8_t *ip = packet->bytes + ETHER, *inner = ip + room;

	memmove(inner, ip, inner_bytes);
	packet->len += room;
	memcpy(packet->bytes, path->dst_mac, 6);
	memcpy(packet->bytes + 6, path->src_mac, 6);
	put16(packet->bytes + 12, 0x0800);
	if (path->kind == WIRE_PATH_VXLAN)
		put_outer_ip(ip, path, inner_bytes + room, id, inner);
	if (path->kind == WIRE_PATH_VXLAN)
		put_vxlan(ip + IP, path, inner_bytes, sport);
	if (path->kind == WIRE_PATH_IPIP)
		put_outer_ip(ip, path, inner_bytes + room, id, inner);
	packet->port = path->port;
	packet->end = REFERENCE_SENT;
}

/* A pod's frame does not have the pod's address, and its answer goes by the route to it. */
static void answer(const struct reference *tables, struct reference_packet *packet)
{
	const struct wire_route *back = match(tables, get32(packet->bytes + ETHER + 12));
	const struct wire_path *pod = back == NULL ? NULL : path_of(tables, back->nh);

	// padding in a tunnel is gone by now, so its headers would not fit the answer
	if (packet->outer_bytes > 0 &&
		get16(packet->outer + ETHER + 2) != packet->outer_bytes + packet->len - ETHER)
		punt(packet);
	else if (!packet->is_from_pod)
		reference_answer(packet, NULL);
	else if (pod == NULL || pod->kind != WIRE_PATH_NATIVE || pod->port != packet->from)
		punt(packet);
	else
		reference_answer(packet, pod);
}

static void route(const struct reference *tables, struct reference_packet *packet,
	const struct reference_choice *choice)
{
	uint8_t *ip = packet->bytes + ETHER;
	const struct wire_route *found = match(tables, get32(ip + 16));
	const struct wire_group *group = group_of(tables, get32(ip + 16));
	uint32_t nh = found == NULL ? WIRE_NH_NONE : found->nh;
	const struct wire_path *path;

	if (group != NULL)
		nh = group->member[choice->member].path;
	path = path_of(tables, nh);
	if (nh == WIRE_NH_PROBE && reference_is_echo(packet, REFERENCE_ECHO_REQUEST))
		answer(tables, packet);
	else if (nh == WIRE_NH_PROBE && reference_is_echo(packet, REFERENCE_ECHO_REPLY))
		packet->end = REFERENCE_HEARD;
	else if (path == NULL || path->kind == WIRE_PATH_PUNT)
		end_fixed(packet, path == NULL ? nh : WIRE_NH_PUNT);
	else if (ip[8] <= 1)
		punt(packet);
	else if (packet->len - ETHER > path->mtu && (get16(ip + 6) & 0x4000) != 0)
		drop(packet, DROP_TOO_BIG);
	else if (packet->len - ETHER > path->mtu &&
		 (get16(ip + 6) & 0x1fff) * 8u + packet->len - ETHER > 65535)
		drop(packet, DROP_BAD_HEADER);
	else {
		if (packet->len - ETHER > path->mtu)
			cut_out(packet, path->mtu, choice->piece);
		ip[8]--;
		put_ip_checksum(ip, IP);
		put_on_wire(packet, path, choice->id, choice->sport);
	}
}

/* What the kernel gets of a pod's packets is finished, too, also what step 5 did not look at. */
static void finish_punted(struct reference_packet *packet)
{
	uint8_t *ip = packet->bytes + ETHER;

	if (packet->end == REFERENCE_PUNTED && packet->has_unfinished && packet->is_from_pod &&
		packet->len >= ETHER + IP && get16(packet->bytes + 12) == 0x0800 && ip[0] == 0x45 &&
		get16(ip + 2) == packet->len - ETHER)
		reference_finish_l4(ip, packet->len - ETHER);
}

static void forward(const struct reference *tables, struct reference_packet *packet,
	const struct reference_choice *choice)
{
	bool goes_on;

	packet->outer_bytes = 0;
	goes_on = check_ether(tables, packet) && check_ip(packet);

	// a pod's packets to the kernel, if they are IPv4, must have the right sender, too
	if (!goes_on && (packet->end == REFERENCE_DROPPED || !packet->is_from_pod ||
				get16(packet->bytes + 12) != 0x0800))
		return;
	if (packet->is_from_pod ? !check_pod(tables, packet) : !unwrap(tables, packet))
		return;
	if (goes_on)
		route(tables, packet, choice);
}

void reference_forward(const struct reference *tables, struct reference_packet *packet,
	const struct reference_choice *choice)
{
	forward(tables, packet, choice);
	finish_punted(packet);
}
