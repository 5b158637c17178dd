/* SPDX-License-Identifier: BSD-3-Clause */
/* The paths to each node side by side, as JSON; control/README.md lists the fields. Only reads. */
#ifndef PODLANE_CONTROL_SHOW_COMPARE_H
#define PODLANE_CONTROL_SHOW_COMPARE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct pipeline;

/** What is spent on probes. Owner: the caller's reference. Errors: NULL if memory is short */
json_t *show_compare_probe(const struct pipeline *pipeline);

/**
 * Visit all nodes by address, or @only one.
 *
 * @visit: takes over the reference
 *
 * Errors: -ENOMEM, not all were visited
 */
int show_compare_each(const struct pipeline *pipeline, uint32_t only,
	void (*visit)(json_t *node, void *arg), void *arg);

/** A node by its address or its name in the inventory. Errors: false, there is no such */
bool show_compare_find(const struct pipeline *pipeline, const char *text, uint32_t *node);

#endif
