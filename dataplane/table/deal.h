/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_TABLE_DEAL_H
#define PODLANE_DATAPLANE_TABLE_DEAL_H

#include <stdint.h>

#include "dataplane/api/wire.h"

#define NEXTHOP_GROUP_BUCKETS 256u

/**
 * Deal a group's buckets to its members, in proportion to their weights. A bucket whose path is still
 * a member and not over its share keeps it.
 *
 * @before, @after: NEXTHOP_GROUP_BUCKETS path slots
 */
void deal_buckets(const struct wire_group *wire, const uint32_t *before, uint32_t *after);

#endif
