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
	uint8_t policy; /**< hop_policy() of the pool; 0: the route's device decides */
};

/** How packets to a pool's addresses are to reach other nodes. */
enum encap { ENCAP_FOLLOW = 0, ENCAP_NONE, ENCAP_IPIP, ENCAP_VXLAN, ENCAP_AUTO };

/** Between which nodes. */
enum encap_scope { ENCAP_ALWAYS = 0, ENCAP_CROSS_SUBNET };

/** One of the fast lane's pools, or a route in it, and how it is reached. Order: host */
struct route_pool {
	uint32_t prefix;
	uint8_t depth;
	uint8_t policy; /**< hop_policy() */
};

/** Policies that cannot differ in what they choose are one. */
static inline uint8_t hop_policy(enum encap encap, enum encap_scope scope)
{
	bool has_scope = encap == ENCAP_IPIP || encap == ENCAP_VXLAN;

	return (uint8_t)((unsigned)encap << 1 | (has_scope ? (unsigned)scope : 0));
}

static inline enum encap hop_policy_encap(uint8_t policy)
{
	return (enum encap)(policy >> 1);
}

static inline enum encap_scope hop_policy_scope(uint8_t policy)
{
	return (enum encap_scope)(policy & 1);
}

#define HOP_POLICIES 10u /**< hop_policy() is below */

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

/** How the kernel reaches an address, rules and all tables heeded. Order: host */
struct underlay_route {
	struct hop_key key; /**< the next hop, or the address itself on the link; policy 0 */
	uint32_t source;    /**< what the kernel would send from; 0: nothing */
};

/** Why a next hop can be used, or not. */
enum hop_state {
	HOP_RESOLVED,
	HOP_UNRESOLVED,	  /**< the kernel does not know the MAC */
	HOP_NOT_OURS,	  /**< the interface is no port of the dataplane, and no pod */
	HOP_POD_DETACHED, /**< a pod's interface, not attached */
	HOP_LINK_DOWN,
	HOP_NO_LINK,
	HOP_NO_VTEP_MAC,	 /**< nobody knows the MAC of the remote VTEP */
	HOP_NO_FDB,		 /**< the kernel's device has no remote address for that MAC */
	HOP_NO_UNDERLAY,	 /**< no route to the outer destination by a port of ours */
	HOP_UNDERLAY_UNRESOLVED, /**< the kernel does not know the MAC of the outer next hop */
	HOP_UNDERLAY_DOWN,
	HOP_NO_TUNNEL_ADDRESS, /**< no address of ours to send from */
	HOP_NO_TUNNEL_REMOTE,  /**< the device's next hop names no node */
	HOP_TUNNEL_UNKNOWN,    /**< a device of a form that we do not follow */
};

/** Where a frame leaves, and what it gets. */
struct egress_facts {
	uint16_t port;
	uint16_t mtu;
	uint8_t dst_mac[6];
	uint8_t src_mac[6];
	char port_name[WIRE_NAME_BYTES];
};

/** One tunnel to the node behind a next hop. */
struct tunnel_facts {
	enum hop_state state;
	struct wire_tunnel header;
	struct hop_key underlay;    /**< the outer destination's next hop; {0} if unknown */
	struct egress_facts egress; /**< only when resolved */
};

/** What is known of a next hop. */
struct hop_facts {
	struct hop_key key;
	enum hop_state state;
	uint16_t neighbour;	    /**< NUD_* of the kernel, 0: no entry */
	struct egress_facts egress; /**< only when resolved */
	bool wants_neighbour;	    /**< the MAC would be used, if it were known */
	/** What the interface does with packets: native, or the kind of the kernel's tunnel. */
	enum wire_path_kind device;
	bool is_same_subnet; /**< Felix's rule; only with a policy */
	struct tunnel_facts ipip, vxlan;
	char interface[IFNAMSIZ];
};

/** What probes say of a path. */
enum probe_state {
	PROBE_NONE =
		0, /**< nobody asks: the node has no probe address that we know, or we have none */
	PROBE_UNKNOWN, /**< no answer yet, and not enough lost */
	PROBE_UP,
	PROBE_DOWN,
};

#define ROUTE_CANDIDATES 3u

/** One way to reach a next hop. */
struct candidate {
	enum wire_path_kind kind;
	bool is_usable;
	uint8_t overhead_bytes;
	enum hop_state state;  /**< why not usable */
	struct wire_path path; /**< as it would be sent, without idx */
	enum probe_state probe;
	bool is_shaky;	   /**< up, but the last probe was lost */
	uint16_t link_mtu; /**< path.mtu is less if probes found less */
};

struct candidate_list {
	uint32_t n;
	struct candidate candidate[ROUTE_CANDIDATES];
};

enum choice_reason {
	CHOICE_NONE_USABLE,	/**< the kernel gets the packets */
	CHOICE_ONLY_CANDIDATE,	/**< nothing to compare with */
	CHOICE_FEWEST_BYTES,	/**< of those that are usable, and up if they are probed */
	CHOICE_DEVICE,		/**< as the kernel's tunnel device does it */
	CHOICE_POLICY,		/**< the pool says so */
	CHOICE_SAME_SUBNET,	/**< the pool says cross-subnet, and the node is on ours */
	CHOICE_POLICY_UNUSABLE, /**< what the pool wants cannot be used: the kernel gets them */
	CHOICE_NOT_PROBED,	/**< auto: the usable one with the fewest bytes, as nobody probes */
	CHOICE_PROBING,		/**< auto: as it was, until probes of a cheaper one are answered */
	CHOICE_PROBE_DOWN, /**< auto: the fewest bytes of those that are up; a cheaper one is down */
	CHOICE_ALL_DOWN,   /**< auto: as it was, for no usable one is up */
	CHOICE_PINNED,	   /**< an operator says so */
};

#define CHOICE_NONE UINT32_MAX

struct choice {
	uint32_t idx; /**< in the candidate list, or CHOICE_NONE */
	enum choice_reason reason;
	enum hop_state state; /**< of the candidate that was chosen, or would have been */
};

/** What else counts in a choice. WIRE_PATH_PUNT: nothing. */
struct choice_wish {
	enum wire_path_kind pin;     /**< an operator's */
	enum wire_path_kind current; /**< what is used now, or was when last one was */
};

/** Everything about one next hop; lives as long as a route or the dataplane refers to it. */
struct hop {
	struct hop_key key;
	struct hop_facts facts;
	struct candidate_list candidates;
	struct choice choice;
	struct wire_path wanted; /**< the chosen path, or one that punts; without idx */
	uint64_t asked_sec;	 /**< CLOCK_MONOTONIC of the last request to resolve it */
	bool is_node;	    /**< a route of a pool leads through it: a node may send from there */
	uint32_t node;	    /**< the node behind it, as it was last known; 0: never */
	uint8_t last_kind;  /**< enum wire_path_kind: the last that did not punt */
	uint64_t since_sec; /**< CLOCK_MONOTONIC of the last change of the path's kind */
	uint32_t n_changes; /**< of the path's kind, but the first */
	bool has_stats;	    /**< counted_pkts is from this dataplane */
	uint64_t counted_pkts[WIRE_PATH_N_KINDS]; /**< at the last look, by enum wire_path_kind */
};

/** A policy is a pool's, of a gateway: a node, whether a route has already said so or not. */
static inline bool hop_is_node(const struct hop *hop)
{
	return hop->is_node || hop->key.policy != 0;
}

/** The node behind a next hop, by the address that a tunnel to it has. 0: unknown */
static inline uint32_t hop_node(const struct hop_facts *facts)
{
	if (facts->device == WIRE_PATH_VXLAN)
		return facts->vxlan.header.dst;
	return facts->device == WIRE_PATH_IPIP ? facts->ipip.header.dst : facts->key.nexthop;
}

enum kernel_tunnel_kind {
	KERNEL_TUNNEL_NONE = 0,
	KERNEL_TUNNEL_IPIP,
	KERNEL_TUNNEL_VXLAN,
	KERNEL_TUNNEL_UNKNOWN, /**< ipip or vxlan, but of a form we do not follow */
};

/** What a kernel's ipip or vxlan device is set to; all 0 for other links. Host order. */
struct kernel_tunnel {
	uint32_t kind;	 /**< enum kernel_tunnel_kind */
	uint32_t local;	 /**< 0: any */
	uint32_t remote; /**< 0: any */
	uint32_t underlay_ifindex;
	uint32_t vni;
	uint16_t udp_port;
	uint16_t udp_src_min, udp_src_max; /**< 0: the system's local ports */
	uint16_t has_udp_checksum;
};

/** A network interface, as the kernel has it. */
struct kernel_link {
	uint32_t ifindex;
	uint32_t mtu;
	bool is_up; /**< administratively, and with carrier */
	uint8_t mac[6];
	char name[IFNAMSIZ];
	struct kernel_tunnel tunnel;
};

/** One of our own IPv4 addresses. */
struct kernel_address {
	uint32_t addr;
	uint32_t ifindex;
	uint8_t depth; /**< of the prefix that is on the link */
	bool is_secondary;
};

/** An entry of a vxlan device's forwarding table: behind which node a MAC is. */
struct kernel_fdb {
	uint32_t ifindex;
	uint32_t remote; /**< 0 in an event: every one */
	uint8_t mac[6];
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
	KERNEL_FDB_SET,
	KERNEL_FDB_DEL,
};

struct kernel_event {
	enum kernel_event_kind kind;
	union {
		struct kernel_link link;
		struct kernel_address address;
		struct kernel_neighbour neighbour;
		struct kernel_fdb fdb;
	};
};

#endif
