/* SPDX-License-Identifier: BSD-3-Clause */
/* Step 1 of the route's walk: the TCP port that zebra's FPM connects to. One zebra at a time. */
#ifndef PODLANE_CONTROL_FPM_CONN_H
#define PODLANE_CONTROL_FPM_CONN_H

#include <stdbool.h>
#include <stdint.h>

#include "fpm/fpm.h"

struct event_base;
struct fpm_conn;
struct pipeline;

struct fpm_conn_status {
	bool is_connected;
	char peer[32];	    /**< address:port, "" unless connected */
	uint64_t since_sec; /**< CLOCK_MONOTONIC */
	uint64_t n_connections;
	uint64_t n_refused; /**< came while another was there */
	struct fpm_counters counters;
};

/**
 * Listen.
 *
 * @listen_at: IPv4 address:port
 *
 * Errors: -EADDRINUSE and the like; -EINVAL no address:port
 */
int fpm_conn_new(struct event_base *base, const char *listen_at, struct pipeline *pipeline,
	struct fpm_conn **out);
void fpm_conn_free(struct fpm_conn *conn);

void fpm_conn_status(const struct fpm_conn *conn, struct fpm_conn_status *status);

#endif
