/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_STAGE_L4_CHECKSUM_H
#define PODLANE_DATAPLANE_STAGE_L4_CHECKSUM_H

#include "dataplane/packet.h"
#include "dataplane/table/port.h"

/**
 * After step 5, on uplinks with `checksum: complete`: finish TCP, UDP and SCTP checksums that a veth
 * peer left to hardware which is not there.
 *
 * An unfinished checksum is known by its value: Linux leaves the sum of the pseudo header there (0
 * for SCTP). Any other value is left alone, so that a broken packet arrives broken. Fragments are
 * never unfinished.
 *
 * Source: linux/skbuff.h, CHECKSUM_PARTIAL
 */
void l4_checksum(struct burst *burst);

/**
 * The same for what came from pods, after step 8, when it is known where each packet goes: TCP and UDP of
 * what leaves plain by a port whose device finishes them is left to that, marked for rte_eth_tx_burst().
 * All else is finished here: what gets an outer header, what is cut into fragments, what the kernel
 * gets. Not what is dropped: in an ICMP error that quotes it nobody looks, and Linux does the same.
 */
void l4_checksum_late(struct burst *burst, const struct burst *big, const struct port_table *ports);

#endif
