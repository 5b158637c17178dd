/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dataplane/steer/ against the kernel of this machine, without DPDK.
 */
#include "dataplane/steer/steer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "dataplane/steer/steer_maps.h"
#include "dataplane/steer/steer_xdp.h"
#include "test/unit/dataplane/steer/namespaces.h"
#include "test/unit/dataplane/steer/steer_support.h"

#define N_CYCLES	1000
#define MAX_GROWN_PAGES 64

/** What steer said last. */
static char error[256];

static const struct steer_prefix pool = {0x0af40000, 16};

/** What net_af_xdp does with xdp_prog=. */
static struct bpf_object *attach_like_net_af_xdp(const struct steer *steer, const char *ifname)
{
	struct bpf_object *object = bpf_object__open_file(steer_uplink_object(steer), NULL);
	struct bpf_program *prog;

	assert_non_null(object);
	assert_int_equal(bpf_object__load(object), 0);
	prog = bpf_object__next_program(object, NULL);
	assert_int_equal(bpf_xdp_attach((int)if_nametoindex(ifname), bpf_program__fd(prog),
				 XDP_FLAGS_UPDATE_IF_NOEXIST, NULL),
		0);
	return object;
}

static int open_map_on(const char *ifname, const char *map)
{
	struct steer_xdp xdp;
	int fd;

	assert_int_equal(steer_xdp_get(if_nametoindex(ifname), &xdp), 0);
	assert_int_not_equal(xdp.id, 0);
	fd = steer_xdp_open_map(xdp.id, map);
	assert_true(fd >= 0);
	return fd;
}

static bool is_in_trie(int map_fd, const char *address)
{
	struct steer_pool_key key = {.depth = 32, .prefix_be = inet_addr(address)};
	uint8_t value;

	return bpf_map_lookup_elem(map_fd, &key, &value) == 0;
}

static int read_sysctl(const char *path)
{
	FILE *file = fopen(path, "r");
	int value = -1;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &value), 1);
	fclose(file);
	return value;
}

static void test_create_reports_missing_objects(void **state)
{
	struct steer *steer;

	(void)state;
	assert_int_equal(steer_create(&steer, "/nowhere", error, sizeof(error)), -ENOENT);
	assert_non_null(strstr(error, "/nowhere"));
}

static void test_trunk_is_made_and_removed(void **state)
{
	struct steer *steer = create_with_trunk();

	(void)state;
	assert_int_equal(
		run_in(-1, "ip link show " STEER_TRUNK_DPDK " | grep -q 'NOARP,UP.*mtu 1778'"), 0);
	assert_int_equal(run_in(-1, "ip link show " STEER_TRUNK_DPDK
				    " | grep -q 'link/ether ee:ee:ee:ee:ee:ee'"),
		0);
	assert_int_equal(run_in(-1, "ip -6 addr show " STEER_TRUNK_DPDK " | grep -q inet6"), 1);
	assert_int_equal(read_sysctl("/proc/sys/net/ipv4/conf/" STEER_TRUNK_DPDK "/rp_filter"), 2);
	assert_int_equal(read_sysctl("/proc/sys/net/ipv4/conf/" STEER_TRUNK_DPDK "/forwarding"), 1);
	steer_close(steer);
	assert_int_equal(if_nametoindex(STEER_TRUNK_HOST), 0);
	assert_int_equal(if_nametoindex(STEER_TRUNK_DPDK), 0);
}

static void test_trunk_refuses_other_links_of_its_name(void **state)
{
	struct steer *steer = create();

	(void)state;
	assert_int_equal(run_in(-1, "ip link add " STEER_TRUNK_HOST " type veth peer name x1"), 0);
	assert_int_equal(steer_trunk_create(steer, error, sizeof(error)), -EEXIST);
	assert_non_null(strstr(error, "ip link del " STEER_TRUNK_HOST));
	assert_int_not_equal(if_nametoindex(STEER_TRUNK_HOST), 0);
	assert_int_equal(run_in(-1, "ip link del x1"), 0);
	steer_close(steer);
}

static void test_trunk_refuses_other_tc_program(void **state)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1);
	struct steer *steer = create();

	(void)state;
	assert_int_equal(run_in(-1, "ip link add " STEER_TRUNK_HOST
				    " type veth peer name " STEER_TRUNK_DPDK),
		0);
	hook.ifindex = (int)if_nametoindex(STEER_TRUNK_HOST);
	opts.prog_fd = load_other_prog(BPF_PROG_TYPE_SCHED_CLS);
	assert_int_equal(bpf_tc_hook_create(&hook), 0);
	assert_int_equal(bpf_tc_attach(&hook, &opts), 0);
	close(opts.prog_fd);
	assert_int_equal(steer_trunk_create(steer, error, sizeof(error)), -EBUSY);
	assert_non_null(strstr(error, "'other'"));
	assert_int_not_equal(if_nametoindex(STEER_TRUNK_HOST), 0);
	steer_close(steer);
}

static void test_other_xdp_program_is_left_alone(void **state)
{
	struct steer *steer = create_with_trunk();
	const struct steer_pod *pods;
	int other_fd = load_other_prog(BPF_PROG_TYPE_XDP);
	struct steer_xdp xdp;
	struct pod pod;

	(void)state;
	pod_add(&pod, 1);
	assert_int_equal(bpf_xdp_attach((int)pod.ifindex, other_fd, XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_int_equal(steer_pod_attach(steer, pod.ifindex, error, sizeof(error)), -EBUSY);
	assert_non_null(strstr(error, "'other'"));
	assert_int_equal(steer_pods(steer, &pods), 0);
	assert_int_equal(steer_uplink_prepare(steer, pod.host_name, error, sizeof(error)), -EBUSY);
	assert_non_null(strstr(error, "'other'"));
	assert_non_null(strstr(error, "xdp off"));
	assert_int_equal(steer_xdp_get(pod.ifindex, &xdp), 0);
	assert_string_equal(xdp.name, "other");
	pod_remove(&pod);
	close(other_fd);
	steer_close(steer);
}

static void test_uplink_takes_over_leftover_and_fills_pools(void **state)
{
	const struct steer_prefix two[] = {pool, {0xc0a80500, 24}};
	const struct steer_prefix stray = {0x0af40001, 16};
	struct steer *steer = create();
	struct bpf_object *leftover, *object;
	struct steer_xdp xdp;
	int trie_fd;

	(void)state;
	assert_int_equal(run_in(-1, "ip link add up0 type veth peer name up1"), 0);
	leftover = attach_like_net_af_xdp(steer, "up0");
	bpf_object__close(leftover);
	assert_int_equal(steer_uplink_prepare(steer, "up0", error, sizeof(error)), 0);
	assert_int_equal(steer_uplink_prepare(steer, "up0", error, sizeof(error)), -EBUSY);
	assert_int_equal(steer_uplink_open(steer, "up0", error, sizeof(error)), -ENOENT);
	assert_int_equal(steer_set_pools(steer, &pool, 1), 0);

	object = attach_like_net_af_xdp(steer, "up0");
	assert_int_equal(steer_uplink_open(steer, "up0", error, sizeof(error)), 0);
	bpf_object__close(object);
	trie_fd = open_map_on("up0", STEER_MAP_POOLS);
	assert_true(is_in_trie(trie_fd, "10.244.255.255"));
	assert_false(is_in_trie(trie_fd, "192.168.5.1"));
	assert_int_equal(steer_set_pools(steer, two, 2), 0);
	assert_true(is_in_trie(trie_fd, "192.168.5.1"));
	assert_int_equal(steer_set_pools(steer, &stray, 1), -EINVAL);
	assert_int_equal(steer_set_pools(steer, &two[1], 1), 0);
	assert_false(is_in_trie(trie_fd, "10.244.0.1"));
	assert_true(is_in_trie(trie_fd, "192.168.5.1"));
	assert_int_equal(steer_set_pools(steer, NULL, 0), 0);
	assert_int_equal(count_keys(trie_fd), 0);
	close(trie_fd);

	steer_close(steer);
	assert_int_equal(steer_xdp_get(if_nametoindex("up0"), &xdp), 0);
	assert_int_equal(xdp.id, 0);
	assert_int_equal(run_in(-1, "ip link del up0"), 0);
}

static void test_trunk_takes_everything(void **state)
{
	struct steer *steer = create_with_trunk();
	struct bpf_object *object;
	int trie_fd;

	(void)state;
	assert_int_equal(steer_uplink_prepare(steer, STEER_TRUNK_DPDK, error, sizeof(error)), 0);
	object = attach_like_net_af_xdp(steer, STEER_TRUNK_DPDK);
	assert_int_equal(steer_uplink_open(steer, STEER_TRUNK_DPDK, error, sizeof(error)), 0);
	trie_fd = open_map_on(STEER_TRUNK_DPDK, STEER_MAP_POOLS);
	assert_true(is_in_trie(trie_fd, "8.8.8.8"));
	assert_int_equal(steer_set_pools(steer, &pool, 1), 0);
	assert_int_equal(steer_set_pools(steer, NULL, 0), 0);
	assert_true(is_in_trie(trie_fd, "8.8.8.8"));
	close(trie_fd);
	bpf_object__close(object);
	steer_close(steer);
}

static void test_big_uplink_is_refused_by_name(void **state)
{
	struct steer *steer = create();

	(void)state;
	assert_int_equal(run_in(-1, "ip link add up0 mtu 1779 type veth peer name up1"), 0);
	assert_int_equal(steer_uplink_prepare(steer, "up0", error, sizeof(error)), -EMSGSIZE);
	assert_non_null(strstr(error, "ip link set dev up0 mtu 1778"));
	assert_int_equal(run_in(-1, "ip link set up0 mtu 1778"), 0);
	assert_int_equal(steer_uplink_prepare(steer, "up0", error, sizeof(error)), 0);
	steer_close(steer);
}

static void test_lock_names_its_holder(void **state)
{
	struct steer *steer = create();
	int ready[2];
	char pid[32], byte;
	pid_t holder;

	(void)state;
	assert_int_equal(run_in(-1, "ip link add up0 type veth peer name up1"), 0);
	assert_int_equal(pipe(ready), 0);
	holder = fork();
	if (holder == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		byte = steer_uplink_prepare(steer, "up0", error, sizeof(error)) == 0 &&
		       steer_trunk_create(steer, error, sizeof(error)) == 0;
		if (write(ready[1], &byte, 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 1);
	snprintf(pid, sizeof(pid), "(pid %d)", (int)holder);
	assert_int_equal(steer_uplink_prepare(steer, "up0", error, sizeof(error)), -EBUSY);
	assert_non_null(strstr(error, pid));
	assert_int_equal(steer_trunk_create(steer, error, sizeof(error)), -EBUSY);
	assert_non_null(strstr(error, pid));
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	assert_int_equal(steer_uplink_prepare(steer, "up0", error, sizeof(error)), 0);
	assert_int_equal(steer_trunk_create(steer, error, sizeof(error)), 0);
	close(ready[0]);
	close(ready[1]);
	assert_int_equal(run_in(-1, "ip link del up0"), 0);
	steer_close(steer);
}

static void test_trunk_sweeps_what_a_killed_run_left(void **state)
{
	struct steer *steer;
	struct steer_xdp xdp;
	uint32_t ifindex;
	struct pod pod;
	pid_t killed;

	(void)state;
	pod_add(&pod, 1);
	killed = fork();
	if (killed == 0) {
		steer = create_with_trunk();
		steer_pod_attach(steer, pod.ifindex, error, sizeof(error));
		kill(getpid(), SIGKILL);
	}
	waitpid(killed, NULL, 0);
	ifindex = if_nametoindex(STEER_TRUNK_HOST);
	assert_int_equal(steer_xdp_get(pod.ifindex, &xdp), 0);
	assert_string_equal(xdp.name, STEER_PROG_POD);

	steer = create_with_trunk();
	assert_int_equal(if_nametoindex(STEER_TRUNK_HOST), ifindex);
	assert_int_equal(steer_xdp_get(pod.ifindex, &xdp), 0);
	assert_int_equal(xdp.id, 0);
	pod_remove(&pod);
	steer_close(steer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_create_reports_missing_objects, enter),
		cmocka_unit_test_setup(test_trunk_is_made_and_removed, enter),
		cmocka_unit_test_setup(test_trunk_refuses_other_links_of_its_name, enter),
		cmocka_unit_test_setup(test_trunk_refuses_other_tc_program, enter),
		cmocka_unit_test_setup(test_other_xdp_program_is_left_alone, enter),
		cmocka_unit_test_setup(test_uplink_takes_over_leftover_and_fills_pools, enter),
		cmocka_unit_test_setup(test_trunk_takes_everything, enter),
		cmocka_unit_test_setup(test_big_uplink_is_refused_by_name, enter),
		cmocka_unit_test_setup(test_lock_names_its_holder, enter),
		cmocka_unit_test_setup(test_trunk_sweeps_what_a_killed_run_left, enter),
	};
	int rc = node_enter();

	return rc != 0 ? rc : cmocka_run_group_tests(tests, NULL, NULL);
}
