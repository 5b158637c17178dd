/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel of a namespace of our own is asked how it reaches nodes. */
#include "control/underlay.h"

#include "test/unit/dataplane/steer/namespaces.h"

#include <event2/event.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define OURS   0xc6336402u /* 198.51.100.2/24 on eth0 */
#define ROUTER 0xc6336401u
#define NEAR   0xc6336407u
#define FAR    0x0a14000bu /* 10.20.0.11 */

static struct event_base *base;
static struct underlay *underlay;
static unsigned n_changes;

static void on_changed(void *arg)
{
	(void)arg;
	n_changes++;
}

/* Have a command change something, and take what the kernel says of it. */
static void change(const char *command)
{
	assert_int_equal(run_in(-1, "%s", command), 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void expect(uint32_t node, uint32_t nexthop, const char *interface, uint32_t source)
{
	struct underlay_route route;

	assert_true(underlay_find(underlay, node, &route));
	assert_int_equal(route.key.nexthop, nexthop);
	assert_int_equal(route.key.ifindex, if_nametoindex(interface));
	assert_int_equal(route.source, source);
}

static void expect_none(uint32_t node)
{
	struct underlay_route route;

	assert_false(underlay_find(underlay, node, &route));
}

static int setup(void **state)
{
	(void)state;
	n_changes = 0;
	base = event_base_new();
	return underlay_new(base, on_changed, NULL, &underlay);
}

static int teardown(void **state)
{
	(void)state;
	underlay_free(underlay);
	event_base_free(base);
	return 0;
}

static void test_find_link_and_router(void **state)
{
	(void)state;
	expect(NEAR, NEAR, "eth0", OURS);
	expect(FAR, ROUTER, "eth0", OURS);
	expect_none(OURS);
}

static void test_find_no_way(void **state)
{
	(void)state;
	change("ip route add blackhole 10.20.0.0/24");
	expect_none(FAR);
	change("ip route del blackhole 10.20.0.0/24");
	expect_none(FAR); // remembered
	underlay_forget(underlay);
	expect(FAR, ROUTER, "eth0", OURS);
}

/* Nodes' subnets lead into a device that nobody listens at, so that zebra keeps the BGP next hop; what the
 * host sends to them itself has a table of its own. */
static void test_find_in_a_table_of_its_own(void **state)
{
	(void)state;
	change("ip link add nodes0 type veth peer name nodes1 && ip link set nodes1 up && "
	       "ip link set nodes0 up && ip route add 10.20.0.0/24 dev nodes0");
	expect(FAR, FAR, "nodes0", OURS);
	assert_int_equal(n_changes, 0); // zebra tells of the main table

	change("ip route add 10.20.0.0/24 via 198.51.100.1 table 200");
	assert_int_equal(n_changes, 1);
	expect(FAR, FAR, "nodes0", OURS);
	change("ip rule add to 10.20.0.0/24 lookup 200");
	assert_int_equal(n_changes, 2);
	expect(FAR, ROUTER, "eth0", OURS);

	change("ip route change 10.20.0.0/24 via 198.51.100.9 src 198.51.100.2 table 200");
	expect(FAR, 0xc6336409u, "eth0", OURS);
	change("ip rule del to 10.20.0.0/24 lookup 200 && ip link del nodes0");
}

/* A million routes of zebra's would drown what matters. */
static void test_changed_not_by_the_main_table(void **state)
{
	(void)state;
	change("for i in $(seq 1 200); do echo route add 10.30.$i.0/24 via 198.51.100.1; done | "
	       "ip -batch - && ip route flush via 198.51.100.1 root 10.30.0.0/16");
	assert_int_equal(n_changes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_find_link_and_router, setup, teardown),
		cmocka_unit_test_setup_teardown(test_find_no_way, setup, teardown),
		cmocka_unit_test_setup_teardown(test_find_in_a_table_of_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changed_not_by_the_main_table, setup,
			teardown),
	};
	int rc = node_enter();

	return rc != 0 ? rc : cmocka_run_group_tests(tests, NULL, NULL);
}
