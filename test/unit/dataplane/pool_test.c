/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The buffers lie where net_af_xdp tells the kernel that they are.
 */
#include "dataplane/pool.h"

#include "test/unit/support.h"

#include <rte_mbuf.h>

#include <errno.h>

#define N_MBUFS 1023u

struct range {
	uintptr_t first, end;
};

static void widen(struct rte_mempool *pool, void *arg, void *object, unsigned idx)
{
	struct range *range = arg;
	uintptr_t start = (uintptr_t)object - pool->header_size;

	range->first = idx == 0 ? start : RTE_MIN(range->first, start);
	range->end = RTE_MAX(range->end, (uintptr_t)object + pool->elt_size + pool->trailer_size);
}

static void test_pool_room_holds_the_mtu(void **state)
{
	(void)state;
	assert_int_equal(pool_room(0), RTE_MBUF_DEFAULT_BUF_SIZE);
	assert_int_equal(pool_room(1500), RTE_MBUF_DEFAULT_BUF_SIZE);
	for (uint32_t mtu = 1500; mtu <= 9216; mtu++)
		assert_true(pool_room(mtu) >= RTE_PKTMBUF_HEADROOM + 14 + 4 + mtu);
}

/* xdp_umem_configure(): from the first chunk's beginning, as long as all buffers together. */
static void test_pool_has_no_gaps(void **state)
{
	struct rte_mempool *pool;
	struct range range = {0};
	uintptr_t begin;

	(void)state;
	support_eal_init(64);
	assert_int_equal(pool_create(&pool, "pool", N_MBUFS, pool_room(0), 0, SOCKET_ID_ANY), 0);
	assert_int_equal(pool->nb_mem_chunks, 1);
	assert_int_equal(pool->populated_size, N_MBUFS);
	begin = (uintptr_t)STAILQ_FIRST(&pool->mem_list)->addr;
	assert_int_equal(rte_mempool_obj_iter(pool, widen, &range), N_MBUFS);
	assert_int_equal(range.first, begin);
	assert_int_equal(range.end - begin,
		N_MBUFS * rte_mempool_calc_obj_size(pool->elt_size, pool->flags, NULL));
	rte_mempool_free(pool);
}

static void test_pool_gives_packets(void **state)
{
	struct rte_mempool *pool;
	struct rte_mbuf *pkt;

	(void)state;
	support_eal_init(64);
	assert_int_equal(pool_create(&pool, "pool", N_MBUFS, pool_room(0), 0, SOCKET_ID_ANY), 0);
	pkt = rte_pktmbuf_alloc(pool);
	assert_non_null(pkt);
	assert_int_equal(rte_pktmbuf_headroom(pkt), RTE_PKTMBUF_HEADROOM);
	assert_int_equal(rte_pktmbuf_tailroom(pkt),
		RTE_MBUF_DEFAULT_BUF_SIZE - RTE_PKTMBUF_HEADROOM);
	// a NIC behind an IOMMU is told virtual addresses
	assert_int_equal(rte_mbuf_data_iova(pkt), (uintptr_t)rte_pktmbuf_mtod(pkt, void *));
	rte_pktmbuf_free(pkt);
	assert_int_equal(rte_mempool_avail_count(pool), N_MBUFS);
	rte_mempool_free(pool);
}

/* No huge pages here: in smaller pages more buffers are across. */
static void test_pool_retire_across(void **state)
{
	static struct rte_mbuf *pkts[N_MBUFS];
	const uint64_t page_bytes = 1 << 16;
	struct rte_mempool *pool;
	unsigned n_retired, n = 0;

	(void)state;
	support_eal_init(64);
	assert_int_equal(pool_create(&pool, "pool", N_MBUFS, pool_room(0), 0, SOCKET_ID_ANY), 0);
	n_retired = pool_retire_across(pool, page_bytes);
	assert_true(n_retired >= N_MBUFS * pool_room(0) / page_bytes / 2);
	while ((pkts[n] = rte_pktmbuf_alloc(pool)) != NULL) {
		uintptr_t first = (uintptr_t)pkts[n]->buf_addr;

		assert_int_equal(first / page_bytes, (first + pkts[n]->buf_len - 1) / page_bytes);
		n++;
	}
	assert_int_equal(n, N_MBUFS - n_retired);
	rte_pktmbuf_free_bulk(pkts, n);
	assert_int_equal(rte_mempool_avail_count(pool), n);
	rte_mempool_free(pool);
}

static void test_pool_too_big(void **state)
{
	struct rte_mempool *pool = NULL;

	(void)state;
	support_eal_init(64);
	assert_int_equal(pool_create(&pool, "pool", 1u << 20, pool_room(0), 0, SOCKET_ID_ANY),
		-ENOMEM);
	assert_null(pool);
}

/* One pool for each socket and size; what has no socket shares that of the home socket. */
static void test_pool_set_find_shares(void **state)
{
	struct pool_set set = {.n_mbufs = 255, .large_room = pool_room(9000), .home = 0};
	struct rte_mempool *home, *other, *large;

	(void)state;
	support_eal_init(64);
	assert_int_equal(pool_set_find(&set, 0, 0, &home), 0);
	assert_int_equal(pool_set_find(&set, -1, 1500, &other), 0);
	assert_ptr_equal(other, home);
	assert_int_equal(pool_set_find(&set, RTE_MAX_NUMA_NODES, 0, &other), 0);
	assert_ptr_equal(other, home);
	assert_int_equal(pool_set_find(&set, -1, 9000, &large), 0);
	assert_ptr_not_equal(large, home);
	assert_true(rte_pktmbuf_data_room_size(large) > rte_pktmbuf_data_room_size(home));
	assert_int_equal(home->socket_id, 0);
	// a node that this machine has not: no memory there, and nothing is left of the attempt
	assert_int_equal(pool_set_find(&set, RTE_MAX_NUMA_NODES - 1, 0, &other), 0);
	assert_ptr_equal(other, home);
	assert_null(set.pool[RTE_MAX_NUMA_NODES - 1][0]);
	pool_set_free(&set);
	assert_null(set.pool[0][0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool_room_holds_the_mtu),
		cmocka_unit_test(test_pool_has_no_gaps),
		cmocka_unit_test(test_pool_gives_packets),
		cmocka_unit_test(test_pool_retire_across),
		cmocka_unit_test(test_pool_set_find_shares),
		cmocka_unit_test(test_pool_too_big),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
