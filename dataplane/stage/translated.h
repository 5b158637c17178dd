/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_TRANSLATED_H
#define PODLANE_DATAPLANE_STAGE_TRANSLATED_H

#include "dataplane/packet.h"

/**
 * After the checks of step 6: what came out of a tunnel and belongs to a connection whose addresses the
 * kernel translates is punted. Decap left in mbuf->hash.fdir.hi what XDP said of it.
 */
void translated(struct burst *inner);

#endif
