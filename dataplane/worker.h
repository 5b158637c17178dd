/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_WORKER_H
#define PODLANE_DATAPLANE_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/pipeline.h"
#include "dataplane/pipeline_code.h"
#include "dataplane/table/epoch.h"

#define WORKER_MAX	  32u
#define WORKER_MAX_QUEUES 64u

struct worker_queue {
	const struct port *port;
	uint16_t queue;
};

/** One worker. Threads: after the start its lcore's alone, but for is_stopping. */
struct worker {
	struct pipeline pipeline;
	const struct pipeline_code *code;
	struct epoch *epoch;
	unsigned idx;	  /**< its reader id in the epoch */
	uint32_t idle_us; /**< how long an idle worker sleeps; 0: it never does */
	unsigned n_queues;
	struct worker_queue queue[WORKER_MAX_QUEUES];
	bool is_stopping; /**< set by the main lcore */
} __rte_cache_aligned;

/**
 * Make the rings of a worker's pipeline, on the calling lcore's socket.
 *
 * Owner:  freed with worker_free_rings(), also after an error
 * Errors: -ENOMEM
 */
int worker_make_rings(struct worker *worker);
void worker_free_rings(struct worker *worker);

/**
 * Deal the ports' receive queues to the workers in turn.
 *
 * Errors: -ENOSPC more than WORKER_MAX_QUEUES for one; error is one line with the mend
 */
int worker_deal_queues(struct worker *workers, unsigned n_workers, const struct port_table *ports,
	char *error, size_t error_bytes);

/** Loop until told to stop; the function of rte_eal_remote_launch(). @arg: struct worker */
int worker_main(void *arg);

/** Threads: main lcore */
void worker_stop(struct worker *worker);

#endif
