/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What flows through the pipeline: a burst of packets, and the list of reasons a packet may end for.
 */
#ifndef PODLANE_DATAPLANE_PACKET_H
#define PODLANE_DATAPLANE_PACKET_H

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#define BURST_MAX 32u

/** How many packets a loop over a burst's columns takes at once: as many as a vector has words. */
#ifdef __AVX2__
#define BURST_STEP 8u
#else
#define BURST_STEP 4u
#endif

/** Columns begin where vectors of any processor may: struct burst is one for all that is linked. */
#define BURST_ALIGN 32

/** A word of each of so many packets. */
typedef uint32_t burst_words __attribute__((vector_size(BURST_STEP * sizeof(uint32_t))));

/** Of an IPv4 header without options. */
enum ip4_word {
	IP4_WORD_LENGTH,   /**< version, header length, TOS, total length */
	IP4_WORD_FRAGMENT, /**< identification, flags, offset */
	IP4_WORD_TTL,	   /**< TTL, protocol, checksum */
	IP4_WORD_SRC,
	IP4_WORD_DST,
	IP4_N_WORDS,
};

/** What stands in these words, as it lies. */
#define IP4_VERSION_IHL	   0x00000045u /**< IP4_WORD_LENGTH: version 4, no options */
#define IP4_PROTOCOL_BITS  0x0000ff00u /**< IP4_WORD_TTL */
#define IP4_PROTOCOL_SHIFT 8
#define IP4_DF_BITS	   ((uint32_t)RTE_BE16(RTE_IPV4_HDR_DF_FLAG) << 16) /**< IP4_WORD_FRAGMENT */
#define IP4_PIECE_BITS	   ((uint32_t)RTE_BE16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK) << 16)

/*
 * Every reason to drop, once: enum name, name on the screen, help, and the ICMP type and code the
 * sender is told with (0, 0: nothing). Counter and `podlane drops` follow from the line.
 */
#define DROP_REASONS(X)                                                                            \
	X(VLAN, "vlan", "without the tag of the port's VLAN", 0, 0)                                \
	X(NOT_FOR_US, "not_for_us", "Ethernet destination is another station", 0, 0)               \
	X(L2_BROADCAST, "l2_broadcast", "unicast IPv4 in an Ethernet broadcast, RFC 1812 5.3.4",   \
		0, 0)                                                                              \
	X(TRUNCATED, "truncated", "frame shorter than its headers or its IP total length", 0, 0)   \
	X(BAD_HEADER, "bad_header", "IP version, header length or total length is wrong", 0, 0)    \
	X(BAD_CHECKSUM, "bad_checksum", "IP header checksum is wrong", 0, 0)                       \
	X(MARTIAN_SOURCE, "martian_source", "source no host may use, RFC 1812 5.3.7", 0, 0)        \
	X(MARTIAN_DESTINATION, "martian_destination", "destination that is never routed", 0, 0)    \
	X(NO_ROUTE, "no_route", "in a pool, but nobody announces it", 3, 0)                        \
	X(BLACKHOLE, "blackhole", "a blackhole route", 0, 0)                                       \
	X(UNREACHABLE, "unreachable", "an unreachable route", 3, 1)                                \
	X(PROHIBIT, "prohibit", "a prohibit route", 3, 13)                                         \
	X(TOO_BIG, "too_big", "larger than the path's MTU, with DF set", 3, 4)                     \
	X(NO_HEADROOM, "no_headroom",                                                              \
		"too little room in front of the packet for an outer header", 0, 0)                \
	X(NO_BUFFER, "no_buffer", "no buffer left to fragment it", 0, 0)                           \
	X(TUNNEL_SOURCE, "tunnel_source", "tunnel packet from no known node", 0, 0)                \
	X(TUNNEL_CHECKSUM, "tunnel_checksum", "VXLAN with a wrong UDP checksum", 0, 0)             \
	X(TUNNEL_HEADER, "tunnel_header", "VXLAN without VNI flag, or lengths that disagree", 0,   \
		0)                                                                                 \
	X(TUNNEL_VNI, "tunnel_vni", "VXLAN of another network", 0, 0)                              \
	X(TUNNEL_INNER, "tunnel_inner", "a tunnel with something else than IPv4 in it", 0, 0)      \
	X(TUNNEL_NESTED, "tunnel_nested", "a tunnel in a tunnel", 0, 0)                            \
	X(TUNNEL_ECN, "tunnel_ecn", "congestion marked outside, ECN not known inside, RFC 6040",   \
		0, 0)                                                                              \
	X(TUNNEL_INNER_SOURCE, "tunnel_inner_source", "inner source is not the sending node's", 0, \
		0)                                                                                 \
	X(PROBE_LIMITED, "probe_limited", "more echo requests to us than are answered", 0, 0)      \
	X(POD_TUNNEL, "pod_tunnel", "a pod sent a tunnel packet", 0, 0)                            \
	X(POD_SOURCE, "pod_source", "source is not an address of the sending pod", 0, 0)           \
	X(PORT_DOWN, "port_down", "the egress port has no link", 0, 0)                             \
	X(TX_FULL, "tx_full", "the egress port took no more packets", 0, 0)                        \
	X(TX_REFUSED, "tx_refused", "the egress port's driver cannot finish its checksum", 0, 0)   \
	X(PUNT_FULL, "punt_full", "more for the kernel than the main lcore could take", 0, 0)      \
	X(PUNT_POLICED, "punt_policed", "above dataplane.punt_pps", 0, 0)                          \
	X(PUNT_ERROR, "punt_error", "the kernel's TAP refused it", 0, 0)

enum drop_reason {
#define X(name, text, help, icmp_type, icmp_code) DROP_##name,
	DROP_REASONS(X)
#undef X
		DROP_N_REASONS
};

/** The words of a reason. */
struct drop_reason_info {
	const char *name;
	const char *help;
	uint8_t icmp_type; /**< 0: the sender is not told */
	uint8_t icmp_code;
};

extern const struct drop_reason_info drop_reason_info[DROP_N_REASONS];

/** What goes in front of a packet; the burst is split by it, so that each loop is for one alone. */
enum encap { ENCAP_NONE = 0, ENCAP_IPIP, ENCAP_VXLAN, ENCAP_N };

/** What the kernel is given, by what a flood of it would do; a later class has room before others. */
enum punt_class { PUNT_OTHER = 0, PUNT_ICMP, PUNT_ARP, PUNT_BGP, PUNT_BFD, PUNT_N_CLASSES };

extern const char *const punt_class_name[PUNT_N_CLASSES];

/**
 * What comes off one receive queue at once, on its way through the stages.
 *
 * Beside each packet stands what stages want to know of it, in columns: nobody has to fetch it from mbuf
 * and packet again, and loops over a column take several at once. A column has anything in the
 * places from n on: what a loop finds there may at most lead to a closer look. Only what burst_fill_up()
 * put there can be followed, up to the next step: frame since ip4_check, adjacency in the encap stages.
 */
struct burst {
	uint16_t n;    /**< packets still on their way, in the order received */
	uint16_t port; /**< ingress, index in the port table */
	uint16_t n_drop;
	uint16_t n_punt;
	uint16_t n_probe;
	bool has_segments;   /**< some are in more than one piece */
	bool has_unfinished; /**< some leave a checksum to the device; set by l4_checksum_late */
	bool has_nodes;	     /**< some must have a source of the node in hash.usr; set by decap */
	bool is_uniform; /**< all leave by one port, with headers of one kind and MTU; set by lookup */
	bool is_one_path; /**< and by one adjacency; see burst_is_one_path() */
	struct rte_mbuf *pkt[BURST_MAX];
	uint8_t *frame[BURST_MAX]; /**< Ethernet header, where the packet begins */
	_Alignas(BURST_ALIGN) uint32_t len[BURST_MAX]; /**< pkt_len */
	_Alignas(BURST_ALIGN)
		uint32_t ip4[IP4_N_WORDS][BURST_MAX];	/**< set by ip4_check, as they lie */
	_Alignas(BURST_ALIGN) uint32_t dst[BURST_MAX];	/**< host order; set by ip4_check */
	_Alignas(BURST_ALIGN) uint32_t path[BURST_MAX]; /**< path slot; set by lookup */
	_Alignas(BURST_ALIGN) const struct adjacency *adjacency[BURST_MAX]; /**< set by lookup */
	uint8_t n_encap[ENCAP_N];	   /**< set by forward, fragment: which of pkt[] */
	uint8_t encap[ENCAP_N][BURST_MAX]; /**< get which header */
	struct rte_mbuf *drop[BURST_MAX];
	uint8_t reason[BURST_MAX]; /**< of drop[i], enum drop_reason */
	struct rte_mbuf *punt[BURST_MAX];
	struct rte_mbuf *probe[BURST_MAX]; /**< for our probe address; set by lookup */
};

/** Have all packets one adjacency? */
static inline bool burst_is_one_path(const struct burst *burst)
{
	return burst->is_uniform && burst->is_one_path;
}

/** Some places of a column, from a multiple of BURST_STEP on. */
static inline burst_words *burst_step(uint32_t *column, unsigned at)
{
	return (burst_words *)(void *)&column[at];
}

typedef uint8_t burst_bytes __attribute__((vector_size(sizeof(burst_words))));

/** Words in network order to host order, and back. */
static inline burst_words burst_be_32(burst_words words)
{
	const burst_bytes bytes = (burst_bytes)words;

#ifdef __AVX2__
	return (burst_words)__builtin_shufflevector(bytes, bytes, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9,
		8, 15, 14, 13, 12, 19, 18, 17, 16, 23, 22, 21, 20, 27, 26, 25, 24, 31, 30, 29, 28);
#else
	return (burst_words)__builtin_shufflevector(bytes, bytes, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9,
		8, 15, 14, 13, 12);
#endif
}

/** Store @a and @b as pairs of one word each: that of @a first. */
static inline void burst_store_pairs(uint64_t *to, burst_words a, burst_words b)
{
#ifdef __AVX2__
	*(burst_words *)(void *)to = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
	*((burst_words *)(void *)to + 1) =
		__builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#else
	*(burst_words *)(void *)to = __builtin_shufflevector(a, b, 0, 4, 1, 5);
	*((burst_words *)(void *)to + 1) = __builtin_shufflevector(a, b, 2, 6, 3, 7);
#endif
}

static inline bool burst_is_any(burst_words words)
{
	uint64_t pair[sizeof(words) / sizeof(uint64_t)], any = 0;

	memcpy(pair, &words, sizeof(words));
	for (unsigned i = 0; i < RTE_DIM(pair); i++)
		any |= pair[i];
	return any != 0;
}

/** A word of each of some frames, @offset bytes from where they begin, as it lies. */
static inline burst_words burst_load_words(const struct burst *burst, unsigned at, size_t offset)
{
	burst_words words;

#pragma GCC unroll 8
	for (unsigned i = 0; i < BURST_STEP; i++) {
		uint32_t word;

		memcpy(&word, burst->frame[at + i] + offset, sizeof(word));
		words[i] = word;
	}
	return words;
}

/** Note in the columns where packet number @at begins, and its length, after either has changed. */
static inline void burst_measure(struct burst *burst, unsigned at)
{
	const struct rte_mbuf *pkt = burst->pkt[at];

	burst->frame[at] = rte_pktmbuf_mtod(pkt, uint8_t *);
	burst->len[at] = pkt->pkt_len;
}

/**
 * 32 bytes of an mbuf, from where its packet begins to how long it is: one addition changes both.
 *
 * Order:   little-endian, as all of DPDK's vector code
 * Threads: of an mbuf that is the worker's alone, as its reference counter is among them
 */
typedef uint64_t packet_bits __attribute__((vector_size(32)));

enum packet_bits_word {
	PACKET_BITS_BEGIN,  /**< data_off in the lowest bits */
	PACKET_BITS_FLAGS,  /**< ol_flags */
	PACKET_BITS_LENGTH, /**< pkt_len in the upper half */
	PACKET_BITS_PIECE,  /**< data_len in the lowest bits */
};

#define PACKET_BITS_OFFSET(word)                                                                   \
	(offsetof(struct rte_mbuf, rearm_data) + PACKET_BITS_##word * sizeof(uint64_t))

static_assert(RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN &&
		      offsetof(struct rte_mbuf, data_off) == PACKET_BITS_OFFSET(BEGIN) &&
		      offsetof(struct rte_mbuf, ol_flags) == PACKET_BITS_OFFSET(FLAGS) &&
		      offsetof(struct rte_mbuf, pkt_len) == PACKET_BITS_OFFSET(LENGTH) + 4 &&
		      offsetof(struct rte_mbuf, data_len) == PACKET_BITS_OFFSET(PIECE),
	"as counted");

static inline packet_bits packet_load_bits(const struct rte_mbuf *pkt)
{
	packet_bits bits;

	memcpy(&bits, &pkt->rearm_data, sizeof(bits));
	return bits;
}

static inline void packet_store_bits(struct rte_mbuf *pkt, packet_bits bits)
{
	memcpy(&pkt->rearm_data, &bits, sizeof(bits));
}

/**
 * What to add for a packet that begins so many bytes earlier, or later if they are less than 0; its first
 * piece has them.
 */
static inline packet_bits packet_extension(int n_bytes)
{
	const uint64_t n = (uint64_t)n_bytes;

	return (packet_bits){-n, 0, n << 32, n};
}

/**
 * Packet number @at begins @n_bytes earlier; its columns stay as they are.
 *
 * Returns: where. Whether there is room was asked before: without it the borrow takes the reference counter
 */
static inline uint8_t *burst_prepend(struct burst *burst, unsigned at, uint16_t n_bytes)
{
	struct rte_mbuf *pkt = burst->pkt[at];

	packet_store_bits(pkt, packet_load_bits(pkt) + packet_extension(n_bytes));
	return burst->frame[at] - n_bytes;
}

/** Note the words of its IPv4 header, where ip4_check does not. */
static inline void burst_read_ip4(struct burst *burst, unsigned at)
{
	const uint8_t *ip = burst->frame[at] + RTE_ETHER_HDR_LEN;

	for (unsigned i = 0; i < IP4_N_WORDS; i++)
		memcpy(&burst->ip4[i][at], ip + i * sizeof(uint32_t), sizeof(uint32_t));
}

/** The places up to the next step get what the last packet has: a step may follow it. */
static inline void burst_fill_up(struct burst *burst)
{
	for (unsigned i = burst->n; i % BURST_STEP != 0; i++) {
		burst->frame[i] = burst->frame[burst->n - 1u];
		burst->len[i] = burst->len[burst->n - 1u];
		burst->adjacency[i] = burst->adjacency[burst->n - 1u];
	}
}

/** A packet more, at the end; its IPv4 header is not noted. */
static inline void burst_add(struct burst *burst, struct rte_mbuf *pkt)
{
	burst->pkt[burst->n] = pkt;
	burst_measure(burst, burst->n++);
}

/** A packet goes on, in an earlier place than it had. */
static inline void burst_keep(struct burst *burst, unsigned to, unsigned from)
{
	burst->pkt[to] = burst->pkt[from];
	burst->frame[to] = burst->frame[from];
	burst->len[to] = burst->len[from];
	for (unsigned i = 0; i < IP4_N_WORDS; i++)
		burst->ip4[i][to] = burst->ip4[i][from];
	burst->dst[to] = burst->dst[from];
	burst->path[to] = burst->path[from];
	burst->adjacency[to] = burst->adjacency[from];
}

static inline void burst_drop(struct burst *burst, struct rte_mbuf *pkt, enum drop_reason reason)
{
	burst->reason[burst->n_drop] = (uint8_t)reason;
	burst->drop[burst->n_drop++] = pkt;
}

static inline void burst_punt(struct burst *burst, struct rte_mbuf *pkt)
{
	burst->punt[burst->n_punt++] = pkt;
}

/** Packet number @at gets this header. */
static inline void burst_set_encap(struct burst *burst, uint16_t at, enum encap encap)
{
	burst->encap[encap][burst->n_encap[encap]++] = (uint8_t)at;
}

/** Put what is left of another burst behind this one; both came from one receive queue. */
static inline void burst_append(struct burst *burst, struct burst *from)
{
	for (uint16_t i = 0; i < from->n; i++) {
		burst->pkt[burst->n] = from->pkt[i];
		burst->frame[burst->n] = from->frame[i];
		burst->len[burst->n] = from->len[i];
		for (unsigned w = 0; w < IP4_N_WORDS; w++)
			burst->ip4[w][burst->n] = from->ip4[w][i];
		burst->dst[burst->n++] = from->dst[i];
	}
	for (uint16_t i = 0; i < from->n_drop; i++)
		burst_drop(burst, from->drop[i], (enum drop_reason)from->reason[i]);
	for (uint16_t i = 0; i < from->n_punt; i++)
		burst_punt(burst, from->punt[i]);
}

/*
 * Marks in mbuf->ol_flags of a packet that a tunnel brought; eal.c keeps the two bits from drivers.
 * Its outer headers are still in front of it as they came, and its own Ethernet header has not been
 * written: what does not leave by a port needs packet_put_ether().
 */
enum { PACKET_FROM_IPIP_BIT = 39, PACKET_FROM_VXLAN_BIT = 40 };

#define PACKET_FROM_IPIP  (UINT64_C(1) << PACKET_FROM_IPIP_BIT)
#define PACKET_FROM_VXLAN (UINT64_C(1) << PACKET_FROM_VXLAN_BIT)

/** From the outer Ethernet header to where the packet begins. */
enum { PACKET_IPIP_BYTES = 20, PACKET_VXLAN_BYTES = 50 };

/** How many bytes before the packet its outer Ethernet header is. Returns: 0 if it came plain */
static inline uint16_t packet_outer_bytes(const struct rte_mbuf *pkt)
{
	if (pkt->ol_flags & PACKET_FROM_IPIP)
		return PACKET_IPIP_BYTES;
	return pkt->ol_flags & PACKET_FROM_VXLAN ? PACKET_VXLAN_BYTES : 0;
}

/**
 * Give a packet from a tunnel an Ethernet header: the outer one, which has the port's address,
 * whatever VXLAN brought. Its outer headers are lost by this.
 */
static inline void packet_put_ether(struct rte_mbuf *pkt)
{
	struct rte_ether_hdr *ether = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *);
	uint16_t n_bytes = packet_outer_bytes(pkt);

	if (n_bytes == 0)
		return;
	memcpy(ether, (const uint8_t *)ether - n_bytes, sizeof(*ether));
	pkt->ol_flags &= ~(PACKET_FROM_IPIP | PACKET_FROM_VXLAN);
}

/**
 * To network order and back, where it counts: on x86 rte_cpu_to_be_16() names both halves of a
 * register (xchg), which have to be put together again; gcc rotates it.
 */
static inline uint16_t be_16(uint16_t value)
{
	return RTE_BYTE_ORDER == RTE_LITTLE_ENDIAN ? __builtin_bswap16(value) : value;
}

/** Owner: points into the packet. The frame was found to hold an IPv4 header by l2_input. */
static inline struct rte_ipv4_hdr *packet_ip4(struct rte_mbuf *pkt)
{
	return rte_pktmbuf_mtod_offset(pkt, struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
}

/**
 * The sum for a checksum, not complemented, of @n_bytes of a packet from @offset on, in one piece or
 * several. In place of rte_raw_cksum_mbuf() of DPDK 22.11: of a segment that begins at an odd byte of
 * the sum it swaps the bytes before they are folded, and loses the carries. It is mended when
 * reference_test passes with it.
 *
 * Order: as the bytes lie, like rte_raw_cksum()
 * Errors: -EINVAL the packet is shorter
 */
static inline int packet_raw_cksum(const struct rte_mbuf *pkt, uint32_t offset, uint32_t n_bytes,
	uint16_t *cksum)
{
	uint32_t sum = 0, n_done = 0;

	if (offset > pkt->pkt_len || n_bytes > pkt->pkt_len - offset)
		return -EINVAL;
	for (const struct rte_mbuf *seg = pkt; n_done < n_bytes; seg = seg->next) {
		uint32_t skip = RTE_MIN(offset, (uint32_t)seg->data_len);
		uint32_t n = RTE_MIN(seg->data_len - skip, n_bytes - n_done);
		uint16_t part = rte_raw_cksum(rte_pktmbuf_mtod_offset(seg, void *, skip), n);

		sum += n_done % 2 == 0 ? part : __builtin_bswap16(part);
		n_done += n;
		offset -= skip;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	*cksum = (uint16_t)(sum + (sum >> 16));
	return 0;
}

/** In a frame: where TCP, UDP and SCTP have their ports. */
#define PORTS_OFFSET (RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr))

#endif
