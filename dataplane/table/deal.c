/* SPDX-License-Identifier: BSD-3-Clause */
/* Which bucket of a group is whose. Called by nexthop.c when a group or what it leads to changes. */
#include "dataplane/table/deal.h"

#include <assert.h>

/* Buckets for each member, by largest remainder; they sum up to NEXTHOP_GROUP_BUCKETS. */
static void share_buckets(const struct wire_group *wire, uint32_t *share)
{
	uint32_t remainder[WIRE_GROUP_MEMBERS];
	uint32_t sum = 0, n_dealt = 0;

	assert(wire->n_members > 0);
	for (uint32_t i = 0; i < wire->n_members; i++)
		sum += wire->member[i].weight;
	for (uint32_t i = 0; i < wire->n_members; i++) {
		// 2^8 buckets times a weight of 2^16 fits
		uint32_t scaled = NEXTHOP_GROUP_BUCKETS * wire->member[i].weight;

		share[i] = scaled / sum;
		remainder[i] = scaled % sum;
		n_dealt += share[i];
	}
	for (; n_dealt < NEXTHOP_GROUP_BUCKETS; n_dealt++) {
		uint32_t best = 0;

		for (uint32_t i = 1; i < wire->n_members; i++)
			if (remainder[i] > remainder[best])
				best = i;
		share[best]++;
		remainder[best] = 0;
	}
}

/* Errors: n_members if none has this path and buckets to come */
static uint32_t find_member(const struct wire_group *wire, const uint32_t *share, uint32_t path)
{
	uint32_t i = 0;

	while (i < wire->n_members && (wire->member[i].path != path || share[i] == 0))
		i++;
	return i;
}

void deal_buckets(const struct wire_group *wire, const uint32_t *before, uint32_t *after)
{
	uint32_t share[WIRE_GROUP_MEMBERS];
	uint32_t next = 0;

	share_buckets(wire, share);
	for (uint32_t b = 0; b < NEXTHOP_GROUP_BUCKETS; b++) {
		uint32_t i = find_member(wire, share, before[b]);

		after[b] = WIRE_NH_NONE;
		if (i == wire->n_members)
			continue;
		after[b] = before[b];
		share[i]--;
	}
	// in turn, so that buckets side by side are on different paths
	for (uint32_t b = 0; b < NEXTHOP_GROUP_BUCKETS; b++) {
		if (after[b] != WIRE_NH_NONE)
			continue;
		while (share[next] == 0)
			next = (next + 1) % wire->n_members;
		after[b] = wire->member[next].path;
		share[next]--;
		next = (next + 1) % wire->n_members;
	}
}
