/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The other nodes, as a file names them: what neither BGP nor the kernel says. Read again whenever the
 * file has changed, and has then been the same for a second.
 */
#ifndef PODLANE_CONTROL_INVENTORY_H
#define PODLANE_CONTROL_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct inventory;

/**
 * Read the file, and watch it. A file that is not there, or is wrong, is logged; a later one that is wrong
 * leaves what was read before.
 *
 * @changed: called after each successful read but the first
 *
 * Errors: -ENOMEM
 */
int inventory_new(struct event_base *base, const char *path, void (*changed)(void *arg), void *arg,
	struct inventory **out);
void inventory_free(struct inventory *inventory);

/**
 * The MAC of a node's VTEP: as the file says, or worked out from the node's name.
 *
 * Order:  @address is host order
 * Errors: false if the file has no such node
 */
bool inventory_vtep_mac(const struct inventory *inventory, uint32_t address, uint8_t mac[6]);

/** What the file says of one node. Owner: valid until the file is read again */
struct inventory_node {
	const char *name;
	uint32_t addr;
	uint32_t probe_addr; /**< its probe address, otherwise its tunnel address; 0: neither */
};

/** Both: by address or by name. Order: host. Errors: false if the file has no such node */
bool inventory_find(const struct inventory *inventory, uint32_t address,
	struct inventory_node *node);
bool inventory_find_name(const struct inventory *inventory, const char *name,
	struct inventory_node *node);

/** Visit the nodes' addresses. Order: host */
void inventory_each_node(const struct inventory *inventory, void (*visit)(uint32_t addr, void *arg),
	void *arg);

size_t inventory_count(const struct inventory *inventory);

#endif
