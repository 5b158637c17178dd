/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a packet on the trunk says which pod it is for, or from: the pod's host-side ifindex is in
 * the source MAC, 02:70:<ifindex, four bytes, big endian>. tc puts ee:ee:ee:ee:ee:ee back on the
 * way to the pod. No map from addresses to pods is needed, which would have to change in step with
 * the FIB. Included by C and by BPF C.
 */
#ifndef PODLANE_DATAPLANE_STEER_TRUNK_MAC_H
#define PODLANE_DATAPLANE_STEER_TRUNK_MAC_H

#define TRUNK_MAC_0 0x02 /* locally administered */
#define TRUNK_MAC_1 0x70

#endif
