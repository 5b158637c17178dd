/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bond of two net_null devices, active-backup, as one port: the active one dies while we send, or is taken
 * away, for which the test stands in for the driver.
 */
#include "test/unit/support.h"

#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_ethdev.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/ports.h"
#include "dataplane/table/port_bond.h"
#include "dataplane/table/port_send.h"

#define WAIT_MS 2000u
#define N_PKTS	32u
#define N_TIMES 10u

struct rte_eth_dev;

/* What a driver calls; DPDK's header for drivers is not installed. */
struct rte_eth_dev *rte_eth_dev_get_by_name(const char *name);
int rte_eth_dev_callback_process(struct rte_eth_dev *dev, enum rte_eth_event_type event, void *arg);

static struct epoch epoch;
static struct rte_mempool *pool;
static struct port_table ports;

static uint64_t sent_by(const char *member)
{
	struct rte_eth_stats stats;
	uint16_t eth_id;

	assert_int_equal(rte_eth_dev_get_port_by_name(member, &eth_id), 0);
	assert_int_equal(rte_eth_stats_get(eth_id, &stats), 0);
	return stats.opackets;
}

static void kill_member(const char *member)
{
	uint16_t eth_id;

	assert_int_equal(rte_eth_dev_get_port_by_name(member, &eth_id), 0);
	assert_int_equal(rte_eth_dev_stop(eth_id), 0); // net_null has no link then
}

/* Returns: how many the bond took */
static unsigned send_some(void)
{
	struct rte_mbuf *pkts[N_PKTS];
	uint16_t n;

	assert_int_equal(rte_pktmbuf_alloc_bulk(pool, pkts, N_PKTS), 0);
	for (unsigned i = 0; i < N_PKTS; i++)
		memset(rte_pktmbuf_append(pkts[i], 60), 2, 60);
	n = port_send(&ports.port[0], 0, pkts, N_PKTS, false);
	rte_pktmbuf_free_bulk(pkts + n, N_PKTS - n);
	return n;
}

/* The bond tells of it, as a NIC does. */
static void wait_link(bool is_up)
{
	uint64_t start = rte_rdtsc(), ms = rte_get_tsc_hz() / 1000;
	struct port *port = &ports.port[0];

	while (port->is_up != is_up && rte_rdtsc() - start < WAIT_MS * ms) {
		if (port_take_news(&ports))
			port_refresh(port);
		rte_delay_us_sleep(1000);
	}
	assert_int_equal(port->is_up, is_up);
}

static void test_port_bond_moves(void **state)
{
	uint64_t start = rte_rdtsc(), ms = rte_get_tsc_hz() / 1000, first, second;

	(void)state;
	wait_link(true);
	assert_int_equal(send_some(), N_PKTS);
	first = sent_by("net_null0");
	second = sent_by("net_null1");
	assert_int_equal(first + second, N_PKTS);
	assert_true(first == 0 || second == 0); // the other one waits

	kill_member(first > 0 ? "net_null0" : "net_null1");
	while (sent_by(first > 0 ? "net_null1" : "net_null0") == 0 &&
		rte_rdtsc() - start < WAIT_MS * ms) {
		// DPDK complains at length of what is sent into a stopped device
		rte_delay_us_sleep(20000);
		send_some();
	}
	assert_true(sent_by(first > 0 ? "net_null1" : "net_null0") > 0);
	port_refresh(&ports.port[0]);
	assert_true(ports.port[0].is_up);
	print_message("moved after %lu ms\n", (unsigned long)((rte_rdtsc() - start) / ms));

	kill_member(first > 0 ? "net_null1" : "net_null0");
	wait_link(false);
}

static void take_away(struct port_member *member)
{
	uint16_t eth_id = member->eth_id;

	assert_int_equal(rte_eth_dev_callback_process(rte_eth_dev_get_by_name(member->name),
				 RTE_ETH_EVENT_INTR_RMV, NULL),
		0);
	assert_true(port_take_news(&ports));
	port_refresh(&ports.port[0]);
	assert_true(ports.port[0].is_there);
	ports_let_go(&ports, &epoch);
	assert_false(rte_eth_dev_is_valid_port(eth_id));
	assert_false(member->is_leaving);
	assert_int_equal(member->eth_id, RTE_MAX_ETHPORTS);
}

/* Until a packet gets through: the bond has to see first that a new member has a link. */
static void wait_sent(void)
{
	uint64_t start = rte_rdtsc(), ms = rte_get_tsc_hz() / 1000;

	while (send_some() != N_PKTS && rte_rdtsc() - start < WAIT_MS * ms)
		rte_delay_us_sleep(1000);
	assert_int_equal(send_some(), N_PKTS);
}

/* Both at once: the bond is there without a link, and has one again with the first that is back. */
static void test_port_bond_let_go_both(void **state)
{
	struct port *port = &ports.port[0];
	struct rte_ether_addr mac;

	(void)state;
	take_away(&port->member[0]);
	take_away(&port->member[1]);
	port_refresh(port); // as main.c does every few milliseconds: the bond says nothing of it
	assert_false(port->is_up);
	assert_int_equal(send_some(), 0);
	ports_take_back(&ports);
	port_refresh(port);
	assert_true(port->is_up);
	wait_sent();
	assert_int_equal(rte_eth_macaddr_get(port->eth_id, &mac), 0);
	assert_memory_equal(&mac, &port->mac, sizeof(mac));
}

/* Each in turn, so that either one has to carry alone; the bond keeps the MAC that it had. */
static void test_port_bond_let_go(void **state)
{
	struct port *port = &ports.port[0];
	struct rte_ether_addr mac;

	(void)state;
	for (unsigned i = 0; i < N_TIMES; i++) {
		take_away(&port->member[i % 2]);
		wait_sent();
		assert_true(sent_by(port->member[(i + 1) % 2].name) > 0);
		ports_take_back(&ports);
		assert_int_not_equal(port->member[i % 2].eth_id, RTE_MAX_ETHPORTS);
	}
	assert_int_equal(rte_eth_macaddr_get(port->eth_id, &mac), 0);
	assert_memory_equal(&mac, &port->mac, sizeof(mac));
}

static void test_port_bond_open_fails(void **state)
{
	char args[128] = "mode=1,member=net_null2,slave=net_nothing0";
	struct port port = {0};
	uint16_t eth_id;

	(void)state;
	assert_true(port_bond_open(&port, args, sizeof(args)) < 0);
	assert_int_equal(port.n_members, 0);
	assert_int_equal(rte_eth_dev_get_port_by_name("net_null2", &eth_id), -ENODEV);
	assert_null(strstr(args, strstr(args, "slave=") != NULL ? "member=" : "slave="));
	assert_int_equal(strncmp(args, "mode=1,", 7), 0);
}

static void test_port_bond_open_too_many(void **state)
{
	char args[256] = "mode=1", word[32];
	struct port port = {0};

	(void)state;
	for (unsigned i = 0; i <= PORT_MEMBERS_MAX; i++) {
		snprintf(word, sizeof(word), ",member=net_null%u", 10 + i);
		strcat(args, word);
	}
	assert_int_equal(port_bond_open(&port, args, sizeof(args)), -ENAMETOOLONG);
	assert_int_equal(port.n_members, 0);
}

static int setup(void **state)
{
	struct port_config config = {
		.name = "uplink0",
		.kind = WIRE_PORT_VDEV,
		.devargs = "net_bonding0,mode=1,member=net_null0,member=net_null1",
		.n_queues = 1,
		.n_senders = 1,
	};
	char error[400] = "";

	(void)state;
	config.pool = pool = support_pool_create("bond", 4095);
	assert_int_equal(epoch_init(&epoch, 1), 0);
	if (port_add(&ports, &config, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	port_close_all(&ports);
	epoch_fini(&epoch);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_bond_moves),
		cmocka_unit_test(test_port_bond_let_go_both),
		cmocka_unit_test(test_port_bond_let_go),
		cmocka_unit_test(test_port_bond_open_fails),
		cmocka_unit_test(test_port_bond_open_too_many),
	};

	support_eal_init(64);
	return cmocka_run_group_tests(tests, setup, teardown);
}
