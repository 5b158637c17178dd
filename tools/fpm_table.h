/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The frames of a made-up routing table, as zebra would send them; for tools/fpm-replay.c.
 */
#ifndef PODLANE_TOOLS_FPM_TABLE_H
#define PODLANE_TOOLS_FPM_TABLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FPM_TABLE_FRAME_BYTES = 128 };

/** Route i goes to prefix number i behind first, through next hop i modulo n_nexthops. */
struct fpm_table {
	uint32_t n_routes;
	uint32_t n_nexthops; /**< 1 and up */
	uint32_t prefix_len;
	uint32_t ifindex;
	struct in_addr first, first_nh;
	bool is_by_id; /**< routes name ids of next-hop objects */
};

/** Make a frame that defines the object of next hop @i. Returns: its length */
size_t fpm_table_nexthop(const struct fpm_table *table, uint32_t i,
	uint8_t bytes[static FPM_TABLE_FRAME_BYTES]);

/** Make a frame with route @i. @type: RTM_NEWROUTE or RTM_DELROUTE. Returns: its length */
size_t fpm_table_route(const struct fpm_table *table, uint16_t type, uint32_t i,
	uint8_t bytes[static FPM_TABLE_FRAME_BYTES]);

/**
 * Make a frame with the route that says the replay is complete, an IPv6 blackhole: zebra sends IPv6
 * last.
 *
 * Returns: its length
 */
size_t fpm_table_sentinel(uint8_t bytes[static FPM_TABLE_FRAME_BYTES]);

#endif
