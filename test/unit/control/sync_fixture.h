/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of sync share: one sync and its fake dataplane, and wishes in one line each.
 */
#ifndef PODLANE_TEST_UNIT_CONTROL_SYNC_FIXTURE_H
#define PODLANE_TEST_UNIT_CONTROL_SYNC_FIXTURE_H

#include "control/step/sync.h"
#include "test/unit/control/fake_dataplane.h"
#include "test/unit/support.h"

#define NET(i) (0x0af40000u + ((uint32_t)(i) << 8))
#define GW(i)  (0xc0a80100u + (uint32_t)(i))

static struct fake fake;
static struct sync *sync_;

static inline int setup(void **state)
{
	(void)state;
	fake_open(&fake);
	sync_ = sync_new(fake_send, &fake);
	return sync_ == NULL;
}

static inline int teardown(void **state)
{
	(void)state;
	sync_free(sync_);
	fake_close(&fake);
	return 0;
}

/* What the pipeline does with a hop that has become resolved. */
static inline void resolve_hop_to(uint32_t nexthop, uint8_t last_of_mac)
{
	struct hop *hop = sync_take_hop(sync_, (struct hop_key){.nexthop = nexthop, .ifindex = 2});

	hop->wanted = (struct wire_path){.nexthop = nexthop,
		.ifindex = 2,
		.kind = WIRE_PATH_NATIVE,
		.mtu = 1500,
		.dst_mac = {2, 0, 0, 0, 0, last_of_mac}};
	sync_hop_changed(sync_, hop);
}

/* One gateway, or two if @b is not 0. */
static inline struct route_target via(uint32_t a, uint32_t b)
{
	struct route_target target = {.n = b == 0 ? 1 : 2};

	target.member[0] = (struct target_member){{a, 2}, 1};
	target.member[1] = (struct target_member){{b, 2}, 1};
	return target;
}

static inline void want(uint32_t prefix, uint8_t depth, struct route_target target)
{
	for (uint32_t i = 0; i < target.n; i++)
		if (sync_find_hop(sync_, target.member[i].key) == NULL)
			resolve_hop_to(target.member[i].key.nexthop, 1);
	assert_int_equal(sync_want_route(sync_, prefix, depth, &target, 0), 0);
}

static inline void want_fixed(uint32_t prefix, uint8_t depth, uint32_t nh)
{
	want(prefix, depth, (struct route_target){.fixed = nh});
}

static inline uint32_t n_of(enum wire_type type)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < fake.n_log; i++)
		n += fake.log[i] == type;
	return n;
}

static inline enum sync_state state_of(uint32_t prefix, uint8_t depth)
{
	struct sync_route_view view;

	assert_true(sync_view_route(sync_, prefix, depth, &view));
	return view.state;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
