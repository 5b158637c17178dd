/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_VLAN_INPUT_H
#define PODLANE_DATAPLANE_STAGE_VLAN_INPUT_H

#include "dataplane/packet.h"
#include "dataplane/table/port.h"

/** Frames of the port's VLAN go on without their tag; what has none, or another one, is dropped. */
void vlan_input(struct burst *burst, const struct port *port);

#endif
