/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The messages between the dataplane and its clients (control and the podlane command).
 *
 * The socket is AF_UNIX, SOCK_SEQPACKET: one send is one message, so nothing has to be cut out of a
 * stream. A message is a struct wire_hdr and then hdr.n_items records of the one size that
 * wire_item_bytes() gives for its type. Both ends are on one machine: everything is host order,
 * addresses included.
 *
 * A client first sends WIRE_HELLO. From then on every request is answered by any number of
 * records under the request's seq, and then exactly one WIRE_ACK with that seq. What the dataplane
 * says unasked (WIRE_PORT, WIRE_POD, WIRE_PROBE_REPLY) has seq 0 and goes only to clients that asked for events.
 */
#ifndef PODLANE_DATAPLANE_API_WIRE_H
#define PODLANE_DATAPLANE_API_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION	   4u
#define WIRE_MSG_BYTES	   65536u /**< no message is longer */
#define WIRE_NAME_BYTES	   32u	  /**< with its closing NUL */
#define WIRE_GROUP_MEMBERS 256u	  /**< Debian's FRR is built with --enable-multipath=256 */

/** What a message is. The comment says who sends it and what its items are. */
enum wire_type {
	WIRE_HELLO = 1, /**< both: one wire_hello */
	WIRE_ACK, /**< dataplane: end of the answer to hdr.seq; hdr.error, wire_refusal items */
	WIRE_PATH_SET, /**< control, and in a dump: wire_path; only idx of the first PATH_FIRST up */
	WIRE_PATH_DEL,	/**< control: wire_path, of which only idx counts */
	WIRE_GROUP_SET, /**< control, and in a dump: wire_group */
	WIRE_GROUP_DEL, /**< control: wire_group, of which only idx counts */
	WIRE_ROUTE_SET, /**< control, and in a dump: wire_route; new or replaced */
	WIRE_ROUTE_DEL, /**< control: wire_route, of which nh does not count */
	WIRE_POOL_SET, /**< control, and in a dump: all pools, replacing those before; steering starts */
	WIRE_POD_ATTACH, /**< control: wire_pod, of which only ifindex and name count */
	WIRE_POD_DETACH, /**< control: as attach */
	WIRE_POD,	 /**< dataplane: a pod came or went, and in a dump */
	WIRE_PORT,	 /**< dataplane: a port changed, and in a dump */
	WIRE_DUMP, /**< anyone: no items; all ports, pods, pools, paths, groups, routes, in this order */
	WIRE_LOOKUP, /**< anyone: wire_lookup with addr and hash; comes back filled in */
	WIRE_STATS,  /**< anyone: no items; answered by the four below */
	WIRE_PORT_STATS,
	WIRE_LCORE_STATS,
	WIRE_DROP_STATS,
	WIRE_PUNT_STATS,
	WIRE_INFO,	   /**< anyone: no items; comes back as one wire_info */
	WIRE_ENDPOINT_SET, /**< control, in a dump: all our tunnel ends, replacing those before */
	WIRE_SOURCE_SET, /**< control, in a dump: all who may send to them, replacing those before */
	WIRE_PROBE,	 /**< control: wire_probe; each leaves once, by exactly its path */
	WIRE_PROBE_REPLY, /**< dataplane: wire_probe_reply, what came back */
	WIRE_PATH_STATS,  /**< anyone: no items; comes back as wire_path_stats of all paths set */
	WIRE_N_TYPES,
};

/**
 * What a route points at: a path's index, or a group's index with WIRE_NH_GROUP set. Fits the 24
 * bits of librte_lpm. The first few paths exist from the start and are never set.
 */
enum wire_nh {
	WIRE_NH_NONE = 0,	 /**< no route; never sent */
	WIRE_NH_PUNT = 1,	 /**< the kernel decides: our own addresses, egress not ours */
	WIRE_NH_BLACKHOLE = 2,	 /**< drop silently */
	WIRE_NH_UNREACHABLE = 3, /**< drop, ICMP 3/1 host unreachable */
	WIRE_NH_PROHIBIT = 4,	 /**< drop, ICMP 3/13 administratively prohibited */
	WIRE_NH_NO_ROUTE = 5,	 /**< a miss in a pool: drop, ICMP 3/0 net unreachable */
	WIRE_NH_PROBE = 6, /**< our probe address: echo requests answered here, the rest punted */
	WIRE_NH_PATH_FIRST = 16,
	WIRE_NH_GROUP = 1 << 23,
};

/** What is done with a packet that takes a path. */
enum wire_path_kind {
	WIRE_PATH_PUNT = 0, /**< not resolved yet, or egress not ours: to the kernel */
	WIRE_PATH_NATIVE,   /**< Ethernet rewrite only */
	WIRE_PATH_IPIP,	    /**< in IPv4, protocol 4, RFC 2003 */
	WIRE_PATH_VXLAN,    /**< in Ethernet in VXLAN in UDP, RFC 7348 */
	WIRE_PATH_N_KINDS,
};

/** The tunnels we terminate. */
enum wire_tunnel_kind { WIRE_TUNNEL_IPIP = 0, WIRE_TUNNEL_VXLAN, WIRE_TUNNEL_N_KINDS };

/** Why a client connects. */
enum wire_role {
	WIRE_ROLE_READER = 0, /**< asks only */
	WIRE_ROLE_CONTROL,    /**< writes, and gets events; only one at a time (others: -EBUSY) */
};

/** How a port reaches the wire. */
enum wire_port_kind { WIRE_PORT_AF_XDP = 0, WIRE_PORT_VDEV, WIRE_PORT_TRUNK, WIRE_PORT_PCI };

struct wire_hdr {
	uint16_t version; /**< WIRE_VERSION */
	uint16_t type;	  /**< enum wire_type */
	uint32_t seq;	  /**< the sender's number of a request; 0 in an event */
	uint32_t n_items;
	int32_t error; /**< in WIRE_ACK: 0 or -errno of the first item refused */
};

/** Who we are. The dataplane's instance changes with every start: a new one has empty tables. */
struct wire_hello {
	uint64_t instance;
	uint32_t role; /**< enum wire_role, from the client */
	uint32_t pid;
	char name[WIRE_NAME_BYTES]; /**< node.name of the sender's configuration; "" from the CLI */
	uint32_t max_routes;
	uint32_t max_paths;
	uint32_t max_groups;
	uint32_t pad;
};

/** One item of a request was refused; the others were done. */
struct wire_refusal {
	uint32_t item; /**< its place in the request, from 0 */
	int32_t error; /**< -EINVAL, -ENOSPC, -ENOENT, ... */
};

/** The outer header of a path; for the kinds from IPIP on. What does not belong to the kind is 0. */
struct wire_tunnel {
	uint32_t src; /**< outer IPv4: our tunnel address */
	uint32_t dst; /**< outer IPv4: the remote node's */
	uint32_t vni; /**< 24 bits */
	uint16_t udp_dst;
	uint16_t udp_src_min;	  /**< the flow's hash picks a source port from here */
	uint16_t udp_src_max;	  /**< to here; both are used */
	uint8_t inner_dst_mac[6]; /**< the remote VTEP's */
	uint8_t inner_src_mac[6]; /**< our VTEP's */
	uint8_t has_udp_checksum; /**< 0: the checksum is sent as 0 */
	uint8_t pad;
};

/**
 * One way to a next hop: what the packet gets and where it leaves.
 *
 * (nexthop, ifindex, policy) is the key by which control finds its paths again after a restart; the
 * dataplane keeps it. Routes of pools with other policies may take other paths to the same next hop.
 */
struct wire_path {
	uint32_t idx;	  /**< WIRE_NH_PATH_FIRST .. max_paths - 1 */
	uint32_t nexthop; /**< key: gateway, or the destination itself when on-link */
	uint32_t ifindex; /**< key: the kernel's egress interface */
	uint8_t kind;	  /**< enum wire_path_kind */
	uint8_t policy;	  /**< key: control's number of the pool's policy; 0: none */
	uint16_t port;	  /**< wire_port.idx of the egress port; only for NATIVE and later kinds */
	uint16_t mtu;	  /**< of the packet before encapsulation, in bytes */
	uint8_t dst_mac[6];
	uint8_t src_mac[6];
	uint8_t is_waiting; /**< of a PUNT path, 1: until its link is up or its MAC is known; groups
			       give its share to members that can send */
	uint8_t pad2;
	struct wire_tunnel tunnel;
};

struct wire_member {
	uint32_t path;
	uint32_t weight; /**< 1 .. 65536 */
};

/** Equal-cost paths; the 5-tuple's hash picks one in proportion to its weight. */
struct wire_group {
	uint32_t idx; /**< 0 .. max_groups - 1 */
	uint32_t n_members;
	struct wire_member member[WIRE_GROUP_MEMBERS];
};

struct wire_route {
	uint32_t prefix; /**< bits below depth are zero */
	uint32_t nh;	 /**< path index, or group index | WIRE_NH_GROUP */
	uint8_t depth;	 /**< 0 .. 32 */
	uint8_t pad[3];
};

struct wire_pool {
	uint32_t prefix;
	uint8_t depth;
	uint8_t pad[3];
};

/** One end of tunnels that we take packets from. */
struct wire_endpoint {
	uint32_t addr; /**< ours */
	uint32_t vni;  /**< for VXLAN; another one is dropped */
	uint16_t udp_port;
	uint8_t kind;		 /**< enum wire_tunnel_kind */
	uint8_t has_inner_check; /**< 1: the inner source must be routed to the node that sent it */
};

/** Who may send us tunnel packets: a node, or the range of some. */
struct wire_source {
	uint32_t prefix;
	uint8_t depth;
	uint8_t pad[3];
};

struct wire_pod {
	uint32_t ifindex;
	uint8_t is_attached;
	uint8_t pad[3];
	char name[WIRE_NAME_BYTES]; /**< the host side's interface name */
};

struct wire_port {
	uint16_t idx;
	uint8_t kind; /**< enum wire_port_kind */
	uint8_t is_up;
	uint32_t ifindex; /**< of the kernel interface; 0 if there is none */
	uint8_t mac[6];
	uint16_t mtu;
	char name[WIRE_NAME_BYTES];   /**< from the configuration */
	char device[WIRE_NAME_BYTES]; /**< kernel interface or DPDK device */
	uint8_t finishes_l4; /**< its device does, TCP's and UDP's checksums that come unfinished */
	uint8_t pad[3];
};

/** The answer to "where would a packet to addr go". */
struct wire_lookup {
	uint32_t addr;
	uint32_t hash; /**< picks the member of a group */
	uint32_t prefix;
	uint32_t nh; /**< WIRE_NH_NONE: no match */
	uint8_t depth;
	uint8_t pad[3];
	struct wire_path path; /**< the path taken; kind and idx only for the fixed ones */
};

/**
 * One probe: an ICMP echo request in exactly this path's headers, whether or not any route uses the path.
 * Refused (-EINVAL, -ENETDOWN, -ENOBUFS, or -EMSGSIZE: too long for the port's own link) in the
 * acknowledgement, or sent.
 */
struct wire_probe {
	uint32_t id;	/**< the sender's; comes back in the reply */
	uint32_t src;	/**< inner IPv4: our probe address */
	uint32_t dst;	/**< inner IPv4: the remote node's probe address */
	uint16_t bytes; /**< inner IPv4 total length; may exceed path.mtu */
	uint8_t has_df; /**< 1: inner and outer DF set, to find the path's MTU */
	uint8_t pad;
	struct wire_path path; /**< idx does not count */
};

/** An answer to a probe. */
struct wire_probe_reply {
	uint32_t id;
	uint32_t src;	 /**< who answered: the probe's dst */
	uint32_t node;	 /**< outer source of a tunnel packet; 0 if it came native */
	uint32_t rtt_ns; /**< from the worker that sent it to the worker that took the answer */
	uint8_t kind;	 /**< enum wire_path_kind: how the answer came */
	uint8_t pad[3];
};

/** What a path carried since it was first set, by what the path was at the time. */
struct wire_path_stats {
	uint32_t idx;
	uint32_t pad;
	uint64_t pkts[WIRE_PATH_N_KINDS]; /**< by enum wire_path_kind; probes are not counted */
};

/**
 * Every packet ends as sent, punted, dropped or taken; the four sum up to those received and those
 * made here: rx + made = tx + punt + drop + taken.
 */
struct wire_port_stats {
	uint16_t port;
	uint8_t pad[6];
	uint64_t rx_pkts, rx_bytes;
	uint64_t tx_pkts, tx_bytes;
	uint64_t nic_rx_missed, nic_rx_errors, nic_tx_errors; /**< from the NIC; outside the sum */
};

struct wire_lcore_stats {
	uint32_t lcore;
	uint32_t is_main;
	uint64_t rx_pkts, tx_pkts, punt_pkts, drop_pkts;
	uint64_t
		made_pkts; /**< probes sent, frames of the kernel on a twin, fragments but a packet's first */
	uint64_t taken_pkts; /**< answers to our probes */
	uint64_t n_polls, n_empty_polls;
	uint64_t busy_cycles; /**< spent on polls that found packets */
	uint64_t n_sleeps;
};

struct wire_drop_stats {
	char reason[WIRE_NAME_BYTES];
	char help[96];
	uint64_t pkts;
};

/** Packets for the kernel, of one class; what it was not given is in the drops, too. */
struct wire_punt_stats {
	char class[WIRE_NAME_BYTES];
	uint64_t given_pkts;
	uint64_t full_pkts;    /**< more than the main lcore could take */
	uint64_t policed_pkts; /**< above dataplane.punt_pps */
	uint64_t error_pkts;   /**< the kernel's TAP refused them */
};

struct wire_info {
	uint64_t instance;
	uint64_t uptime_sec;
	uint64_t tsc_hz;
	uint32_t pid;
	uint32_t is_polling; /**< 1: idle: poll */
	char node[WIRE_NAME_BYTES];
	char fib_engine[WIRE_NAME_BYTES];
	char dpdk[WIRE_NAME_BYTES];
	uint32_t n_routes, max_routes;
	uint32_t n_paths, max_paths;
	uint32_t n_groups, max_groups;
	uint32_t n_tbl8, max_tbl8;
	uint32_t n_pods;
	uint32_t is_steering;	/**< 1 once pools were set */
	uint32_t is_controlled; /**< 1 while control is connected */
	uint32_t n_mbufs, n_mbufs_free;
	uint32_t pad;
	uint64_t icmp_sent, icmp_limited; /**< ICMP errors; outside the sum of packets */
};

/**
 * Size of one item of a message.
 *
 * Errors: 0 for a type without items or unknown
 */
size_t wire_item_bytes(enum wire_type type);

/**
 * Check a received message and find its items.
 *
 * @msg: aligned for any type, as malloc gives it
 *
 * Owner:  *items points into msg, NULL if there are none
 * Errors: -EPROTO other version, -EBADMSG unknown type or a length that does not fit n_items
 */
int wire_parse(const void *msg, size_t len, const struct wire_hdr **hdr, const void **items);

/**
 * Lay out a message in a buffer of WIRE_MSG_BYTES.
 *
 * Equals: writing the header and copying the items behind it.
 *
 * Errors: 0 if the items do not fit, otherwise the length
 */
size_t wire_build(void *buf, enum wire_type type, uint32_t seq, const void *items, size_t n_items);

/** How many items of a type one message holds. */
size_t wire_max_items(enum wire_type type);

#endif
