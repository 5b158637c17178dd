/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 1 of the packet's walk: one loop per lcore. Poll the queues, run the pipeline, report
 * quiescent; sleep when there is nothing to do and the configuration lets us.
 */
#include "dataplane/worker.h"

#include <rte_branch_prediction.h>
#include <rte_cycles.h>
#include <rte_lcore.h>

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/prctl.h>

#define PUNT_RING_PKTS 1024u
#define ICMP_RING_PKTS 256u
#define ECHO_RING_PKTS 1024u

/* Echo requests to our probe address, answered per second: twenty nodes at full rate. */
#define ANSWERS_PER_SEC 10000u

/* Turns without a packet before a worker sleeps: a few, so that a flow is not slept on. */
#define IDLE_TURNS 32u

static struct rte_ring *make_ring(const char *name, unsigned worker, unsigned n_pkts)
{
	char full_name[RTE_RING_NAMESIZE];

	snprintf(full_name, sizeof(full_name), "%s%u", name, worker);
	return rte_ring_create(full_name, n_pkts, (int)rte_socket_id(),
		RING_F_SP_ENQ | RING_F_SC_DEQ);
}

int worker_make_rings(struct worker *worker)
{
	struct pipeline *pipeline = &worker->pipeline;
	struct probe_answerer *answerer = &pipeline->answerer;
	char name[RTE_RING_NAMESIZE];

	pipeline->to_kernel = make_ring("punt", worker->idx, PUNT_RING_PKTS);
	pipeline->to_icmp = make_ring("icmp", worker->idx, ICMP_RING_PKTS);
	snprintf(name, sizeof(name), "heard%u", worker->idx);
	answerer->heard = rte_ring_create_elem(name, sizeof(struct probe_heard), ECHO_RING_PKTS,
		(int)rte_socket_id(), RING_F_SP_ENQ | RING_F_SC_DEQ);
	answerer->fib = pipeline->fib;
	answerer->nexthops = pipeline->nexthops;
	answerer->answers = bucket_make(ANSWERS_PER_SEC);
	return pipeline->to_kernel == NULL || pipeline->to_icmp == NULL || answerer->heard == NULL
		       ? -ENOMEM
		       : 0;
}

void worker_free_rings(struct worker *worker)
{
	rte_ring_free(worker->pipeline.to_kernel);
	rte_ring_free(worker->pipeline.to_icmp);
	rte_ring_free(worker->pipeline.answerer.heard);
}

int worker_deal_queues(struct worker *workers, unsigned n_workers, const struct port_table *ports,
	char *error, size_t error_bytes)
{
	unsigned next = 0;

	assert(n_workers > 0);
	for (unsigned p = 0; p < ports->n; p++) {
		for (uint16_t q = 0; q < ports->port[p].n_rxq; q++, next++) {
			struct worker *worker = &workers[next % n_workers];

			if (worker->n_queues == WORKER_MAX_QUEUES) {
				snprintf(error, error_bytes,
					"port %s: a worker polls %u queues at most; set fewer "
					"ports[].queues or more dataplane.workers",
					ports->port[p].name, WORKER_MAX_QUEUES);
				return -ENOSPC;
			}
			worker->queue[worker->n_queues++] =
				(struct worker_queue){&ports->port[p], q};
		}
	}
	return 0;
}

/* @tsc: when the turn before ended, and then when this one did: the clock is read once a turn */
static unsigned poll_queues(struct worker *worker, uint64_t *tsc)
{
	uint64_t start = *tsc;
	unsigned n_pkts = worker->code->inject(&worker->pipeline);

	for (unsigned i = 0; i < worker->n_queues; i++) {
		const struct worker_queue *queue = &worker->queue[i];

		if (likely(__atomic_load_n(&queue->port->is_there, __ATOMIC_ACQUIRE)))
			n_pkts += worker->code->run(&worker->pipeline, queue->port, queue->queue);
	}
	*tsc = rte_rdtsc();
	if (n_pkts > 0)
		worker->pipeline.stats->busy_cycles += *tsc - start;
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
	uint64_t tsc;

	// the default slack of 50 us would double the sleep
	prctl(PR_SET_TIMERSLACK, 1);

	epoch_enter(worker->epoch, worker->idx);
	tsc = rte_rdtsc();
	while (!__atomic_load_n(&worker->is_stopping, __ATOMIC_RELAXED)) {
		n_idle = poll_queues(worker, &tsc) > 0 ? 0 : n_idle + 1;
		epoch_quiescent(worker->epoch, worker->idx);
		if (worker->idle_us > 0 && n_idle > IDLE_TURNS) {
			idle_sleep(worker);
			tsc = rte_rdtsc();
		}
	}
	epoch_leave(worker->epoch, worker->idx);
	return 0;
}

void worker_stop(struct worker *worker)
{
	__atomic_store_n(&worker->is_stopping, true, __ATOMIC_RELAXED);
}
