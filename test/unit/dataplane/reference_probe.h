/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_TEST_UNIT_DATAPLANE_REFERENCE_PROBE_H
#define PODLANE_TEST_UNIT_DATAPLANE_REFERENCE_PROBE_H

#include "test/unit/dataplane/reference.h"

/** ICMP's types, RFC 792. */
enum reference_echo { REFERENCE_ECHO_REPLY = 0, REFERENCE_ECHO_REQUEST = 8 };

/** Is it a whole ICMP message of this type, long enough for one? */
bool reference_is_echo(const struct reference_packet *packet, enum reference_echo type);

/**
 * Make an echo request its answer, which goes back by the port and in the headers that brought it.
 *
 * @pod: the path to its sender, NULL: the one that its Ethernet header names
 *
 * Source: RFC 1122 3.2.2.6; RFC 1624: a checksum that is wrong stays as wrong as it was
 */
void reference_answer(struct reference_packet *packet, const struct wire_path *pod);

#endif
