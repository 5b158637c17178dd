/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The BPF programs one packet at a time, run by the kernel's BPF_PROG_TEST_RUN.
 */
#include "test/unit/support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "dataplane/steer/steer_maps.h"
#include "test/unit/dataplane/steer/namespaces.h"

#define LO_IFINDEX  1 /* where a test run pretends that the packet came in */
#define FRAME_BYTES 64
#define POD_IFINDEX 0x01020304

/** A frame, all zero but for these. */
struct frame_case {
	const char *name;
	uint8_t dst_mac_0;
	uint16_t ethertype;
	uint8_t ver_ihl;
	uint16_t fragment;
	const char *dst;
	uint32_t n_bytes;
	uint32_t verdict;
};

static const struct frame_case pod_cases[] = {
	{"to a pool", 0xee, 0x0800, 0x45, 0, "10.244.9.9", 64, XDP_REDIRECT},
	{"last of the pool", 0xee, 0x0800, 0x45, 0, "10.244.255.255", 64, XDP_REDIRECT},
	{"just an IPv4 header", 0xee, 0x0800, 0x45, 0, "10.244.0.1", 34, XDP_REDIRECT},
	{"IP options", 0xee, 0x0800, 0x46, 0, "10.244.0.1", 64, XDP_REDIRECT},
	{"first fragment", 0xee, 0x0800, 0x45, 0x2000, "10.244.0.1", 64, XDP_REDIRECT},
	{"last fragment", 0xee, 0x0800, 0x45, 0x0010, "10.244.0.1", 64, XDP_REDIRECT},
	{"other router's MAC", 0x02, 0x0800, 0x45, 0, "10.244.0.1", 64, XDP_REDIRECT},
	{"beyond the pool", 0xee, 0x0800, 0x45, 0, "10.245.0.0", 64, XDP_PASS},
	{"before the pool", 0xee, 0x0800, 0x45, 0, "10.243.255.255", 64, XDP_PASS},
	{"header cut short", 0xee, 0x0800, 0x45, 0, "10.244.0.1", 33, XDP_PASS},
	{"broadcast frame", 0xff, 0x0800, 0x45, 0, "10.244.0.1", 64, XDP_PASS},
	{"group frame", 0x01, 0x0800, 0x45, 0, "10.244.0.1", 64, XDP_PASS},
	{"ARP", 0xee, 0x0806, 0x45, 0, "10.244.0.1", 64, XDP_PASS},
	{"VLAN tag", 0xee, 0x8100, 0x45, 0, "10.244.0.1", 64, XDP_PASS},
	{"IPv6", 0xee, 0x86dd, 0x45, 0, "10.244.0.1", 64, XDP_PASS},
};

static struct bpf_object *load(const char *name)
{
	struct bpf_object *object = bpf_object__open_file(name, NULL);
	const struct steer_pool_key pool = {16, inet_addr("10.244.0.0")};
	const uint8_t value = 1;

	assert_non_null(object);
	assert_int_equal(bpf_object__load(object), 0);
	assert_int_equal(
		bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, STEER_MAP_POOLS), &pool,
			&value, BPF_ANY),
		0);
	return object;
}

static int find_prog(struct bpf_object *object, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

static void build_frame(uint8_t frame[FRAME_BYTES], const struct frame_case *c)
{
	const uint16_t ethertype_be = htons(c->ethertype), fragment_be = htons(c->fragment);
	const in_addr_t dst_be = inet_addr(c->dst);

	memset(frame, 0, FRAME_BYTES);
	frame[0] = c->dst_mac_0;
	memcpy(&frame[12], &ethertype_be, 2);
	frame[14] = c->ver_ihl;
	memcpy(&frame[20], &fragment_be, 2);
	memcpy(&frame[30], &dst_be, 4);
}

static uint32_t run_prog(int prog_fd, const uint8_t *in, uint32_t n_bytes, uint8_t *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = n_bytes,
		.data_out = out, .data_size_out = FRAME_BYTES, .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(prog_fd, &opts), 0);
	assert_int_equal(opts.data_size_out, n_bytes);
	return opts.retval;
}

static void test_pod_takes_packets_to_pools(void **state)
{
	static const uint8_t macs[] = {0xee, 0xee, 0xee, 0xee, 0xee, 0xee, 0x02, 0x70, 0, 0, 0,
		LO_IFINDEX};
	struct bpf_object *object = load(BPF_OBJECT_DIR "/pod.bpf.o");
	const uint32_t key = 0, lo_ifindex = LO_IFINDEX;
	uint8_t in[FRAME_BYTES], out[FRAME_BYTES];

	(void)state;
	assert_int_equal(
		bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, STEER_MAP_TRUNK), &key,
			&lo_ifindex, BPF_ANY),
		0);
	for (size_t i = 0; i < sizeof(pod_cases) / sizeof(pod_cases[0]); i++) {
		const struct frame_case *c = &pod_cases[i];
		uint32_t verdict;

		build_frame(in, c);
		verdict = run_prog(find_prog(object, STEER_PROG_POD), in, c->n_bytes, out);
		if (verdict != c->verdict)
			fail_msg("%s: verdict %u", c->name, verdict);
		if (verdict == XDP_REDIRECT)
			memcpy(in, macs, sizeof(macs));
		assert_memory_equal(out, in, c->n_bytes);
	}
	bpf_object__close(object);
}

/** Without sockets, which is how a dead dataplane leaves it. */
static void test_uplink_without_sockets_passes_everything(void **state)
{
	struct bpf_object *object = load(BPF_OBJECT_DIR "/steer.bpf.o");
	uint8_t in[FRAME_BYTES], out[FRAME_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(pod_cases) / sizeof(pod_cases[0]); i++) {
		build_frame(in, &pod_cases[i]);
		assert_int_equal(run_prog(find_prog(object, STEER_PROG_UPLINK), in,
					 pod_cases[i].n_bytes, out),
			XDP_PASS);
		assert_memory_equal(out, in, pod_cases[i].n_bytes);
	}
	bpf_object__close(object);
}

static void test_trunk_sends_only_to_attached_pods(void **state)
{
	const struct {
		uint8_t source[6];
		uint32_t verdict;
	} cases[] = {
		{{0x02, 0x70, 1, 2, 3, 4}, TC_ACT_REDIRECT},
		{{0x02, 0x70, 1, 2, 3, 5}, TC_ACT_SHOT},
		{{0x02, 0x70, 4, 3, 2, 1}, TC_ACT_SHOT},
		{{0x02, 0x71, 1, 2, 3, 4}, TC_ACT_OK},
		{{0xee, 0xee, 0xee, 0xee, 0xee, 0xee}, TC_ACT_OK},
	};
	struct bpf_object *object = load(BPF_OBJECT_DIR "/pod.bpf.o");
	const uint32_t pod_ifindex = POD_IFINDEX;
	uint8_t in[FRAME_BYTES], out[FRAME_BYTES];
	const uint8_t value = 1;

	(void)state;
	assert_int_equal(
		bpf_map_update_elem(bpf_object__find_map_fd_by_name(object, STEER_MAP_PODS),
			&pod_ifindex, &value, BPF_ANY),
		0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		build_frame(in, &pod_cases[0]);
		memcpy(in, "\x0a\x00\x00\x00\x00\x01", 6);
		memcpy(&in[6], cases[i].source, 6);
		assert_int_equal(run_prog(find_prog(object, STEER_PROG_TO_POD), in, FRAME_BYTES,
					 out),
			cases[i].verdict);
		if (cases[i].verdict == TC_ACT_REDIRECT)
			memset(&in[6], 0xee, 6);
		assert_memory_equal(out, in, FRAME_BYTES);
	}
	bpf_object__close(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pod_takes_packets_to_pools),
		cmocka_unit_test(test_uplink_without_sockets_passes_everything),
		cmocka_unit_test(test_trunk_sends_only_to_attached_pods),
	};
	int rc = node_enter();

	return rc != 0 ? rc : cmocka_run_group_tests(tests, NULL, NULL);
}
