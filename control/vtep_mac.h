/* SPDX-License-Identifier: BSD-3-Clause */
/* The MAC that Calico gives a node's VTEP. */
#ifndef PODLANE_CONTROL_VTEP_MAC_H
#define PODLANE_CONTROL_VTEP_MAC_H

#include <stdint.h>

/**
 * Work out the MAC of a node's VTEP from its name: 0x66, then the first five bytes of the name's SHA-1.
 *
 * Source: Calico, felix/calc/vxlan_resolver.go; SHA-1 is FIPS 180-4
 */
void vtep_mac_of_name(const char *name, uint8_t mac[6]);

#endif
