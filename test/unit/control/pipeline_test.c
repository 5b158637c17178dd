/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole route's walk: rtnetlink messages and FPM frames in, and a dataplane behind its socket that got
 * the paths. The messages of ipip devices are those of test/data/netlink, whose README says where they come
 * from. Also other settings while it runs.
 */
#include "control/neigh_parse.h"
#include "control/pipeline.h"
#include "control/step/sync.h"
#include "control/underlay.h"
#include "test/unit/control/fake_dataplane.h"
#include "test/unit/fpm/builder.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OURS  0xc0a8010au /* 192.168.1.10 */
#define NODE  0xc0a8010bu /* 192.168.1.11 */
#define BLOCK 0x0af40100u /* 10.244.1.0/26 */
#define PORT  3u

/* As in test/vm/guest/netlink.py. */
enum { ETH0 = 2, TUNL0 = 13, TO_B, TO_B_ETH0, FOU_B, GUE_B, MPLS_B, EXTERNAL };

static struct fake fake;
static struct event_base *base;
static struct pipeline *pipeline;
static char socket_path[64];

/* The kernel's answer to "how is this node reached", in place of underlay.c: all of 192.168.1.0/24 by eth0. */
bool __wrap_underlay_find(struct underlay *underlay, uint32_t node, struct underlay_route *route);
void __wrap_underlay_forget(struct underlay *underlay);

bool __wrap_underlay_find(struct underlay *underlay, uint32_t node, struct underlay_route *route)
{
	(void)underlay;
	*route = (struct underlay_route){.key = {.nexthop = node, .ifindex = ETH0}, .source = OURS};
	return node >> 8 == NODE >> 8;
}

void __wrap_underlay_forget(struct underlay *underlay)
{
	(void)underlay;
}

static void take_kernel(enum neigh_said said, const struct kernel_event *event, int error,
	void *arg)
{
	unsigned *n = arg;

	assert_int_equal(said, NEIGH_SAID_EVENT);
	assert_int_equal(error, 0);
	pipeline_take_kernel(pipeline, event);
	++*n;
}

static size_t read_messages(const char *name, char *bytes, size_t room)
{
	char path[512];
	FILE *in;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s.bin", getenv("NETLINK_DATA"), name);
	in = fopen(path, "re");
	assert_non_null(in);
	len = fread(bytes, 1, room, in);
	fclose(in);
	assert_in_range(len, 1, room - 1);
	return len;
}

/* Everything in a file, as neigh.c takes what recv() returned. */
static void take_file(const char *name, unsigned n_expected)
{
	static _Alignas(8) char bytes[8192];
	size_t len = read_messages(name, bytes, sizeof(bytes));
	unsigned n = 0;

	neigh_parse(bytes, len, take_kernel, &n);
	assert_int_equal(n, n_expected);
	pipeline_turn(pipeline);
}

/* Both ends in turn, until neither has anything to do. */
static void settle(void)
{
	for (unsigned n_idle = 0; n_idle < 20; n_idle++) {
		fake_accept(&fake);
		event_base_loop(base, EVLOOP_NONBLOCK);
		if (fake.fd >= 0 && fake_serve(&fake, UINT32_MAX) > 0)
			n_idle = 0;
		usleep(100);
	}
	assert_int_equal(sync_phase(pipeline_sync(pipeline)), SYNC_IN_SYNC);
}

static void take_fpm(const struct fpm_event *event, void *arg)
{
	(void)arg;
	assert_int_equal(pipeline_take_fpm(pipeline, event), 0);
}

static void push(const struct builder *b)
{
	struct fpm_decoder *decoder = fpm_decoder_new();

	assert_int_equal(fpm_decoder_push(decoder, b->bytes, b->len, take_fpm, NULL), 0);
	fpm_decoder_free(decoder);
	pipeline_turn(pipeline);
	settle();
}

/* As zebra's dplane_fpm_nl: PREFIX via GATEWAY dev IFINDEX onlink; without a gateway if it is 0. */
static void put_route(struct builder *b, uint32_t prefix, uint8_t depth, uint32_t gateway,
	int ifindex)
{
	struct rtmsg header = route_header(depth);
	uint32_t prefix_be = htonl(prefix), gateway_be = htonl(gateway);
	uint8_t addr[4];

	header.rtm_flags = gateway != 0 ? RTNH_F_ONLINK : 0;
	memcpy(addr, &prefix_be, sizeof(addr));
	begin_frame(b);
	begin_route(b, RTM_NEWROUTE, &header, addr);
	put_u32(b, RTA_PRIORITY, 0);
	if (gateway != 0)
		put_u32(b, RTA_GATEWAY, gateway_be);
	put_u32(b, RTA_OIF, (uint32_t)ifindex);
	end_message(b);
	end_frame(b);
}

static void push_route(uint32_t prefix, uint8_t depth, uint32_t gateway, int ifindex)
{
	static struct builder b;

	b.len = 0;
	put_route(&b, prefix, depth, gateway, ifindex);
	push(&b);
}

static void push_replay_end(void)
{
	static struct builder b;
	struct rtmsg header = {.rtm_family = AF_INET6,
		.rtm_dst_len = 128,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_type = RTN_BLACKHOLE};
	uint8_t ones[16];

	b.len = 0;
	memset(ones, 0xff, sizeof(ones));
	begin_frame(&b);
	begin_message(&b, RTM_NEWROUTE, 0, &header, sizeof(header));
	put_attr(&b, RTA_DST, ones, sizeof(ones));
	end_message(&b);
	end_frame(&b);
	push(&b);
}

static struct pipeline_options make_options(const struct route_pool *pool)
{
	struct pipeline_options options = {.node = "a",
		.dataplane_socket = socket_path,
		.pod_match = "cali*",
		.pools = pool,
		.n_pools = 1,
		.tunnel = {.vni = 4096,
			.udp_port = 4789,
			.udp_src_min = 32768,
			.udp_src_max = 60999,
			.system_src_min = 32768,
			.system_src_max = 60999,
			.has_udp_checksum = true},
		.has_replay_end = true,
		.replay_end = {.table = FPM_MAIN_TABLE, .family = AF_INET6, .len = 128}};

	memset(options.replay_end.addr, 0xff, sizeof(options.replay_end.addr));
	return options;
}

/* Node A's uplink and its port; zebra's replay is complete, without a route of a pool. */
static int setup(void **state)
{
	const struct route_pool pool = {.prefix = 0x0af40000, .depth = 16};
	struct pipeline_options options;

	(void)state;
	snprintf(socket_path, sizeof(socket_path), "/tmp/podlane-pipeline-%d", (int)getpid());
	unlink(socket_path);
	fake_listen(&fake, socket_path);
	fake.port[0] = (struct wire_port){.idx = PORT,
		.kind = WIRE_PORT_AF_XDP,
		.is_up = 1,
		.ifindex = ETH0,
		.mac = {2, 0, 0, 0, 0, 0x0a},
		.mtu = 1500,
		.name = "uplink0",
		.device = "eth0"};
	fake.n_ports = 1;
	options = make_options(&pool);
	base = event_base_new();
	assert_int_equal(pipeline_new(base, &options, &pipeline), 0);
	pipeline_set_underlay(pipeline, (struct underlay *)&fake); // only has to be there
	pipeline_begin_kernel_resync(pipeline);
	take_file("uplink", 3);
	pipeline_end_kernel_resync(pipeline);
	pipeline_begin_fpm(pipeline);
	settle();
	push_replay_end();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pipeline_free(pipeline);
	event_base_free(base);
	fake_close(&fake);
	return unlink(socket_path);
}

/* What the dataplane has for a prefix. */
static const struct wire_path *path_of(uint32_t prefix, uint8_t depth)
{
	uint32_t nh = fake_route(&fake, prefix, depth);

	assert_in_range(nh, WIRE_NH_PATH_FIRST, FAKE_PATHS - 1);
	assert_true(fake.has_path[nh]);
	return &fake.path[nh];
}

static void expect_ipip(const struct wire_path *path, uint32_t nexthop, uint32_t ifindex)
{
	static const uint8_t ours[6] = {2, 0, 0, 0, 0, 0x0a}, node[6] = {2, 0, 0, 0, 0, 0x0b};

	assert_int_equal(path->kind, WIRE_PATH_IPIP);
	assert_int_equal(path->nexthop, nexthop);
	assert_int_equal(path->ifindex, ifindex);
	assert_int_equal(path->port, PORT);
	assert_int_equal(path->mtu, 1480);
	assert_memory_equal(path->src_mac, ours, 6);
	assert_memory_equal(path->dst_mac, node, 6);
	assert_int_equal(path->tunnel.src, OURS);
	assert_int_equal(path->tunnel.dst, NODE);
}

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

static void change(uint32_t prefix, enum encap encap, enum encap_scope scope)
{
	const struct route_pool pool = {.prefix = prefix,
		.depth = 16,
		.policy = hop_policy(encap, scope)};
	struct pipeline_options options = make_options(&pool);

	assert_int_equal(pipeline_change(pipeline, &options), 0);
	pipeline_turn(pipeline);
	settle();
}

/* Every policy to every other one; the fake refuses a route to a path that is not there. */
static void test_pipeline_change_encap(void **state)
{
	static const struct {
		enum encap encap;
		enum encap_scope scope;
		enum wire_path_kind kind;
		uint32_t n_ends;
	} rows[] = {
		{ENCAP_FOLLOW, ENCAP_ALWAYS, WIRE_PATH_NATIVE, 0},
		{ENCAP_NONE, ENCAP_ALWAYS, WIRE_PATH_NATIVE, 2},
		{ENCAP_IPIP, ENCAP_ALWAYS, WIRE_PATH_IPIP, 2},
		{ENCAP_IPIP, ENCAP_CROSS_SUBNET, WIRE_PATH_NATIVE, 2},
		{ENCAP_VXLAN, ENCAP_ALWAYS, WIRE_PATH_PUNT, 2}, // nobody says its VTEP's MAC
	};
	const size_t n = sizeof(rows) / sizeof(rows[0]);

	(void)state;
	push_route(BLOCK, 26, NODE, ETH0);
	for (size_t i = 0; i < n * n; i++) {
		const size_t turn[] = {i / n, i % n};

		for (size_t t = 0; t < 2; t++) {
			const struct wire_path *path;

			change(0x0af40000, rows[turn[t]].encap, rows[turn[t]].scope);
			path = path_of(BLOCK, 26);
			assert_int_equal(path->kind, rows[turn[t]].kind);
			assert_int_equal(path->policy,
				hop_policy(rows[turn[t]].encap, rows[turn[t]].scope));
			assert_int_equal(fake.n_endpoints, rows[turn[t]].n_ends);
		}
	}
}

static uint32_t n_of(enum wire_type type)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < fake.n_log; i++)
		n += fake.log[i] == type;
	return n;
}

/* Slots are rewritten, and no route; afterwards the hops are found as ever. */
static void test_pipeline_change_encap_in_place(void **state)
{
	uint32_t idx, n_routes, n_paths;

	(void)state;
	change(0x0af40000, ENCAP_NONE, ENCAP_ALWAYS);
	push_route(BLOCK, 26, NODE, ETH0);
	push_route(BLOCK + 64, 26, NODE, ETH0);
	idx = fake_route(&fake, BLOCK, 26);
	n_routes = n_of(WIRE_ROUTE_SET);
	n_paths = n_of(WIRE_PATH_SET);
	change(0x0af40000, ENCAP_IPIP, ENCAP_ALWAYS);
	expect_ipip(path_of(BLOCK, 26), NODE, ETH0);
	expect_ipip(path_of(BLOCK + 64, 26), NODE, ETH0);
	assert_int_equal(fake_route(&fake, BLOCK, 26), idx);
	assert_int_equal(n_of(WIRE_ROUTE_SET), n_routes);
	assert_int_equal(n_of(WIRE_PATH_SET), n_paths + 1);
	assert_int_equal(n_of(WIRE_PATH_DEL), 0);
	push_route(BLOCK + 128, 26, NODE, ETH0);
	assert_int_equal(fake_route(&fake, BLOCK + 128, 26), idx);
	change(0x0af40000, ENCAP_NONE, ENCAP_ALWAYS);
	assert_int_equal(path_of(BLOCK, 26)->kind, WIRE_PATH_NATIVE);
	assert_int_equal(fake_route(&fake, BLOCK, 26), idx);
}

/* One of two pools with a policy changes it: the other one's routes stay on their slot. */
static void test_pipeline_change_encap_of_one_pool(void **state)
{
	struct route_pool pools[2] = {
		{0x0af40000, 16, hop_policy(ENCAP_NONE, ENCAP_ALWAYS)},
		{0x0afa0000, 16, hop_policy(ENCAP_NONE, ENCAP_ALWAYS)},
	};
	struct pipeline_options options = make_options(pools);
	uint32_t idx;

	(void)state;
	options.n_pools = 2;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipeline_change(pipeline, &options), 0);
		pipeline_turn(pipeline);
		settle();
		push_route(BLOCK, 26, NODE, ETH0);
		push_route(0x0afa0100, 26, NODE, ETH0);
		if (i == 0)
			idx = fake_route(&fake, 0x0afa0100, 26);
		pools[0].policy = hop_policy(ENCAP_IPIP, ENCAP_ALWAYS);
	}
	expect_ipip(path_of(BLOCK, 26), NODE, ETH0);
	assert_int_equal(path_of(0x0afa0100, 26)->kind, WIRE_PATH_NATIVE);
	assert_int_equal(fake_route(&fake, 0x0afa0100, 26), idx);
	// And the two change places, which no renaming can do.
	pools[0].policy = hop_policy(ENCAP_NONE, ENCAP_ALWAYS);
	pools[1].policy = hop_policy(ENCAP_IPIP, ENCAP_ALWAYS);
	assert_int_equal(pipeline_change(pipeline, &options), 0);
	pipeline_turn(pipeline);
	settle();
	assert_int_equal(path_of(BLOCK, 26)->kind, WIRE_PATH_NATIVE);
	expect_ipip(path_of(0x0afa0100, 26), NODE, ETH0);
}

/* Routes with the same next hops, one after the other in one turn: each gets what is its own. */
static void test_same_nexthops_in_a_row(void **state)
{
	static struct builder b;

	(void)state;
	take_file("ipip-ends", 2);
	change(0x0af40000, ENCAP_IPIP, ENCAP_ALWAYS);
	b.len = 0;
	put_route(&b, BLOCK, 26, NODE, ETH0);
	put_route(&b, 0x0a800000, 16, NODE, ETH0); // in no pool
	put_route(&b, BLOCK + 64, 26, NODE, ETH0);
	put_route(&b, BLOCK + 128, 32, 0, TO_B); // itself is the next hop
	put_route(&b, BLOCK + 129, 32, 0, TO_B);
	put_route(&b, OURS, 32, NODE, ETH0);
	push(&b);
	expect_ipip(path_of(BLOCK, 26), NODE, ETH0);
	assert_int_equal(path_of(0x0a800000, 16)->kind, WIRE_PATH_NATIVE);
	assert_int_equal(fake_route(&fake, BLOCK, 26), fake_route(&fake, BLOCK + 64, 26));
	assert_int_equal(path_of(BLOCK + 128, 32)->nexthop, BLOCK + 128);
	assert_int_equal(path_of(BLOCK + 129, 32)->nexthop, BLOCK + 129);
	assert_int_equal(fake_route(&fake, OURS, 32), WIRE_NH_PUNT);
}

/* Another pool: its miss is "no route", the one before has none, and the kernel is told neither. */
static void test_pipeline_change_pool(void **state)
{
	(void)state;
	push_route(BLOCK, 26, NODE, ETH0);
	assert_int_equal(fake_route(&fake, 0x0af40000, 16), WIRE_NH_NO_ROUTE);
	change(0x0afa0000, ENCAP_IPIP, ENCAP_ALWAYS);
	assert_int_equal(fake_route(&fake, 0x0af40000, 16), WIRE_NH_NONE);
	assert_int_equal(fake_route(&fake, 0x0afa0000, 16), WIRE_NH_NO_ROUTE);
	assert_int_equal(fake.n_pools, 1);
	assert_int_equal(fake.pool[0].prefix, 0x0afa0000);
	assert_int_equal(path_of(BLOCK, 26)->kind, WIRE_PATH_NATIVE); // it is in none now
	change(0x0af40000, ENCAP_IPIP, ENCAP_ALWAYS);
	expect_ipip(path_of(BLOCK, 26), NODE, ETH0);
	assert_int_equal(fake_route(&fake, 0x0afa0000, 16), WIRE_NH_NONE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_follow_tunl0),
		TEST(test_follow_ipip_ends),
		TEST(test_follow_ipip_unknown),
		TEST(test_netlink_data_cut),
		TEST(test_pipeline_change_encap),
		TEST(test_pipeline_change_encap_in_place),
		TEST(test_pipeline_change_encap_of_one_pool),
		TEST(test_pipeline_change_pool),
		TEST(test_same_nexthops_in_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
