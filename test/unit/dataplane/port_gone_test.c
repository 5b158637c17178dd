/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port whose device is taken away and comes back while a worker forwards through it. The device is
 * net_null, which always has packets; the test stands in for the driver that says so.
 */
#include "test/unit/support.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <pthread.h>
#include <string.h>

#include "dataplane/ports.h"
#include "dataplane/table/port_send.h"

#define N_MBUFS 1023u
#define BURST	32u
#define N_TIMES 50u
#define WAIT_MS 5000u

struct rte_eth_dev;

/* What a driver calls; DPDK's header for drivers is not installed. */
struct rte_eth_dev *rte_eth_dev_get_by_name(const char *name);
int rte_eth_dev_callback_process(struct rte_eth_dev *dev, enum rte_eth_event_type event, void *arg);

static struct rte_mempool *pool;
static struct port_table ports;
static struct port *port;
static struct epoch epoch;
static uint64_t n_forwarded;
static bool is_stopping;

/* As worker.c polls and stage/tx.c sends. */
static void *forward(void *arg)
{
	struct rte_mbuf *pkts[BURST];

	(void)arg;
	epoch_enter(&epoch, 0);
	while (!__atomic_load_n(&is_stopping, __ATOMIC_RELAXED)) {
		uint16_t n = 0, n_sent = 0;

		if (__atomic_load_n(&port->is_there, __ATOMIC_ACQUIRE))
			n = rte_eth_rx_burst(port->eth_id, 0, pkts, BURST);
		if (n > 0 && port->is_up)
			n_sent = port_send(port, 0, pkts, n, false);
		for (uint16_t i = n_sent; i < n; i++)
			rte_pktmbuf_free(pkts[i]);
		__atomic_fetch_add(&n_forwarded, n_sent, __ATOMIC_RELAXED);
		epoch_quiescent(&epoch, 0);
	}
	epoch_leave(&epoch, 0);
	return NULL;
}

static bool is_forwarding(void)
{
	uint64_t before = __atomic_load_n(&n_forwarded, __ATOMIC_RELAXED);
	uint64_t end = rte_rdtsc() + rte_get_tsc_hz() / 1000 * WAIT_MS;

	while (__atomic_load_n(&n_forwarded, __ATOMIC_RELAXED) == before && rte_rdtsc() < end)
		rte_delay_us_sleep(100);
	return __atomic_load_n(&n_forwarded, __ATOMIC_RELAXED) > before;
}

static void take_away(enum rte_eth_event_type event)
{
	uint16_t eth_id = port->eth_id;

	rte_eth_dev_callback_process(rte_eth_dev_get_by_name(port->eth_name), event, NULL);
	assert_true(port_take_news(&ports));
	assert_int_equal(port_let_go(&ports, &epoch), 0); // not before the refresh
	assert_true(port_refresh(port));
	assert_false(port->is_up || port->is_there);
	assert_int_equal(port_let_go(&ports, &epoch), 1);
	assert_false(rte_eth_dev_is_valid_port(eth_id));
	assert_false(port_refresh(port));
}

static void bring_back(void)
{
	ports_take_back(&ports);
	assert_true(port->is_there);
	assert_false(port->is_leaving);
	assert_true(port_refresh(port));
	assert_true(port->is_up);
}

static void test_port_let_go_under_traffic(void **state)
{
	struct rte_ether_addr mac = port->mac;
	pthread_t worker;

	(void)state;
	is_stopping = false;
	assert_int_equal(pthread_create(&worker, NULL, forward, NULL), 0);
	for (unsigned i = 0; i < N_TIMES; i++) {
		assert_true(is_forwarding());
		take_away(i % 2 == 0 ? RTE_ETH_EVENT_INTR_RMV : RTE_ETH_EVENT_INTR_RESET);
		// the worker's last turn with the device is over, and it holds nothing
		assert_int_equal(rte_mempool_avail_count(pool), N_MBUFS);
		bring_back();
	}
	assert_true(is_forwarding());
	__atomic_store_n(&is_stopping, true, __ATOMIC_RELAXED);
	pthread_join(worker, NULL);
	assert_memory_equal(&port->mac, &mac, sizeof(mac));
	assert_string_equal(port->name, "uplink0");
	assert_int_equal(ports.n, 1);
}

/* While it is away another device has taken its number: it gets the next one. */
static void test_port_take_back_other_number(void **state)
{
	struct port_config config = ports.config[0];
	uint16_t eth_id = port->eth_id;
	char error[400] = "";

	(void)state;
	take_away(RTE_ETH_EVENT_INTR_RMV);
	config.name = "uplink1";
	config.devargs = "net_null1";
	assert_int_equal(port_add(&ports, &config, error, sizeof(error)), 0);
	assert_int_equal(ports.port[1].eth_id, eth_id);
	bring_back();
	assert_int_not_equal(port->eth_id, eth_id);
}

/* A device that does not come back as it was is tried again later. */
static void test_port_take_back_fails(void **state)
{
	const char *devargs = ports.config[0].devargs;

	(void)state;
	take_away(RTE_ETH_EVENT_INTR_RMV);
	ports.config[0].devargs = "net_nothing0";
	ports_take_back(&ports);
	assert_false(port->is_there);
	assert_false(port_refresh(port));
	ports.config[0].devargs = devargs;
	bring_back();
}

static void test_port_close_all_without_device(void **state)
{
	(void)state;
	take_away(RTE_ETH_EVENT_INTR_RMV);
	port_close_all(&ports);
	assert_int_equal(rte_eth_dev_count_avail(), 0);
}

static int setup(void **state)
{
	struct port_config config = {
		.name = "uplink0",
		.kind = WIRE_PORT_VDEV,
		.devargs = "net_null0",
		.n_queues = 1,
		.n_senders = 1,
	};
	char error[400] = "";

	(void)state;
	config.pool = pool = support_pool_create("gone", N_MBUFS);
	assert_int_equal(epoch_init(&epoch, 1), 0);
	if (port_add(&ports, &config, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	port = &ports.port[0];
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	epoch_fini(&epoch);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_let_go_under_traffic),
		cmocka_unit_test(test_port_take_back_other_number),
		cmocka_unit_test(test_port_take_back_fails),
		cmocka_unit_test(test_port_close_all_without_device),
	};

	support_eal_init(64);
	return cmocka_run_group_tests(tests, setup, teardown);
}
