/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pods join and leave the fast lane: steer_pod_attach() and steer_pod_detach() against the kernel.
 */
#include "dataplane/steer/steer.h"

#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "dataplane/steer/steer_maps.h"
#include "dataplane/steer/steer_xdp.h"
#include "test/unit/dataplane/steer/namespaces.h"
#include "test/unit/dataplane/steer/steer_support.h"

#define N_CYCLES 1000
#ifdef __SANITIZE_ADDRESS__
#define MAX_GROWN_PAGES 16384 /* it keeps what was freed for a while */
#else
#define MAX_GROWN_PAGES 64
#endif

/** What steer said last. */
static char error[256];

/** The map of the pods that packets may be sent to; only the tc program has it. */
static int open_pods_map(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = 1, .priority = 1);
	int fd;

	hook.ifindex = (int)if_nametoindex(STEER_TRUNK_HOST);
	assert_int_equal(bpf_tc_query(&hook, &opts), 0);
	fd = steer_xdp_open_map(opts.prog_id, STEER_MAP_PODS);
	assert_true(fd >= 0);
	return fd;
}

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

static long read_resident_pages(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long size, resident;

	assert_int_equal(fscanf(file, "%ld %ld", &size, &resident), 2);
	fclose(file);
	return resident;
}

static void test_attach_cycles_leave_nothing(void **state)
{
	struct steer *steer = create_with_trunk();
	const struct steer_pod *pods;
	struct pod pod;
	unsigned fds;
	int pods_fd;
	long pages;

	(void)state;
	pod_add(&pod, 1);
	assert_int_equal(steer_pod_attach(steer, pod.ifindex, error, sizeof(error)), 0);
	pods_fd = open_pods_map();
	fds = count_fds();
	pages = read_resident_pages();
	for (int i = 0; i < N_CYCLES; i++) {
		assert_int_equal(steer_pod_attach(steer, pod.ifindex, error, sizeof(error)), 0);
		assert_int_equal(steer_pods(steer, &pods), 1);
		assert_int_equal(count_keys(pods_fd), 1);
		assert_int_equal(steer_pod_detach(steer, pod.ifindex), 0);
		assert_int_equal(steer_pods(steer, &pods), 0);
		assert_int_equal(count_keys(pods_fd), 0);
	}
	assert_int_equal(steer_pod_detach(steer, pod.ifindex), -ENOENT);
	assert_int_equal(count_fds(), fds);
	assert_true(read_resident_pages() - pages < MAX_GROWN_PAGES);
	assert_int_equal(run_in(-1, "ip link show %s | grep -q xdp", pod.host_name), 1);
	close(pods_fd);
	pod_remove(&pod);
	steer_close(steer);
}

static void test_attach_again_mends(void **state)
{
	struct steer *steer = create_with_trunk();
	const struct steer_pod *pods;
	struct pod pod;

	(void)state;
	pod_add(&pod, 1);
	assert_int_equal(steer_pod_attach(steer, pod.ifindex, error, sizeof(error)), 0);
	assert_int_equal(run_in(-1, "ip link set %s xdp off", pod.host_name), 0);
	assert_int_equal(steer_pod_attach(steer, pod.ifindex, error, sizeof(error)), 0);
	assert_int_equal(run_in(-1, "ip link show %s | grep -q xdp", pod.host_name), 0);
	assert_int_equal(steer_pods(steer, &pods), 1);
	assert_int_equal(pods[0].ifindex, pod.ifindex);
	assert_string_equal(pods[0].name, pod.host_name);
	pod_remove(&pod);
	steer_close(steer);
}

static void test_detach_of_vanished_pod(void **state)
{
	struct steer *steer = create_with_trunk();
	const struct steer_pod *pods;
	struct pod stays, goes;
	int pods_fd;

	(void)state;
	pod_add(&stays, 1);
	pod_add(&goes, 2);
	assert_int_equal(steer_pod_attach(steer, goes.ifindex, error, sizeof(error)), 0);
	assert_int_equal(steer_pod_attach(steer, stays.ifindex, error, sizeof(error)), 0);
	pods_fd = open_pods_map();
	pod_remove(&goes);
	assert_int_equal(steer_pod_attach(steer, goes.ifindex, error, sizeof(error)), -ENODEV);
	assert_int_equal(steer_pod_detach(steer, goes.ifindex), 0);
	assert_int_equal(steer_pods(steer, &pods), 1);
	assert_int_equal(pods[0].ifindex, stays.ifindex);
	assert_int_equal(count_keys(pods_fd), 1);
	close(pods_fd);
	pod_remove(&stays);
	steer_close(steer);
}

/** A pod of which someone took our program away keeps the other one when it is detached. */
static void test_detach_leaves_other_xdp_program(void **state)
{
	struct steer *steer = create_with_trunk();
	int other_fd = load_other_prog(BPF_PROG_TYPE_XDP);
	struct steer_xdp xdp;
	struct pod pod;

	(void)state;
	pod_add(&pod, 1);
	assert_int_equal(steer_pod_attach(steer, pod.ifindex, error, sizeof(error)), 0);
	assert_int_equal(bpf_xdp_attach((int)pod.ifindex, other_fd, XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_int_equal(steer_pod_detach(steer, pod.ifindex), 0);
	assert_int_equal(steer_xdp_get(pod.ifindex, &xdp), 0);
	assert_string_equal(xdp.name, "other");
	pod_remove(&pod);
	close(other_fd);
	steer_close(steer);
}

static void test_big_pod_is_refused_by_name(void **state)
{
	struct steer *steer = create_with_trunk();
	struct pod pod;

	(void)state;
	pod_add(&pod, 1);
	assert_int_equal(run_in(pod.ns_fd, "ip link set eth0 mtu 8951"), 0);
	assert_int_equal(steer_pod_attach(steer, pod.ifindex, error, sizeof(error)), -EMSGSIZE);
	assert_non_null(strstr(error, "inside the pod"));
	assert_int_equal(run_in(-1, "ip link set cali1 mtu 8951"), 0);
	assert_int_equal(steer_pod_attach(steer, pod.ifindex, error, sizeof(error)), -EMSGSIZE);
	assert_non_null(strstr(error, "8951"));
	pod_remove(&pod);
	steer_close(steer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_attach_cycles_leave_nothing, enter),
		cmocka_unit_test_setup(test_attach_again_mends, enter),
		cmocka_unit_test_setup(test_detach_of_vanished_pod, enter),
		cmocka_unit_test_setup(test_detach_leaves_other_xdp_program, enter),
		cmocka_unit_test_setup(test_big_pod_is_refused_by_name, enter),
	};
	int rc = node_enter();

	return rc != 0 ? rc : cmocka_run_group_tests(tests, NULL, NULL);
}
