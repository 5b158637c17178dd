/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The peer of a bulk load in tools/bench: nothing but rte_fib_add() for each route of a file of struct
 * wire_route, into the same kind of table as podlane-dataplane's. Says how long the loop has computed.
 *
 *   fib_add_loop EAL-OPTIONS -- FILE
 */
#include "dataplane/api/wire.h"

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_fib.h>
#include <rte_memory.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N_TBL8 66000u

static uint64_t computed_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static struct wire_route *load(const char *path, size_t *n)
{
	FILE *file = fopen(path, "rb");
	struct wire_route *routes;
	long bytes;

	if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (bytes = ftell(file)) <= 0)
		return NULL;
	rewind(file);
	*n = (size_t)bytes / sizeof(*routes);
	routes = calloc(*n, sizeof(*routes));
	if (routes != NULL && fread(routes, sizeof(*routes), *n, file) != *n) {
		free(routes);
		routes = NULL;
	}
	fclose(file);
	return routes;
}

int main(int argc, char **argv)
{
	struct rte_fib_conf conf = {
		.type = RTE_FIB_DIR24_8,
		.max_routes = 2000000,
		.dir24_8 = {.nh_sz = RTE_FIB_DIR24_8_4B, .num_tbl8 = N_TBL8},
	};
	struct wire_route *routes;
	struct rte_fib *fib;
	uint64_t began;
	size_t n = 0;

	if (rte_eal_init(argc, argv) < 0 || argc < 2) {
		fprintf(stderr, "usage: fib_add_loop EAL-OPTIONS -- FILE\n");
		return 2;
	}
	routes = load(argv[argc - 1], &n);
	fib = rte_fib_create("peer", SOCKET_ID_ANY, &conf);
	if (routes == NULL || fib == NULL) {
		fprintf(stderr, "fib_add_loop: cannot read %s, or make the table\n",
			argv[argc - 1]);
		return EXIT_FAILURE;
	}
	began = computed_ns();
	for (size_t i = 0; i < n; i++)
		if (rte_fib_add(fib, routes[i].prefix, routes[i].depth, routes[i].nh) != 0)
			return EXIT_FAILURE;
	printf("n=%zu ns=%llu\n", n, (unsigned long long)(computed_ns() - began));
	rte_fib_free(fib);
	free(routes);
	return EXIT_SUCCESS;
}
