/* SPDX-License-Identifier: BSD-3-Clause */
/* Log lines on stderr: "LEVEL module: text key=value". Used by everything in control/. */
#ifndef PODLANE_CONTROL_LOG_H
#define PODLANE_CONTROL_LOG_H

#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_NOTICE,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/** Lines above this level are not written; LOG_LEVEL_INFO at start. */
void log_set_level(enum log_level level);

/** Errors: -EINVAL for a name other than err, warning, notice, info, debug */
int log_level_from_name(const char *name, enum log_level *level);

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** What a neighbour can cause again and again: one line per second, with the count of those missed. */
struct log_limit {
	uint64_t last_sec;
	uint64_t n_missed;
};

void log_limited(struct log_limit *limit, enum log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
