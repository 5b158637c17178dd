/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search for the largest packet that a path carries, by probes that must not be fragmented. Pure.
 *
 * From time to time the full size is tried. If it is lost three times while small probes are answered, the
 * size that was found before is tried, one byte more, and then the middle of what is left.
 */
#ifndef PODLANE_CONTROL_STEP_PROBE_MTU_H
#define PODLANE_CONTROL_STEP_PROBE_MTU_H

#include <stdbool.h>
#include <stdint.h>

#define PROBE_MTU_FLOOR	  576u /* taken to pass: RFC 791, every host takes it */
#define PROBE_MTU_TRIES	  3u
#define PROBE_MTU_EACH_MS 60000u

struct probe_mtu {
	uint16_t link;	/**< what the path has by its link */
	uint16_t found; /**< less than that; 0: link is right, as far as we know */
	uint16_t pass,
		fail;  /**< of the search: the largest that passes, the smallest that does not */
	uint16_t size; /**< being tried; 0: no search */
	uint8_t n_lost;
	bool is_awaited;  /**< a probe of this size is under way */
	bool is_known;	  /**< a search has ended */
	uint64_t next_ms; /**< of the next search */
};

/** Begin with what the link says; what was found is forgotten if that changed. */
void probe_mtu_set_link(struct probe_mtu *mtu, uint16_t link, uint64_t now_ms);

/** The size to probe with now; 0: none. */
uint16_t probe_mtu_next(struct probe_mtu *mtu, uint64_t now_ms);

/** A probe of probe_mtu_next()'s size left. */
void probe_mtu_sent(struct probe_mtu *mtu);

/** What became of it. Returns whether @found changed. */
bool probe_mtu_result(struct probe_mtu *mtu, uint16_t size, bool is_answered, uint64_t now_ms);

/** Small probes are lost, so large ones say nothing: search later. */
void probe_mtu_stop(struct probe_mtu *mtu, uint64_t now_ms);

#endif
