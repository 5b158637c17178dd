/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the probes of one path have shown: up or down, loss, round-trip times. Pure: the time is passed in.
 *
 * Three lost in a row are down. Up again takes five answers in a row, and some time since the fall: ten
 * seconds, twice as long for each fall soon after a return, so that a path that comes and goes is left
 * alone.
 */
#ifndef PODLANE_CONTROL_STEP_PROBE_PATH_H
#define PODLANE_CONTROL_STEP_PROBE_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "control/route.h"

#define PROBE_LOST_DOWN	  3u
#define PROBE_ANSWERED_UP 5u
#define PROBE_HOLD_MS	  10000u
#define PROBE_HOLD_MAX_MS 160000u
#define PROBE_CALM_MS	  300000u /* up for so long: the next fall is a first one */
#define PROBE_RESULTS	  64u	  /* loss is counted over so many */
#define PROBE_RTTS	  100u	  /* p50 and p99 over so many; 400 bytes for each of 12,000 paths */

struct probe_path {
	uint8_t state;			    /**< enum probe_state, but PROBE_NONE */
	uint8_t n_lost_row, n_answered_row; /**< as far as they matter */
	uint8_t n_results, n_rtts, rtt_at;
	uint8_t answer_kind; /**< enum wire_path_kind: how the last answer came; PUNT: none yet */
	uint64_t results;    /**< the newest is bit 0; 1: lost */
	uint64_t since_ms;   /**< of the state */
	uint32_t hold_ms;    /**< after the last fall */
	uint32_t rtt_ns[PROBE_RTTS];
};

/** Nothing known yet. */
void probe_path_begin(struct probe_path *path, uint64_t now_ms);

/** Both return whether the state changed, or the path became shaky or firm. */
bool probe_path_answered(struct probe_path *path, uint64_t now_ms, uint32_t rtt_ns,
	enum wire_path_kind kind);
bool probe_path_lost(struct probe_path *path, uint64_t now_ms);

/** The last probe was lost, and the state does not say so yet. */
static inline bool probe_path_is_shaky(const struct probe_path *path)
{
	return path->state != PROBE_DOWN && path->n_lost_row > 0;
}

/** Lost of the last probe_path.n_results. */
unsigned probe_path_n_lost(const struct probe_path *path);

/** The smallest round-trip time that @percent of the last are not above. Errors: 0 without any */
uint32_t probe_path_rtt_ns(const struct probe_path *path, unsigned percent);

#endif
