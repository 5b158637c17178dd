/* SPDX-License-Identifier: BSD-3-Clause */
/* Log lines on stderr; journald and kubelet add the time. */
#include "control/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const level_names[] = {
	[LOG_LEVEL_ERR] = "err",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_NOTICE] = "notice",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static enum log_level max_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	max_level = level;
}

int log_level_from_name(const char *name, enum log_level *level)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++)
		if (strcmp(level_names[i], name) == 0) {
			*level = (enum log_level)i;
			return 0;
		}
	return -EINVAL;
}

// One write per line, so that lines of two processes on one stderr do not mix.
static void write_line(enum log_level level, const char *fmt, va_list args, uint64_t n_missed)
{
	char text[512], missed[40] = "";

	vsnprintf(text, sizeof(text), fmt, args);
	if (n_missed > 0)
		snprintf(missed, sizeof(missed), " missed=%" PRIu64, n_missed);
	fprintf(stderr, "%s %s%s\n", level_names[level], text, missed);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list args;

	if (level > max_level)
		return;
	va_start(args, fmt);
	write_line(level, fmt, args, 0);
	va_end(args);
}

void log_limited(struct log_limit *limit, enum log_level level, const char *fmt, ...)
{
	struct timespec now;
	va_list args;

	if (level > max_level)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (limit->last_sec == (uint64_t)now.tv_sec + 1) {
		limit->n_missed++;
		return;
	}
	va_start(args, fmt);
	write_line(level, fmt, args, limit->n_missed);
	va_end(args);
	// One more than the clock, so that zeroed memory means "never".
	limit->last_sec = (uint64_t)now.tv_sec + 1;
	limit->n_missed = 0;
}
