/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Namespaces for the tests of dataplane/steer/.
 */
#include "test/unit/dataplane/steer/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int run_in(int ns_fd, const char *format, ...)
{
	char command[1024];
	va_list args;
	pid_t child;
	int status;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	child = fork();
	if (child == 0) {
		if (ns_fd >= 0 && setns(ns_fd, CLONE_NEWNET) < 0)
			_exit(126);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		abort();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void must(int rc)
{
	if (rc != 0)
		abort();
}

static int open_own_ns(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		abort();
	return fd;
}

int node_enter(void)
{
	if (geteuid() != 0) {
		puts("skipped: needs root");
		return EXIT_SKIP;
	}
	if (unshare(CLONE_NEWNET) < 0) {
		printf("skipped: no network namespace: %s\n", strerror(errno));
		return EXIT_SKIP;
	}
	must(run_in(-1, "ip link set lo up"));
	must(run_in(-1, "echo 1 > /proc/sys/net/ipv4/ip_forward"));
	// Proxy ARP for 169.254.1.1 needs a route to it, and nodes have a default route.
	must(run_in(-1, "ip link add eth0 type veth peer name wire0 && ip link set wire0 up && "
			"ip link set eth0 up && ip addr add 198.51.100.2/24 dev eth0 && "
			"ip route add default via 198.51.100.1"));
	return 0;
}

void pod_add(struct pod *pod, unsigned number)
{
	int own_fd = open_own_ns();

	snprintf(pod->host_name, sizeof(pod->host_name), "cali%u", number);
	pod->address = 0x0af40000 + number;
	must(unshare(CLONE_NEWNET));
	pod->ns_fd = open_own_ns();
	must(setns(own_fd, CLONE_NEWNET));
	close(own_fd);

	memcpy(pod->mac, (uint8_t[]){0x0a, 0, 0, 0, 0, (uint8_t)number}, sizeof(pod->mac));
	must(run_in(-1,
		"ip link add %s address ee:ee:ee:ee:ee:ee type veth"
		" peer name pod%u address 0a:00:00:00:00:%02x && "
		"ip link set pod%u netns /proc/%d/fd/%d name eth0 && "
		"sysctl -qw net.ipv4.conf.%s.proxy_arp=1 net.ipv4.neigh.%s.proxy_delay=0 && "
		"ip link set %s up && ip route add 10.244.0.%u/32 dev %s",
		pod->host_name, number, number, number, getpid(), pod->ns_fd, pod->host_name,
		pod->host_name, pod->host_name, number, pod->host_name));
	must(run_in(pod->ns_fd,
		"sysctl -qw net.ipv6.conf.all.disable_ipv6=1;"
		"ip link set lo up && ip link set eth0 up && ip addr add 10.244.0.%u/32 dev eth0 "
		"&& "
		"ip route add 169.254.1.1 dev eth0 scope link && ip route add default via "
		"169.254.1.1",
		number));
	pod->ifindex = if_nametoindex(pod->host_name);
}

void pod_remove(struct pod *pod)
{
	run_in(-1, "ip link del %s 2>/dev/null", pod->host_name);
	close(pod->ns_fd);
}

uint64_t count_kernel_forwarded(void)
{
	FILE *file = fopen("/proc/thread-self/net/snmp", "r");
	uint64_t n = 0;
	char line[1024];

	// The second line that begins with Ip: has the values; ForwDatagrams is the sixth.
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "Ip: %*d %*d %*d %*d %*d %" SCNu64, &n) == 1)
			break;
	if (file != NULL)
		fclose(file);
	return n;
}
