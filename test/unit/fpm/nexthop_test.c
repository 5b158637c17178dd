/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Next-hop messages of the FPM stream, sound and broken.
 */
#include "test/unit/fpm/fixture.h"

static void begin_nexthop(uint8_t family, uint32_t id)
{
	struct nhmsg header = {.nh_family = family};

	begin_message(&b, RTM_NEWNEXTHOP, NLM_F_CREATE, &header, sizeof(header));
	put_u32(&b, NHA_ID, id);
}

static void test_nexthop_broken(void **state)
{
	static const struct nexthop_grp member_0 = {.id = 0}, member_1 = {.id = 1};
	struct nhmsg header = {.nh_family = AF_INET};

	(void)state;
	begin_frame(&b);
	begin_nexthop(AF_INET, 0); // id 0
	put_attr(&b, NHA_GATEWAY, gateway, 4);
	end_message(&b);
	begin_message(&b, RTM_NEWNEXTHOP, 0, &header, sizeof(header)); // no id
	put_attr(&b, NHA_GATEWAY, gateway, 4);
	end_message(&b);
	begin_nexthop(AF_INET, 1); // leads nowhere
	end_message(&b);
	begin_nexthop(AF_UNSPEC, 1); // a gateway of no family
	put_attr(&b, NHA_GATEWAY, gateway, 4);
	end_message(&b);
	begin_nexthop(AF_INET6, 1); // too short for its family
	put_attr(&b, NHA_GATEWAY, gateway, 4);
	end_message(&b);
	begin_nexthop(AF_UNSPEC, 2); // empty group
	put_attr(&b, NHA_GROUP, NULL, 0);
	end_message(&b);
	begin_nexthop(AF_UNSPEC, 2); // a member and a half
	put_attr(&b, NHA_GROUP, (const struct nexthop_grp[]){member_1, member_1}, 12);
	end_message(&b);
	begin_nexthop(AF_UNSPEC, 2); // member 0
	put_attr(&b, NHA_GROUP, &member_0, sizeof(member_0));
	end_message(&b);
	begin_message(&b, RTM_DELNEXTHOP, 0, &header, sizeof(header)); // delete of nothing
	end_message(&b);
	end_frame(&b);
	check_bad(9);
}

static void test_nexthop_16_bit_weight(void **state)
{
	static const uint8_t group[16] = {1, 0, 0, 0, 0xff, 0xff, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0};

	(void)state;
	begin_frame(&b);
	begin_nexthop(AF_UNSPEC, 3);
	put_attr(&b, NHA_GROUP, group, sizeof(group));
	end_message(&b);
	end_frame(&b);
	assert_int_equal(push_all(), 0);
	assert_int_equal(n_seen, 1);
	assert_int_equal(seen[0].nexthop.member[0].weight, 65536);
	assert_int_equal(seen[0].nexthop.member[1].weight, 257);
}

static void test_nexthop_blackhole(void **state)
{
	(void)state;
	begin_frame(&b);
	begin_nexthop(AF_INET, 3);
	put_attr(&b, NHA_BLACKHOLE, NULL, 0);
	end_message(&b);
	end_frame(&b);
	assert_int_equal(push_all(), 0);
	assert_int_equal(n_seen, 1);
	assert_true(seen[0].nexthop.is_blackhole);
}

static void test_nexthop_of_bridge_is_skipped(void **state)
{
	(void)state;
	begin_frame(&b);
	begin_nexthop(AF_INET, 3);
	put_attr(&b, NHA_GATEWAY, gateway, 4);
	put_attr(&b, NHA_FDB, NULL, 0);
	end_message(&b);
	begin_message(&b, RTM_NEWNEIGH, 0, "", 0);
	end_message(&b);
	begin_message(&b, NLMSG_DONE, 0, "", 0);
	end_message(&b);
	end_frame(&b);
	check_bad(0);
	assert_int_equal(counters()->skipped_messages, 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_nexthop_broken),
		TEST(test_nexthop_16_bit_weight),
		TEST(test_nexthop_blackhole),
		TEST(test_nexthop_of_bridge_is_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
