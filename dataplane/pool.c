/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet buffers: rte_pktmbuf_pool_create() step by step, with one flag that it does not take.
 * Called by main.c.
 */
#include "dataplane/pool.h"

#include "dataplane/log.h"

#include <rte_eal.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_memory.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

/* struct rte_mbuf, the mempool's header, and a place in its ring */
#define BESIDE_BYTES 384u

uint16_t pool_room(uint32_t mtu)
{
	uint32_t room = RTE_PKTMBUF_HEADROOM + mtu + POOL_FRAME_OVERHEAD;

	return (uint16_t)RTE_MAX(RTE_ALIGN_CEIL(room, (uint32_t)RTE_CACHE_LINE_SIZE),
		RTE_MBUF_DEFAULT_BUF_SIZE);
}

uint64_t pool_bytes(unsigned n_mbufs, uint16_t room)
{
	return room == 0 ? 0 : (uint64_t)n_mbufs * (room + BESIDE_BYTES);
}

/*
 * A NIC finds the data at its virtual address. The pool does not know: it works addresses out page by
 * page, and not at all where buffers may cross pages.
 */
static void init_mbuf(struct rte_mempool *pool, void *arg, void *object, unsigned idx)
{
	struct rte_mbuf *mbuf = object;

	rte_pktmbuf_init(pool, arg, object, idx);
	rte_mbuf_iova_set(mbuf, (rte_iova_t)(uintptr_t)mbuf->buf_addr);
}

static bool is_across(const struct rte_mbuf *mbuf, uint64_t page_bytes)
{
	uint64_t first = (uintptr_t)mbuf->buf_addr, last = first + mbuf->buf_len - 1;

	return first / page_bytes != last / page_bytes;
}

unsigned pool_retire_across(struct rte_mempool *pool, uint64_t page_bytes)
{
	struct rte_mbuf *kept = NULL, **end = &kept, *mbuf;
	unsigned n_retired = 0;

	while (rte_mempool_generic_get(pool, (void **)&mbuf, 1, NULL) == 0) {
		if (is_across(mbuf, page_bytes)) {
			n_retired++;
			continue;
		}
		*end = mbuf;
		end = &mbuf->next;
	}
	*end = NULL;
	while ((mbuf = kept) != NULL) {
		kept = mbuf->next;
		mbuf->next = NULL; // as all free ones have it
		rte_mempool_generic_put(pool, (void **)&mbuf, 1, NULL);
	}
	return n_retired;
}

/* Behind a pool, after what DPDK has there. */
struct pool_private {
	struct rte_pktmbuf_pool_private of_mbufs;
	unsigned n_retired;
};

static struct pool_private *private_of(const struct rte_mempool *pool)
{
	return (struct pool_private *)rte_mempool_get_priv((struct rte_mempool *)(uintptr_t)pool);
}

unsigned pool_size(const struct rte_mempool *pool)
{
	return pool->size - private_of(pool)->n_retired;
}

static uint64_t page_bytes_of(const struct rte_mempool *pool)
{
	return rte_mem_virt2memseg(STAILQ_FIRST(&pool->mem_list)->addr, NULL)->hugepage_sz;
}

int pool_create(struct rte_mempool **pool, const char *name, unsigned n_mbufs, uint16_t room,
	unsigned cache, int socket)
{
	struct pool_private private = {.of_mbufs.mbuf_data_room_size = room};
	// without gaps where pages end: every address of ours is a virtual one (eal.c)
	struct rte_mempool *p =
		rte_mempool_create_empty(name, n_mbufs, sizeof(struct rte_mbuf) + room, cache,
			sizeof(private), socket, RTE_MEMPOOL_F_NO_IOVA_CONTIG);

	if (p == NULL)
		return -ENOMEM;
	if (rte_mempool_set_ops_byname(p, rte_mbuf_best_mempool_ops(), NULL) < 0)
		goto err_free;
	rte_pktmbuf_pool_init(p, &private.of_mbufs);
	if (rte_mempool_populate_default(p) < 0 || p->nb_mem_chunks != 1)
		goto err_free;
	rte_mempool_obj_iter(p, init_mbuf, NULL);
	if (rte_eal_has_hugepages())
		private_of(p)->n_retired = pool_retire_across(p, page_bytes_of(p));
	*pool = p;
	return 0;

err_free:
	rte_mempool_free(p);
	return -ENOMEM;
}

static int find_on(struct pool_set *set, int socket, bool is_large, struct rte_mempool **pool)
{
	struct rte_mempool **place = &set->pool[socket][is_large];
	char name[RTE_MEMPOOL_NAMESIZE];
	int ret = 0;

	if (*place == NULL) {
		snprintf(name, sizeof(name), "podlane%d%s", socket, is_large ? "-large" : "");
		ret = pool_create(place, name, set->n_mbufs,
			is_large ? set->large_room : pool_room(0), set->cache, socket);
	}
	if (ret == 0)
		*pool = *place;
	return ret;
}

int pool_set_find(struct pool_set *set, int socket, uint32_t mtu, struct rte_mempool **pool)
{
	bool is_large = pool_room(mtu) > pool_room(0);

	if (socket >= 0 && socket < RTE_MAX_NUMA_NODES && socket != set->home) {
		if (find_on(set, socket, is_large, pool) == 0)
			return 0;
		LOG(WARNING,
			"pool: no huge pages left on NUMA node %d; a port there takes buffers "
			"of node %d\n",
			socket, set->home);
	}
	return find_on(set, set->home, is_large, pool);
}

void pool_set_free(struct pool_set *set)
{
	for (unsigned i = 0; i < RTE_MAX_NUMA_NODES; i++) {
		for (unsigned size = 0; size < 2; size++) {
			rte_mempool_free(set->pool[i][size]);
			set->pool[i][size] = NULL;
		}
	}
}
