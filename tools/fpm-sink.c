/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A listener for zebra's FPM that only reads: what a replay to it takes is FRR's own time. Takes one
 * connection, ends when nothing has come for two seconds, and says how long it was from the connection to
 * the last byte. For tools/bench.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FPM_PORT  2620
#define QUIET_MS  2000
#define BUF_BYTES (1 << 20)

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int accept_one(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(FPM_PORT)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, fd;

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (listener < 0)
		return -errno;
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) != 0 || listen(listener, 1) != 0)
		return -errno;
	fd = accept(listener, NULL, NULL);
	close(listener);
	return fd < 0 ? -errno : fd;
}

int main(void)
{
	static char buf[BUF_BYTES];
	struct pollfd in = {.events = POLLIN};
	unsigned long long n_bytes = 0;
	uint64_t began, ended;

	in.fd = accept_one();
	if (in.fd < 0) {
		fprintf(stderr, "fpm-sink: port %d: %s\n", FPM_PORT, strerror(-in.fd));
		return EXIT_FAILURE;
	}
	began = ended = now_ns();
	while (poll(&in, 1, QUIET_MS) > 0) {
		ssize_t n = recv(in.fd, buf, sizeof(buf), 0);

		if (n <= 0)
			break;
		n_bytes += (unsigned long long)n;
		ended = now_ns();
	}
	printf("bytes=%llu sec=%.6f\n", n_bytes, (double)(ended - began) / 1e9);
	return EXIT_SUCCESS;
}
