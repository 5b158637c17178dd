/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What step 6 knows: the kernel's links, addresses and neighbours, the dataplane's ports and pods.
 * Every entry carries the round of dumps in which it was last heard of; a resync sweeps the others.
 */
#include "control/step/resolve_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/hash.h"

enum entry_kind { ENTRY_LINK, ENTRY_ADDRESS, ENTRY_NEIGHBOUR, ENTRY_PORT, ENTRY_POD };
#define ENTRY_KINDS 5

/* One thing known. (a, b) is its key: addr and ifindex, or ifindex alone, or a port's number. */
struct entry {
	struct hash_node node;
	uint32_t a, b;
	uint32_t round;
	union {
		struct kernel_link link;
		struct kernel_address address;
		struct kernel_neighbour neighbour;
		struct wire_port port;
	};
};

struct resolve {
	struct hash table[ENTRY_KINDS];
	uint32_t round;
	struct resolve_changes changes;
	struct resolve_tunnel tunnel;
	struct resolve_outside outside;
	struct resolve_fdb *fdb;
	char pod_match[64];
};

struct resolve *resolve_new(const char *pod_match, const struct resolve_changes *changes)
{
	struct resolve *resolve = calloc(1, sizeof(*resolve));

	if (resolve == NULL)
		return NULL;
	resolve->fdb = resolve_fdb_new();
	if (resolve->fdb == NULL) {
		free(resolve);
		return NULL;
	}
	resolve->changes = *changes;
	strncpy(resolve->pod_match, pod_match, sizeof(resolve->pod_match) - 1);
	return resolve;
}

static void free_entry(struct hash_node *node, void *arg)
{
	struct hash *hash = arg;

	hash_remove(hash, node);
	free(hash_entry(node, struct entry, node));
}

void resolve_free(struct resolve *resolve)
{
	if (resolve == NULL)
		return;
	for (int i = 0; i < ENTRY_KINDS; i++) {
		hash_each(&resolve->table[i], free_entry, &resolve->table[i]);
		hash_free(&resolve->table[i]);
	}
	resolve_fdb_free(resolve->fdb);
	free(resolve);
}

void resolve_set_tunnel(struct resolve *resolve, const struct resolve_tunnel *tunnel,
	const struct resolve_outside *outside)
{
	resolve->tunnel = *tunnel;
	resolve->outside = *outside;
}

const struct resolve_tunnel *resolve_table_tunnel(const struct resolve *resolve)
{
	return &resolve->tunnel;
}

const struct resolve_outside *resolve_table_outside(const struct resolve *resolve)
{
	return &resolve->outside;
}

const struct resolve_fdb *resolve_table_fdb(const struct resolve *resolve)
{
	return resolve->fdb;
}

/* Addresses are looked for without their interface, which may be several. */
static uint32_t hash_of(enum entry_kind kind, uint32_t a, uint32_t b)
{
	return hash_words(a, kind == ENTRY_ADDRESS ? 0 : b);
}

static struct entry *find(const struct resolve *resolve, enum entry_kind kind, uint32_t a,
	uint32_t b)
{
	uint32_t hash = hash_of(kind, a, b);

	for (struct hash_node *node = hash_chain(&resolve->table[kind], hash); node != NULL;
		node = node->next) {
		struct entry *entry = hash_entry(node, struct entry, node);

		if (node->hash == hash && entry->a == a && entry->b == b)
			return entry;
	}
	return NULL;
}

/* Find or add; a new entry is zeroed, and *is_new tells. */
static struct entry *take(struct resolve *resolve, enum entry_kind kind, uint32_t a, uint32_t b,
	bool *is_new)
{
	struct entry *entry = find(resolve, kind, a, b);

	*is_new = entry == NULL;
	if (entry == NULL) {
		entry = calloc(1, sizeof(*entry));
		if (entry == NULL)
			return NULL;
		entry->a = a;
		entry->b = b;
		if (hash_insert(&resolve->table[kind], &entry->node, hash_of(kind, a, b)) != 0) {
			free(entry);
			return NULL;
		}
	}
	entry->round = resolve->round;
	return entry;
}

/* Say whom a change of this entry concerns. */
static void report(const struct resolve *resolve, enum entry_kind kind, uint32_t a, uint32_t b)
{
	const struct resolve_changes *changes = &resolve->changes;

	changes->tunnels(changes->arg);
	switch (kind) {
	case ENTRY_LINK:
	case ENTRY_POD:
		changes->interface(a, changes->arg);
		break;
	case ENTRY_ADDRESS:
		changes->address(a, changes->arg);
		break;
	case ENTRY_NEIGHBOUR:
		changes->hop((struct hop_key){.nexthop = a, .ifindex = b}, changes->arg);
		break;
	case ENTRY_PORT:
		break; // resolve_set_port() knows the interface
	}
}

static void drop(struct resolve *resolve, enum entry_kind kind, uint32_t a, uint32_t b)
{
	struct entry *entry = find(resolve, kind, a, b);

	if (entry == NULL)
		return;
	free_entry(&entry->node, &resolve->table[kind]);
	report(resolve, kind, a, b);
}

static bool is_same_link(const struct kernel_link *a, const struct kernel_link *b)
{
	return a->mtu == b->mtu && a->is_up == b->is_up &&
	       memcmp(a->mac, b->mac, sizeof(a->mac)) == 0 && strcmp(a->name, b->name) == 0 &&
	       memcmp(&a->tunnel, &b->tunnel, sizeof(a->tunnel)) == 0;
}

static bool is_same_neighbour(const struct kernel_neighbour *a, const struct kernel_neighbour *b)
{
	return a->state == b->state && a->has_mac == b->has_mac &&
	       memcmp(a->mac, b->mac, sizeof(a->mac)) == 0;
}

static int set_link(struct resolve *resolve, const struct kernel_link *link)
{
	bool is_new;
	struct entry *entry = take(resolve, ENTRY_LINK, link->ifindex, 0, &is_new);

	if (entry == NULL)
		return -ENOMEM;
	if (!is_new && is_same_link(&entry->link, link))
		return 0;
	entry->link = *link;
	report(resolve, ENTRY_LINK, link->ifindex, 0);
	return 0;
}

static int set_address(struct resolve *resolve, const struct kernel_address *address)
{
	bool is_new;
	struct entry *entry =
		take(resolve, ENTRY_ADDRESS, address->addr, address->ifindex, &is_new);

	if (entry == NULL)
		return -ENOMEM;
	is_new = is_new || entry->address.depth != address->depth ||
		 entry->address.is_secondary != address->is_secondary;
	entry->address = *address;
	if (is_new)
		report(resolve, ENTRY_ADDRESS, address->addr, 0);
	return 0;
}

static int set_neighbour(struct resolve *resolve, const struct kernel_neighbour *neighbour)
{
	bool is_new;
	struct entry *entry =
		take(resolve, ENTRY_NEIGHBOUR, neighbour->addr, neighbour->ifindex, &is_new);

	if (entry == NULL)
		return -ENOMEM;
	if (!is_new && is_same_neighbour(&entry->neighbour, neighbour))
		return 0;
	entry->neighbour = *neighbour;
	report(resolve, ENTRY_NEIGHBOUR, neighbour->addr, neighbour->ifindex);
	return 0;
}

static int apply_fdb(struct resolve *resolve, const struct kernel_event *event)
{
	bool has_changed = false;
	int err = 0;

	if (event->kind == KERNEL_FDB_SET)
		err = resolve_fdb_set(resolve->fdb, &event->fdb, &has_changed);
	else
		has_changed = resolve_fdb_del(resolve->fdb, &event->fdb);
	if (has_changed)
		resolve->changes.tunnels(resolve->changes.arg);
	return err;
}

int resolve_apply_kernel(struct resolve *resolve, const struct kernel_event *event)
{
	switch (event->kind) {
	case KERNEL_LINK_SET:
		return set_link(resolve, &event->link);
	case KERNEL_LINK_DEL:
		drop(resolve, ENTRY_LINK, event->link.ifindex, 0);
		return 0;
	case KERNEL_ADDRESS_SET:
		return set_address(resolve, &event->address);
	case KERNEL_ADDRESS_DEL:
		drop(resolve, ENTRY_ADDRESS, event->address.addr, event->address.ifindex);
		return 0;
	case KERNEL_NEIGHBOUR_SET:
		return set_neighbour(resolve, &event->neighbour);
	case KERNEL_NEIGHBOUR_DEL:
		drop(resolve, ENTRY_NEIGHBOUR, event->neighbour.addr, event->neighbour.ifindex);
		return 0;
	case KERNEL_FDB_SET:
	case KERNEL_FDB_DEL:
		return apply_fdb(resolve, event);
	}
	return 0;
}

void resolve_begin_resync(struct resolve *resolve)
{
	resolve->round++;
	resolve_fdb_begin_resync(resolve->fdb);
}

struct sweep {
	struct resolve *resolve;
	enum entry_kind kind;
};

static void sweep_entry(struct hash_node *node, void *arg)
{
	struct sweep *sweep = arg;
	struct entry *entry = hash_entry(node, struct entry, node);
	uint32_t a = entry->a, b = entry->b;

	if (entry->round == sweep->resolve->round)
		return;
	free_entry(node, &sweep->resolve->table[sweep->kind]);
	report(sweep->resolve, sweep->kind, a, b);
}

void resolve_end_resync(struct resolve *resolve)
{
	static const enum entry_kind kinds[] = {ENTRY_LINK, ENTRY_ADDRESS, ENTRY_NEIGHBOUR};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct sweep sweep = {.resolve = resolve, .kind = kinds[i]};

		hash_each(&resolve->table[kinds[i]], sweep_entry, &sweep);
	}
	if (resolve_fdb_end_resync(resolve->fdb))
		resolve->changes.tunnels(resolve->changes.arg);
}

int resolve_set_port(struct resolve *resolve, const struct wire_port *port)
{
	bool is_new;
	struct entry *entry = take(resolve, ENTRY_PORT, port->idx, 0, &is_new);
	uint32_t old_ifindex;

	if (entry == NULL)
		return -ENOMEM;
	old_ifindex = is_new ? 0 : entry->port.ifindex;
	entry->port = *port;
	resolve->changes.tunnels(resolve->changes.arg);
	if (old_ifindex != 0 && old_ifindex != port->ifindex)
		resolve->changes.interface(old_ifindex, resolve->changes.arg);
	resolve->changes.interface(port->ifindex, resolve->changes.arg);
	return 0;
}

int resolve_set_pod(struct resolve *resolve, const struct wire_pod *pod)
{
	bool is_new = false;

	if (!pod->is_attached)
		drop(resolve, ENTRY_POD, pod->ifindex, 0);
	else if (take(resolve, ENTRY_POD, pod->ifindex, 0, &is_new) == NULL)
		return -ENOMEM;
	if (is_new)
		report(resolve, ENTRY_POD, pod->ifindex, 0);
	return 0;
}

void resolve_forget_dataplane(struct resolve *resolve)
{
	hash_each(&resolve->table[ENTRY_PORT], free_entry, &resolve->table[ENTRY_PORT]);
	hash_each(&resolve->table[ENTRY_POD], free_entry, &resolve->table[ENTRY_POD]);
}

bool resolve_is_local(const struct resolve *resolve, uint32_t addr)
{
	uint32_t hash = hash_of(ENTRY_ADDRESS, addr, 0);

	for (struct hash_node *node = hash_chain(&resolve->table[ENTRY_ADDRESS], hash);
		node != NULL; node = node->next)
		if (node->hash == hash && hash_entry(node, struct entry, node)->a == addr)
			return true;
	return false;
}

/* Our own addresses are few, but looked for by other fields than themselves. */
static void each_entry(const struct resolve *resolve, enum entry_kind kind,
	void (*visit)(const struct entry *entry, void *arg), void *arg)
{
	const struct hash *hash = &resolve->table[kind];

	for (uint32_t i = 0; i < hash->n_buckets; i++)
		for (struct hash_node *node = hash->buckets[i]; node != NULL; node = node->next)
			visit(hash_entry(node, struct entry, node), arg);
}

struct address_visit {
	resolve_address_fn visit;
	void *arg;
};

static void visit_address(const struct entry *entry, void *arg)
{
	const struct address_visit *visit = arg;

	visit->visit(&entry->address, visit->arg);
}

void resolve_table_each_address(const struct resolve *resolve, resolve_address_fn visit, void *arg)
{
	struct address_visit with = {visit, arg};

	each_entry(resolve, ENTRY_ADDRESS, visit_address, &with);
}

struct link_visit {
	resolve_link_fn visit;
	void *arg;
};

static void visit_link(const struct entry *entry, void *arg)
{
	const struct link_visit *visit = arg;

	if (entry->link.tunnel.kind != KERNEL_TUNNEL_NONE)
		visit->visit(&entry->link, visit->arg);
}

void resolve_table_each_tunnel(const struct resolve *resolve, resolve_link_fn visit, void *arg)
{
	struct link_visit with = {visit, arg};

	each_entry(resolve, ENTRY_LINK, visit_link, &with);
}

const struct kernel_link *resolve_find_link(const struct resolve *resolve, uint32_t ifindex)
{
	struct entry *entry = find(resolve, ENTRY_LINK, ifindex, 0);

	return entry == NULL ? NULL : &entry->link;
}

const struct kernel_neighbour *resolve_table_neighbour(const struct resolve *resolve,
	struct hop_key key)
{
	struct entry *entry = find(resolve, ENTRY_NEIGHBOUR, key.nexthop, key.ifindex);

	return entry == NULL ? NULL : &entry->neighbour;
}

/* Ports are few, and are looked for by other fields than their number. */
static const struct wire_port *find_port(const struct resolve *resolve,
	bool (*fits)(const struct wire_port *, uint32_t), uint32_t value)
{
	const struct hash *hash = &resolve->table[ENTRY_PORT];

	for (uint32_t i = 0; i < hash->n_buckets; i++)
		for (struct hash_node *node = hash->buckets[i]; node != NULL; node = node->next) {
			const struct wire_port *port = &hash_entry(node, struct entry, node)->port;

			if (fits(port, value))
				return port;
		}
	return NULL;
}

static bool is_port_of(const struct wire_port *port, uint32_t ifindex)
{
	return port->kind != WIRE_PORT_TRUNK && port->ifindex == ifindex && ifindex != 0;
}

static bool is_trunk(const struct wire_port *port, uint32_t unused)
{
	(void)unused;
	return port->kind == WIRE_PORT_TRUNK;
}

const struct wire_port *resolve_table_port(const struct resolve *resolve, uint32_t ifindex)
{
	return find_port(resolve, is_port_of, ifindex);
}

const struct wire_port *resolve_table_trunk(const struct resolve *resolve)
{
	return find_port(resolve, is_trunk, 0);
}

const char *resolve_table_pod_match(const struct resolve *resolve)
{
	return resolve->pod_match;
}

bool resolve_table_is_attached(const struct resolve *resolve, uint32_t ifindex)
{
	return find(resolve, ENTRY_POD, ifindex, 0) != NULL;
}

struct resolve_counts resolve_counts(const struct resolve *resolve)
{
	return (struct resolve_counts){
		.n_links = resolve->table[ENTRY_LINK].n,
		.n_addresses = resolve->table[ENTRY_ADDRESS].n,
		.n_neighbours = resolve->table[ENTRY_NEIGHBOUR].n,
		.n_ports = resolve->table[ENTRY_PORT].n,
		.n_pods = resolve->table[ENTRY_POD].n,
		.n_fdb = resolve_fdb_count(resolve->fdb),
	};
}
