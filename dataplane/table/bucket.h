/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bucket of tokens, refilled by the clock: how often something may be done. Threads: one.
 */
#ifndef PODLANE_DATAPLANE_TABLE_BUCKET_H
#define PODLANE_DATAPLANE_TABLE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>
#include <rte_cycles.h>

struct bucket {
	uint64_t cycles_per_token;
	uint64_t depth_cycles;
	uint64_t filled_until; /**< cycles; how far behind the clock it is, is what it holds */
};

/** It holds a tenth of a second's worth, one token at least, and is full. */
static inline struct bucket bucket_make(uint32_t per_sec)
{
	uint64_t hz = rte_get_tsc_hz();
	uint64_t cycles = hz / RTE_MAX(per_sec, 1u);

	return (struct bucket){
		.cycles_per_token = cycles,
		.depth_cycles = RTE_MAX(hz / 10, cycles),
	};
}

/** Take a token. Returns: was there one? */
static inline bool bucket_take(struct bucket *bucket)
{
	uint64_t now = rte_rdtsc();

	if (now - bucket->filled_until > bucket->depth_cycles)
		bucket->filled_until = now - bucket->depth_cycles;
	if (now - bucket->filled_until < bucket->cycles_per_token)
		return false;
	bucket->filled_until += bucket->cycles_per_token;
	return true;
}

#endif
