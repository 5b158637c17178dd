/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TAPs: interfaces of the kernel whose other end is a file of ours.
 */
#ifndef PODLANE_DATAPLANE_TAP_H
#define PODLANE_DATAPLANE_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_ether.h>
#include <rte_mbuf.h>

enum tap_life {
	TAP_GOES_WITH_US,
	TAP_STAYS, /**< with its addresses, and without carrier while nobody has it open */
};

/**
 * Make a TAP, or take over one that stayed, and bring it up.
 *
 * Returns: its file, which does not block
 * Errors:  -EPERM; -EBUSY another process has it; -EINVAL an interface that is no TAP has the name
 */
int tap_open(const char *name, enum tap_life life);

int tap_get_mac(const char *name, struct rte_ether_addr *mac);
int tap_set_mac(const char *name, const struct rte_ether_addr *mac);
int tap_set_mtu(const char *name, uint16_t mtu);

/** Does the kernel see a link? Source: TUNSETCARRIER, since Linux 4.20 */
int tap_set_carrier(int fd, bool has_carrier);

/** Give a frame to the kernel, in whatever segments it is. Owner: the packet stays the caller's. */
int tap_write(int fd, struct rte_mbuf *pkt);

#endif
