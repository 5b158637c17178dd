/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The whole route's walk: rtnetlink messages and FPM frames in, and a dataplane behind its socket that got
 * the paths. The messages are those of test/data/netlink, whose README says where they come from.
 */
#ifndef PODLANE_TEST_UNIT_CONTROL_PIPELINE_FIXTURE_H
#define PODLANE_TEST_UNIT_CONTROL_PIPELINE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/neigh_parse.h"
#include "control/pipeline.h"
#include "control/step/sync.h"
#include "control/underlay.h"
#include "test/unit/control/fake_dataplane.h"
#include "test/unit/fpm/builder.h"

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

static inline void take_kernel(enum neigh_said said, const struct kernel_event *event, int error,
	void *arg)
{
	unsigned *n = arg;

	assert_int_equal(said, NEIGH_SAID_EVENT);
	assert_int_equal(error, 0);
	pipeline_take_kernel(pipeline, event);
	++*n;
}

static inline size_t read_messages(const char *name, char *bytes, size_t room)
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
static inline void take_file(const char *name, unsigned n_expected)
{
	static _Alignas(8) char bytes[8192];
	size_t len = read_messages(name, bytes, sizeof(bytes));
	unsigned n = 0;

	neigh_parse(bytes, len, take_kernel, &n);
	assert_int_equal(n, n_expected);
	pipeline_turn(pipeline);
}

/* Both ends in turn, until neither has anything to do. */
static inline void settle(void)
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

static inline void take_fpm(const struct fpm_event *event, void *arg)
{
	(void)arg;
	assert_int_equal(pipeline_take_fpm(pipeline, event), 0);
}

static inline void push(const struct builder *b)
{
	struct fpm_decoder *decoder = fpm_decoder_new();

	assert_int_equal(fpm_decoder_push(decoder, b->bytes, b->len, take_fpm, NULL), 0);
	fpm_decoder_free(decoder);
	pipeline_turn(pipeline);
	settle();
}

/* As zebra's dplane_fpm_nl: PREFIX via GATEWAY dev IFINDEX onlink; without a gateway if it is 0. */
static inline void put_route(struct builder *b, uint32_t prefix, uint8_t depth, uint32_t gateway,
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

static inline void push_route(uint32_t prefix, uint8_t depth, uint32_t gateway, int ifindex)
{
	static struct builder b;

	b.len = 0;
	put_route(&b, prefix, depth, gateway, ifindex);
	push(&b);
}

static inline void push_replay_end(void)
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

static inline struct pipeline_options make_options(const struct route_pool *pool)
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
static inline int setup(void **state)
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

static inline int teardown(void **state)
{
	(void)state;
	pipeline_free(pipeline);
	event_base_free(base);
	fake_close(&fake);
	return unlink(socket_path);
}

/* What the dataplane has for a prefix. */
static inline const struct wire_path *path_of(uint32_t prefix, uint8_t depth)
{
	uint32_t nh = fake_route(&fake, prefix, depth);

	assert_in_range(nh, WIRE_NH_PATH_FIRST, FAKE_PATHS - 1);
	assert_true(fake.has_path[nh]);
	return &fake.path[nh];
}

static inline void expect_ipip(const struct wire_path *path, uint32_t nexthop, uint32_t ifindex)
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
