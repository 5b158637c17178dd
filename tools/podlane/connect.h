/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connecting to a daemon's unix socket, and what to tell the operator when that fails.
 */
#ifndef PODLANE_TOOLS_PODLANE_CONNECT_H
#define PODLANE_TOOLS_PODLANE_CONNECT_H

#include <stddef.h>

/**
 * Connect to a unix socket; sends and receives give up after @timeout_sec with EAGAIN.
 *
 * @type: SOCK_SEQPACKET or SOCK_STREAM
 *
 * Owner:  *fd is the caller's
 * Errors: of socket(2) and connect(2); -ENAMETOOLONG
 */
int connect_unix(int *fd, const char *path, int type, unsigned timeout_sec);

/** Put into @error why @daemon is not reached at @path, and the mend; @option names the socket. */
void connect_explain(int rc, const char *daemon, const char *option, const char *path, char *error,
	size_t error_bytes);

#endif
