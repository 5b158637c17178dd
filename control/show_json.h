/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is shown, as JSON: the fields that control/README.md lists. Only reads. All functions return a
 * new reference for the caller, or NULL if memory is short.
 */
#ifndef PODLANE_CONTROL_SHOW_JSON_H
#define PODLANE_CONTROL_SHOW_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "control/step/pods.h"
#include "control/step/sync.h"

struct fpm_conn;
struct neigh;
struct pipeline;

/** {"schema": 1, "command": command} */
json_t *show_json_answer(const char *command);

json_t *show_json_fpm(const struct fpm_conn *conn, const struct pipeline *pipeline);
json_t *show_json_rib(const struct pipeline *pipeline);
json_t *show_json_kernel(const struct neigh *neigh, const struct pipeline *pipeline);
json_t *show_json_dataplane(const char *socket, const struct pipeline *pipeline);
json_t *show_json_sync(const struct pipeline *pipeline);
json_t *show_json_route(struct pipeline *pipeline, const struct sync_route_view *view);
json_t *show_json_path(const struct sync_path_view *view);
json_t *show_json_pod(const struct pods_view *view);

json_t *show_json_address(uint32_t addr);
/** Seconds since then; CLOCK_MONOTONIC. */
json_t *show_json_age(uint64_t since_sec);

/** A traced change. */
json_t *show_json_trace(const struct sync_trace *trace);

#endif
