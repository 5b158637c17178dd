/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_TEST_UNIT_DATAPLANE_REFERENCE_L4_H
#define PODLANE_TEST_UNIT_DATAPLANE_REFERENCE_L4_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Finish the TCP, UDP or SCTP checksum of a whole packet without options, if its sender did not.
 *
 * @ip_bytes: its total length
 *
 * Returns: was it unfinished?
 * Source:  RFC 9293 3.1, RFC 768, RFC 9260 6.8 and appendix A; linux/skbuff.h, CHECKSUM_PARTIAL
 */
bool reference_finish_l4(uint8_t *ip, uint32_t ip_bytes);

#endif
