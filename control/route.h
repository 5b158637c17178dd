/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What flows between the steps of a route's walk: a route's target, a next hop's facts, the candidates
 * for it and the choice. Addresses are host order.
 */
#ifndef PODLANE_CONTROL_ROUTE_H
#define PODLANE_CONTROL_ROUTE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/api/wire.h"

/** Identifies a path, here and in the dataplane's dump. */
struct hop_key {
	uint32_t
		nexthop; /**< gateway, or the destination itself; 0: unknown to IPv4, always punts */
	uint32_t ifindex;
};

struct target_member {
	struct hop_key key;
	uint32_t weight;
};

/** Where a route leads: one of the fixed next hops of the wire, or through n next hops. */
struct route_target {
	uint32_t fixed; /**< enum wire_nh; counts only if n is 0 */
	uint32_t n;
	struct target_member member[WIRE_GROUP_MEMBERS]; /**< sorted, no key twice */
};

/** Why a next hop can be used, or not. */
enum hop_state {
	HOP_RESOLVED,
	HOP_UNRESOLVED,	  /**< the kernel does not know the MAC */
	HOP_NOT_OURS,	  /**< the interface is no port of the dataplane, and no pod */
	HOP_POD_DETACHED, /**< a pod's interface, not attached */
	HOP_LINK_DOWN,
	HOP_NO_LINK,
};

/** What is known of a next hop. */
struct hop_facts {
	struct hop_key key;
	enum hop_state state;
	uint16_t neighbour; /**< NUD_* of the kernel, 0: no entry */
	uint16_t port;	    /**< these four only when resolved */
	uint16_t mtu;
	uint8_t dst_mac[6];
	uint8_t src_mac[6];
	bool wants_neighbour; /**< the MAC would be used, if it were known */
	char interface[IFNAMSIZ];
	char port_name[WIRE_NAME_BYTES];
};

#define ROUTE_CANDIDATES 3u

/** One way to reach a next hop. */
struct candidate {
	enum wire_path_kind kind;
	bool is_usable;
	uint8_t overhead_bytes;
	enum hop_state state;  /**< why not usable */
	struct wire_path path; /**< as it would be sent, without idx */
};

struct candidate_list {
	uint32_t n;
	struct candidate candidate[ROUTE_CANDIDATES];
};

enum choice_reason {
	CHOICE_NONE_USABLE,    /**< the kernel gets the packets */
	CHOICE_ONLY_CANDIDATE, /**< nothing to compare with */
	CHOICE_FEWEST_BYTES,   /**< of those that are usable */
};

#define CHOICE_NONE UINT32_MAX

struct choice {
	uint32_t idx; /**< in the candidate list, or CHOICE_NONE */
	enum choice_reason reason;
};

/** Everything about one next hop; lives as long as a route or the dataplane refers to it. */
struct hop {
	struct hop_key key;
	struct hop_facts facts;
	struct candidate_list candidates;
	struct choice choice;
	struct wire_path wanted; /**< the chosen path, or one that punts; without idx */
	uint64_t asked_sec;	 /**< CLOCK_MONOTONIC of the last request to resolve it */
};

/** A network interface, as the kernel has it. */
struct kernel_link {
	uint32_t ifindex;
	uint32_t mtu;
	bool is_up; /**< administratively, and with carrier */
	uint8_t mac[6];
	char name[IFNAMSIZ];
};

/** One of our own IPv4 addresses. */
struct kernel_address {
	uint32_t addr;
	uint32_t ifindex;
};

/** An IPv4 neighbour. */
struct kernel_neighbour {
	uint32_t addr;
	uint32_t ifindex;
	uint16_t state; /**< NUD_* */
	bool has_mac;
	uint8_t mac[6];
};

enum kernel_event_kind {
	KERNEL_LINK_SET,
	KERNEL_LINK_DEL, /**< only ifindex counts */
	KERNEL_ADDRESS_SET,
	KERNEL_ADDRESS_DEL,
	KERNEL_NEIGHBOUR_SET,
	KERNEL_NEIGHBOUR_DEL, /**< only addr and ifindex count */
};

struct kernel_event {
	enum kernel_event_kind kind;
	union {
		struct kernel_link link;
		struct kernel_address address;
		struct kernel_neighbour neighbour;
	};
};

#endif
