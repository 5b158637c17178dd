/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PODLANE_DATAPLANE_POOL_H
#define PODLANE_DATAPLANE_POOL_H

#include <stdint.h>

#include <rte_ether.h>
#include <rte_mempool.h>

/** Ethernet header, two VLAN tags, checksum: what an MTU does not count. */
#define POOL_FRAME_OVERHEAD (RTE_ETHER_HDR_LEN + 2 * 4 + RTE_ETHER_CRC_LEN)

/**
 * How large a buffer is that holds a frame of this MTU in one piece, headroom included: DPDK's
 * default at least.
 *
 * One large buffer, not a chain of small ones: each stage then finds all headers where it looks, and
 * drivers that send no chains (net_af_xdp) or receive none (net_pcap) take part. The price is memory.
 *
 * @mtu: 65,000 at most
 */
uint16_t pool_room(uint32_t mtu);

/** What so many buffers need, about. @room: 0 for none */
uint64_t pool_bytes(unsigned n_mbufs, uint16_t room);

/**
 * Make the packet buffers, one beside the other without a gap.
 *
 * net_af_xdp shows the kernel as much memory from the first buffer on as all of them have together.
 * rte_pktmbuf_pool_create() lets no buffer cross a page: with 4 KiB pages this is one buffer for
 * each, and the last four of ten are outside of what the kernel knows. It throws them away in both
 * directions, and a port is dead once they are in use. Seen in DPDK 22.11; gone when
 * xdp_umem_configure() takes the size from the pool's memory.
 *
 * @room: bytes of each, by pool_room()
 *
 * Owner:  the caller's, freed with rte_mempool_free()
 * Errors: -ENOMEM, also if the memory is in several pieces
 */
int pool_create(struct rte_mempool **pool, const char *name, unsigned n_mbufs, uint16_t room,
	unsigned cache, int socket);

/**
 * Take the buffers that lie across the end of a page out of a full pool, for good; pool_create() does it
 * with huge pages.
 *
 * QEMU's emulated NICs (igb, e1000e, vmxnet3) map a frame in one piece, and throw it away without a
 * word if its two pages are apart in the host's memory: of 16384 buffers one or two lost each packet
 * that they carried, or none did, by where the pool began. Behind an IOMMU of silicon the pages
 * follow each other. Seen in QEMU 10.0; gone when net_tx_pkt_add_raw_fragment_pci() takes a mapping
 * shorter than the fragment.
 *
 * Owner:   the pool's memory still, so net_af_xdp knows no gap
 * Returns: how many
 */
unsigned pool_retire_across(struct rte_mempool *pool, uint64_t page_bytes);

/** How many buffers a pool of pool_create() has, without those that were taken out. */
unsigned pool_size(const struct rte_mempool *pool);

/** The buffers of all ports. Of each lot those of default size, and larger ones if a port wants them. */
struct pool_set {
	unsigned n_mbufs; /**< of each pool */
	unsigned cache;
	uint16_t large_room; /**< 0: no port wants larger ones */
	int home;	     /**< the socket of what has no socket */
	struct rte_mempool
		*pool[RTE_MAX_NUMA_NODES][2]; /**< by socket, then size; NULL: not made */
};

/**
 * Find the buffers for a port of this MTU whose device is on this socket, and make them if nobody else is
 * there. If that socket has no memory left, those of the home socket.
 *
 * @socket: -1: the home socket
 *
 * Owner:  the set's, freed with pool_set_free()
 * Errors: -ENOMEM, as pool_create()
 */
int pool_set_find(struct pool_set *set, int socket, uint32_t mtu, struct rte_mempool **pool);
void pool_set_free(struct pool_set *set);

#endif
