/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 10 of the route's walk: the unix socket to the dataplane. Connects, says hello, asks for the
 * dump, and begins again when the connection is lost.
 */
#ifndef PODLANE_CONTROL_DP_CLIENT_H
#define PODLANE_CONTROL_DP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "dataplane/api/wire.h"

struct dp_client;
struct event_base;

/** What the dataplane says. Any of these may call dp_client_send(). */
struct dp_client_handlers {
	void (*hello)(const struct wire_hello *hello, void *arg); /**< the dump follows */
	void (*records)(enum wire_type type, const void *items, size_t n_items, void *arg);
	void (*dumped)(void *arg);
	void (*ack)(uint32_t seq, int32_t error, const struct wire_refusal *refusals,
		size_t n_refusals, void *arg);
	void (*writable)(void *arg); /**< after a -EAGAIN, and after each batch of reads */
	void (*gone)(void *arg);
	void *arg;
};

/** Errors: NULL if memory is short */
struct dp_client *dp_client_new(struct event_base *base, const char *path, const char *node,
	const struct dp_client_handlers *handlers);
void dp_client_free(struct dp_client *client);

/** Begin to connect; from then on it never gives up. */
void dp_client_start(struct dp_client *client);

/**
 * Send one request.
 *
 * Errors: -ENOTCONN before hello; -EAGAIN the socket is full; then nothing was sent
 */
int dp_client_send(struct dp_client *client, enum wire_type type, const void *items, size_t n_items,
	uint32_t *seq);

/** The connection is of no use: begin anew. */
void dp_client_restart(struct dp_client *client);

#endif
