/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_SOURCE_CHECK_H
#define PODLANE_DATAPLANE_STAGE_SOURCE_CHECK_H

#include "dataplane/packet.h"
#include "dataplane/table/endpoint.h"
#include "dataplane/table/fib.h"
#include "dataplane/table/nexthop.h"
#include "dataplane/table/port.h"

/**
 * After step 6: what came out of a tunnel must not be a tunnel itself, and its source must be routed
 * to the node that sent it: in mbuf->hash.usr, if burst->has_nodes; 0: not to be checked. Packets to be
 * punted are no exception.
 */
void source_check_tunnel(struct burst *inner, const struct endpoint_view *endpoints,
	const struct fib *fib, const struct nexthop_view *nexthops);

/**
 * On the trunk: a pod sends no tunnel packets, unless @pod_tunnels lets it, and only from addresses that
 * are routed to it; also where the packet is to be punted. Which pod it was, the source MAC says
 * (dataplane/steer/trunk_mac.h).
 *
 * Source: RFC 3704 2.2, strict reverse path; Felix does the same for its cali* interfaces
 */
void source_check_pod(struct burst *burst, const struct endpoint_view *endpoints,
	const struct fib *fib, const struct nexthop_view *nexthops, enum pod_tunnels pod_tunnels);

#endif
