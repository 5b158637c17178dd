/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets up the quiescent-state variable for main.c; what runs per loop turn is inline in the header.
 */
#include "dataplane/table/epoch.h"

#include <rte_cycles.h>
#include <rte_malloc.h>
#include <rte_pause.h>

#include <errno.h>

#define SPINS 1024u /* some turns of a busy worker */

int epoch_init(struct epoch *epoch, unsigned n_readers)
{
	if (n_readers == 0)
		return -EINVAL;

	epoch->qsbr =
		rte_zmalloc("epoch", rte_rcu_qsbr_get_memsize(n_readers), RTE_CACHE_LINE_SIZE);
	if (epoch->qsbr == NULL)
		return -ENOMEM;
	rte_rcu_qsbr_init(epoch->qsbr, n_readers);
	// a registered reader counts only while it is online, so all can be registered at once
	for (unsigned i = 0; i < n_readers; i++)
		rte_rcu_qsbr_thread_register(epoch->qsbr, i);
	return 0;
}

void epoch_fini(struct epoch *epoch)
{
	rte_free(epoch->qsbr);
	epoch->qsbr = NULL;
}

void epoch_wait(struct epoch *epoch)
{
	uint64_t token = rte_rcu_qsbr_start(epoch->qsbr);

	for (unsigned i = 0; rte_rcu_qsbr_check(epoch->qsbr, token, false) == 0; i++) {
		// a worker on the main lcore's own CPU gets on only while this sleeps
		if (i < SPINS)
			rte_pause();
		else
			rte_delay_us_sleep(1);
	}
}
