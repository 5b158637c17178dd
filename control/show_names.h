/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of enumerations as they are shown in JSON. control/README.md lists them. */
#ifndef PODLANE_CONTROL_SHOW_NAMES_H
#define PODLANE_CONTROL_SHOW_NAMES_H

#include <stdint.h>

#include "control/pipeline.h"
#include "control/step/sync.h"

/** "none", "running", ... */
const char *show_name_replay(enum pipeline_replay replay);
/** "in-sync", ... of the whole. */
const char *show_name_phase(enum sync_phase phase);
/** "in-sync", ... of one object. */
const char *show_name_sync_state(enum sync_state state);
/** "resolved", ... */
const char *show_name_hop_state(enum hop_state state);
/** "up", ... */
const char *show_name_probe_state(enum probe_state state);
/** "native", "punt" */
const char *show_name_path_kind(uint8_t kind);
/** The kind of a way to a node by its name; WIRE_PATH_PUNT if it is none. */
enum wire_path_kind show_name_find_path_kind(const char *name);
const char *show_name_policy(uint8_t policy); /**< hop_policy() */
/** What a route's nh on the wire is: "punt", "path", ... */
const char *show_name_nh(uint32_t nh);
/** The kernel's state of a neighbour, NUD_*. */
const char *show_name_neighbour(uint16_t nud);
/** RTN_* */
const char *show_name_route_type(uint8_t type);
/** RTPROT_*; a number without a name is written into @buf. */
const char *show_name_protocol(uint8_t protocol, char buf[16]);

#endif
