/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The forwarding tables of the kernel's vxlan devices: MAC to remote node and back. Part of step 6;
 * only the resolve*.c include this.
 */
#ifndef PODLANE_CONTROL_STEP_RESOLVE_FDB_H
#define PODLANE_CONTROL_STEP_RESOLVE_FDB_H

#include "control/route.h"

struct resolve_fdb;

/** Errors: NULL if memory is short */
struct resolve_fdb *resolve_fdb_new(void);
void resolve_fdb_free(struct resolve_fdb *fdb);

/** Errors: -ENOMEM, nothing changed */
int resolve_fdb_set(struct resolve_fdb *fdb, const struct kernel_fdb *entry, bool *has_changed);
/** Returns whether there was one. */
bool resolve_fdb_del(struct resolve_fdb *fdb, const struct kernel_fdb *entry);

/** What is not repeated between the two goes. Returns whether something went. */
void resolve_fdb_begin_resync(struct resolve_fdb *fdb);
bool resolve_fdb_end_resync(struct resolve_fdb *fdb);

/** Order: host. Errors: 0 if there is none */
uint32_t resolve_fdb_remote(const struct resolve_fdb *fdb, uint32_t ifindex, const uint8_t mac[6]);

/** Visit every entry, or those with one remote address, in no order. */
typedef void (*resolve_fdb_fn)(const struct kernel_fdb *entry, void *arg);
void resolve_fdb_each(const struct resolve_fdb *fdb, resolve_fdb_fn visit, void *arg);
void resolve_fdb_each_of(const struct resolve_fdb *fdb, uint32_t remote, resolve_fdb_fn visit,
	void *arg);

size_t resolve_fdb_count(const struct resolve_fdb *fdb);

#endif
