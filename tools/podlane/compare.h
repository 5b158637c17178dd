/* SPDX-License-Identifier: BSD-3-Clause */
/* The sentences of podlane compare: why this path, why not those, what next. */
#ifndef PODLANE_TOOLS_PODLANE_COMPARE_H
#define PODLANE_TOOLS_PODLANE_COMPARE_H

#include <stddef.h>

#include <jansson.h>

/** One line: why a path that could be had is not used; "" if it is, or is only more expensive. */
void compare_why_not(const json_t *path, const json_t *node, char *text, size_t bytes);

/** Everything there is to say about one node, under its table. */
void compare_print_words(const json_t *node, const json_t *probe);

#endif
