/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every unit test needs: cmocka with its includes in the right order, and for those that link
 * support_dep an EAL without hugepages and packets made to measure. Including this file alone needs
 * no DPDK.
 */
#ifndef PODLANE_TEST_UNIT_SUPPORT_H
#define PODLANE_TEST_UNIT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

struct rte_ipv4_hdr;
struct rte_mbuf;
struct rte_mempool;

/**
 * Start the EAL without hugepages, PCI and shared files, so that tests run in parallel and as
 * anybody. The first call counts, later ones do nothing. Threads of the test are not pinned.
 *
 * @memory_mb: what the program's tables need; touched only as it is used
 *
 * Errors: the test program fails
 */
void support_eal_init(unsigned memory_mb);

/** Owner: the caller's, freed with rte_mempool_free(). Errors: the test fails. */
struct rte_mempool *support_pool_create(const char *name, unsigned n_mbufs);

/** A packet to build; what is 0 gets the default in the comment. Order: host. */
struct support_packet {
	uint8_t dst_mac[6], src_mac[6];
	uint32_t src, dst;
	uint16_t src_port, dst_port; /**< UDP only */
	uint8_t ttl;		     /**< 64 */
	uint8_t proto;		     /**< 17, UDP */
	uint8_t tos;
	uint8_t n_option_words; /**< IP header words of NOP options */
	uint16_t ident;
	uint16_t fragment;	/**< flags and offset, as in the header */
	uint16_t payload_bytes; /**< behind the UDP header, or behind the IP header of other
				   protocols */
};

/**
 * An Ethernet frame with IPv4 and, for UDP, a UDP header; the payload counts up from 0. All
 * checksums are right; l2_len and l3_len are set.
 *
 * Owner:  the caller's, with one reference
 * Errors: the test fails
 */
struct rte_mbuf *support_packet_build(struct rte_mempool *pool,
	const struct support_packet *packet);

/** The IPv4 header of a frame; the packet must have one. */
struct rte_ipv4_hdr *support_packet_ip4(struct rte_mbuf *mbuf);

/** Fill in the IPv4 header checksum again, after a test changed the header. */
void support_packet_fix_checksum(struct rte_mbuf *mbuf);

/** Pseudo-random numbers that are the same in every run (xorshift64*). @state: not 0 */
static inline uint64_t support_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dull;
}

#endif
