/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connecting to a daemon's unix socket, for dp.c and ctl.c.
 */
#include "tools/podlane/connect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

int connect_unix(int *fd, const char *path, int type, unsigned timeout_sec)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = timeout_sec};
	int sock, rc;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path) + 1);

	sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	// before connect: it too waits, for room in the listener's queue
	if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
		setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) != 0 ||
		connect(sock, (const struct sockaddr *)&addr, sizeof(addr)) != 0) {
		rc = -errno;
		close(sock);
		return rc;
	}
	*fd = sock;
	return 0;
}

static const char *mend(int rc)
{
	switch (-rc) {
	case ENOENT:
	case ECONNREFUSED:
		return "is it running?";
	case EACCES:
	case EPERM:
		return "run podlane as root";
	case EAGAIN:
		return "it hangs, see its log";
	case EPROTOTYPE:
		return "that socket is another program's";
	}
	return "check the socket's path";
}

void connect_explain(int rc, const char *daemon, const char *option, const char *path, char *error,
	size_t error_bytes)
{
	snprintf(error, error_bytes,
		"cannot reach %s at %s: %s; %s (systemctl status %s; another socket: %s PATH)",
		daemon, path, strerror(-rc), mend(rc), daemon, option);
}
