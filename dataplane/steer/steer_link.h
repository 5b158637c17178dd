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
 * Let the kernel forward what comes in by this link, whatever its source: forwarding on, rp_filter
 * 2 (the greater of it and that of "all" counts, so 2 wins), and the address 169.254.112.1/32,
 * because a link without any address drops on 2 what it drops on 1.
 *
 * Source: fib_validate_source() of the kernel, where no_addr is "last resort"
 */
int steer_link_forward_any_source(uint32_t ifindex);

/** No IPv6 address by itself. A kernel without IPv6 is fine. */
int steer_link_no_ip6(uint32_t ifindex);

#endif
