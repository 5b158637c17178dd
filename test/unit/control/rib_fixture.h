/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of the RIB share: events in one line each, and what the last drain reported.
 */
#ifndef PODLANE_TEST_UNIT_CONTROL_RIB_FIXTURE_H
#define PODLANE_TEST_UNIT_CONTROL_RIB_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "control/step/rib.h"

enum { MAX_CHANGES = 64 };

static struct rib *rib;
static struct {
	struct fpm_prefix prefix;
	const struct rib_nexthops *nexthops; /**< NULL: gone */
} changes[MAX_CHANGES];
static size_t n_changes;

static inline void note_change(const struct fpm_prefix *prefix, const struct rib_route *route,
	void *arg)
{
	(void)arg;
	assert_true(n_changes < MAX_CHANGES);
	assert_true(route == NULL || route->nexthops != NULL);
	changes[n_changes].prefix = *prefix;
	changes[n_changes++].nexthops = route != NULL ? route->nexthops : NULL;
}

static inline size_t drain(void)
{
	n_changes = 0;
	rib_drain(rib, note_change, NULL);
	return n_changes;
}

static inline int set_up(void **state)
{
	(void)state;
	rib = rib_new();
	return rib == NULL;
}

static inline int tear_down(void **state)
{
	(void)state;
	rib_free(rib);
	return 0;
}

static inline struct fpm_prefix prefix_of(uint32_t addr, uint8_t len)
{
	struct fpm_prefix prefix = {.table = FPM_MAIN_TABLE, .family = AF_INET, .len = len};
	uint32_t addr_be = htonl(addr);

	memcpy(prefix.addr, &addr_be, sizeof(addr_be));
	return prefix;
}

static const struct fpm_prefix *prefix(uint8_t i)
{
	static struct fpm_prefix p;

	p = prefix_of(0x0a000000u | (uint32_t)i << 8, 24);
	return &p;
}

/** Next hop 192.168.1.@last with a weight. */
static inline struct fpm_nh nh(uint8_t last, uint32_t weight)
{
	return (struct fpm_nh){.gateway = {192, 168, 1, last},
		.family = AF_INET,
		.weight = weight,
		.ifindex = 2};
}

static struct fpm_event event;

static inline void apply(void)
{
	assert_int_equal(rib_apply(rib, &event), 0);
}

static inline void set_route(uint8_t i, const struct fpm_nh *nhs, uint32_t n)
{
	event.kind = FPM_ROUTE_SET;
	event.route.prefix = *prefix(i);
	event.route.type = RTN_UNICAST;
	event.route.protocol = RTPROT_BGP;
	event.route.nh_id = 0;
	event.route.n_nh = n;
	memcpy(event.route.nh, nhs, n * sizeof(*nhs));
	apply();
}

static inline void set_route_via(uint8_t i, uint8_t last)
{
	struct fpm_nh one = nh(last, 1);

	set_route(i, &one, 1);
}

static inline void set_route_by_id(uint8_t i, uint32_t id)
{
	event.kind = FPM_ROUTE_SET;
	event.route.prefix = *prefix(i);
	event.route.type = RTN_UNICAST;
	event.route.protocol = RTPROT_BGP;
	event.route.nh_id = id;
	event.route.n_nh = 0;
	apply();
}

static inline void delete_route(uint8_t i)
{
	event.kind = FPM_ROUTE_DEL;
	event.route.prefix = *prefix(i);
	apply();
}

static inline void set_nexthop(uint32_t id, uint8_t last)
{
	event.kind = FPM_NEXTHOP_SET;
	event.nexthop.id = id;
	event.nexthop.is_blackhole = last == 0;
	event.nexthop.n_members = 0;
	event.nexthop.nh = nh(last, 1);
	apply();
}

static inline void set_group(uint32_t id, const struct fpm_nexthop_member *members, uint32_t n)
{
	event.kind = FPM_NEXTHOP_SET;
	event.nexthop.id = id;
	event.nexthop.is_blackhole = false;
	event.nexthop.n_members = n;
	memcpy(event.nexthop.member, members, n * sizeof(*members));
	apply();
}

static inline void set_pair(uint32_t id, uint32_t first, uint32_t second)
{
	set_group(id, (const struct fpm_nexthop_member[]){{first, 1}, {second, 1}}, 2);
}

static inline void delete_nexthop(uint32_t id)
{
	event.kind = FPM_NEXTHOP_DEL;
	event.nexthop.id = id;
	apply();
}

static const struct rib_route *route(uint8_t i)
{
	return rib_find(rib, prefix(i));
}

/** Is the route there with exactly this next hop? */
static inline bool is_via(uint8_t i, uint8_t last)
{
	const struct rib_nexthops *nexthops = route(i) != NULL ? route(i)->nexthops : NULL;

	return nexthops != NULL && nexthops->n == 1 && nexthops->nh[0].gateway[3] == last;
}

static inline void check_weights(uint8_t i, const uint32_t *weights, uint32_t n)
{
	assert_non_null(route(i)->nexthops);
	assert_int_equal(route(i)->nexthops->n, n);
	for (uint32_t j = 0; j < n; j++)
		assert_int_equal(route(i)->nexthops->nh[j].weight, weights[j]);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
