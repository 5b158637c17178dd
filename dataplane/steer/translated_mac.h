/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How XDP on an uplink tells the dataplane that conntrack translates what is inside a tunnel packet: by
 * the source MAC 02:71:00:00:00:00. Nothing else looks at the source of a frame from an uplink, and who
 * forges it only has his packets forwarded by the kernel. Included by C and by BPF C.
 */
#ifndef PODLANE_DATAPLANE_STEER_TRANSLATED_MAC_H
#define PODLANE_DATAPLANE_STEER_TRANSLATED_MAC_H

#define TRANSLATED_MAC_0 0x02 /* locally administered */
#define TRANSLATED_MAC_1 0x71

#endif
