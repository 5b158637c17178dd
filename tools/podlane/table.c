/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text for people: tables, counts and durations. Called by the print half of every command.
 */
#include "tools/podlane/table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct table {
	const char *const *titles;
	size_t n_columns;
	char **cells;
	size_t n, room;
	bool is_short; // of memory: cells are missing
};

struct table *table_new(const char *const *titles)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return NULL;
	table->titles = titles;
	while (titles[table->n_columns] != NULL)
		table->n_columns++;
	return table;
}

static void add_cell(struct table *table, char *text)
{
	if (table->n == table->room) {
		size_t room = table->room == 0 ? 64 : 2 * table->room;
		char **grown = realloc(table->cells, room * sizeof(*grown));

		if (grown == NULL) {
			table->is_short = true;
			free(text);
			return;
		}
		table->cells = grown;
		table->room = room;
	}
	table->cells[table->n++] = text;
}

void table_cell(struct table *table, const char *format, ...)
{
	char *text;
	va_list args;
	int rc;

	if (table == NULL)
		return;
	va_start(args, format);
	rc = vasprintf(&text, format, args);
	va_end(args);
	if (rc < 0)
		table->is_short = true;
	else
		add_cell(table, text);
}

void table_count(struct table *table, const json_t *number)
{
	char text[TEXT_BYTES];

	if (json_is_integer(number))
		table_cell(table, "%s", text_count((uint64_t)json_integer_value(number), text));
	else
		table_cell(table, "-");
}

void table_string(struct table *table, const json_t *string)
{
	const char *text = json_string_value(string);

	table_cell(table, "%s", text != NULL && text[0] != '\0' ? text : "-");
}

static bool is_right(const struct table *table, size_t column)
{
	return table->titles[column][0] == '>';
}

static const char *title(const struct table *table, size_t column)
{
	return table->titles[column] + (is_right(table, column) ? 1 : 0);
}

static int width(const struct table *table, size_t column)
{
	size_t most = strlen(title(table, column));

	for (size_t i = column; i < table->n; i += table->n_columns) {
		size_t len = strlen(table->cells[i]);

		most = len > most ? len : most;
	}
	return (int)most;
}

static void print_cell(const struct table *table, size_t column, int wide, const char *text,
	FILE *out)
{
	bool is_last = column + 1 == table->n_columns;

	if (is_right(table, column))
		fprintf(out, "%*s", wide, text);
	else if (is_last)
		fprintf(out, "%s", text);
	else
		fprintf(out, "%-*s", wide, text);
	fputs(is_last ? "\n" : "  ", out);
}

static void print_rows(const struct table *table, const int *widths, FILE *out)
{
	for (size_t c = 0; c < table->n_columns; c++)
		print_cell(table, c, widths[c], title(table, c), out);
	for (size_t i = 0; i < table->n; i++) {
		size_t column = i % table->n_columns;

		print_cell(table, column, widths[column], table->cells[i], out);
	}
}

void table_print(struct table *table, FILE *out)
{
	int *widths = table != NULL ? calloc(table->n_columns, sizeof(*widths)) : NULL;

	if (widths == NULL || table->is_short) {
		fputs("podlane: out of memory for the table\n", stderr);
	} else {
		for (size_t c = 0; c < table->n_columns; c++)
			widths[c] = width(table, c);
		print_rows(table, widths, out);
	}
	free(widths);
	table_free(table);
}

void table_free(struct table *table)
{
	if (table == NULL)
		return;
	for (size_t i = 0; i < table->n; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table);
}

const char *text_count(uint64_t count, char text[TEXT_BYTES])
{
	char digits[TEXT_BYTES];
	int n = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	char *to = text;

	for (int i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return text;
}

const char *text_duration(uint64_t sec, char text[TEXT_BYTES])
{
	if (sec >= 86400)
		snprintf(text, TEXT_BYTES, "%" PRIu64 " d %02u h", sec / 86400,
			(unsigned)(sec % 86400 / 3600));
	else if (sec >= 3600)
		snprintf(text, TEXT_BYTES, "%u h %02u min", (unsigned)(sec / 3600),
			(unsigned)(sec % 3600 / 60));
	else if (sec >= 60)
		snprintf(text, TEXT_BYTES, "%u min %02u s", (unsigned)(sec / 60),
			(unsigned)(sec % 60));
	else
		snprintf(text, TEXT_BYTES, "%u s", (unsigned)sec);
	return text;
}
