/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The operator's socket: one line of JSON in, one JSON document out, close. control/README.md lists the
 * requests and every field.
 */
#ifndef PODLANE_CONTROL_SHOW_H
#define PODLANE_CONTROL_SHOW_H

#include <stdint.h>

struct event_base;
struct fpm_conn;
struct neigh;
struct pipeline;
struct show;

/** Whom to ask, and settings that are shown. Everything outlives the show. */
struct show_sources {
	struct pipeline *pipeline;
	struct fpm_conn *fpm;
	struct neigh *neigh;
	const char *version, *node, *fpm_listen, *replay_end, *dataplane_socket;
	uint64_t since_sec; /**< CLOCK_MONOTONIC of the start */
};

/**
 * Listen. A socket file that nobody answers on is replaced.
 *
 * Errors: -EADDRINUSE somebody answers on it; -errno
 */
int show_new(struct event_base *base, const char *path, const struct show_sources *sources,
	struct show **out);

/** Close and remove the socket. */
void show_free(struct show *show);

#endif
