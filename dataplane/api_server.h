/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The unix socket on which control writes the tables and anyone reads them. Main lcore only.
 */
#ifndef PODLANE_DATAPLANE_API_SERVER_H
#define PODLANE_DATAPLANE_API_SERVER_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/api_tables.h"

#define API_MAX_CLIENTS 16u

struct api_server;

/**
 * Listen on a path; a socket file left behind by a dead process is replaced.
 *
 * @tables: what requests read and write; outlives the server
 *
 * Errors: -EADDRINUSE a living dataplane has it; error is one line with the mend
 */
int api_server_create(struct api_server **server, const char *path, struct api_tables *tables,
	char *error, size_t error_bytes);
void api_server_free(struct api_server *server);

/** Fill in what to wait for. Returns: how many, API_MAX_CLIENTS + 1 at most */
unsigned api_server_pollfds(const struct api_server *server, struct pollfd *fds);

/** Take what is there: new clients and requests. */
void api_server_run(struct api_server *server);

/** Read the links of all ports again; groups leave a dead one at once, and control is told. */
void api_server_refresh_ports(struct api_server *server);

/** Tell control of an answer to a probe. */
void api_server_announce_probe_reply(struct api_server *server,
	const struct wire_probe_reply *reply);

#endif
