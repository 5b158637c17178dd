/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pod trunk under DPDK's net_af_xdp: pods' packets go through a small forwarder, its death
 * leaves them to the kernel, and a new one takes over.
 *
 * The forwarder is a child, as a process can start the EAL only once; what it saw is in memory that
 * it shares with the test.
 */
#include "dataplane/steer/steer.h"

#include "test/unit/support.h"

#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>

#include <net/if.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dataplane/steer/steer_maps.h"
#include "dataplane/steer/steer_xdp.h"
#include "dataplane/steer/trunk_mac.h"
#include "test/unit/dataplane/steer/namespaces.h"

#define N_PODS		 2
#define N_PINGS		 50
#define BURST		 32
#define N_DESC		 512
#define START_TIMEOUT_MS 20000

enum phase { PHASE_STARTING, PHASE_FAILED, PHASE_RUNNING, PHASE_STOPPING, PHASE_STOPPED };

/** What the forwarder tells the test, and the test tells the forwarder in @phase. */
struct shared {
	_Atomic enum phase phase;
	_Atomic unsigned n_rx;
	_Atomic unsigned n_wrong_mac;
	_Atomic bool is_program_left; /**< after the port was closed */
	char error[256];
};

static struct shared *shared;
static struct pod pods[N_PODS];

static const struct steer_prefix pool = {0x0af40000, 16};
static const struct rte_ether_addr host_mac = {.addr_bytes = STEER_POD_HOST_MAC};

static const struct pod *find_pod(rte_be32_t address_be)
{
	for (unsigned i = 0; i < N_PODS; i++)
		if (pods[i].address == rte_be_to_cpu_32(address_be))
			return &pods[i];
	return NULL;
}

static void set_trunk_mac(struct rte_ether_addr *mac, const struct pod *pod)
{
	rte_be32_t ifindex_be = rte_cpu_to_be_32(pod->ifindex);

	mac->addr_bytes[0] = TRUNK_MAC_0;
	mac->addr_bytes[1] = TRUNK_MAC_1;
	memcpy(&mac->addr_bytes[2], &ifindex_be, sizeof(ifindex_be));
}

/** Returns: whether the packet is for a pod, and now addressed to it. */
static bool forward(struct rte_mbuf *mbuf)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(mbuf, struct rte_ether_hdr *);
	struct rte_ipv4_hdr *ip4 = (struct rte_ipv4_hdr *)(eth + 1);
	const struct pod *from, *to;
	struct rte_ether_addr want;

	if (eth->ether_type != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4))
		return false;
	from = find_pod(ip4->src_addr);
	to = find_pod(ip4->dst_addr);
	if (from == NULL || to == NULL)
		return false;
	shared->n_rx++;
	set_trunk_mac(&want, from);
	if (!rte_is_same_ether_addr(&eth->src_addr, &want) ||
		!rte_is_same_ether_addr(&eth->dst_addr, &host_mac))
		shared->n_wrong_mac++;
	set_trunk_mac(&eth->src_addr, to);
	memcpy(&eth->dst_addr, to->mac, sizeof(to->mac));
	return true;
}

static void forward_until_stopped(uint16_t port_id)
{
	struct rte_mbuf *mbufs[BURST];

	while (shared->phase == PHASE_RUNNING) {
		uint16_t n = rte_eth_rx_burst(port_id, 0, mbufs, BURST);

		for (uint16_t i = 0; i < n; i++)
			if (!forward(mbufs[i]) || rte_eth_tx_burst(port_id, 0, &mbufs[i], 1) == 0)
				rte_pktmbuf_free(mbufs[i]);
		if (n == 0)
			usleep(50);
	}
}

static int start_port(const struct steer *steer, uint16_t *port_id)
{
	const struct rte_eth_conf conf = {0};
	struct rte_mempool *mbufs;
	char args[512];

	snprintf(args, sizeof(args), "iface=%s,xdp_prog=%s", STEER_TRUNK_DPDK,
		steer_uplink_object(steer));
	mbufs = support_pool_create("mbufs", 8191);
	if (rte_eal_hotplug_add("vdev", "net_af_xdp_trunk", args) != 0 ||
		rte_eth_dev_get_port_by_name("net_af_xdp_trunk", port_id) != 0)
		return -1;
	if (rte_eth_dev_configure(*port_id, 1, 1, &conf) != 0 ||
		rte_eth_rx_queue_setup(*port_id, 0, N_DESC, 0, NULL, mbufs) != 0 ||
		rte_eth_tx_queue_setup(*port_id, 0, N_DESC, 0, NULL) != 0)
		return -1;
	return rte_eth_dev_start(*port_id);
}

static int start_forwarder(struct steer **steer, uint16_t *port_id)
{
	char *error = shared->error;
	const size_t bytes = sizeof(shared->error);

	if (steer_create(steer, BPF_OBJECT_DIR, error, bytes) != 0 ||
		steer_trunk_create(*steer, error, bytes) != 0 ||
		steer_uplink_prepare(*steer, STEER_TRUNK_DPDK, error, bytes) != 0)
		return -1;
	if (start_port(*steer, port_id) != 0) {
		snprintf(error, bytes, "net_af_xdp did not start");
		return -1;
	}
	if (steer_uplink_open(*steer, STEER_TRUNK_DPDK, error, bytes) != 0 ||
		steer_set_pools(*steer, &pool, 1) != 0)
		return -1;
	for (unsigned i = 0; i < N_PODS; i++)
		if (steer_pod_attach(*steer, pods[i].ifindex, error, bytes) != 0)
			return -1;
	return 0;
}

static void run_forwarder(void)
{
	struct steer *steer;
	struct steer_xdp xdp;
	uint16_t port_id;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	support_eal_init(128);
	if (start_forwarder(&steer, &port_id) != 0) {
		shared->phase = PHASE_FAILED;
		return;
	}
	shared->phase = PHASE_RUNNING;
	forward_until_stopped(port_id);
	rte_eth_dev_stop(port_id);
	rte_eth_dev_close(port_id);
	shared->is_program_left =
		steer_xdp_get(if_nametoindex(STEER_TRUNK_DPDK), &xdp) == 0 && xdp.id != 0;
	steer_close(steer);
	rte_eal_cleanup();
	shared->phase = PHASE_STOPPED;
}

static pid_t start_child(void)
{
	pid_t child;

	memset(shared, 0, sizeof(*shared));
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		run_forwarder();
		_exit(0);
	}
	for (int ms = 0; shared->phase == PHASE_STARTING && ms < START_TIMEOUT_MS; ms++)
		usleep(1000);
	if (shared->phase != PHASE_RUNNING)
		fail_msg("forwarder: %s", shared->error);
	return child;
}

static void stop_child(pid_t child)
{
	shared->phase = PHASE_STOPPING;
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(shared->phase, PHASE_STOPPED);
}

/** Ping from the first pod to the second. Returns: 0 if no packet was lost. */
static int ping(void)
{
	return run_in(pods[0].ns_fd,
		"ping -q -c %d -i 0.01 -W 1 10.244.0.2 | grep -q ' 0%% packet loss'", N_PINGS);
}

static bool has_xdp(const char *ifname)
{
	struct steer_xdp xdp;

	assert_int_equal(steer_xdp_get(if_nametoindex(ifname), &xdp), 0);
	return xdp.id != 0;
}

static int set_up(void **state)
{
	(void)state;
	if (node_enter() != 0)
		return -1;
	for (unsigned i = 0; i < N_PODS; i++)
		pod_add(&pods[i], i + 1);
	// The neighbours that the kernel needs are known after the first packet.
	return run_in(pods[0].ns_fd, "ping -q -c 2 -i 0.2 10.244.0.2 >/dev/null");
}

static int tear_down(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_PODS; i++)
		pod_remove(&pods[i]);
	return 0;
}

static void test_pods_talk_over_the_trunk(void **state)
{
	pid_t child = start_child();
	uint64_t n_kernel = count_kernel_forwarded();

	(void)state;
	assert_int_equal(ping(), 0);
	assert_int_equal(shared->n_rx, 2 * N_PINGS);
	assert_int_equal(shared->n_wrong_mac, 0);
	assert_int_equal(count_kernel_forwarded(), n_kernel);

	// The largest packets, and the offer of larger ones is refused by steer_pod_attach().
	assert_int_equal(run_in(-1, "ip link set cali1 mtu 1778 && ip link set cali2 mtu 1778"), 0);
	assert_int_equal(run_in(pods[1].ns_fd, "ip link set eth0 mtu 1778"), 0);
	assert_int_equal(run_in(pods[0].ns_fd,
				 "ip link set eth0 mtu 1778 && "
				 "ping -q -M do -s 1750 -c 3 -i 0.01 -W 1 10.244.0.2 >/dev/null"),
		0);
	assert_int_equal(shared->n_rx, 2 * N_PINGS + 6);

	// Not a pool's address: to the kernel.
	assert_int_equal(run_in(-1, "ip addr add 192.0.2.1/32 dev lo"), 0);
	assert_int_equal(run_in(pods[0].ns_fd, "ping -q -c 3 -i 0.01 -W 1 192.0.2.1 >/dev/null"),
		0);
	assert_int_equal(shared->n_rx, 2 * N_PINGS + 6);

	stop_child(child);
	assert_false(shared->is_program_left);
	assert_int_equal(if_nametoindex(STEER_TRUNK_HOST), 0);
	assert_false(has_xdp(pods[0].host_name));
	assert_false(has_xdp(pods[1].host_name));
	assert_int_equal(ping(), 0);
}

static void test_kernel_forwards_after_kill(void **state)
{
	pid_t child = start_child();
	uint64_t n_kernel;

	(void)state;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(has_xdp(STEER_TRUNK_DPDK));
	assert_true(has_xdp(pods[0].host_name));
	// As strict as a node may be: what counts for the trunk is still 2.
	assert_int_equal(run_in(-1, "sysctl -qw net.ipv4.conf.all.rp_filter=1"), 0);
	n_kernel = count_kernel_forwarded();
	assert_int_equal(ping(), 0);
	assert_int_equal(count_kernel_forwarded(), n_kernel + 2 * N_PINGS);

	child = start_child();
	assert_int_equal(ping(), 0);
	assert_int_equal(shared->n_rx, 2 * N_PINGS);
	assert_int_equal(shared->n_wrong_mac, 0);
	assert_int_equal(count_kernel_forwarded(), n_kernel + 2 * N_PINGS);
	stop_child(child);
	assert_int_equal(ping(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pods_talk_over_the_trunk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kernel_forwards_after_kill, set_up, tear_down),
	};
	int rc = node_enter();

	if (rc != 0)
		return rc;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
