/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A next hop through a tunnel: the outer header, and by which port and to which MAC it leaves. Called by
 * resolve.c for the kernel's devices, and for what the pools' policies may choose.
 */
#include "control/step/resolve_table.h"

#include <stdlib.h>
#include <string.h>

#define OVERHEAD_IPIP  20
#define OVERHEAD_VXLAN 50 /* Ethernet, IPv4, UDP, VXLAN */
#define MTU_MIN	       68 /* RFC 791 */

static bool is_in(uint32_t addr, uint32_t prefix, uint8_t depth)
{
	return depth == 0 || (addr ^ prefix) >> (32 - depth) == 0;
}

/* Errors: {0} if the kernel does not send to it by a port of ours */
static struct underlay_route find_underlay(const struct resolve *resolve, uint32_t dst)
{
	const struct resolve_outside *outside = resolve_table_outside(resolve);
	const struct underlay_route none = {.source = 0};
	struct underlay_route route = none;

	if (resolve_is_local(resolve, dst) || outside->route == NULL ||
		!outside->route(dst, &route, outside->arg) ||
		resolve_table_port(resolve, route.key.ifindex) == NULL)
		return none;
	return route;
}

static enum hop_state state_of_underlay(enum hop_state state)
{
	switch (state) {
	case HOP_RESOLVED:
		return HOP_RESOLVED;
	case HOP_UNRESOLVED:
		return HOP_UNDERLAY_UNRESOLVED;
	case HOP_LINK_DOWN:
		return HOP_UNDERLAY_DOWN;
	default:
		return HOP_NO_UNDERLAY;
	}
}

/*
 * The frame around the tunnel packet, and its source address if it has none.
 *
 * @only: the interface that the kernel's device is bound to, 0: any
 */
static enum hop_state find_frame(const struct resolve *resolve, uint32_t only, uint16_t overhead,
	struct tunnel_facts *tunnel)
{
	struct underlay_route route = find_underlay(resolve, tunnel->header.dst);
	struct hop_facts outer = {.key = route.key};
	enum hop_state state;

	if (outer.key.ifindex == 0 || (only != 0 && only != outer.key.ifindex))
		return HOP_NO_UNDERLAY;
	tunnel->underlay = outer.key;
	if (tunnel->header.src == 0)
		tunnel->header.src = route.source;
	if (tunnel->header.src == 0)
		return HOP_NO_TUNNEL_ADDRESS;
	state = state_of_underlay(resolve_native(resolve, &outer));
	if (state != HOP_RESOLVED)
		return state;
	if (outer.egress.mtu < overhead + MTU_MIN)
		return HOP_NO_UNDERLAY;
	tunnel->egress = outer.egress;
	tunnel->egress.mtu = (uint16_t)(outer.egress.mtu - overhead);
	return HOP_RESOLVED;
}

static enum hop_state follow_vxlan(const struct resolve *resolve, const struct kernel_link *link,
	struct hop_facts *facts)
{
	const struct kernel_neighbour *neighbour = resolve_table_neighbour(resolve, facts->key);
	const struct resolve_tunnel *system = resolve_table_tunnel(resolve);
	const struct kernel_tunnel *device = &link->tunnel;
	struct wire_tunnel *header = &facts->vxlan.header;
	// Linux takes an empty range for none.
	bool has_range = device->udp_src_min < device->udp_src_max;

	facts->device = WIRE_PATH_VXLAN;
	facts->neighbour = neighbour == NULL ? 0 : neighbour->state;
	header->src = device->local;
	header->vni = device->vni;
	header->udp_dst = device->udp_port;
	header->udp_src_min = has_range ? device->udp_src_min : system->system_src_min;
	header->udp_src_max = has_range ? device->udp_src_max : system->system_src_max;
	header->has_udp_checksum = device->has_udp_checksum != 0;
	memcpy(header->inner_src_mac, link->mac, sizeof(header->inner_src_mac));
	if (!link->is_up)
		return HOP_LINK_DOWN;
	if (facts->key.nexthop == 0 || neighbour == NULL || !resolve_is_usable(neighbour))
		return HOP_NO_VTEP_MAC;
	memcpy(header->inner_dst_mac, neighbour->mac, sizeof(header->inner_dst_mac));
	header->dst = resolve_fdb_remote(resolve_table_fdb(resolve), link->ifindex, neighbour->mac);
	if (header->dst == 0)
		return HOP_NO_FDB;
	return find_frame(resolve, device->underlay_ifindex, OVERHEAD_VXLAN, &facts->vxlan);
}

static enum hop_state follow_ipip(const struct resolve *resolve, const struct kernel_link *link,
	struct hop_facts *facts)
{
	const struct kernel_tunnel *device = &link->tunnel;
	struct wire_tunnel *header = &facts->ipip.header;

	facts->device = WIRE_PATH_IPIP;
	header->src = device->local;
	header->dst = device->remote != 0 ? device->remote : facts->key.nexthop;
	if (!link->is_up)
		return HOP_LINK_DOWN;
	if (header->dst == 0)
		return HOP_NO_TUNNEL_REMOTE;
	return find_frame(resolve, device->underlay_ifindex, OVERHEAD_IPIP, &facts->ipip);
}

/* As the kernel does: a device may be set to less than its egress leaves room for. */
static enum hop_state keep_mtu(const struct kernel_link *link, struct tunnel_facts *tunnel)
{
	if (link->mtu >= MTU_MIN && link->mtu < tunnel->egress.mtu)
		tunnel->egress.mtu = (uint16_t)link->mtu;
	return tunnel->state;
}

enum hop_state resolve_device(const struct resolve *resolve, const struct kernel_link *link,
	struct hop_facts *facts)
{
	switch ((enum kernel_tunnel_kind)link->tunnel.kind) {
	case KERNEL_TUNNEL_VXLAN:
		facts->vxlan.state = follow_vxlan(resolve, link, facts);
		return keep_mtu(link, &facts->vxlan);
	case KERNEL_TUNNEL_IPIP:
		facts->ipip.state = follow_ipip(resolve, link, facts);
		return keep_mtu(link, &facts->ipip);
	case KERNEL_TUNNEL_NONE:
	case KERNEL_TUNNEL_UNKNOWN:
		break;
	}
	return HOP_TUNNEL_UNKNOWN;
}

/* A remote VTEP's MAC from a kernel device of the same VNI. */
struct mac_search {
	const struct resolve *resolve;
	uint32_t vni;
	uint8_t *mac;
	bool is_found;
};

static void find_mac(const struct kernel_fdb *entry, void *arg)
{
	struct mac_search *search = arg;
	const struct kernel_link *link = resolve_find_link(search->resolve, entry->ifindex);
	static const uint8_t none[6];

	// All zeroes is where a device floods to.
	if (search->is_found || link == NULL || link->tunnel.kind != KERNEL_TUNNEL_VXLAN ||
		link->tunnel.vni != search->vni || memcmp(entry->mac, none, sizeof(none)) == 0)
		return;
	memcpy(search->mac, entry->mac, sizeof(entry->mac));
	search->is_found = true;
}

static bool find_vtep_mac(const struct resolve *resolve, uint32_t node, uint8_t mac[6])
{
	const struct resolve_outside *outside = resolve_table_outside(resolve);
	struct mac_search search = {.resolve = resolve,
		.vni = resolve_table_tunnel(resolve)->vni,
		.mac = mac};

	resolve_fdb_each_of(resolve_table_fdb(resolve), node, find_mac, &search);
	return search.is_found ||
	       (outside->vtep_mac != NULL && outside->vtep_mac(node, mac, outside->arg));
}

/* Felix's rule: the node's address is within our own prefix; if that is unknown, it is not. */
struct subnet_check {
	uint32_t source, node;
	bool is_same;
};

static void check_subnet(const struct kernel_address *address, void *arg)
{
	struct subnet_check *check = arg;

	if (address->addr == check->source && address->depth != 0)
		check->is_same = is_in(check->node, address->addr, address->depth);
}

void resolve_tunnels(const struct resolve *resolve, struct hop_facts *facts)
{
	const struct resolve_tunnel *system = resolve_table_tunnel(resolve);
	struct wire_tunnel *vxlan = &facts->vxlan.header;
	struct subnet_check check = {.node = facts->key.nexthop};

	facts->ipip.header.src = system->address;
	facts->ipip.header.dst = facts->key.nexthop;
	facts->ipip.state = find_frame(resolve, 0, OVERHEAD_IPIP, &facts->ipip);

	*vxlan = (struct wire_tunnel){
		.src = system->address,
		.dst = facts->key.nexthop,
		.vni = system->vni,
		.udp_dst = system->udp_port,
		.udp_src_min = system->udp_src_min,
		.udp_src_max = system->udp_src_max,
		.has_udp_checksum = system->has_udp_checksum,
	};
	memcpy(vxlan->inner_src_mac, system->mac, sizeof(vxlan->inner_src_mac));
	facts->vxlan.state = find_vtep_mac(resolve, facts->key.nexthop, vxlan->inner_dst_mac)
				     ? find_frame(resolve, 0, OVERHEAD_VXLAN, &facts->vxlan)
				     : HOP_NO_VTEP_MAC;

	check.source = facts->ipip.header.src;
	resolve_table_each_address(resolve, check_subnet, &check);
	facts->is_same_subnet = check.source != 0 && check.is_same;
}

/* Our tunnel ends, as they are collected. */
struct endpoint_list {
	const struct resolve *resolve;
	struct wire_endpoint *endpoint;
	size_t n, max;
	const struct kernel_link
		*link; /* whose endpoints those of find_ends() are; NULL: policy's */
};

static void add_endpoint(struct endpoint_list *list, const struct wire_endpoint *endpoint)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->endpoint[i].addr == endpoint->addr &&
			list->endpoint[i].kind == endpoint->kind &&
			list->endpoint[i].udp_port == endpoint->udp_port &&
			list->endpoint[i].vni == endpoint->vni)
			return;
	if (list->n < list->max)
		list->endpoint[list->n++] = *endpoint;
}

static void add_ends_at(struct endpoint_list *list, uint32_t addr)
{
	const struct resolve_tunnel *system = resolve_table_tunnel(list->resolve);
	struct wire_endpoint ipip = {.addr = addr, .kind = WIRE_TUNNEL_IPIP};
	struct wire_endpoint vxlan = {.addr = addr,
		.kind = WIRE_TUNNEL_VXLAN,
		.vni = system->vni,
		.udp_port = system->udp_port};

	if (list->link != NULL) {
		vxlan.vni = list->link->tunnel.vni;
		vxlan.udp_port = list->link->tunnel.udp_port;
	}
	if (list->link == NULL || list->link->tunnel.kind == KERNEL_TUNNEL_IPIP)
		add_endpoint(list, &ipip);
	if (list->link == NULL || list->link->tunnel.kind == KERNEL_TUNNEL_VXLAN)
		add_endpoint(list, &vxlan);
}

/* An end that has no address of its own is at each of ours that a port sees. */
static void find_ends(const struct kernel_address *address, void *arg)
{
	struct endpoint_list *list = arg;
	uint32_t only = list->link == NULL ? 0 : list->link->tunnel.underlay_ifindex;

	if (resolve_table_port(list->resolve, address->ifindex) != NULL &&
		(only == 0 || only == address->ifindex))
		add_ends_at(list, address->addr);
}

static void find_device_ends(const struct kernel_link *link, void *arg)
{
	struct endpoint_list *list = arg;

	if (!link->is_up || link->tunnel.kind == KERNEL_TUNNEL_UNKNOWN)
		return;
	list->link = link;
	if (link->tunnel.local != 0)
		add_ends_at(list, link->tunnel.local);
	else
		resolve_table_each_address(list->resolve, find_ends, list);
	list->link = NULL;
}

static int compare_endpoints(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct wire_endpoint));
}

size_t resolve_endpoints(const struct resolve *resolve, bool by_policy,
	struct wire_endpoint *endpoints, size_t max)
{
	struct endpoint_list list = {.resolve = resolve, .endpoint = endpoints, .max = max};
	uint32_t address = resolve_table_tunnel(resolve)->address;

	resolve_table_each_tunnel(resolve, find_device_ends, &list);
	if (by_policy && address != 0)
		add_ends_at(&list, address);
	else if (by_policy)
		resolve_table_each_address(resolve, find_ends, &list);
	qsort(endpoints, list.n, sizeof(endpoints[0]), compare_endpoints);
	return list.n;
}

struct remote_visit {
	void (*visit)(uint32_t addr, void *arg);
	void *arg;
};

static void visit_remote(const struct kernel_fdb *entry, void *arg)
{
	const struct remote_visit *with = arg;

	with->visit(entry->remote, with->arg);
}

void resolve_each_remote(const struct resolve *resolve, void (*visit)(uint32_t addr, void *arg),
	void *arg)
{
	struct remote_visit with = {visit, arg};

	resolve_fdb_each(resolve_table_fdb(resolve), visit_remote, &with);
}
