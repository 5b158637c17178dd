/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dataplane's records as JSON: one function per record, used by every command that shows it.
 */
#ifndef PODLANE_TOOLS_PODLANE_FACTS_H
#define PODLANE_TOOLS_PODLANE_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "tools/podlane/dp.h"

#define IP4_BYTES 20u /**< "255.255.255.255/32" and its closing NUL */

/** Order: host. Returns: text. */
const char *text_ip4(uint32_t addr, char text[IP4_BYTES]);
const char *text_prefix(uint32_t prefix, uint8_t depth, char text[IP4_BYTES]);

/**
 * Read "10.244.0.0/16" or "10.244.0.5" (a /32).
 *
 * Order:  host
 * Errors: -EINVAL, also for bits below the depth
 */
int parse_prefix(const char *text, uint32_t *prefix, uint8_t *depth);

/** A string of a record: up to its NUL or the end of its field, always valid UTF-8. */
json_t *facts_name(const char *name, size_t field_bytes);

/** All ports, with the counters if @records has those too. */
json_t *facts_ports(const struct dp_records *records);

/** All pods on the fast lane. */
json_t *facts_pods(const struct dp_records *records);

/** All lcores with their counters. */
json_t *facts_lcores(const struct dp_records *records);

/** One path with the name of its port. */
json_t *facts_path(const struct wire_path *path, const struct dp_records *records);

/** The word for a path of the first few, which exist from the start; NULL: it is not one. */
const char *facts_fixed_path(uint32_t nh);

/** What a next-hop index is, as control says it: {"kind": "path", "idx": 17}. */
json_t *facts_target(uint32_t nh);

/** The paths that a next-hop index leads to, each with its "weight"; none for a fixed one. */
json_t *facts_paths_of(uint32_t nh, const struct dp_records *records);

/** Errors: NULL if the dump has no such group. */
const struct wire_group *facts_find_group(const struct dp_records *records, uint32_t idx);

#endif
