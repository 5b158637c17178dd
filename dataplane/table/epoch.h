/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When may what a worker could still read be freed or reused: quiescent-state reclamation
 * (rte_rcu_qsbr). A worker reports once per loop turn; the main lcore waits for all of them.
 */
#ifndef PODLANE_DATAPLANE_TABLE_EPOCH_H
#define PODLANE_DATAPLANE_TABLE_EPOCH_H

#include <rte_rcu_qsbr.h>

struct epoch {
	struct rte_rcu_qsbr *qsbr;
};

/**
 * @n_readers: highest reader id + 1
 *
 * Errors: -EINVAL no readers; -ENOMEM
 */
int epoch_init(struct epoch *epoch, unsigned n_readers);

/** Readers must have left. */
void epoch_fini(struct epoch *epoch);

/** A worker begins to read. Threads: the reader itself; also after epoch_leave(). */
static inline void epoch_enter(struct epoch *epoch, unsigned reader)
{
	rte_rcu_qsbr_thread_online(epoch->qsbr, reader);
}

/** A worker reads nothing for a while (it sleeps or ends): nobody waits for it. */
static inline void epoch_leave(struct epoch *epoch, unsigned reader)
{
	rte_rcu_qsbr_thread_offline(epoch->qsbr, reader);
}

/** A worker holds no pointer into any table now. Once per loop turn. */
static inline void epoch_quiescent(struct epoch *epoch, unsigned reader)
{
	rte_rcu_qsbr_quiescent(epoch->qsbr, reader);
}

/** Wait until no worker holds what it could read before this call. Threads: main lcore only. */
void epoch_wait(struct epoch *epoch);

#endif
