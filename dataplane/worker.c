/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 1 of the packet's walk: one loop per lcore. Poll the queues, run the pipeline, report
 * quiescent; sleep when there is nothing to do and the configuration lets us.
 */
#include "dataplane/worker.h"

#include <rte_cycles.h>

#include <sys/prctl.h>

/* Turns without a packet before a worker sleeps: a few, so that a flow is not slept on. */
#define IDLE_TURNS 32u

static unsigned poll_queues(struct worker *worker)
{
	uint64_t start = rte_rdtsc();
	unsigned n_pkts = 0;

	for (unsigned i = 0; i < worker->n_queues; i++)
		n_pkts += pipeline_run(&worker->pipeline, worker->queue[i].port,
			worker->queue[i].queue);
	if (n_pkts > 0)
		worker->pipeline.stats->busy_cycles += rte_rdtsc() - start;
	return n_pkts;
}

static void idle_sleep(struct worker *worker)
{
	worker->pipeline.stats->n_sleeps++;
	epoch_leave(worker->epoch, worker->idx);
	rte_delay_us_sleep(worker->idle_us);
	epoch_enter(worker->epoch, worker->idx);
}

int worker_main(void *arg)
{
	struct worker *worker = arg;
	unsigned n_idle = 0;

	// the default slack of 50 us would double the sleep
	prctl(PR_SET_TIMERSLACK, 1);

	epoch_enter(worker->epoch, worker->idx);
	while (!__atomic_load_n(&worker->is_stopping, __ATOMIC_RELAXED)) {
		n_idle = poll_queues(worker) > 0 ? 0 : n_idle + 1;
		epoch_quiescent(worker->epoch, worker->idx);
		if (worker->idle_us > 0 && n_idle > IDLE_TURNS)
			idle_sleep(worker);
	}
	epoch_leave(worker->epoch, worker->idx);
	return 0;
}

void worker_stop(struct worker *worker)
{
	__atomic_store_n(&worker->is_stopping, true, __ATOMIC_RELAXED);
}
