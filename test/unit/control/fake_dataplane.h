/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A dataplane's tables behind a SOCK_SEQPACKET pair. It fails the test when a request would open a hole:
 * something set that refers to what is not there, or deleted while referred to.
 */
#ifndef PODLANE_TEST_UNIT_CONTROL_FAKE_DATAPLANE_H
#define PODLANE_TEST_UNIT_CONTROL_FAKE_DATAPLANE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/step/sync.h"
#include "dataplane/api/wire.h"

#define FAKE_PATHS   64u
#define FAKE_GROUPS  16u
#define FAKE_ROUTES  8192u
#define FAKE_LOG     256u
#define FAKE_SOURCES 64u

struct fake {
	int fd;	       /* the dataplane's end */
	int client_fd; /* the client's */
	struct wire_port port[4];
	uint32_t n_ports;
	struct wire_path path[FAKE_PATHS];
	bool has_path[FAKE_PATHS];
	struct wire_group group[FAKE_GROUPS];
	bool has_group[FAKE_GROUPS];
	struct wire_route route[FAKE_ROUTES];
	uint32_t n_routes;
	uint32_t max_routes; /* above: -ENOSPC */
	struct wire_pool pool[8];
	uint32_t n_pools;
	struct wire_endpoint endpoint[8];
	uint32_t n_endpoints;
	struct wire_source source[FAKE_SOURCES];
	uint32_t n_sources;
	bool refuse_paths, refuse_groups;
	enum wire_type log[FAKE_LOG]; /* types of the requests, in order */
	uint32_t n_log;
	bool is_sorted; /* every message of routes so far was */
	uint32_t client_seq;
};

void fake_open(struct fake *fake);
/** As one that was just started and listens at a path; for a dp_client. Owner: fake_close() */
void fake_listen(struct fake *fake, const char *path);
/** Take a client that waits, if there is none yet. */
void fake_accept(struct fake *fake);
void fake_close(struct fake *fake);

/** A sync_send_fn; @arg is the fake. */
int fake_send(void *arg, enum wire_type type, const void *items, size_t n_items, uint32_t *seq);

/** Handle up to @max waiting requests. Returns how many. */
uint32_t fake_serve(struct fake *fake, uint32_t max);

/** Give the client every answer that waits. */
void fake_deliver(struct fake *fake, struct sync *sync);

/** Connect, and adopt what the fake has; without pumping. */
void fake_connect(struct fake *fake, struct sync *sync);

/** Serve, deliver and pump until nothing is on the way. */
void fake_settle(struct fake *fake, struct sync *sync);

/** WIRE_NH_NONE if there is none. */
uint32_t fake_route(const struct fake *fake, uint32_t prefix, uint8_t depth);

#endif
