/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The few things steer asks of links, by rtnetlink, in the caller's network namespace. Each call
 * opens and closes its own socket: they are rare.
 */
#ifndef PODLANE_DATAPLANE_STEER_STEER_LINK_H
#define PODLANE_DATAPLANE_STEER_STEER_LINK_H

#include <stdbool.h>
#include <stdint.h>

#define STEER_LINK_MAC_BYTES 6

/** What a link is. */
struct steer_link {
	uint32_t ifindex;
	uint32_t peer_ifindex; /**< 0 if it has none, or has it in another namespace */
	uint32_t mtu;
	bool is_veth;
};

/** One end of a veth pair, as wanted. */
struct steer_link_end {
	const char *name;
	uint8_t mac[STEER_LINK_MAC_BYTES];
	uint32_t mtu;
};

/** Errors: -ENODEV no such link */
int steer_link_get(const char *name, struct steer_link *link);

/** Make a veth pair; both ends are down. Errors: -EEXIST, -EPERM, -EOPNOTSUPP no veth driver */
int steer_link_add_veth(const struct steer_link_end *a, const struct steer_link_end *b);

/** Give a link that exists the MAC and MTU of @end, without ARP, and set it up. */
int steer_link_set_up(uint32_t ifindex, const struct steer_link_end *end);

/** Errors: -ENODEV */
int steer_link_delete(uint32_t ifindex);

/**
 * Let the kernel forward from this link whatever the source address: forwarding on, rp_filter 2.
 * The stricter of a link's own setting and that of "all" counts as 0 < 1 < 2, so 2 always wins.
 */
int steer_link_forward_any_source(uint32_t ifindex);

/** No IPv6 address by itself. A kernel without IPv6 is fine. */
int steer_link_no_ip6(uint32_t ifindex);

#endif
