/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where in a YAML file a key stands. libcyaml forgets the lines once it has parsed; config.c, the only
 * caller, finds more mistakes afterwards. Understands block style, which is what people write.
 */
#include "dataplane/api/config_place.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PLACE_LEVELS	8
#define PLACE_KEY_BYTES 256

/* One mapping or list that the current line is inside of. */
struct place_level {
	int indent;
	int entry; /* of the list at this indent; -1: a mapping */
	char name[64];
};

struct place {
	struct place_level level[PLACE_LEVELS];
	int n;
};

static int indent_of(const char *line)
{
	return (int)strspn(line, " ");
}

/* Copy one line without its comment and end; returns where the next begins. */
static const char *take_line(const char *text, char *line, size_t bytes)
{
	size_t len = strcspn(text, "\n");
	size_t n = len < bytes - 1 ? len : bytes - 1;

	memcpy(line, text, n);
	line[n] = '\0';
	line[strcspn(line, "#\r")] = '\0';
	return text[len] == '\n' ? text + len + 1 : text + len;
}

static void leave_levels(struct place *place, int indent)
{
	while (place->n > 0 && place->level[place->n - 1].indent >= indent)
		place->n--;
}

/* A "- ": the next entry of the list at this indent. */
static bool enter_entry(struct place *place, int indent)
{
	struct place_level *top;

	// A list may stand at the same indent as its key, so only what is deeper ends here.
	leave_levels(place, indent + 1);
	top = place->n > 0 ? &place->level[place->n - 1] : NULL;
	if (top != NULL && top->indent == indent && top->entry >= 0) {
		top->entry++;
		return true;
	}
	if (place->n == PLACE_LEVELS)
		return false;
	place->level[place->n++] = (struct place_level){.indent = indent, .entry = 0};
	return true;
}

static bool enter_key(struct place *place, int indent, const char *name, size_t len)
{
	struct place_level *level;

	leave_levels(place, indent);
	if (place->n == PLACE_LEVELS || len >= sizeof(level->name))
		return false;
	level = &place->level[place->n++];
	*level = (struct place_level){.indent = indent, .entry = -1};
	memcpy(level->name, name, len);
	return true;
}

static void spell(const struct place *place, char *key)
{
	size_t n = 0;

	key[0] = '\0';
	for (int i = 0; i < place->n; i++) {
		const struct place_level *level = &place->level[i];

		if (level->entry >= 0)
			n += (size_t)snprintf(key + n, PLACE_KEY_BYTES - n, "[%d]", level->entry);
		else
			n += (size_t)snprintf(key + n, PLACE_KEY_BYTES - n, "%s%s",
				n > 0 ? "." : "", level->name);
		if (n >= PLACE_KEY_BYTES)
			return;
	}
}

/* How much of @want the key @have covers: 0 unless it is @want or a parent of it. */
static size_t covers(const char *have, const char *want)
{
	size_t len = strlen(have);

	if (strncmp(have, want, len) != 0)
		return 0;
	return want[len] == '\0' || want[len] == '.' || want[len] == '[' ? len : 0;
}

/* Follow one line; returns how much of @want it covers. */
static size_t follow(struct place *place, char *line, const char *want)
{
	char key[PLACE_KEY_BYTES];
	int indent = indent_of(line);
	char *at = line + indent;
	size_t best = 0, n;

	while (at[0] == '-' && (at[1] == ' ' || at[1] == '\0')) {
		if (!enter_entry(place, indent))
			return best;
		spell(place, key);
		n = covers(key, want);
		best = n > best ? n : best;
		at++;
		at += strspn(at, " ");
		indent = (int)(at - line);
	}
	n = strcspn(at, ":");
	if (at[n] != ':' || !enter_key(place, indent, at, n))
		return best;
	spell(place, key);
	n = covers(key, want);
	return n > best ? n : best;
}

unsigned config_place_of(const char *text, const char *key)
{
	struct place place = {.n = 0};
	char line[512];
	size_t best = 0;
	unsigned best_line = 0;

	for (unsigned i = 1; *text != '\0'; i++) {
		size_t n;

		text = take_line(text, line, sizeof(line));
		if (line[strspn(line, " \t")] == '\0')
			continue;
		n = follow(&place, line, key);
		if (n > best) {
			best = n;
			best_line = i;
		}
	}
	return best_line;
}

unsigned config_place_of_name(const char *text, const char *name, unsigned from)
{
	size_t len = strlen(name);
	char line[512];

	for (unsigned i = 1; *text != '\0'; i++) {
		const char *at = line;

		text = take_line(text, line, sizeof(line));
		if (i < from)
			continue;
		for (at = strstr(at, name); at != NULL; at = strstr(at + 1, name)) {
			bool begins = at == line || strchr(" {,", at[-1]) != NULL;

			if (begins && at[len] == ':')
				return i;
		}
	}
	return 0;
}
