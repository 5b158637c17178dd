/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port whose driver tells of its link. A ring device has a link that can be taken away, but tells
 * nobody: the test stands in for its interrupt handler. (net_tap says that it tells, and does not.)
 */
#include "test/unit/support.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/table/port.h"

#define WAIT_MS 2000u

struct rte_eth_dev;

/* What a driver calls; DPDK's header for drivers is not installed. */
struct rte_eth_dev *rte_eth_dev_get_by_name(const char *name);
int rte_eth_dev_callback_process(struct rte_eth_dev *dev, enum rte_eth_event_type event, void *arg);

static struct port_table ports;

/* EAL's interrupt thread. */
static void *tell(void *arg)
{
	uint16_t id = ports.port[0].eth_id;

	rte_delay_us_sleep(20000);
	assert_int_equal(arg != NULL ? rte_eth_dev_set_link_up(id) : rte_eth_dev_set_link_down(id),
		0);
	rte_eth_dev_callback_process(rte_eth_dev_get_by_name(ports.port[0].eth_name),
		RTE_ETH_EVENT_INTR_LSC, NULL);
	return NULL;
}

static void expect_told(bool is_up)
{
	uint64_t end = rte_rdtsc() + rte_get_tsc_hz() / 1000 * WAIT_MS;
	struct port *port = &ports.port[0];
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, tell, is_up ? port : NULL), 0);
	while (!port_take_news(&ports) && rte_rdtsc() < end)
		rte_delay_us_sleep(100);
	assert_true(port_refresh(port));
	assert_int_equal(port->is_up, is_up);
	assert_false(port_take_news(&ports)); // once
	pthread_join(thread, NULL);
}

static void test_port_take_news_of_link(void **state)
{
	(void)state;
	assert_true(ports.port[0].is_up);
	assert_false(port_take_news(&ports));
	expect_told(false);
	expect_told(true);
	assert_false(port_refresh(&ports.port[0]));
}

static void test_port_unwatch_ends_news(void **state)
{
	(void)state;
	port_unwatch(&ports, &ports.port[0]);
	tell(NULL);
	assert_false(port_take_news(&ports));
	port_watch(&ports, &ports.port[0]);
	tell(NULL);
	assert_true(port_take_news(&ports));
}

/* Of the kernel's interfaces the kernel tells: here of the loopback, in a namespace of its own. */
static void test_port_take_news_of_kernel(void **state)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	struct port kernel = ports.port[0];
	struct pollfd fd;
	int ioctl_fd;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		skip(); // needs root
	assert_int_equal(port_pollfds(&ports, &fd), 0);
	kernel.kind = WIRE_PORT_AF_XDP;
	port_watch(&ports, &kernel);
	assert_int_equal(port_pollfds(&ports, &fd), 1);
	assert_false(port_take_news(&ports));
	ioctl_fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ioctl(ioctl_fd, SIOCSIFFLAGS, &lo), 0);
	close(ioctl_fd);
	assert_int_equal(poll(&fd, 1, (int)WAIT_MS), 1);
	assert_true(port_take_news(&ports));
	assert_false(port_take_news(&ports));
}

static int setup(void **state)
{
	struct port_config config = {
		.name = "uplink0",
		.kind = WIRE_PORT_VDEV,
		.devargs = "net_ring0",
		.n_queues = 1,
		.n_senders = 1,
		.pool = support_pool_create("link", 255),
	};
	char error[400] = "";

	(void)state;
	if (port_add(&ports, &config, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	port_close_all(&ports);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_take_news_of_link),
		cmocka_unit_test(test_port_unwatch_ends_news),
		cmocka_unit_test(test_port_take_news_of_kernel),
	};

	support_eal_init(64);
	return cmocka_run_group_tests(tests, setup, teardown);
}
