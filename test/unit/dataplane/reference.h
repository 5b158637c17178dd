/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A forwarder as one would write it who never heard of speed: one packet at a time, from the bytes
 * up, tables searched in a line, checksums added up anew. What the pipeline does must be the same.
 */
#ifndef PODLANE_TEST_UNIT_DATAPLANE_REFERENCE_H
#define PODLANE_TEST_UNIT_DATAPLANE_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/api/wire.h"
#include "dataplane/packet.h"

#define REFERENCE_BYTES 2048u

/** The tables: what the pipeline's were set to. */
struct reference {
	uint8_t mac[6]; /**< of every port */
	unsigned n_paths, n_groups, n_routes, n_ends, n_sources;
	const struct wire_path *path;
	const struct wire_group *group;
	const struct wire_route *route;
	const struct wire_endpoint *end;
	const struct wire_source *source;
};

#define REFERENCE_OUTER_MAX 64u /* Ethernet twice, IPv4, UDP and VXLAN */

enum reference_end {
	REFERENCE_SENT,
	REFERENCE_PUNTED,
	REFERENCE_DROPPED,
	REFERENCE_HEARD, /**< an answer to a probe */
	REFERENCE_N_ENDS
};

/** A packet, and what becomes of it. */
struct reference_packet {
	uint8_t bytes[REFERENCE_BYTES]; /**< before: as received; after: as sent */
	uint32_t len;
	bool is_from_pod;    /**< it comes from the trunk */
	bool has_unfinished; /**< its port finishes checksums */
	bool is_finished;    /**< after: one of its checksums was finished */
	bool is_unwrapped;   /**< after: it came out of a tunnel */
	unsigned n_pieces;   /**< after: into how many fragments it was cut, 0: it was not */
	enum reference_end end;
	enum drop_reason reason;
	uint16_t from;			    /**< ingress */
	uint16_t port;			    /**< egress */
	bool is_answer;			    /**< after: to an echo request */
	uint8_t outer[REFERENCE_OUTER_MAX]; /**< after: what it was unwrapped from */
	uint32_t outer_bytes; /**< of it, without the first Ethernet header; 0: it was not */
	bool is_outer_summed; /**< it had a UDP checksum, a right one */
};

/** What is the forwarder's own to choose: the test takes it from what came out. */
struct reference_choice {
	unsigned member; /**< of a group, by its place */
	unsigned piece;	 /**< which fragment is asked for */
	uint16_t id;	 /**< outer header's */
	uint16_t sport;	 /**< outer UDP source port */
};

/**
 * Take a packet from its receive queue to its end.
 *
 * Of what must be fragmented, *packet becomes the fragment that is asked for.
 */
void reference_forward(const struct reference *tables, struct reference_packet *packet,
	const struct reference_choice *choice);

#endif
