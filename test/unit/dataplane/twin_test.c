/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A TAP twin in a network namespace of its own, and a port made of rings: frames go both ways, and
 * every one of them is counted. Needs root, or is skipped.
 */
#include "test/unit/support.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h> // before the kernel's: only in this order do they agree on struct ifreq
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/twin.h"

#define EXIT_SKIP  77
#define PORT_NAME  "uplink9"
#define ETHER_TYPE 0x88b5 /* for experiments, IEEE 802 */
#define MTU	   9000
#define PUNT_PPS   50u

static struct rte_mempool *pool;
static struct rte_ring *rx_ring, *tx_ring;
static struct port port;
static struct lcore_stats stats;
static struct twin *twin;
static int kernel_fd; /* a socket of the kernel's side */

static void make_port(void)
{
	struct rte_eth_conf conf = {0};
	int eth_id;

	rx_ring = rte_ring_create("rx", 256, 0, 0);
	tx_ring = rte_ring_create("tx", 256, 0, 0);
	eth_id = rte_eth_from_rings("twin", &rx_ring, 1, &tx_ring, 1, 0);
	assert_true(eth_id >= 0);
	assert_int_equal(rte_eth_dev_configure((uint16_t)eth_id, 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup((uint16_t)eth_id, 0, 0, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_tx_queue_setup((uint16_t)eth_id, 0, 0, 0, NULL), 0);
	assert_int_equal(rte_eth_dev_start((uint16_t)eth_id), 0);
	port = (struct port){
		.eth_id = (uint16_t)eth_id,
		.n_rxq = 1,
		.n_txq = 1,
		.is_up = true,
		.mtu = MTU,
		.mac = {{2, 0, 0, 0, 0, 9}},
		.name = PORT_NAME,
	};
}

static int open_kernel_side(void)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETHER_TYPE),
		.sll_ifindex = (int)if_nametoindex(PORT_NAME),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETHER_TYPE));

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void make_twin(void)
{
	struct twin_config config = {.punt_pps = PUNT_PPS, .pool = pool, .stats = &stats};
	char error[400] = "";

	if (twin_create(&twin, &port, &config, error, sizeof(error)) < 0)
		fail_msg("%s", error);
}

static int setup(void **state)
{
	(void)state;
	make_port();
	make_twin();
	kernel_fd = open_kernel_side();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	twin_free(twin);
	close(kernel_fd);
	return 0;
}

static void ask(unsigned long request, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), PORT_NAME);
	assert_int_equal(ioctl(fd, request, ifr), 0);
	close(fd);
}

static int get_mtu(void)
{
	struct ifreq ifr = {0};

	ask(SIOCGIFMTU, &ifr);
	return ifr.ifr_mtu;
}

static bool has_carrier(void)
{
	struct ethtool_value link = {.cmd = ETHTOOL_GLINK};
	struct ifreq ifr = {.ifr_data = (char *)&link};

	ask(SIOCETHTOOL, &ifr);
	return link.data;
}

static void test_twin_create_has_mac_and_mtu(void **state)
{
	struct ifreq ifr = {0};

	(void)state;
	assert_int_equal(port.ifindex, if_nametoindex(PORT_NAME));
	ask(SIOCGIFHWADDR, &ifr);
	assert_memory_equal(ifr.ifr_hwaddr.sa_data, port.mac.addr_bytes, RTE_ETHER_ADDR_LEN);
	assert_int_equal(get_mtu(), MTU);
}

static void test_twin_create_name_is_taken(void **state)
{
	struct twin_config config = {.punt_pps = PUNT_PPS, .pool = pool, .stats = &stats};
	struct port other = port;
	struct twin *none = NULL;
	char error[400] = "";

	(void)state;
	snprintf(other.name, sizeof(other.name), "lo");
	assert_int_equal(twin_create(&none, &other, &config, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "port lo: cannot make its TAP twin: Invalid argument; "
				      "another interface has this name"));
	assert_int_equal(twin_create(&none, &port, &config, error, sizeof(error)), -EBUSY);
	assert_non_null(strstr(error, "another process has it open"));
	assert_null(none);
}

static void test_twin_follow_link(void **state)
{
	(void)state;
	assert_true(has_carrier());
	port.is_up = false;
	port.mtu = 1400;
	twin_follow(twin);
	assert_false(has_carrier());
	assert_int_equal(get_mtu(), 1400);
	port.is_up = true;
	port.mtu = MTU;
	twin_follow(twin);
	assert_true(has_carrier());
}

/* A frame of our type, whose payload counts up. */
static size_t fill(uint8_t *frame, size_t n_bytes)
{
	memset(frame, 2, 2 * RTE_ETHER_ADDR_LEN);
	frame[12] = ETHER_TYPE >> 8;
	frame[13] = ETHER_TYPE & 255;
	for (size_t i = RTE_ETHER_HDR_LEN; i < n_bytes; i++)
		frame[i] = (uint8_t)i;
	return n_bytes;
}

static void kernel_sends(size_t n_bytes)
{
	uint8_t frame[MTU + RTE_ETHER_HDR_LEN];

	fill(frame, n_bytes);
	assert_int_equal(send(kernel_fd, frame, n_bytes, 0), n_bytes);
}

/* The kernel's own frames (IPv6) may be among them. */
static struct rte_mbuf *next_sent(void)
{
	void *pkt;

	while (rte_ring_dequeue(tx_ring, &pkt) == 0) {
		if (*rte_pktmbuf_mtod_offset((struct rte_mbuf *)pkt, uint16_t *, 12) ==
			htons(ETHER_TYPE))
			return pkt;
		rte_pktmbuf_free(pkt);
	}
	return NULL;
}

static void expect_account(void)
{
	uint64_t out = stats.tx_pkts;

	for (unsigned i = 0; i < DROP_N_REASONS; i++)
		out += i == DROP_PUNT_POLICED || i == DROP_PUNT_ERROR ? 0 : stats.drop_pkts[i];
	assert_int_equal(stats.made_pkts, out);
}

/* Frames of each length leave whole, whatever number of buffers they need. */
static void test_twin_send_lengths(void **state)
{
	static const size_t lengths[] = {14, 60, 1514, 2048, 2049, 4096, MTU + 14};
	uint8_t frame[MTU + RTE_ETHER_HDR_LEN], copy[MTU + RTE_ETHER_HDR_LEN];

	(void)state;
	for (size_t i = 0; i < RTE_DIM(lengths); i++) {
		struct rte_mbuf *pkt;

		kernel_sends(lengths[i]);
		while (twin_send(twin) > 0)
			;
		pkt = next_sent();
		assert_non_null(pkt);
		assert_int_equal(pkt->pkt_len, fill(frame, lengths[i]));
		assert_memory_equal(rte_pktmbuf_read(pkt, 0, pkt->pkt_len, copy), frame,
			lengths[i]);
		rte_pktmbuf_free(pkt);
	}
	expect_account();
}

static void test_twin_send_port_down(void **state)
{
	uint64_t n_before = stats.drop_pkts[DROP_PORT_DOWN];

	(void)state;
	kernel_sends(60);
	port.is_up = false; // the kernel does not know yet
	while (twin_send(twin) > 0)
		;
	port.is_up = true;
	assert_null(next_sent());
	assert_true(stats.drop_pkts[DROP_PORT_DOWN] > n_before);
	expect_account();
}

static void punt_frame(size_t n_bytes, enum punt_class class)
{
	struct rte_mbuf *pkt = rte_pktmbuf_alloc(pool);

	assert_non_null(pkt);
	fill((uint8_t *)rte_pktmbuf_append(pkt, (uint16_t)n_bytes), n_bytes);
	pkt->hash.usr = class;
	twin_punt(twin, pkt);
}

static void test_twin_punt_reaches_kernel(void **state)
{
	struct pollfd fd = {.fd = kernel_fd, .events = POLLIN};
	uint8_t frame[MTU], wanted[MTU];
	uint64_t n_before = stats.punt_pkts, n_given = stats.punt[PUNT_BGP].given_pkts;

	(void)state;
	punt_frame(1000, PUNT_BGP);
	assert_int_equal(poll(&fd, 1, 5000), 1);
	assert_int_equal(recv(kernel_fd, frame, sizeof(frame), 0), fill(wanted, 1000));
	assert_memory_equal(frame, wanted, 1000);
	assert_int_equal(stats.punt_pkts, n_before + 1);
	assert_int_equal(stats.punt[PUNT_BGP].given_pkts, n_given + 1);
}

/* Many more than the rate allows of one class: the next class has not lost any of its share. */
static void test_twin_punt_by_class(void **state)
{
	struct punt_stats other = stats.punt[PUNT_OTHER], arp = stats.punt[PUNT_ARP];
	uint64_t n_policed = stats.drop_pkts[DROP_PUNT_POLICED];

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		punt_frame(60, PUNT_OTHER);
	n_policed = stats.drop_pkts[DROP_PUNT_POLICED] - n_policed;
	assert_true(n_policed > 0);
	assert_int_equal(stats.punt[PUNT_OTHER].policed_pkts - other.policed_pkts, n_policed);
	assert_int_equal(stats.punt[PUNT_OTHER].given_pkts - other.given_pkts, 1000 - n_policed);
	punt_frame(60, PUNT_ARP);
	assert_int_equal(stats.punt[PUNT_ARP].given_pkts, arp.given_pkts + 1);
	assert_int_equal(stats.punt[PUNT_ARP].policed_pkts, arp.policed_pkts);
}

/* Shorter than an Ethernet header. */
static void test_twin_punt_refused(void **state)
{
	struct punt_stats before = stats.punt[PUNT_ICMP];
	uint64_t n_errors = stats.drop_pkts[DROP_PUNT_ERROR];

	(void)state;
	punt_frame(13, PUNT_ICMP);
	assert_int_equal(stats.drop_pkts[DROP_PUNT_ERROR], n_errors + 1);
	assert_int_equal(stats.punt[PUNT_ICMP].error_pkts, before.error_pkts + 1);
	assert_int_equal(stats.punt[PUNT_ICMP].given_pkts, before.given_pkts);
}

/* What an administrator set stays over a restart. */
static void test_twin_free_interface_stays(void **state)
{
	uint32_t ifindex = port.ifindex;
	(void)state;
	twin_free(twin);
	assert_int_equal(if_nametoindex(PORT_NAME), ifindex);
	assert_false(has_carrier());
	make_twin();
	assert_int_equal(port.ifindex, ifindex);
	assert_true(has_carrier());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_twin_create_has_mac_and_mtu),
		cmocka_unit_test(test_twin_create_name_is_taken),
		cmocka_unit_test(test_twin_follow_link),
		cmocka_unit_test(test_twin_send_lengths),
		cmocka_unit_test(test_twin_send_port_down),
		cmocka_unit_test(test_twin_punt_reaches_kernel),
		cmocka_unit_test(test_twin_punt_by_class),
		cmocka_unit_test(test_twin_punt_refused),
		cmocka_unit_test(test_twin_free_interface_stays),
	};

	if (access("/dev/net/tun", R_OK | W_OK) < 0 || unshare(CLONE_NEWNET) < 0) {
		print_message("skipped: needs root and /dev/net/tun\n");
		return EXIT_SKIP;
	}
	support_eal_init(64);
	pool = support_pool_create("twin", 255);
	return cmocka_run_group_tests(tests, setup, teardown);
}
