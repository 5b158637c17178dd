/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calico's datastore to what Podlane's files say of it. Reading, working out and writing are apart, so
 * that tests go through the same functions as the command. Only import_calico*.c include this.
 *
 * The result is one document: "nodes" as the inventory has them, "pools" and "tunnel" as podlane.yaml
 * has them, "frr" lines, and "remarks": what was not taken over, why, and what to do.
 */
#ifndef PODLANE_TOOLS_PODLANE_IMPORT_CALICO_H
#define PODLANE_TOOLS_PODLANE_IMPORT_CALICO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "tools/podlane/command.h"

/** One run: what was read, and what it becomes. */
struct import {
	const json_t *objects; /**< by kind, each a list */
	const char *node;      /**< ours; NULL: not said */
	json_t *doc;
};

/**
 * Read JSON texts, one after the other, and sort their objects by kind into @objects. Takes lists, typed
 * lists, single objects, and arrays of these.
 *
 * @error: on failure one line, without the file's name
 *
 * Errors: -EINVAL no such JSON; -errno from reading. @objects may have got some
 */
int import_calico_read(FILE *in, json_t *objects, char *error, size_t error_bytes);

/** Work out the document from all that was read. */
void import_calico_work_out(const struct import *import);

/** The parts, in this order: nodes look at pools, and Felix's settings at both. */
void import_calico_pools(const struct import *import);
void import_calico_nodes(const struct import *import);
void import_calico_felix(const struct import *import);
void import_calico_bgp(const struct import *import);

/** Add a remark. Owner: all is copied; what would break a line or a terminal becomes '?'. */
void import_calico_remark(const struct import *import, const char *kind, const json_t *object,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/** The objects of one kind; NULL, which is an empty list to jansson: none. */
const json_t *import_calico_objects(const struct import *import, const char *kind);

/** The name of an object, never NULL. */
const char *import_calico_name(const json_t *object);

/** A string of an object; NULL: not there, no string, or empty. */
const char *import_calico_text(const json_t *object, const char *key);

/** May it stand in YAML as it is, and be a node's or a pool's name? */
bool import_calico_is_name(const char *text);

/**
 * Read "192.168.1.11/24" or "192.168.1.11", which has depth 32. Bits right of the length are kept.
 *
 * Order:  host
 * Errors: false
 */
bool import_calico_address(const char *text, uint32_t *addr, uint8_t *depth);

/** Read a unicast MAC, with ':' or, as on Windows, '-'; written back with ':'. Errors: false */
bool import_calico_mac(const char *text, char mac[18]);

/** podlane.yaml's sections; @inventory: the file of nodes to name, NULL: none. */
void import_calico_write_config(FILE *out, const json_t *doc, const char *inventory);
void import_calico_write_inventory(FILE *out, const json_t *doc);

/**
 * Write the inventory so that who reads it meanwhile has the old file or the new one, whole.
 *
 * Errors: -errno, and the old file is as it was
 */
int import_calico_save(const char *path, const json_t *doc);

#endif
