/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FPM decoder: bytes from zebra in, events out. No sockets, no logs, no globals.
 *
 * It takes what FRR's dplane_fpm_nl and fpm modules send (netlink in FPM frames). A frame with a
 * DELROUTE and a NEWROUTE of one prefix, as zebra sends every change, is one FPM_ROUTE_SET.
 */
#ifndef PODLANE_FPM_FPM_H
#define PODLANE_FPM_FPM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FPM_MAX_NH	256u   /**< next hops of a route, members of a group */
#define FPM_FRAME_BYTES 65535u /**< the header's length field has 16 bits */
#define FPM_MAIN_TABLE	254u   /**< RT_TABLE_MAIN */

/** A prefix in one routing table. Order: addr is network order, as on the wire. */
struct fpm_prefix {
	uint32_t table;
	uint8_t family; /**< AF_INET or AF_INET6 */
	uint8_t len;
	uint8_t addr[16]; /**< bits below len are zero; IPv4 uses the first four bytes */
};

/** One next hop. Order: gateway is network order. */
struct fpm_nh {
	uint8_t gateway[16];
	uint8_t family; /**< of the gateway; AF_UNSPEC: none, the destination is on the link */
	bool is_onlink;
	uint16_t reserved;
	uint32_t weight;  /**< 1 and up; equal weights are equal shares */
	uint32_t ifindex; /**< 0 if not said */
};

enum fpm_event_kind {
	FPM_ROUTE_SET,	 /**< new, or replaces what the prefix had */
	FPM_ROUTE_DEL,	 /**< may name a route that never came */
	FPM_NEXTHOP_SET, /**< new id, or replaces what the id had */
	FPM_NEXTHOP_DEL,
};

struct fpm_route {
	struct fpm_prefix prefix;
	uint8_t type;	  /**< RTN_UNICAST, RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT */
	uint8_t protocol; /**< RTPROT_*: bgp 186, static 196, kernel 2, zebra 11 */
	uint32_t
		nh_id; /**< not 0: the next hops are those of this id, which may not be known yet */
	uint32_t n_nh; /**< when nh_id is 0 */
	struct fpm_nh nh[FPM_MAX_NH];
};

struct fpm_nexthop_member {
	uint32_t id; /**< may not be known yet */
	uint32_t weight;
};

/** A next-hop object: one next hop, a blackhole, or a group of other ids. */
struct fpm_nexthop {
	uint32_t id;
	bool is_blackhole;
	uint32_t n_members; /**< not 0: a group; then nh does not count */
	struct fpm_nh nh;
	struct fpm_nexthop_member member[FPM_MAX_NH];
};

struct fpm_event {
	enum fpm_event_kind kind;
	union {
		struct fpm_route route;	    /**< for FPM_ROUTE_DEL only prefix counts */
		struct fpm_nexthop nexthop; /**< for FPM_NEXTHOP_DEL only id counts */
	};
};

/** What passed through since the last reset. */
struct fpm_counters {
	uint64_t bytes, frames, messages, events;
	uint64_t skipped_frames;   /**< not netlink, protobuf for example */
	uint64_t skipped_messages; /**< netlink we have no use for: EVPN MACs, LSPs, multicast */
	uint64_t bad_messages;	   /**< broken in themselves; the stream went on */
	uint64_t cut_short;	   /**< had more than FPM_MAX_NH next hops; the first were taken */
};

/**
 * Called once for each event, in the order of the stream.
 *
 * Owner: the event is valid during the call only
 */
typedef void (*fpm_handler)(const struct fpm_event *event, void *arg);

struct fpm_decoder;

/** Errors: NULL if memory is short */
struct fpm_decoder *fpm_decoder_new(void);
void fpm_decoder_free(struct fpm_decoder *decoder);

/** Forget a partial frame and the counters: a new connection begins. */
void fpm_decoder_reset(struct fpm_decoder *decoder);

/**
 * Take the next bytes of the stream, cut anywhere, and report what they complete.
 *
 * Errors: -EPROTO bytes that cannot be FPM (version, length): close the connection; events before
 *         them were reported
 */
int fpm_decoder_push(struct fpm_decoder *decoder, const void *bytes, size_t len,
	fpm_handler handler, void *arg);

const struct fpm_counters *fpm_decoder_counters(const struct fpm_decoder *decoder);

#endif
