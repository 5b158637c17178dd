/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the daemons listen: from the command line, podlane.yaml, or the defaults, in this order.
 */
#ifndef PODLANE_TOOLS_PODLANE_SOCKETS_H
#define PODLANE_TOOLS_PODLANE_SOCKETS_H

#include <stdbool.h>

#include "tools/podlane/command.h"

#define SOCKETS_CONFIG	  "/etc/podlane/podlane.yaml"
#define SOCKETS_DATAPLANE "/run/podlane/dataplane.sock"
#define SOCKETS_CONTROL	  "/run/podlane/control.sock"

struct config;

struct sockets {
	struct config *config; /**< NULL if none was read */
};

/**
 * Fill in the socket paths that the command line did not give.
 *
 * Owner:  the paths live until sockets_free()
 * Errors: false, and said on stderr: a file that was named is missing, or a file is wrong
 */
bool sockets_find(struct sockets *sockets, struct options *options);
void sockets_free(struct sockets *sockets);

#endif
