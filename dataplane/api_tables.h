/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the requests of the API do to the tables: check every field, then apply. No sockets here.
 */
#ifndef PODLANE_DATAPLANE_API_TABLES_H
#define PODLANE_DATAPLANE_API_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "dataplane/api/wire.h"
#include "dataplane/table/endpoint.h"
#include "dataplane/table/fib.h"
#include "dataplane/table/nexthop.h"
#include "dataplane/table/port.h"
#include "dataplane/table/stats.h"

#define API_MAX_POOLS 1024u

/** All that an acknowledgement holds, and no message has more items: who asked takes what is not
 * among them for done. */
#define API_MAX_REFUSALS ((WIRE_MSG_BYTES - sizeof(struct wire_hdr)) / sizeof(struct wire_refusal))

/** Everything a request may read or write. Owner: main.c */
struct api_tables {
	uint64_t instance;
	uint64_t start_tsc;
	const char *node;
	bool is_polling;
	struct fib *fib;
	struct nexthop_table *nexthops;
	struct endpoint_table *endpoints;
	struct port_table *ports;
	struct steer *steer; /**< NULL: no port needs steering */
	struct rte_mempool *pool;
	struct prober *prober;
	struct lcore_stats *stats; /**< [0] is the main lcore's, then the workers' */
	const unsigned *cpus;	   /**< theirs */
	unsigned n_lcores;
	const struct path_pkts *path_pkts; /**< likewise */
	const struct icmp_stats *icmp;
	struct wire_pool pools[API_MAX_POOLS];
	unsigned n_pools;
	bool is_steering;
	bool is_controlled;	    /**< control is connected */
	void (*between)(void *arg); /**< called within long requests; NULL: nothing else to do */
	void *between_arg;
};

/** Where answers go. */
struct api_reply {
	void (*send)(void *arg, enum wire_type type, const void *items, size_t n_items);
	void *arg;
	unsigned n_refusals;
	struct wire_refusal refusal[API_MAX_REFUSALS]; /**< in the order of the items */
};

/** One item of the request was refused. */
void api_refuse(struct api_reply *reply, uint32_t item, int error);

/**
 * Do what a writing request says.
 *
 * Errors: items that could not be done are noted in reply; the others are done
 */
void api_tables_write(struct api_tables *tables, enum wire_type type, const void *items,
	unsigned n_items, struct api_reply *reply);

/** Answer a reading request. */
void api_tables_read(struct api_tables *tables, enum wire_type type, const void *items,
	unsigned n_items, struct api_reply *reply);

#endif
