/* SPDX-License-Identifier: BSD-3-Clause */
/* Next hops through tunnels: the kernel's devices, the pools' policies, our ends, VTEP MACs. */
#include "control/step/candidates.h"
#include "control/step/compare.h"
#include "control/step/resolve.h"
#include "control/vtep_mac.h"

#include <linux/neighbour.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OURS   0xc0a8010au /* 192.168.1.10/24 */
#define NODE   0xc0a8010bu /* 192.168.1.11, on our link */
#define FAR    0x0a14000bu /* 10.20.0.11, behind the router */
#define ROUTER 0xc0a80101u
#define VTEP   0x0af40100u /* 10.244.1.0, a tunnel address */
#define UPLINK 2u
#define VXLAN  12u
#define TUNL   13u
#define OTHER  14u

static const uint8_t vtep_mac[6] = {0x66, 0x3e, 0xca, 0xa4, 0xdb, 0x65};
static const uint8_t listed_mac[6] = {0x66, 1, 2, 3, 4, 5};
static unsigned n_changes;

static void on_hop(struct hop_key key, void *arg)
{
	(void)key;
	(void)arg;
}

static void on_number(uint32_t number, void *arg)
{
	(void)number;
	(void)arg;
}

static void on_tunnels(void *arg)
{
	(void)arg;
	n_changes++;
}

/* 10.20.0.0/24 is behind the router, and the kernel would send from @arg, or OURS. */
static bool find_route(uint32_t node, struct underlay_route *route, void *arg)
{
	const uint32_t *source = arg;

	if (node >> 8 != FAR >> 8 && node >> 8 != OURS >> 8)
		return false;
	route->key = (struct hop_key){.nexthop = node >> 8 == FAR >> 8 ? ROUTER : node,
		.ifindex = UPLINK};
	route->source = source != NULL ? *source : OURS;
	return true;
}

static bool find_listed(uint32_t node, uint8_t mac[6], void *arg)
{
	(void)arg;
	memcpy(mac, listed_mac, sizeof(listed_mac));
	return node == FAR;
}

static void apply(struct resolve *resolve, struct kernel_event event)
{
	assert_int_equal(resolve_apply_kernel(resolve, &event), 0);
}

static struct kernel_event link_event(uint32_t ifindex, const char *name,
	enum kernel_tunnel_kind kind)
{
	struct kernel_event event;

	memset(&event, 0, sizeof(event));
	event.kind = KERNEL_LINK_SET;
	event.link = (struct kernel_link){.ifindex = ifindex,
		.mtu = 1500,
		.is_up = true,
		.mac = {2, 0, 0, 0, 0, (uint8_t)ifindex}};
	strncpy(event.link.name, name, sizeof(event.link.name) - 1);
	event.link.tunnel.kind = kind;
	if (kind == KERNEL_TUNNEL_VXLAN) {
		event.link.tunnel.local = OURS;
		event.link.tunnel.vni = 4096;
		event.link.tunnel.udp_port = 4789;
		event.link.tunnel.underlay_ifindex = UPLINK;
		event.link.tunnel.has_udp_checksum = 1;
	}
	return event;
}

static struct kernel_event neighbour(uint32_t addr, uint32_t ifindex, const uint8_t *mac)
{
	struct kernel_event event = {.kind = KERNEL_NEIGHBOUR_SET};

	event.neighbour = (struct kernel_neighbour){.addr = addr,
		.ifindex = ifindex,
		.state = NUD_PERMANENT,
		.has_mac = true};
	memcpy(event.neighbour.mac, mac, 6);
	return event;
}

static struct kernel_event fdb(enum kernel_event_kind kind, uint32_t remote)
{
	struct kernel_event event = {.kind = kind};

	event.fdb = (struct kernel_fdb){.ifindex = VXLAN, .remote = remote};
	memcpy(event.fdb.mac, vtep_mac, 6);
	return event;
}

static struct kernel_event address(uint32_t addr, uint32_t ifindex, uint8_t depth)
{
	struct kernel_event event = {.kind = KERNEL_ADDRESS_SET};

	event.address = (struct kernel_address){.addr = addr, .ifindex = ifindex, .depth = depth};
	return event;
}

static int setup(void **state)
{
	static const uint8_t node_mac[6] = {2, 1, 1, 1, 1, 1}, router_mac[6] = {2, 9, 9, 9, 9, 9};
	const struct resolve_changes changes = {.hop = on_hop,
		.interface = on_number,
		.address = on_number,
		.tunnels = on_tunnels};
	const struct resolve_tunnel tunnel = {.vni = 4096,
		.udp_port = 4789,
		.udp_src_min = 40000,
		.udp_src_max = 50000,
		.system_src_min = 32768,
		.system_src_max = 60999,
		.has_udp_checksum = true,
		.mac = {0x66, 0, 0, 0, 0, 1}};
	const struct resolve_outside outside = {.route = find_route, .vtep_mac = find_listed};
	const struct wire_port port = {.idx = 3,
		.kind = WIRE_PORT_AF_XDP,
		.is_up = 1,
		.ifindex = UPLINK,
		.mtu = 1500,
		.name = "uplink0"};
	struct resolve *resolve = resolve_new("cali*", &changes);

	resolve_set_tunnel(resolve, &tunnel, &outside);
	apply(resolve, link_event(UPLINK, "eth0", KERNEL_TUNNEL_NONE));
	apply(resolve, link_event(VXLAN, "vxlan.calico", KERNEL_TUNNEL_VXLAN));
	apply(resolve, link_event(TUNL, "tunl0", KERNEL_TUNNEL_IPIP));
	apply(resolve, link_event(OTHER, "gue0", KERNEL_TUNNEL_UNKNOWN));
	apply(resolve, address(OURS, UPLINK, 24));
	apply(resolve, neighbour(NODE, UPLINK, node_mac));
	apply(resolve, neighbour(ROUTER, UPLINK, router_mac));
	apply(resolve, neighbour(VTEP, VXLAN, vtep_mac));
	apply(resolve, fdb(KERNEL_FDB_SET, NODE));
	assert_int_equal(resolve_set_port(resolve, &port), 0);
	*state = resolve;
	return 0;
}

static int teardown(void **state)
{
	resolve_free(*state);
	return 0;
}

/* What a next hop comes to. */
struct result {
	struct hop_facts facts;
	struct candidate_list list;
	struct choice choice;
	struct wire_path path;
};

static struct result work_out(struct resolve *resolve, uint32_t nexthop, uint32_t ifindex,
	uint8_t policy)
{
	struct hop_key key = {.nexthop = nexthop, .ifindex = ifindex, .policy = policy};
	struct result result;

	resolve_hop(resolve, key, &result.facts);
	candidates_build(&result.facts, &result.list);
	result.choice = compare_choose(&result.list, &result.facts, NULL);
	result.path = compare_path(&result.list, result.choice, key, hop_node(&result.facts));
	return result;
}

static void test_follow_vxlan(void **state)
{
	static const uint8_t src[6] = {2, 0, 0, 0, 0, VXLAN}, out[6] = {2, 1, 1, 1, 1, 1};
	struct result r = work_out(*state, VTEP, VXLAN, 0);

	assert_int_equal(r.list.n, 1);
	assert_int_equal(r.choice.reason, CHOICE_DEVICE);
	assert_int_equal(r.path.kind, WIRE_PATH_VXLAN);
	assert_int_equal(r.path.nexthop, VTEP);
	assert_int_equal(r.path.ifindex, VXLAN);
	assert_int_equal(r.path.port, 3);
	assert_int_equal(r.path.mtu, 1450);
	assert_memory_equal(r.path.dst_mac, out, 6);
	assert_int_equal(r.path.tunnel.src, OURS);
	assert_int_equal(r.path.tunnel.dst, NODE);
	assert_int_equal(r.path.tunnel.vni, 4096);
	assert_int_equal(r.path.tunnel.udp_dst, 4789);
	assert_int_equal(r.path.tunnel.udp_src_min, 32768);
	assert_int_equal(r.path.tunnel.udp_src_max, 60999);
	assert_int_equal(r.path.tunnel.has_udp_checksum, 1);
	assert_memory_equal(r.path.tunnel.inner_dst_mac, vtep_mac, 6);
	assert_memory_equal(r.path.tunnel.inner_src_mac, src, 6);
}

/* Each thing that a followed device needs, taken away: punt, and its name. */
static void test_follow_vxlan_lacks(void **state)
{
	struct kernel_event event;
	struct result r;

	apply(*state, fdb(KERNEL_FDB_DEL, NODE + 1)); // another remote
	assert_int_equal(work_out(*state, VTEP, VXLAN, 0).choice.state, HOP_RESOLVED);
	n_changes = 0;
	apply(*state, fdb(KERNEL_FDB_DEL, NODE));
	assert_int_equal(n_changes, 1);
	r = work_out(*state, VTEP, VXLAN, 0);
	assert_int_equal(r.path.kind, WIRE_PATH_PUNT);
	assert_int_equal(r.choice.state, HOP_NO_FDB);
	assert_int_equal(work_out(*state, VTEP + 1, VXLAN, 0).choice.state, HOP_NO_VTEP_MAC);
	apply(*state, fdb(KERNEL_FDB_SET, 0x08080808)); // no route there
	assert_int_equal(work_out(*state, VTEP, VXLAN, 0).choice.state, HOP_NO_UNDERLAY);
	apply(*state, fdb(KERNEL_FDB_SET, NODE + 1)); // on the link, but not known
	r = work_out(*state, VTEP, VXLAN, 0);
	assert_int_equal(r.choice.state, HOP_UNDERLAY_UNRESOLVED);
	assert_int_equal(r.facts.vxlan.underlay.nexthop, NODE + 1);
	apply(*state, fdb(KERNEL_FDB_SET, OURS));
	assert_int_equal(work_out(*state, VTEP, VXLAN, 0).choice.state, HOP_NO_UNDERLAY);
	apply(*state, fdb(KERNEL_FDB_SET, NODE));
	event = link_event(VXLAN, "vxlan.calico", KERNEL_TUNNEL_VXLAN);
	event.link.tunnel.underlay_ifindex = 99;
	apply(*state, event);
	assert_int_equal(work_out(*state, VTEP, VXLAN, 0).choice.state, HOP_NO_UNDERLAY);
	event.link.is_up = false;
	apply(*state, event);
	assert_int_equal(work_out(*state, VTEP, VXLAN, 0).choice.state, HOP_LINK_DOWN);
	assert_int_equal(work_out(*state, NODE, OTHER, 0).choice.state, HOP_TUNNEL_UNKNOWN);
	assert_int_equal(work_out(*state, NODE, OTHER, 0).path.kind, WIRE_PATH_PUNT);
}

/* What the kernel does not repeat is gone, forwarding tables included. */
static void test_follow_vxlan_resync(void **state)
{
	resolve_begin_resync(*state);
	apply(*state, link_event(VXLAN, "vxlan.calico", KERNEL_TUNNEL_VXLAN));
	apply(*state, neighbour(VTEP, VXLAN, vtep_mac));
	resolve_end_resync(*state);
	assert_int_equal(work_out(*state, VTEP, VXLAN, 0).choice.state, HOP_NO_FDB);
	assert_int_equal(resolve_counts(*state).n_fdb, 0);
}

static void test_follow_ipip(void **state)
{
	struct kernel_event event = link_event(TUNL, "tunl0", KERNEL_TUNNEL_IPIP);
	struct result r = work_out(*state, NODE, TUNL, 0);

	assert_int_equal(r.path.kind, WIRE_PATH_IPIP);
	assert_int_equal(r.choice.reason, CHOICE_DEVICE);
	assert_int_equal(r.path.tunnel.src, OURS); // the egress interface's
	assert_int_equal(r.path.tunnel.dst, NODE);
	assert_int_equal(r.path.mtu, 1480);
	// Behind the router: its MAC, the node's address.
	r = work_out(*state, FAR, TUNL, 0);
	assert_int_equal(r.path.kind, WIRE_PATH_IPIP);
	assert_int_equal(r.path.tunnel.dst, FAR);
	assert_int_equal(r.path.dst_mac[1], 9);
	assert_int_equal(work_out(*state, 0, TUNL, 0).choice.state, HOP_NO_TUNNEL_REMOTE);
	event.link.tunnel.remote = FAR;
	event.link.tunnel.local = OURS + 100;
	apply(*state, event);
	r = work_out(*state, NODE, TUNL, 0);
	assert_int_equal(r.path.tunnel.dst, FAR);
	assert_int_equal(r.path.tunnel.src, OURS + 100);
	assert_int_equal(r.path.mtu, 1480);
	event.link.mtu = 1400; // less than there is room for, as an operator may set it
	apply(*state, event);
	assert_int_equal(work_out(*state, NODE, TUNL, 0).path.mtu, 1400);
}

static void test_policy_choice(void **state)
{
	static const struct {
		enum encap encap;
		enum encap_scope scope;
		uint32_t node;
		enum wire_path_kind kind;
		enum choice_reason reason;
	} rows[] = {
		{ENCAP_FOLLOW, ENCAP_ALWAYS, NODE, WIRE_PATH_NATIVE, CHOICE_ONLY_CANDIDATE},
		{ENCAP_NONE, ENCAP_ALWAYS, NODE, WIRE_PATH_NATIVE, CHOICE_POLICY},
		{ENCAP_IPIP, ENCAP_ALWAYS, NODE, WIRE_PATH_IPIP, CHOICE_POLICY},
		{ENCAP_VXLAN, ENCAP_ALWAYS, NODE, WIRE_PATH_VXLAN, CHOICE_POLICY},
		{ENCAP_IPIP, ENCAP_CROSS_SUBNET, NODE, WIRE_PATH_NATIVE, CHOICE_SAME_SUBNET},
		{ENCAP_VXLAN, ENCAP_CROSS_SUBNET, NODE, WIRE_PATH_NATIVE, CHOICE_SAME_SUBNET},
		{ENCAP_IPIP, ENCAP_CROSS_SUBNET, FAR, WIRE_PATH_IPIP, CHOICE_POLICY},
		{ENCAP_VXLAN, ENCAP_CROSS_SUBNET, FAR, WIRE_PATH_VXLAN, CHOICE_POLICY},
		{ENCAP_NONE, ENCAP_ALWAYS, FAR, WIRE_PATH_PUNT, CHOICE_POLICY_UNUSABLE},
		// Nobody knows its VTEP: not another way, but the kernel.
		{ENCAP_VXLAN, ENCAP_ALWAYS, ROUTER, WIRE_PATH_PUNT, CHOICE_POLICY_UNUSABLE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t policy = hop_policy(rows[i].encap, rows[i].scope);
		struct result r = work_out(*state, rows[i].node, UPLINK, policy);

		assert_int_equal(r.list.n, policy == 0 ? 1 : 3);
		assert_int_equal(r.path.kind, rows[i].kind);
		assert_int_equal(r.choice.reason, rows[i].reason);
		assert_int_equal(r.path.nexthop, rows[i].node);
		assert_int_equal(r.path.policy, policy);
		assert_true(policy < HOP_POLICIES);
	}
	assert_int_equal(hop_policy(ENCAP_NONE, ENCAP_CROSS_SUBNET), hop_policy(ENCAP_NONE, 0));
	assert_int_equal(hop_policy(ENCAP_FOLLOW, ENCAP_CROSS_SUBNET), 0);
}

/* Felix: a node whose own prefix is a /32, or is not known, has nobody in its subnet. */
static void test_policy_subnet(void **state)
{
	uint8_t policy = hop_policy(ENCAP_IPIP, ENCAP_CROSS_SUBNET);
	struct resolve_tunnel other = {.address = OURS + 50};
	uint32_t source = 0;
	struct resolve_outside outside = {.route = find_route};
	const struct resolve_outside nobody = {.route = NULL};

	apply(*state, address(OURS, UPLINK, 32));
	assert_false(work_out(*state, NODE, UPLINK, policy).facts.is_same_subnet);
	apply(*state, address(OURS, UPLINK, 24));
	assert_true(work_out(*state, NODE, UPLINK, policy).facts.is_same_subnet);
	resolve_set_tunnel(*state, &other, &outside);
	assert_false(work_out(*state, NODE, UPLINK, policy).facts.is_same_subnet);
	assert_int_equal(work_out(*state, NODE, UPLINK, policy).path.tunnel.src, OURS + 50);
	other.address = 0;
	outside.arg = &source;
	resolve_set_tunnel(*state, &other, &outside);
	assert_int_equal(work_out(*state, NODE, UPLINK, policy).choice.state,
		HOP_NO_TUNNEL_ADDRESS);
	resolve_set_tunnel(*state, &other, &nobody);
	assert_int_equal(work_out(*state, NODE, UPLINK, policy).choice.state, HOP_NO_UNDERLAY);
}

/* The kernel's entry before the list's. */
static void test_policy_vtep_mac(void **state)
{
	uint8_t policy = hop_policy(ENCAP_VXLAN, ENCAP_ALWAYS);
	struct result r = work_out(*state, NODE, UPLINK, policy);

	assert_memory_equal(r.path.tunnel.inner_dst_mac, vtep_mac, 6);
	assert_int_equal(r.path.tunnel.inner_src_mac[5], 1);
	assert_int_equal(r.path.tunnel.udp_src_min, 40000);
	r = work_out(*state, FAR, UPLINK, policy);
	assert_memory_equal(r.path.tunnel.inner_dst_mac, listed_mac, 6);
	apply(*state, fdb(KERNEL_FDB_DEL, 0));
	r = work_out(*state, NODE, UPLINK, policy);
	assert_int_equal(r.choice.state, HOP_NO_VTEP_MAC);
	assert_true(r.list.candidate[0].is_usable); // native could be; the pool does not want it
}

/* A tunnel device decides, whatever the pool says. */
static void test_policy_device_first(void **state)
{
	struct result r = work_out(*state, VTEP, VXLAN, hop_policy(ENCAP_IPIP, ENCAP_ALWAYS));

	assert_int_equal(r.path.kind, WIRE_PATH_VXLAN);
	assert_int_equal(r.choice.reason, CHOICE_DEVICE);
}

static void note_remote(uint32_t addr, void *arg)
{
	*(uint32_t *)arg = addr;
}

static void test_endpoints(void **state)
{
	struct kernel_event event = {.kind = KERNEL_LINK_DEL, .link = {.ifindex = VXLAN}};
	struct wire_endpoint ends[8] = {{0}};
	uint32_t remote = 0;

	// tunl0 has no address of its own: that of the uplink; the policy's are the same two.
	assert_int_equal(resolve_endpoints(*state, false, ends, 8), 2);
	assert_int_equal(ends[0].addr, OURS);
	assert_int_equal(ends[1].addr, OURS);
	assert_int_equal(resolve_endpoints(*state, true, ends, 8), 2);
	apply(*state, event);
	event.link.ifindex = TUNL;
	apply(*state, event);
	assert_int_equal(resolve_endpoints(*state, false, ends, 8), 0);
	memset(ends, 0, sizeof(ends));
	assert_int_equal(resolve_endpoints(*state, true, ends, 8), 2);
	assert_int_equal(ends[0].kind + ends[1].kind, WIRE_TUNNEL_IPIP + WIRE_TUNNEL_VXLAN);
	assert_int_equal(resolve_endpoints(*state, true, ends, 1), 1);
	resolve_each_remote(*state, note_remote, &remote);
	assert_int_equal(remote, NODE);
}

/* Calico's own test data, felix/calc/states_for_test.go. */
static void test_vtep_mac_of_name(void **state)
{
	static const struct {
		const char *name;
		uint8_t mac[6];
	} rows[] = {
		{"remotehostname", {0x66, 0x3e, 0xca, 0xa4, 0xdb, 0x65}},
		{"remotehostname2", {0x66, 0x40, 0x18, 0x59, 0x1f, 0x16}},
		// SHA-1 of "abc" and of 56 bytes, FIPS 180-4 examples: one block, and two.
		{"abc", {0x66, 0xa9, 0x99, 0x3e, 0x36, 0x47}},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			{0x66, 0x84, 0x98, 0x3e, 0x44, 0x1c}},
		{"", {0x66, 0xda, 0x39, 0xa3, 0xee, 0x5e}},
	};
	uint8_t mac[6];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		vtep_mac_of_name(rows[i].name, mac);
		assert_memory_equal(mac, rows[i].mac, 6);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_follow_vxlan),
		TEST(test_follow_vxlan_lacks),
		TEST(test_follow_vxlan_resync),
		TEST(test_follow_ipip),
		TEST(test_policy_choice),
		TEST(test_policy_subnet),
		TEST(test_policy_vtep_mac),
		TEST(test_policy_device_first),
		TEST(test_endpoints),
		cmocka_unit_test(test_vtep_mac_of_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
