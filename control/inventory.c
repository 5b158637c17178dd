/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of nodes: read, looked at once a second, found by address. Owned by main.c. */
#include "control/inventory.h"

#include "control/log.h"
#include "control/vtep_mac.h"
#include "dataplane/api/config_nodes.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LOOK_SEC 1

struct inventory {
	char *path;
	struct event *look;
	struct config_nodes *nodes;  /* sorted by address; NULL: none read yet */
	struct stat seen, looked_at; /* of what was read, and of what there was at the last look */
	void (*changed)(void *arg);
	void *arg;
	bool was_missing; /* logged once */
};

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int compare_nodes(const void *a, const void *b)
{
	const struct config_node *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* Returns whether there is something new. */
static bool read_nodes(struct inventory *inventory)
{
	struct config_nodes *nodes = NULL;
	struct stat now;
	char error[400];

	if (stat(inventory->path, &now) != 0) {
		if (!inventory->was_missing)
			log_line(LOG_LEVEL_WARNING,
				"inventory: %s: %s; its nodes stay as they were", inventory->path,
				strerror(errno));
		inventory->was_missing = true;
		return false;
	}
	inventory->was_missing = false;
	if (is_same_file(&now, &inventory->seen))
		return false;
	inventory->seen = now;
	if (config_nodes_load(inventory->path, &nodes, error, sizeof(error)) != 0) {
		log_line(LOG_LEVEL_ERR, "inventory: %s; its nodes stay as they were", error);
		return false;
	}
	if (nodes->n > 0)
		qsort(nodes->node, nodes->n, sizeof(nodes->node[0]), compare_nodes);
	// Now, not whenever a hop is worked out: it is a SHA-1.
	for (unsigned i = 0; i < nodes->n; i++)
		if (!nodes->node[i].has_mac)
			vtep_mac_of_name(nodes->node[i].name, nodes->node[i].vtep_mac);
	config_nodes_free(inventory->nodes);
	inventory->nodes = nodes;
	log_line(LOG_LEVEL_INFO, "inventory: read %s nodes=%u", inventory->path, nodes->n);
	return true;
}

/* One that is just being written may be cut off anywhere, and be right all the same. */
static bool is_settled(struct inventory *inventory)
{
	struct stat before = inventory->looked_at;

	if (stat(inventory->path, &inventory->looked_at) != 0)
		inventory->looked_at = (struct stat){0};
	return is_same_file(&inventory->looked_at, &before);
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	struct inventory *inventory = arg;

	(void)fd;
	(void)what;
	if (is_settled(inventory) && read_nodes(inventory))
		inventory->changed(inventory->arg);
}

int inventory_new(struct event_base *base, const char *path, void (*changed)(void *arg), void *arg,
	struct inventory **out)
{
	const struct timeval every = {.tv_sec = LOOK_SEC};
	struct inventory *inventory = calloc(1, sizeof(*inventory));

	if (inventory == NULL)
		return -ENOMEM;
	inventory->path = strdup(path);
	inventory->look = event_new(base, -1, EV_PERSIST, on_look, inventory);
	if (inventory->path == NULL || inventory->look == NULL ||
		event_add(inventory->look, &every) != 0) {
		inventory_free(inventory);
		return -ENOMEM;
	}
	inventory->changed = changed;
	inventory->arg = arg;
	(void)read_nodes(inventory);
	*out = inventory;
	return 0;
}

void inventory_free(struct inventory *inventory)
{
	if (inventory == NULL)
		return;
	if (inventory->look != NULL)
		event_free(inventory->look);
	config_nodes_free(inventory->nodes);
	free(inventory->path);
	free(inventory);
}

static const struct config_node *find(const struct inventory *inventory, uint32_t address)
{
	struct config_node wanted = {.addr = address};

	if (inventory->nodes == NULL || inventory->nodes->n == 0)
		return NULL;
	return bsearch(&wanted, inventory->nodes->node, inventory->nodes->n, sizeof(wanted),
		compare_nodes);
}

bool inventory_vtep_mac(const struct inventory *inventory, uint32_t address, uint8_t mac[6])
{
	const struct config_node *node = find(inventory, address);

	if (node == NULL)
		return false;
	memcpy(mac, node->vtep_mac, sizeof(node->vtep_mac));
	return true;
}

static bool tell(const struct config_node *from, struct inventory_node *node)
{
	if (from == NULL)
		return false;
	node->name = from->name;
	node->addr = from->addr;
	node->probe_addr = from->probe_addr != 0 ? from->probe_addr : from->tunnel_addr;
	return true;
}

bool inventory_find(const struct inventory *inventory, uint32_t address,
	struct inventory_node *node)
{
	return tell(find(inventory, address), node);
}

bool inventory_find_name(const struct inventory *inventory, const char *name,
	struct inventory_node *node)
{
	for (unsigned i = 0; inventory->nodes != NULL && i < inventory->nodes->n; i++)
		if (strcmp(inventory->nodes->node[i].name, name) == 0)
			return tell(&inventory->nodes->node[i], node);
	return false;
}

void inventory_each_node(const struct inventory *inventory, void (*visit)(uint32_t addr, void *arg),
	void *arg)
{
	for (unsigned i = 0; inventory->nodes != NULL && i < inventory->nodes->n; i++)
		visit(inventory->nodes->node[i].addr, arg);
}

size_t inventory_count(const struct inventory *inventory)
{
	return inventory->nodes == NULL ? 0 : inventory->nodes->n;
}
