/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text for people: tables whose columns are as wide as they must be, counts and durations.
 */
#ifndef PODLANE_TOOLS_PODLANE_TABLE_H
#define PODLANE_TOOLS_PODLANE_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#define TEXT_BYTES 32u /**< room for any count or duration of this file */

struct table;

/**
 * Begin a table.
 *
 * @titles: one word per column, ended by NULL; a leading '>' puts the column on its right edge
 *
 * Owner:  the caller's, freed by table_print(); @titles must live until then
 * Errors: NULL if memory is short, which the other calls take and ignore
 */
struct table *table_new(const char *const *titles);

/** Add the next cell, left to right and then down. */
void table_cell(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** As table_cell() with text_count() of a JSON integer; "-" if there is none. */
void table_count(struct table *table, const json_t *number);

/** As table_cell() with a JSON string; "-" if there is none. */
void table_string(struct table *table, const json_t *string);

/** Print the table, or "out of memory" if a cell did not fit in memory, and free it. */
void table_print(struct table *table, FILE *out);

/** Free a table without printing it. */
void table_free(struct table *table);

/** 412306 as "412,306". Returns: text. */
const char *text_count(uint64_t count, char text[TEXT_BYTES]);

/** The two largest units: "2 d 03 h", "4 min 12 s". Returns: text. */
const char *text_duration(uint64_t sec, char text[TEXT_BYTES]);

#endif
