/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What frame.c, route.c and nexthop.c share; nobody outside fpm/ includes it.
 */
#ifndef PODLANE_FPM_DECODE_H
#define PODLANE_FPM_DECODE_H

#include <linux/netlink.h>

#include "fpm/cursor.h"
#include "fpm/fpm.h"

enum fpm_verdict {
	FPM_VERDICT_EVENT, /**< the event is filled in */
	FPM_VERDICT_SKIP,  /**< sound, but nothing for us */
	FPM_VERDICT_BAD,
};

/**
 * Decode RTM_NEWROUTE or RTM_DELROUTE.
 *
 * @body: what follows the netlink header
 *
 * Source: struct rtmsg in linux/rtnetlink.h
 */
enum fpm_verdict fpm_decode_route(const struct nlmsghdr *header, struct cursor body,
	struct fpm_event *event, struct fpm_counters *counters);

/**
 * Decode RTM_NEWNEXTHOP or RTM_DELNEXTHOP.
 *
 * @body: what follows the netlink header
 *
 * Source: struct nhmsg in linux/nexthop.h
 */
enum fpm_verdict fpm_decode_nexthop(const struct nlmsghdr *header, struct cursor body,
	struct fpm_event *event, struct fpm_counters *counters);

/**
 * Read a gateway address of @family.
 *
 * Errors: -EBADMSG its length is not that of the family, or the family is unknown
 */
int fpm_read_gateway(struct cursor payload, uint8_t family, struct fpm_nh *nh);

#endif
