/* SPDX-License-Identifier: BSD-3-Clause */
/* A next hop on an Ethernet or in a pod: port, MAC addresses and MTU. Called by resolve*.c. */
#include "control/step/resolve_table.h"

#include <fnmatch.h>
#include <linux/neighbour.h>
#include <string.h>

#include "dataplane/steer/trunk_mac.h"

bool resolve_is_usable(const struct kernel_neighbour *neighbour)
{
	// The kernel would send by these; FAILED and INCOMPLETE it would not.
	const uint16_t usable =
		NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP;

	return neighbour != NULL && neighbour->has_mac && (neighbour->state & usable) != 0;
}

static uint16_t least_mtu(uint32_t link_mtu, uint16_t port_mtu)
{
	uint32_t mtu = link_mtu > 0 ? link_mtu : port_mtu;

	if (port_mtu > 0 && port_mtu < mtu)
		mtu = port_mtu;
	return mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)mtu;
}

/* The port by which an interface is reached, and the source MAC there. */
static const struct wire_port *find_egress(const struct resolve *resolve,
	const struct kernel_link *link, struct hop_facts *facts)
{
	const struct wire_port *port;

	if (resolve_table_is_attached(resolve, link->ifindex)) {
		uint8_t mac[6] = {TRUNK_MAC_0, TRUNK_MAC_1, (uint8_t)(link->ifindex >> 24),
			(uint8_t)(link->ifindex >> 16), (uint8_t)(link->ifindex >> 8),
			(uint8_t)link->ifindex};

		port = resolve_table_trunk(resolve);
		memcpy(facts->egress.src_mac, mac, sizeof(facts->egress.src_mac));
	} else {
		port = resolve_table_port(resolve, link->ifindex);
		memcpy(facts->egress.src_mac, link->mac, sizeof(facts->egress.src_mac));
	}
	if (port == NULL)
		return NULL;
	facts->egress.port = port->idx;
	facts->egress.mtu = least_mtu(link->mtu, port->mtu);
	memcpy(facts->egress.port_name, port->name, sizeof(facts->egress.port_name));
	return port;
}

enum hop_state resolve_native(const struct resolve *resolve, struct hop_facts *facts)
{
	const struct kernel_link *link = resolve_find_link(resolve, facts->key.ifindex);
	const struct kernel_neighbour *neighbour;

	if (link == NULL)
		return HOP_NO_LINK;
	neighbour = resolve_table_neighbour(resolve, facts->key);
	if (neighbour != NULL)
		facts->neighbour = neighbour->state;
	if (find_egress(resolve, link, facts) == NULL)
		return fnmatch(resolve_table_pod_match(resolve), link->name, 0) == 0
			       ? HOP_POD_DETACHED
			       : HOP_NOT_OURS;
	if (facts->key.nexthop == 0)
		return HOP_NOT_OURS;
	if (!link->is_up)
		return HOP_LINK_DOWN;
	facts->wants_neighbour = true;
	if (!resolve_is_usable(neighbour))
		return HOP_UNRESOLVED;
	memcpy(facts->egress.dst_mac, neighbour->mac, sizeof(facts->egress.dst_mac));
	return HOP_RESOLVED;
}
