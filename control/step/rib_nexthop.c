/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of the RIB (rib.c): zebra's next-hop ids. Anything may come before what it names: routes
 * before ids, groups before members. An id is therefore made when it is first named, and each
 * change of one is carried upwards to the groups that hold it.
 */
#include "control/step/rib_nexthop.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "control/step/rib_table.h"

enum {
	FIRST_BUCKETS = 256,
	MAX_DEPTH = 4, /**< groups within groups; the kernel allows one, and a circle never ends */
	MAX_WEIGHT = 65536,
};

/** That an id is in a group; linked into the list of the id. */
struct rib_member {
	struct rib_id *id, *group;
	struct rib_member *next, **link;
	uint32_t weight;
};

static uint32_t bucket_of(const struct rib_ids *ids, uint32_t id)
{
	return (uint32_t)((id * 0x9e3779b97f4a7c15u) >> 32) & (uint32_t)(ids->n_buckets - 1);
}

static void link_id(struct rib_ids *ids, struct rib_id *entry)
{
	struct rib_id **bucket = &ids->bucket[bucket_of(ids, entry->id)];

	entry->next = *bucket;
	*bucket = entry;
}

/** Double the buckets. Without memory the chains grow longer, which is slow but right. */
static void grow(struct rib_ids *ids)
{
	struct rib_id **old = ids->bucket;
	size_t n_old = ids->n_buckets;
	struct rib_id **bucket = calloc(n_old * 2, sizeof(struct rib_id *));

	if (bucket == NULL)
		return;
	ids->bucket = bucket;
	ids->n_buckets = n_old * 2;
	for (size_t i = 0; i < n_old; i++) {
		struct rib_id *entry = old[i];

		while (entry != NULL) {
			struct rib_id *next = entry->next;

			link_id(ids, entry);
			entry = next;
		}
	}
	free(old);
}

static void enqueue(struct rib_ids *ids, struct rib_id *group)
{
	if (group->is_queued)
		return;
	group->is_queued = true;
	group->next_queued = NULL;
	*ids->queue_end = group;
	ids->queue_end = &group->next_queued;
}

static struct rib_id *dequeue(struct rib_ids *ids)
{
	struct rib_id *group = ids->queue;

	if (group == NULL)
		return NULL;
	ids->queue = group->next_queued;
	if (ids->queue == NULL)
		ids->queue_end = &ids->queue;
	group->is_queued = false;
	return group;
}

/** Give an id its set, which may be NULL, and have the groups that hold it resolved anew. */
static void assign(struct rib_ids *ids, struct rib_id *entry, struct rib_set *set, uint8_t depth)
{
	struct rib_set *old = entry->set;

	// The depth counts as a change too: it is what ends a circle of groups.
	if (set == old && (set == NULL || depth == entry->depth)) {
		rib_set_release(ids->sets, set);
		return;
	}
	entry->set = set;
	entry->depth = depth;
	if (set != old)
		ids->changed(entry, ids->arg);
	rib_set_release(ids->sets, old);
	for (struct rib_member *member = entry->groups; member != NULL; member = member->next)
		enqueue(ids, member->group);
}

/** Are the members of a group all there, and not too deep? */
static bool is_resolvable(const struct rib_id *group, uint8_t *depth)
{
	*depth = 1;
	for (uint32_t i = 0; i < group->n_members; i++) {
		const struct rib_id *id = group->member[i].id;

		if (id->set == NULL)
			return false;
		if (id->n_members > 0 && *depth <= id->depth)
			*depth = (uint8_t)(id->depth + 1);
	}
	return *depth <= MAX_DEPTH;
}

static bool has_inner_shares(const struct rib_id *group)
{
	for (uint32_t i = 0; i < group->n_members; i++) {
		if (group->member[i].id->set->nexthops.n > 1)
			return true;
	}
	return false;
}

/** The part that next hop @nh of @inner has, if all of @inner has @weight. */
static uint32_t share_of(const struct rib_nexthops *inner, const struct fpm_nh *nh, uint32_t weight)
{
	uint64_t sum = 0, share;

	for (uint32_t i = 0; i < inner->n; i++)
		sum += inner->nh[i].weight;
	share = ((uint64_t)weight << 16) * nh->weight / (sum > 0 ? sum : 1);
	if (share == 0)
		return 1;
	return share < UINT32_MAX ? (uint32_t)share : UINT32_MAX;
}

static void divide_weights(struct fpm_nh *nh, uint32_t n)
{
	uint32_t divisor = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t a = nh[i].weight;

		while (a != 0) { // Euclid's
			uint32_t rest = divisor % a;

			divisor = a;
			a = rest;
		}
	}
	for (uint32_t i = 0; divisor > 1 && i < n; i++)
		nh[i].weight /= divisor;
}

/** Write the next hops of all members into @nh. Returns: how many; the first FPM_MAX_NH are taken
 */
static uint32_t flatten(const struct rib_id *group, struct fpm_nh nh[static FPM_MAX_NH])
{
	bool is_scaled = has_inner_shares(group);
	uint32_t n = 0;

	for (uint32_t i = 0; i < group->n_members; i++) {
		const struct rib_member *member = &group->member[i];
		const struct rib_nexthops *inner = &member->id->set->nexthops;

		// A blackhole has none: in a group with others it is left out.
		for (uint32_t j = 0; j < inner->n && n < FPM_MAX_NH; j++) {
			nh[n] = inner->nh[j];
			nh[n].weight = is_scaled ? share_of(inner, &inner->nh[j], member->weight)
						 : member->weight;
			n++;
		}
	}
	if (is_scaled)
		divide_weights(nh, n);
	return n;
}

static int resolve_group(struct rib_ids *ids, struct rib_id *group)
{
	struct fpm_nh nh[FPM_MAX_NH];
	struct rib_set *set = NULL;
	uint8_t depth;
	uint32_t n;
	int err;

	if (!is_resolvable(group, &depth)) {
		assign(ids, group, NULL, 0);
		return 0;
	}
	n = flatten(group, nh);
	err = rib_sets_intern(ids->sets, n > 0 ? RTN_UNICAST : RTN_BLACKHOLE, nh, n, &set);
	assign(ids, group, set, depth);
	return err;
}

static int resolve_queued(struct rib_ids *ids)
{
	struct rib_id *group;
	int first_err = 0;

	while ((group = dequeue(ids)) != NULL) {
		int err = resolve_group(ids, group);

		if (first_err == 0)
			first_err = err;
	}
	return first_err;
}

static void unlink_member(struct rib_member *member)
{
	*member->link = member->next;
	if (member->next != NULL)
		member->next->link = member->link;
}

static void link_member(struct rib_member *member)
{
	member->next = member->id->groups;
	member->link = &member->id->groups;
	if (member->next != NULL)
		member->next->link = &member->next;
	member->id->groups = member;
}

static void drop_members(struct rib_ids *ids, struct rib_member *member, uint32_t n_members)
{
	for (uint32_t i = 0; i < n_members; i++) {
		unlink_member(&member[i]);
		rib_ids_drop_unused(ids, member[i].id);
	}
	free(member);
}

/** Make the members of @group and link them to their ids. Errors: -ENOMEM, nothing changed */
static int make_members(struct rib_ids *ids, struct rib_id *group,
	const struct fpm_nexthop *nexthop, struct rib_member **members)
{
	struct rib_member *member = calloc(nexthop->n_members, sizeof(*member));

	if (member == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < nexthop->n_members; i++) {
		uint32_t weight = nexthop->member[i].weight;

		member[i].group = group;
		member[i].weight = weight < MAX_WEIGHT ? weight : MAX_WEIGHT;
		if (rib_ids_get(ids, nexthop->member[i].id, &member[i].id) < 0) {
			drop_members(ids, member, i);
			return -ENOMEM;
		}
		link_member(&member[i]);
	}
	*members = member;
	return 0;
}

static void replace_members(struct rib_ids *ids, struct rib_id *entry, struct rib_member *member,
	uint32_t n_members)
{
	struct rib_member *old = entry->member;
	uint32_t n_old = entry->n_members;

	entry->member = member;
	entry->n_members = n_members;
	drop_members(ids, old, n_old);
}

static int set_group(struct rib_ids *ids, struct rib_id *entry, const struct fpm_nexthop *nexthop)
{
	struct rib_member *member;

	if (make_members(ids, entry, nexthop, &member) < 0)
		return -ENOMEM;
	replace_members(ids, entry, member, nexthop->n_members);
	enqueue(ids, entry);
	return 0;
}

static int set_single(struct rib_ids *ids, struct rib_id *entry, const struct fpm_nexthop *nexthop)
{
	uint8_t type = nexthop->is_blackhole ? RTN_BLACKHOLE : RTN_UNICAST;
	struct fpm_nh nh = nexthop->nh;
	struct rib_set *set;

	if (rib_sets_intern(ids->sets, type, &nh, nexthop->is_blackhole ? 0 : 1, &set) < 0)
		return -ENOMEM;
	replace_members(ids, entry, NULL, 0);
	assign(ids, entry, set, 0);
	return 0;
}

static void remove_id(struct rib_ids *ids, struct rib_id *entry)
{
	struct rib_id **link = &ids->bucket[bucket_of(ids, entry->id)];

	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	ids->n_all--;
	free(entry);
}

int rib_ids_init(struct rib_ids *ids, struct rib_sets *sets, rib_id_changed_fn changed, void *arg)
{
	*ids = (struct rib_ids){.sets = sets,
		.n_buckets = FIRST_BUCKETS,
		.changed = changed,
		.arg = arg};
	ids->queue_end = &ids->queue;
	ids->bucket = calloc(FIRST_BUCKETS, sizeof(struct rib_id *));
	return ids->bucket != NULL ? 0 : -ENOMEM;
}

void rib_ids_free(struct rib_ids *ids)
{
	if (ids->bucket != NULL)
		rib_ids_clear(ids);
	free(ids->bucket);
	ids->bucket = NULL;
}

void rib_ids_clear(struct rib_ids *ids)
{
	for (size_t i = 0; i < ids->n_buckets; i++) {
		struct rib_id *entry = ids->bucket[i];

		while (entry != NULL) {
			struct rib_id *next = entry->next;

			rib_set_release(ids->sets, entry->set);
			free(entry->member);
			free(entry);
			entry = next;
		}
		ids->bucket[i] = NULL;
	}
	ids->n_all = 0;
	ids->n_known = 0;
}

struct rib_id *rib_ids_find(const struct rib_ids *ids, uint32_t id)
{
	struct rib_id *entry = ids->bucket[bucket_of(ids, id)];

	while (entry != NULL && entry->id != id)
		entry = entry->next;
	return entry;
}

int rib_ids_get(struct rib_ids *ids, uint32_t id, struct rib_id **entry)
{
	*entry = rib_ids_find(ids, id);
	if (*entry != NULL)
		return 0;

	*entry = calloc(1, sizeof(**entry));
	if (*entry == NULL)
		return -ENOMEM;
	(*entry)->id = id;
	(*entry)->first_route = RIB_NONE;
	if (ids->n_all >= ids->n_buckets)
		grow(ids);
	link_id(ids, *entry);
	ids->n_all++;
	return 0;
}

void rib_ids_drop_unused(struct rib_ids *ids, struct rib_id *entry)
{
	if (!entry->is_known && !entry->is_queued && entry->first_route == RIB_NONE &&
		entry->groups == NULL)
		remove_id(ids, entry);
}

int rib_ids_set(struct rib_ids *ids, const struct fpm_nexthop *nexthop)
{
	struct rib_id *entry;
	bool was_known;
	int err;

	if (rib_ids_get(ids, nexthop->id, &entry) < 0)
		return -ENOMEM;
	was_known = entry->is_known;
	entry->is_known = true; // from here on, so that a group of itself is not dropped as unused
	err = nexthop->n_members > 0 ? set_group(ids, entry, nexthop)
				     : set_single(ids, entry, nexthop);
	if (err < 0) {
		entry->is_known = was_known;
		rib_ids_drop_unused(ids, entry);
		return err;
	}
	ids->n_known += !was_known;
	return resolve_queued(ids);
}

int rib_ids_delete(struct rib_ids *ids, uint32_t id)
{
	struct rib_id *entry = rib_ids_find(ids, id);
	int err;

	if (entry == NULL || !entry->is_known)
		return 0;
	replace_members(ids, entry, NULL, 0);
	assign(ids, entry, NULL, 0);
	err = resolve_queued(ids);
	ids->n_known--;
	entry->is_known = false;
	rib_ids_drop_unused(ids, entry);
	return err;
}
