/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lock of an interface, for steer.c and steer_trunk.c.
 */
#include "dataplane/steer/steer_lock.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/steer/steer_private.h"

/** Those who asked for the holder's pid stay in its queue, as it never accepts; have it long. */
#define QUEUE_LEN 4096

static socklen_t name_address(struct sockaddr_un *address, const char *ifname)
{
	// An abstract name: the first byte is 0, the length says where it ends.
	int n = snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1,
		"podlane-dataplane/%s", ifname);

	address->sun_family = AF_UNIX;
	address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

/** Returns: the pid of the lock's holder, 0 if it cannot be told. */
static pid_t find_holder(const struct sockaddr_un *address, socklen_t address_bytes)
{
	struct ucred peer = {0};
	socklen_t peer_bytes = sizeof(peer);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return 0;
	if (connect(fd, (const struct sockaddr *)address, address_bytes) < 0 ||
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_bytes) < 0)
		peer.pid = 0;
	close(fd);
	return peer.pid;
}

int steer_lock(const char *ifname, char *error, size_t error_bytes)
{
	struct sockaddr_un address;
	socklen_t address_bytes = name_address(&address, ifname);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return steer_fail(-errno, error, error_bytes, "interface %s: no socket: %s", ifname,
			strerror(errno));
	if (bind(fd, (struct sockaddr *)&address, address_bytes) == 0 && listen(fd, QUEUE_LEN) == 0)
		return fd;
	rc = -errno;
	close(fd);
	if (rc != -EADDRINUSE)
		return steer_fail(rc, error, error_bytes, "interface %s: cannot lock it: %s",
			ifname, strerror(-rc));

	pid_t holder = find_holder(&address, address_bytes);

	if (holder == 0)
		return steer_fail(-EBUSY, error, error_bytes,
			"interface %s: another dataplane has it; stop that one first", ifname);
	return steer_fail(-EBUSY, error, error_bytes,
		"interface %s: another dataplane (pid %d) has it; stop that one first", ifname,
		(int)holder);
}
