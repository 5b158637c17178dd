/* SPDX-License-Identifier: BSD-3-Clause */
/* Routes to next hops, next hops to facts, candidates and choice. */
#include "control/step/candidates.h"
#include "control/step/compare.h"
#include "control/step/resolve.h"

#include <arpa/inet.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define GW	 0xc0a8010bu /* 192.168.1.11 */
#define POD	 0x0af40005u /* 10.244.0.5 */
#define UPLINK	 2u
#define OTHER	 3u
#define CALI	 0x01020304u
#define TRUNK_IF 9u

struct seen {
	unsigned n_hop, n_interface, n_address;
	struct hop_key hop;
	uint32_t interface, address;
};

static void on_hop(struct hop_key key, void *arg)
{
	struct seen *seen = arg;

	seen->n_hop++;
	seen->hop = key;
}

static void on_interface(uint32_t ifindex, void *arg)
{
	struct seen *seen = arg;

	seen->n_interface++;
	seen->interface = ifindex;
}

static void on_address(uint32_t addr, void *arg)
{
	struct seen *seen = arg;

	seen->n_address++;
	seen->address = addr;
}

static void on_tunnels(void *arg)
{
	(void)arg;
}

static struct seen seen;

static struct kernel_event link_event(uint32_t ifindex, const char *name, bool is_up)
{
	struct kernel_event event;

	memset(&event, 0, sizeof(event));
	event.kind = KERNEL_LINK_SET;
	event.link = (struct kernel_link){.ifindex = ifindex,
		.mtu = 1500,
		.is_up = is_up,
		.mac = {2, 0, 0, 0, 0, (uint8_t)ifindex}};
	strncpy(event.link.name, name, sizeof(event.link.name) - 1);
	return event;
}

static struct kernel_event neighbour_event(uint32_t addr, uint32_t ifindex, uint16_t state)
{
	struct kernel_event event;

	memset(&event, 0, sizeof(event));
	event.kind = KERNEL_NEIGHBOUR_SET;
	event.neighbour = (struct kernel_neighbour){.addr = addr,
		.ifindex = ifindex,
		.state = state,
		.has_mac = state != NUD_INCOMPLETE,
		.mac = {2, 1, 1, 1, 1, 1}};
	return event;
}

static int setup(void **state)
{
	struct resolve_changes changes = {.hop = on_hop,
		.interface = on_interface,
		.address = on_address,
		.tunnels = on_tunnels,
		.arg = &seen};
	struct kernel_event links[] = {link_event(UPLINK, "eth0", true),
		link_event(OTHER, "eth1", true), link_event(CALI, "cali1", true)};
	struct wire_port uplink = {.idx = 0,
		.kind = WIRE_PORT_AF_XDP,
		.is_up = 1,
		.ifindex = UPLINK,
		.mtu = 1400,
		.name = "uplink0"};
	struct wire_port trunk = {.idx = 7,
		.kind = WIRE_PORT_TRUNK,
		.is_up = 1,
		.ifindex = TRUNK_IF,
		.mtu = 3000,
		.name = "pods"};
	struct resolve *resolve = resolve_new("cali*", &changes);

	for (size_t i = 0; i < 3; i++)
		resolve_apply_kernel(resolve, &links[i]);
	resolve_set_port(resolve, &uplink);
	resolve_set_port(resolve, &trunk);
	memset(&seen, 0, sizeof(seen));
	*state = resolve;
	return 0;
}

static int teardown(void **state)
{
	resolve_free(*state);
	return 0;
}

static struct fpm_nh via(uint32_t gateway, uint32_t ifindex, uint32_t weight)
{
	struct fpm_nh nh = {.family = AF_INET, .ifindex = ifindex, .weight = weight};
	uint32_t be = htonl(gateway);

	memcpy(nh.gateway, &be, 4);
	return nh;
}

static struct fpm_nh on_link(uint32_t ifindex)
{
	return (struct fpm_nh){.family = AF_UNSPEC, .ifindex = ifindex, .weight = 1};
}

static struct hop_facts facts_of(struct resolve *resolve, uint32_t nexthop, uint32_t ifindex)
{
	struct hop_facts facts;

	resolve_hop(resolve, (struct hop_key){.nexthop = nexthop, .ifindex = ifindex}, &facts);
	return facts;
}

static void test_resolve_hop_neighbour_states(void **state)
{
	static const struct {
		uint16_t nud;
		enum hop_state state;
	} rows[] = {
		{NUD_INCOMPLETE, HOP_UNRESOLVED},
		{NUD_FAILED, HOP_UNRESOLVED},
		{NUD_NONE, HOP_UNRESOLVED},
		{NUD_REACHABLE, HOP_RESOLVED},
		{NUD_STALE, HOP_RESOLVED},
		{NUD_DELAY, HOP_RESOLVED},
		{NUD_PROBE, HOP_RESOLVED},
		{NUD_PERMANENT, HOP_RESOLVED},
		{NUD_NOARP, HOP_RESOLVED},
	};

	assert_int_equal(facts_of(*state, GW, UPLINK).state, HOP_UNRESOLVED);
	assert_true(facts_of(*state, GW, UPLINK).wants_neighbour);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kernel_event event = neighbour_event(GW, UPLINK, rows[i].nud);

		assert_int_equal(resolve_apply_kernel(*state, &event), 0);
		assert_int_equal(facts_of(*state, GW, UPLINK).state, rows[i].state);
	}
}

static void test_resolve_hop_uplink(void **state)
{
	static const uint8_t dst[6] = {2, 1, 1, 1, 1, 1}, src[6] = {2, 0, 0, 0, 0, UPLINK};
	struct kernel_event event = neighbour_event(GW, UPLINK, NUD_STALE);
	struct hop_facts facts;

	resolve_apply_kernel(*state, &event);
	facts = facts_of(*state, GW, UPLINK);
	assert_int_equal(facts.egress.port, 0);
	assert_int_equal(facts.egress.mtu, 1400); // the port's is less than the link's 1500
	assert_memory_equal(facts.egress.dst_mac, dst, 6);
	assert_memory_equal(facts.egress.src_mac, src, 6);
	assert_string_equal(facts.egress.port_name, "uplink0");
	assert_string_equal(facts.interface, "eth0");
}

static void test_resolve_hop_pod(void **state)
{
	static const uint8_t src[6] = {0x02, 0x70, 1, 2, 3, 4};
	struct kernel_event event = neighbour_event(POD, CALI, NUD_REACHABLE);
	struct wire_pod pod = {.ifindex = CALI, .is_attached = 1, .name = "cali1"};
	struct hop_facts facts;

	resolve_apply_kernel(*state, &event);
	assert_int_equal(facts_of(*state, POD, CALI).state, HOP_POD_DETACHED);
	memset(&seen, 0, sizeof(seen));
	resolve_set_pod(*state, &pod);
	assert_int_equal(seen.interface, CALI);
	facts = facts_of(*state, POD, CALI);
	assert_int_equal(facts.state, HOP_RESOLVED);
	assert_int_equal(facts.egress.port, 7);
	assert_int_equal(facts.egress.mtu, 1500);
	assert_memory_equal(facts.egress.src_mac, src, 6);
	pod.is_attached = 0;
	resolve_set_pod(*state, &pod);
	assert_int_equal(seen.n_interface, 2);
	assert_int_equal(facts_of(*state, POD, CALI).state, HOP_POD_DETACHED);
}

static void test_resolve_hop_unusable(void **state)
{
	struct kernel_event down = link_event(UPLINK, "eth0", false);

	assert_int_equal(facts_of(*state, GW, OTHER).state, HOP_NOT_OURS);
	assert_false(facts_of(*state, GW, OTHER).wants_neighbour);
	assert_int_equal(facts_of(*state, GW, 77).state, HOP_NO_LINK);
	assert_int_equal(facts_of(*state, 0, UPLINK).state, HOP_NOT_OURS);
	resolve_apply_kernel(*state, &down);
	assert_int_equal(facts_of(*state, GW, UPLINK).state, HOP_LINK_DOWN);
	// Trunk and dataplane are not egress interfaces of their own.
	assert_int_equal(facts_of(*state, GW, TRUNK_IF).state, HOP_NO_LINK);
}

static void route_to(uint32_t prefix, uint8_t depth, uint8_t type, const struct fpm_nh *nh,
	size_t n_nh, struct route_target *target)
{
	const struct route_pool route = {.prefix = prefix, .depth = depth};

	resolve_route(&route, type, nh, n_nh, target);
}

static void test_resolve_route_kinds(void **state)
{
	struct fpm_nh one = via(GW, UPLINK, 1), link = on_link(CALI), v6 = via(GW, UPLINK, 1);
	struct route_target target;

	(void)state;
	route_to(0x0af40100, 26, RTN_UNICAST, &one, 1, &target);
	assert_int_equal(target.n, 1);
	assert_int_equal(target.member[0].key.nexthop, GW);
	route_to(POD, 32, RTN_UNICAST, &link, 1, &target);
	assert_int_equal(target.n, 1);
	assert_int_equal(target.member[0].key.nexthop, POD);
	assert_int_equal(target.member[0].key.ifindex, CALI);
	route_to(0xc0a80100, 24, RTN_UNICAST, &link, 1, &target);
	assert_int_equal(target.n, 0);
	assert_int_equal(target.fixed, WIRE_NH_PUNT);
	v6.family = AF_INET6;
	route_to(0x0af40100, 26, RTN_UNICAST, &v6, 1, &target);
	assert_int_equal(target.n, 0);
	assert_int_equal(target.fixed, WIRE_NH_PUNT);
	route_to(0, 0, RTN_BLACKHOLE, NULL, 0, &target);
	assert_int_equal(target.fixed, WIRE_NH_BLACKHOLE);
	route_to(0, 0, RTN_UNREACHABLE, NULL, 0, &target);
	assert_int_equal(target.fixed, WIRE_NH_UNREACHABLE);
	route_to(0, 0, RTN_PROHIBIT, NULL, 0, &target);
	assert_int_equal(target.fixed, WIRE_NH_PROHIBIT);
	route_to(0, 0, RTN_UNICAST, NULL, 0, &target);
	assert_int_equal(target.fixed, WIRE_NH_PUNT);
}

static void test_resolve_route_group_is_normal(void **state)
{
	struct fpm_nh nh[] = {via(GW + 1, UPLINK, 3), via(GW, UPLINK, 1), via(GW + 1, UPLINK, 4),
		via(GW, OTHER, 70000)};
	struct route_target target;

	(void)state;
	route_to(0x0af40100, 26, RTN_UNICAST, nh, 4, &target);
	assert_int_equal(target.n, 3);
	assert_int_equal(target.member[0].key.nexthop, GW);
	assert_int_equal(target.member[0].key.ifindex, UPLINK);
	assert_int_equal(target.member[1].key.ifindex, OTHER);
	assert_int_equal(target.member[1].weight, 65536);
	assert_int_equal(target.member[2].weight, 7);
	// Twice the same way is one way.
	nh[1] = nh[0];
	route_to(0x0af40100, 26, RTN_UNICAST, nh, 2, &target);
	assert_int_equal(target.n, 1);
}

static void test_resolve_is_local(void **state)
{
	struct kernel_event a = {.kind = KERNEL_ADDRESS_SET, .address = {.addr = GW, .ifindex = 1}};
	struct kernel_event b = {.kind = KERNEL_ADDRESS_SET, .address = {.addr = GW, .ifindex = 2}};

	assert_false(resolve_is_local(*state, GW));
	resolve_apply_kernel(*state, &a);
	resolve_apply_kernel(*state, &b);
	assert_int_equal(seen.address, GW);
	a.kind = KERNEL_ADDRESS_DEL;
	resolve_apply_kernel(*state, &a);
	assert_true(resolve_is_local(*state, GW)); // still on the other interface
	b.kind = KERNEL_ADDRESS_DEL;
	resolve_apply_kernel(*state, &b);
	assert_false(resolve_is_local(*state, GW));
	assert_int_equal(seen.n_address, 4);
}

/* What the kernel does not repeat in a resync is gone, and those concerned hear of it. */
static void test_resolve_resync_sweeps(void **state)
{
	struct kernel_event neighbour = neighbour_event(GW, UPLINK, NUD_REACHABLE);
	struct kernel_event link = link_event(UPLINK, "eth0", true);
	struct kernel_event address = {.kind = KERNEL_ADDRESS_SET,
		.address = {.addr = POD, .ifindex = 1}};

	resolve_apply_kernel(*state, &neighbour);
	resolve_apply_kernel(*state, &address);
	resolve_begin_resync(*state);
	resolve_apply_kernel(*state, &link);
	assert_int_equal(facts_of(*state, GW, UPLINK).state, HOP_RESOLVED);
	memset(&seen, 0, sizeof(seen));
	resolve_end_resync(*state);
	assert_int_equal(facts_of(*state, GW, UPLINK).state, HOP_UNRESOLVED);
	assert_int_equal(facts_of(*state, GW, OTHER).state, HOP_NO_LINK);
	assert_false(resolve_is_local(*state, POD));
	assert_int_equal(seen.n_hop, 1);
	assert_int_equal(seen.n_interface, 2);
	assert_int_equal(seen.n_address, 1);
	assert_int_equal(resolve_counts(*state).n_links, 1);
}

static void test_resolve_same_again_is_silent(void **state)
{
	struct kernel_event neighbour = neighbour_event(GW, UPLINK, NUD_REACHABLE);

	resolve_apply_kernel(*state, &neighbour);
	resolve_apply_kernel(*state, &neighbour);
	assert_int_equal(seen.n_hop, 1);
	assert_int_equal(seen.hop.nexthop, GW);
}

static void test_candidates_build_native(void **state)
{
	struct kernel_event event = neighbour_event(GW, UPLINK, NUD_REACHABLE);
	struct hop_facts facts = facts_of(*state, GW, UPLINK);
	struct candidate_list list;

	candidates_build(&facts, &list);
	assert_int_equal(list.n, 1);
	assert_false(list.candidate[0].is_usable);
	assert_int_equal(list.candidate[0].state, HOP_UNRESOLVED);
	resolve_apply_kernel(*state, &event);
	facts = facts_of(*state, GW, UPLINK);
	candidates_build(&facts, &list);
	assert_true(list.candidate[0].is_usable);
	assert_int_equal(list.candidate[0].path.kind, WIRE_PATH_NATIVE);
	assert_int_equal(list.candidate[0].path.nexthop, GW);
	assert_int_equal(list.candidate[0].path.ifindex, UPLINK);
	assert_int_equal(list.candidate[0].path.mtu, 1400);
	assert_int_equal(list.candidate[0].path.idx, 0);
}

static void test_compare_choose(void **state)
{
	struct candidate_list list = {.n = 3,
		.candidate = {{.is_usable = false, .overhead_bytes = 0},
			{.is_usable = true, .overhead_bytes = 50},
			{.is_usable = true, .overhead_bytes = 20, .path = {.mtu = 1480}}}};
	struct hop_key key = {.nexthop = GW, .ifindex = UPLINK};
	struct hop_facts facts = {.key = key, .device = WIRE_PATH_NATIVE};
	struct choice choice = compare_choose(&list, &facts, NULL);
	struct wire_path path;

	(void)state;
	assert_int_equal(choice.idx, 2);
	assert_int_equal(choice.reason, CHOICE_FEWEST_BYTES);
	assert_int_equal(compare_path(&list, choice, key, 0).mtu, 1480);

	list.candidate[1].is_usable = list.candidate[2].is_usable = false;
	choice = compare_choose(&list, &facts, NULL);
	assert_int_equal(choice.idx, CHOICE_NONE);
	assert_int_equal(choice.reason, CHOICE_NONE_USABLE);
	path = compare_path(&list, choice, key, 0);
	assert_int_equal(path.kind, WIRE_PATH_PUNT);
	assert_int_equal(path.nexthop, GW);
	assert_int_equal(path.ifindex, UPLINK);

	list.n = 1;
	list.candidate[0].is_usable = true;
	choice = compare_choose(&list, &facts, NULL);
	assert_int_equal(choice.idx, 0);
	assert_int_equal(choice.reason, CHOICE_ONLY_CANDIDATE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_resolve_hop_neighbour_states),
		TEST(test_resolve_hop_uplink),
		TEST(test_resolve_hop_pod),
		TEST(test_resolve_hop_unusable),
		TEST(test_resolve_route_kinds),
		TEST(test_resolve_route_group_is_normal),
		TEST(test_resolve_is_local),
		TEST(test_resolve_resync_sweeps),
		TEST(test_resolve_same_again_is_silent),
		TEST(test_candidates_build_native),
		TEST(test_compare_choose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
