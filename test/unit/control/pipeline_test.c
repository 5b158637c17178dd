/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices that encapsulate, from the kernel's messages to the paths of the routes over them. */
#include "test/unit/control/pipeline_fixture.h"

#include <stdlib.h>
#include <string.h>

static bool has_end(uint32_t addr, enum wire_tunnel_kind kind)
{
	for (uint32_t i = 0; i < fake.n_endpoints; i++)
		if (fake.endpoint[i].addr == addr && fake.endpoint[i].kind == kind)
			return true;
	return false;
}

static bool has_source(uint32_t addr)
{
	for (uint32_t i = 0; i < fake.n_sources; i++)
		if (fake.source[i].prefix == addr && fake.source[i].depth == 32)
			return true;
	return false;
}

/* Calico's IPIP as it stands: tunl0, and 10.244.1.0/26 via 192.168.1.11 dev tunl0 onlink. */
static void test_follow_tunl0(void **state)
{
	(void)state;
	take_file("tunl0-new", 1);
	push_route(BLOCK, 26, NODE, TUNL0);
	assert_int_equal(path_of(BLOCK, 26)->kind, WIRE_PATH_PUNT); // it is down
	assert_int_equal(fake.n_endpoints, 0);
	take_file("tunl0-up", 2);
	settle();
	expect_ipip(path_of(BLOCK, 26), NODE, TUNL0);
	assert_true(has_end(OURS, WIRE_TUNNEL_IPIP));
	assert_int_equal(fake.n_endpoints, 1);
	assert_true(has_source(NODE));
	assert_int_equal(fake.n_sources, 1);
	// The tunnel's address is ours: the kernel answers there.
	assert_int_equal(fake_route(&fake, 0x0af40001, 32), WIRE_NH_PUNT);
	take_file("tunl0-new", 1);
	settle();
	assert_int_equal(path_of(BLOCK, 26)->kind, WIRE_PATH_PUNT);
	take_file("tunl0-up", 2);
	settle();
	expect_ipip(path_of(BLOCK, 26), NODE, TUNL0);
	// Felix's ipipMTU
	take_file("tunl0-1400", 1);
	settle();
	assert_int_equal(path_of(BLOCK, 26)->kind, WIRE_PATH_IPIP);
	assert_int_equal(path_of(BLOCK, 26)->mtu, 1400);
	take_file("tunl0-gone", 1);
	settle();
	assert_int_equal(path_of(BLOCK, 26)->kind, WIRE_PATH_PUNT);
}

/* A device with both ends: the remote one counts, whatever the route says. */
static void test_follow_ipip_ends(void **state)
{
	(void)state;
	take_file("ipip-ends", 2);
	take_file("ipip-bound", 1);
	push_route(BLOCK, 26, NODE, TO_B);
	expect_ipip(path_of(BLOCK, 26), NODE, TO_B);
	push_route(BLOCK + 5, 32, 0, TO_B);
	expect_ipip(path_of(BLOCK + 5, 32), BLOCK + 5, TO_B);
	push_route(BLOCK + 64, 26, NODE, TO_B_ETH0);
	expect_ipip(path_of(BLOCK + 64, 26), NODE, TO_B_ETH0);
	assert_true(has_end(OURS, WIRE_TUNNEL_IPIP));
	// A subnet on the link: the kernel, as with any device.
	push_route(BLOCK + 128, 26, 0, TO_B);
	assert_int_equal(fake_route(&fake, BLOCK + 128, 26), WIRE_NH_PUNT);
}

/* What adds another header, or says with each packet where to: the kernel does it. */
static void test_follow_ipip_unknown(void **state)
{
	static const struct {
		const char *file;
		int ifindex;
	} rows[] = {
		{"ipip-fou", FOU_B},
		{"ipip-gue", GUE_B},
		{"ipip-mpls", MPLS_B},
		{"ipip-external", EXTERNAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct hop *hop;
		struct hop_key key = {.nexthop = NODE, .ifindex = (uint32_t)rows[i].ifindex};

		take_file(rows[i].file, 1);
		push_route(BLOCK, 26, NODE, rows[i].ifindex);
		assert_int_equal(path_of(BLOCK, 26)->kind, WIRE_PATH_PUNT);
		hop = sync_find_hop(pipeline_sync(pipeline), key);
		assert_non_null(hop);
		assert_int_equal(hop->choice.state, HOP_TUNNEL_UNKNOWN);
	}
	assert_int_equal(fake.n_endpoints, 0);
}

/* A cut message is no message; the ones before it count. */
static void test_netlink_data_cut(void **state)
{
	static const char *const files[] = {"uplink", "tunl0-up", "ipip-ends", "ipip-fou"};
	static _Alignas(8) char whole[8192];

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		size_t len = read_messages(files[i], whole, sizeof(whole));
		unsigned n_before = 0;

		for (size_t cut = 0; cut < len; cut++) {
			char *copy = malloc(cut > 0 ? cut : 1);
			unsigned n = 0;

			memcpy(copy, whole, cut);
			neigh_parse(copy, cut, take_kernel, &n);
			free(copy);
			assert_in_range(n, n_before, n_before + 1);
			n_before = n;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_follow_tunl0),
		TEST(test_follow_ipip_ends),
		TEST(test_follow_ipip_unknown),
		TEST(test_netlink_data_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
