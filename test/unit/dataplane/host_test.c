/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which TAP a punted frame comes out of, in a network namespace of its own: the twin of its port, which is a
 * bond, or the one that ports without a twin share. The devices are net_null's, which receive as many frames
 * of zeros as one asks for: nothing of the fast lane's. Needs root, or is skipped.
 */
#include "test/unit/support.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include <arpa/inet.h>
#include <net/if.h> // before the kernel's: only in this order do they agree on struct ifreq
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/host.h"
#include "dataplane/stage/l2_input.h"
#include "dataplane/stage/punt.h"
#include "dataplane/stage/rx.h"
#include "dataplane/table/port_bond.h"

#define EXIT_SKIP 77
#define MAX_TURNS 250u
#define TURN_US	  20000u
#define NOTHING	  UINT16_MAX
#define RING_PKTS 256u
#define PUNT_PPS  1000000u
#define WAIT_MS	  5000
#define TAP_NAME  "punts9"

/* By their number in the port table. */
enum { BOND, ALONE, N_PORTS };

static const char *const port_names[N_PORTS] = {"bond9", "alone9"};
static const char *const tap_names[N_PORTS] = {"bond9", TAP_NAME};
static const char *const devargs[N_PORTS] = {
	"net_bonding9,mode=1,member=net_null0,member=net_null1",
	"net_null2",
};

static struct rte_mempool *pool;
static struct rte_ring *to_kernel, *to_icmp;
static struct port_table ports;
static struct lcore_stats stats;
static struct host *host;
static int kernel_fd[N_PORTS]; /* sockets of the kernel's side */

static void make_ports(void)
{
	char error[400] = "";

	for (unsigned i = 0; i < N_PORTS; i++) {
		const struct port_config config = {
			.name = port_names[i],
			.kind = WIRE_PORT_VDEV,
			.devargs = devargs[i],
			.n_queues = 1,
			.n_senders = 1,
			.pool = pool,
		};

		if (port_add(&ports, &config, error, sizeof(error)) < 0)
			fail_msg("%s", error);
	}
}

static void make_host(void)
{
	const struct host_config config = {.ifname = TAP_NAME, .punt_pps = PUNT_PPS, .icmp_pps = 1};
	char error[400] = "";

	if (host_create(&host, &config, &stats, error, sizeof(error)) < 0 ||
		host_add_twin(host, &ports.port[BOND], 0, pool, error, sizeof(error)) < 0)
		fail_msg("%s", error);
}

static int open_kernel_side(const char *ifname)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(ifname),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static int setup(void **state)
{
	(void)state;
	to_kernel = rte_ring_create("punt", RING_PKTS, SOCKET_ID_ANY, 0);
	to_icmp = rte_ring_create("icmp", RING_PKTS, SOCKET_ID_ANY, 0);
	make_ports();
	make_host();
	for (unsigned i = 0; i < N_PORTS; i++)
		kernel_fd[i] = open_kernel_side(tap_names[i]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_free(host);
	port_close_all(&ports);
	for (unsigned i = 0; i < N_PORTS; i++)
		close(kernel_fd[i]);
	return 0;
}

/* Take up to that many of net_null's frames; the kernel's own (IPv6) may be among them. */
static unsigned count_frames(int kernel_side, unsigned n_wanted, int wait_ms)
{
	static const uint8_t zeros[RTE_ETHER_ADDR_LEN];
	struct pollfd fd = {.fd = kernel_side, .events = POLLIN};
	uint8_t frame[128];
	unsigned n = 0;

	while (n < n_wanted && poll(&fd, 1, wait_ms) == 1)
		if (recv(fd.fd, frame, sizeof(frame), 0) > RTE_ETHER_HDR_LEN)
			n += memcmp(frame + RTE_ETHER_ADDR_LEN, zeros, sizeof(zeros)) == 0;
	return n;
}

/*
 * A turn of the worker and one of the main lcore: what a port receives comes out of its own TAP.
 * Returns: DPDK's number of the device it came by, or NOTHING
 */
static uint16_t run_turn(unsigned idx)
{
	static struct burst burst;
	const struct port *port = &ports.port[idx];
	uint16_t eth_id;

	if (rx(&burst, port, 0, &stats) == 0)
		return NOTHING;
	assert_int_equal(burst.n, BURST_MAX);
	eth_id = burst.pkt[0]->port;
	l2_input(&burst, &port->mac);
	punt(&burst, to_kernel, &stats);
	assert_int_equal(burst.n + burst.n_drop, 0);
	assert_int_equal(host_drain(host, to_kernel, to_icmp), BURST_MAX);
	assert_int_equal(count_frames(kernel_fd[idx], BURST_MAX, WAIT_MS), BURST_MAX);
	for (unsigned i = 0; i < N_PORTS; i++)
		assert_int_equal(count_frames(kernel_fd[i], 1, 0), 0);
	return eth_id;
}

/* DPDK says of a packet only by which member it came; with either it is the bond's. */
static void test_host_punt_bond(void **state)
{
	uint16_t first = run_turn(BOND), second = NOTHING;

	(void)state;
	assert_int_not_equal(first, NOTHING);
	assert_int_equal(rte_eth_dev_stop(first), 0); // net_null has no link then
	for (unsigned i = 0; i < MAX_TURNS && second == NOTHING; i++) {
		// DPDK complains at length of who asks a stopped device
		rte_delay_us_sleep(TURN_US);
		second = run_turn(BOND);
	}
	assert_int_not_equal(second, NOTHING);
	assert_int_not_equal(second, first);
	assert_true(first != ports.port[BOND].eth_id && second != ports.port[BOND].eth_id);
}

static void set_address(const char *ifname)
{
	struct ifreq ifr = {0};
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	strcpy(ifr.ifr_name, ifname);
	memcpy(&ifr.ifr_addr, &addr, sizeof(addr));
	assert_int_equal(ioctl(fd, SIOCSIFADDR, &ifr), 0);
	close(fd);
}

/* As main.c does it. Returns: how many packets were sent */
static uint64_t follow(void)
{
	uint64_t n_before = stats.port[BOND].tx_pkts;

	port_refresh(&ports.port[BOND]);
	host_follow_ports(host);
	return stats.port[BOND].tx_pkts - n_before;
}

/* The twin's one address, once for each change of the member that sends. */
static void test_host_follow_ports_announces(void **state)
{
	const struct port *port = &ports.port[BOND];
	int first, second;

	(void)state;
	set_address(port_names[BOND]);
	follow();
	assert_int_equal(follow(), 0);
	first = port_bond_sender(port);
	assert_true(first >= 0);
	assert_int_equal(rte_eth_dev_stop((uint16_t)first), 0);
	for (unsigned i = 0; i < MAX_TURNS && port_bond_sender(port) == first; i++) {
		port_refresh(&ports.port[BOND]);
		rte_delay_us_sleep(TURN_US);
	}
	second = port_bond_sender(port);
	assert_true(second >= 0 && second != first);
	assert_int_equal(follow(), 1);
	assert_int_equal(follow(), 0);
	assert_int_equal(rte_eth_dev_start((uint16_t)first), 0);
}

static void test_host_punt_no_twin(void **state)
{
	(void)state;
	assert_int_equal(run_turn(ALONE), ports.port[ALONE].eth_id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host_follow_ports_announces),
		cmocka_unit_test(test_host_punt_bond),
		cmocka_unit_test(test_host_punt_no_twin),
	};

	if (access("/dev/net/tun", R_OK | W_OK) < 0 || unshare(CLONE_NEWNET) < 0) {
		print_message("skipped: needs root and /dev/net/tun\n");
		return EXIT_SKIP;
	}
	support_eal_init(64);
	pool = support_pool_create("host", 4095);
	return cmocka_run_group_tests(tests, setup, teardown);
}
