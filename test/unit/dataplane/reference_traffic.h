/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tables and the packets of reference_test.c.
 */
#ifndef PODLANE_TEST_UNIT_DATAPLANE_REFERENCE_TRAFFIC_H
#define PODLANE_TEST_UNIT_DATAPLANE_REFERENCE_TRAFFIC_H

#include "test/unit/dataplane/reference.h"

#define REFERENCE_MEMBERS 4u /**< of every group */
#define REFERENCE_TRUNK	  2u /**< the port that pods are behind; others are 0 and 1 */

/** Owner: static */
const struct reference *reference_tables(void);

/** The same numbers in every run. Returns: 0 to n - 1 */
uint32_t reference_random_below(uint32_t n);

/**
 * A packet from a pod, through a tunnel, or from anybody: any payload, any size. One in eight is
 * broken somewhere.
 */
void reference_make_packet(struct reference_packet *packet, bool is_from_pod);

#endif
