/* SPDX-License-Identifier: BSD-3-Clause */
/* The results of one path's probes. Called by probe_plan.c. */
#include "control/step/probe_path.h"

#include <stdlib.h>
#include <string.h>

void probe_path_begin(struct probe_path *path, uint64_t now_ms)
{
	memset(path, 0, sizeof(*path));
	path->state = PROBE_UNKNOWN;
	path->since_ms = now_ms;
}

static void note_result(struct probe_path *path, bool is_lost)
{
	path->results = path->results << 1 | is_lost;
	if (path->n_results < PROBE_RESULTS)
		path->n_results++;
}

static void set_state(struct probe_path *path, enum probe_state state, uint64_t now_ms)
{
	path->state = (uint8_t)state;
	path->since_ms = now_ms;
}

static bool may_be_up(const struct probe_path *path, uint64_t now_ms)
{
	if (path->state == PROBE_UNKNOWN)
		return true;
	return path->n_answered_row >= PROBE_ANSWERED_UP &&
	       now_ms >= path->since_ms + path->hold_ms;
}

bool probe_path_answered(struct probe_path *path, uint64_t now_ms, uint32_t rtt_ns,
	enum wire_path_kind kind)
{
	bool was_shaky = probe_path_is_shaky(path);

	note_result(path, false);
	path->rtt_ns[path->rtt_at] = rtt_ns;
	path->rtt_at = (uint8_t)((path->rtt_at + 1) % PROBE_RTTS);
	if (path->n_rtts < PROBE_RTTS)
		path->n_rtts++;
	path->answer_kind = (uint8_t)kind;
	path->n_lost_row = 0;
	if (path->n_answered_row < PROBE_ANSWERED_UP)
		path->n_answered_row++;
	if (path->state == PROBE_UP || !may_be_up(path, now_ms))
		return was_shaky;
	set_state(path, PROBE_UP, now_ms);
	return true;
}

static void fall(struct probe_path *path, uint64_t now_ms)
{
	bool is_again = path->state == PROBE_UP && now_ms < path->since_ms + PROBE_CALM_MS;

	if (path->hold_ms == 0 || !is_again)
		path->hold_ms = PROBE_HOLD_MS;
	else if (path->hold_ms < PROBE_HOLD_MAX_MS)
		path->hold_ms *= 2;
	set_state(path, PROBE_DOWN, now_ms);
}

bool probe_path_lost(struct probe_path *path, uint64_t now_ms)
{
	bool was_shaky = probe_path_is_shaky(path);

	note_result(path, true);
	path->n_answered_row = 0;
	if (path->n_lost_row < UINT8_MAX)
		path->n_lost_row++;
	if (path->state == PROBE_DOWN)
		return false;
	if (path->n_lost_row < PROBE_LOST_DOWN)
		return !was_shaky;
	fall(path, now_ms);
	return true;
}

unsigned probe_path_n_lost(const struct probe_path *path)
{
	return (unsigned)__builtin_popcountll(path->results);
}

static int compare_rtts(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

uint32_t probe_path_rtt_ns(const struct probe_path *path, unsigned percent)
{
	uint32_t sorted[PROBE_RTTS];
	unsigned rank = (path->n_rtts * percent + 99) / 100;

	if (path->n_rtts == 0)
		return 0;
	memcpy(sorted, path->rtt_ns, path->n_rtts * sizeof(sorted[0]));
	qsort(sorted, path->n_rtts, sizeof(sorted[0]), compare_rtts);
	return sorted[rank > 0 ? rank - 1 : 0];
}
