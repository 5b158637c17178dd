/* SPDX-License-Identifier: BSD-3-Clause */
/* rtnetlink bytes to kernel events. No sockets, no state: neigh.c is the socket around it. */
#ifndef PODLANE_CONTROL_NEIGH_PARSE_H
#define PODLANE_CONTROL_NEIGH_PARSE_H

#include <stddef.h>

#include "control/route.h"

/** What one message means for the one who asked. */
enum neigh_said {
	NEIGH_SAID_NOTHING, /**< nothing we have use for, or broken and skipped */
	NEIGH_SAID_EVENT,
	NEIGH_SAID_DONE,	/**< end of a dump */
	NEIGH_SAID_INTERRUPTED, /**< a dump that missed changes: ask again */
	NEIGH_SAID_ERROR,	/**< the answer to a request; *error is 0 or -errno */
};

/** Takes each message in its order. @event counts for NEIGH_SAID_EVENT, @error for _ERROR. */
typedef void (*neigh_handler)(enum neigh_said said, const struct kernel_event *event, int error,
	void *arg);

/**
 * Take what one recv() returned.
 *
 * Errors:  none; a message that does not fit its length ends it, and the rest is dropped
 * Source:  rtnetlink(7), linux/if_link.h, linux/if_addr.h, linux/neighbour.h
 */
void neigh_parse(const void *bytes, size_t len, neigh_handler handler, void *arg);

#endif
