/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of step 6 give each other. Only the resolve*.c include this. */
#ifndef PODLANE_CONTROL_STEP_RESOLVE_TABLE_H
#define PODLANE_CONTROL_STEP_RESOLVE_TABLE_H

#include "control/step/resolve.h"
#include "control/step/resolve_fdb.h"

/** All four: valid until the next change; NULL if there is none. */
const struct kernel_neighbour *resolve_table_neighbour(const struct resolve *resolve,
	struct hop_key key);
const struct wire_port *resolve_table_port(const struct resolve *resolve, uint32_t ifindex);
const struct wire_port *resolve_table_trunk(const struct resolve *resolve);
const char *resolve_table_pod_match(const struct resolve *resolve);

bool resolve_table_is_attached(const struct resolve *resolve, uint32_t ifindex);

const struct resolve_tunnel *resolve_table_tunnel(const struct resolve *resolve);
const struct resolve_outside *resolve_table_outside(const struct resolve *resolve);
const struct resolve_fdb *resolve_table_fdb(const struct resolve *resolve);

/** Visit our own addresses, or the kernel's ipip and vxlan devices, in no order. */
typedef void (*resolve_address_fn)(const struct kernel_address *address, void *arg);
typedef void (*resolve_link_fn)(const struct kernel_link *link, void *arg);
void resolve_table_each_address(const struct resolve *resolve, resolve_address_fn visit, void *arg);
void resolve_table_each_tunnel(const struct resolve *resolve, resolve_link_fn visit, void *arg);

/** The kernel would send to it. NULL: no */
bool resolve_is_usable(const struct kernel_neighbour *neighbour);

/**
 * The facts of a next hop behind an Ethernet interface or a pod's, with nothing around the packet.
 *
 * @facts: zeroed, but for the key
 */
enum hop_state resolve_native(const struct resolve *resolve, struct hop_facts *facts);

/** The facts of a next hop through the kernel's tunnel device @link. */
enum hop_state resolve_device(const struct resolve *resolve, const struct kernel_link *link,
	struct hop_facts *facts);

/** Both tunnels to a node that is a native next hop, as the configuration wants them made. */
void resolve_tunnels(const struct resolve *resolve, struct hop_facts *facts);

#endif
