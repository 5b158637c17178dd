/* SPDX-License-Identifier: BSD-3-Clause */
/* The search for a path's MTU. Called by probe_plan.c and probe_schedule.c. */
#include "control/step/probe_mtu.h"

#define AFTER_STOP_MS 5000u

void probe_mtu_set_link(struct probe_mtu *mtu, uint16_t link, uint64_t now_ms)
{
	if (mtu->link != link)
		*mtu = (struct probe_mtu){.link = link, .next_ms = now_ms};
}

uint16_t probe_mtu_next(struct probe_mtu *mtu, uint64_t now_ms)
{
	if (mtu->is_awaited || mtu->link <= PROBE_MTU_FLOOR)
		return 0;
	if (mtu->size == 0 && now_ms >= mtu->next_ms) {
		mtu->pass = PROBE_MTU_FLOOR;
		mtu->fail = (uint16_t)(mtu->link + 1);
		mtu->size = mtu->link;
		mtu->n_lost = 0;
	}
	return mtu->size;
}

void probe_mtu_sent(struct probe_mtu *mtu)
{
	mtu->is_awaited = true;
}

static uint16_t choose_size(const struct probe_mtu *mtu)
{
	if (mtu->pass < mtu->found && mtu->found < mtu->fail)
		return mtu->found;
	if (mtu->pass == mtu->found)
		return (uint16_t)(mtu->found + 1);
	return (uint16_t)((mtu->pass + mtu->fail) / 2);
}

bool probe_mtu_result(struct probe_mtu *mtu, uint16_t size, bool is_answered, uint64_t now_ms)
{
	uint16_t before = mtu->found;

	if (size != mtu->size || !mtu->is_awaited)
		return false;
	mtu->is_awaited = false;
	if (!is_answered && ++mtu->n_lost < PROBE_MTU_TRIES)
		return false;
	if (is_answered)
		mtu->pass = size;
	else
		mtu->fail = size;
	mtu->n_lost = 0;
	if (mtu->fail - mtu->pass > 1) {
		mtu->size = choose_size(mtu);
		return false;
	}
	mtu->found = mtu->pass == mtu->link ? 0 : mtu->pass;
	mtu->size = 0;
	mtu->is_known = true;
	mtu->next_ms = now_ms + PROBE_MTU_EACH_MS;
	return mtu->found != before;
}

void probe_mtu_stop(struct probe_mtu *mtu, uint64_t now_ms)
{
	if (mtu->size == 0)
		return;
	mtu->size = 0;
	mtu->is_awaited = false;
	mtu->next_ms = now_ms + AFTER_STOP_MS;
}
