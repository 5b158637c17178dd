/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of nodes that podlane.yaml's "inventory" names. Read by control/inventory.c. */
#ifndef PODLANE_DATAPLANE_API_CONFIG_NODES_H
#define PODLANE_DATAPLANE_API_CONFIG_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_node {
	char *name;
	char *address;	      /**< where the node is reached, IPv4 */
	char *tunnel_address; /**< of its VTEP; NULL: not said */
	char *mac;	      /**< of its VTEP; NULL: worked out from the name */
	char *probe_address;  /**< NULL: not said */
	/* filled in by config_nodes_load(); host order, 0: not said */
	uint32_t addr, tunnel_addr, probe_addr;
	bool has_mac;
	uint8_t vtep_mac[6];
};

struct config_nodes {
	struct config_node *node;
	unsigned n;
};

/**
 * Read and check a file of nodes.
 *
 * @error: on failure one line that names the file, the place and the mend; @error_bytes long
 *
 * Owner:  *nodes is the caller's, freed with config_nodes_free()
 * Errors: -ENOENT and the like from opening; -EINVAL for what the file says
 */
int config_nodes_load(const char *path, struct config_nodes **nodes, char *error,
	size_t error_bytes);

void config_nodes_free(struct config_nodes *nodes);

#endif
