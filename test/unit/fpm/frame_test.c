/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames and messages of the FPM stream, sound and broken.
 */
#include "test/unit/fpm/fixture.h"

static void put_one_of_each(void)
{
	static const struct nexthop_grp group[2] = {{.id = 7}, {.id = 8, .weight = 4}};
	struct rtmsg header = route_header(26);
	struct nhmsg nexthop = {.nh_family = AF_INET};

	put_simple_frame(prefix_a);
	begin_frame(&b);
	begin_route(&b, RTM_NEWROUTE, &header, prefix_a);
	begin_nest(&b, RTA_MULTIPATH | NLA_F_NESTED);
	put_path(&b, 0, 2, gateway);
	put_path(&b, 9, 3, gateway);
	end_nest(&b);
	end_message(&b);
	end_frame(&b);
	begin_frame(&b);
	begin_message(&b, RTM_NEWNEXTHOP, 0, &nexthop, sizeof(nexthop));
	put_u32(&b, NHA_ID, 7);
	put_attr(&b, NHA_GATEWAY, gateway, 4);
	put_u32(&b, NHA_OIF, 2);
	end_message(&b);
	nexthop.nh_family = AF_UNSPEC;
	begin_message(&b, RTM_NEWNEXTHOP, 0, &nexthop, sizeof(nexthop));
	put_u32(&b, NHA_ID, 9);
	put_attr(&b, NHA_GROUP, group, sizeof(group));
	end_message(&b);
	begin_message(&b, RTM_DELNEXTHOP, 0, &nexthop, sizeof(nexthop));
	put_u32(&b, NHA_ID, 9);
	end_message(&b);
	end_frame(&b);
	begin_frame(&b);
	put_delete(prefix_a);
	end_frame(&b);
}

static void check_one_of_each(void)
{
	assert_int_equal(n_seen, 6);
	assert_int_equal(seen[0].kind, FPM_ROUTE_SET);
	assert_int_equal(seen[0].route.n_nh, 1);
	assert_int_equal(seen[0].route.nh[0].weight, 1);
	assert_int_equal(seen[0].route.nh[0].ifindex, 2);
	assert_memory_equal(seen[0].route.nh[0].gateway, gateway, 4);
	assert_int_equal(seen[1].route.n_nh, 2);
	assert_int_equal(seen[1].route.nh[1].weight, 10);
	assert_int_equal(seen[1].route.nh[1].ifindex, 3);
	assert_int_equal(seen[2].kind, FPM_NEXTHOP_SET);
	assert_int_equal(seen[2].nexthop.id, 7);
	assert_int_equal(seen[2].nexthop.n_members, 0);
	assert_int_equal(seen[3].nexthop.n_members, 2);
	assert_int_equal(seen[3].nexthop.member[1].id, 8);
	assert_int_equal(seen[3].nexthop.member[1].weight, 5);
	assert_int_equal(seen[4].kind, FPM_NEXTHOP_DEL);
	assert_int_equal(seen[5].kind, FPM_ROUTE_DEL);
	assert_int_equal(counters()->bad_messages, 0);
}

static void test_push_split_at_every_byte(void **state)
{
	(void)state;
	put_one_of_each();
	for (size_t cut = 0; cut <= b.len; cut++) {
		fpm_decoder_reset(decoder);
		n_seen = 0;
		assert_int_equal(push(b.bytes, cut), 0);
		assert_int_equal(push(b.bytes + cut, b.len - cut), 0);
		check_one_of_each();
		assert_int_equal(counters()->frames, 4);
		assert_int_equal(counters()->bytes, b.len);
	}
}

/** Each frame ends early, and says so: nothing may be read behind it, and the next one counts. */
static void test_push_truncated_at_every_byte(void **state)
{
	static struct builder whole;

	(void)state;
	put_one_of_each();
	whole = b;
	for (size_t at = 0; at < whole.len;) {
		size_t len = (size_t)whole.bytes[at + 2] << 8 | whole.bytes[at + 3];

		for (size_t cut = 4; cut < len; cut++) {
			fpm_decoder_reset(decoder);
			n_seen = 0;
			b.len = 0;
			begin_frame(&b);
			put(&b, whole.bytes + at + 4, cut - 4);
			end_frame(&b);
			assert_int_equal(push_all(), 0);
			assert_int_equal(counters()->frames, 1);
			assert_int_equal(counters()->events + counters()->bad_messages,
				counters()->messages);
		}
		at += len;
	}
}

static void test_push_many_messages_in_one_frame(void **state)
{
	(void)state;
	begin_frame(&b);
	for (uint8_t i = 0; i < MAX_EVENTS; i++)
		put_simple_route((const uint8_t[]){10, 0, i, 0});
	end_frame(&b);
	assert_int_equal(push_all(), 0);
	assert_int_equal(n_seen, MAX_EVENTS);
	assert_int_equal(counters()->messages, MAX_EVENTS);
}

static void test_push_length_below_header(void **state)
{
	(void)state;
	for (uint8_t len = 0; len < 4; len++) {
		fpm_decoder_reset(decoder);
		assert_int_equal(push((const uint8_t[]){1, 1, 0, len, 0, 0}, 6), -EPROTO);
		assert_int_equal(push((const uint8_t[]){1, 1, 0, 4}, 4), -EPROTO); // for good
	}
	fpm_decoder_reset(decoder);
	assert_int_equal(push((const uint8_t[]){1, 1, 0, 4}, 4), 0);
}

static void test_push_length_4_is_empty(void **state)
{
	(void)state;
	begin_frame(&b);
	end_frame(&b);
	check_bad(0);
	assert_int_equal(counters()->frames, 2);
}

static void test_push_length_65535(void **state)
{
	static const uint8_t zeros[65531];

	(void)state;
	begin_frame(&b);
	put(&b, zeros, sizeof(zeros));
	end_frame(&b);
	check_bad(1);
	assert_int_equal(counters()->frames, 2);

	// The same once more through the partial frame.
	n_seen = 0;
	assert_int_equal(push(b.bytes, 65534), 0);
	assert_int_equal(push(b.bytes + 65534, b.len - 65534), 0);
	assert_int_equal(n_seen, 1);
}

static void test_push_wrong_version(void **state)
{
	static const uint8_t versions[] = {0, 2, 255};

	(void)state;
	for (size_t i = 0; i < sizeof(versions); i++) {
		fpm_decoder_reset(decoder);
		n_seen = 0;
		b.len = 0;
		put_simple_frame(prefix_a);
		begin_frame(&b);
		end_frame(&b);
		b.bytes[b.frame] = versions[i];
		assert_int_equal(push_all(), -EPROTO);
		assert_int_equal(n_seen, 1); // what came before it counts
	}
}

static void test_push_other_type_is_skipped(void **state)
{
	static const uint8_t types[] = {0, 2, 3, 255}; // 2 is protobuf

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++) {
		begin_frame(&b);
		put(&b, "odd", 3); // lengths of protobuf are not aligned
		end_frame(&b);
		b.bytes[b.frame + 1] = types[i];
	}
	check_bad(0);
	assert_int_equal(counters()->skipped_frames, sizeof(types));
}

/* Messages in a frame */

static void test_message_length_over_frame(void **state)
{
	(void)state;
	begin_open_route(26);
	put_attr(&b, RTA_GATEWAY, gateway, 4);
	set_nlmsg_len(&b, (uint32_t)(b.len - b.message) + 1);
	end_frame(&b);
	check_bad(1);
}

static void test_message_length_below_header(void **state)
{
	(void)state;
	for (uint32_t len = 0; len < sizeof(struct nlmsghdr); len++) {
		fpm_decoder_reset(decoder);
		n_seen = 0;
		b.len = 0;
		begin_open_route(26);
		set_nlmsg_len(&b, len);
		end_frame(&b);
		check_bad(1);
	}
}

static void test_message_shorter_than_its_struct(void **state)
{
	static const uint16_t types[] = {RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWNEXTHOP,
		RTM_DELNEXTHOP};

	(void)state;
	begin_frame(&b);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		begin_message(&b, types[i], 0, "1234", 4);
		end_message(&b);
	}
	end_frame(&b);
	check_bad(4);
}

/* A change is one event */

static void test_change_in_one_frame_is_one_set(void **state)
{
	(void)state;
	begin_frame(&b);
	put_delete(prefix_a);
	put_simple_route(prefix_a);
	end_frame(&b);
	assert_int_equal(push_all(), 0);
	assert_int_equal(n_seen, 1);
	assert_int_equal(seen[0].kind, FPM_ROUTE_SET);
}

static void test_change_of_other_prefix_keeps_delete(void **state)
{
	(void)state;
	begin_frame(&b);
	put_delete(prefix_a);
	put_simple_route(prefix_b);
	put_delete(prefix_b);
	end_frame(&b);
	put_simple_frame(prefix_b); // another frame: the delete counts
	assert_int_equal(push_all(), 0);
	assert_int_equal(n_seen, 4);
	assert_int_equal(seen[0].kind, FPM_ROUTE_DEL);
	assert_memory_equal(seen[0].route.prefix.addr, prefix_a, 4);
	assert_int_equal(seen[1].kind, FPM_ROUTE_SET);
	assert_int_equal(seen[2].kind, FPM_ROUTE_DEL);
	assert_int_equal(seen[3].kind, FPM_ROUTE_SET);
}

static void test_change_to_broken_route_is_delete(void **state)
{
	struct rtmsg header = route_header(26);

	(void)state;
	begin_frame(&b);
	put_delete(prefix_a);
	begin_route(&b, RTM_NEWROUTE, &header, prefix_a);
	end_message(&b);
	end_frame(&b);
	assert_int_equal(push_all(), 0);
	assert_int_equal(n_seen, 1);
	assert_int_equal(seen[0].kind, FPM_ROUTE_DEL);
	assert_int_equal(counters()->bad_messages, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_push_split_at_every_byte),
		TEST(test_push_truncated_at_every_byte),
		TEST(test_push_many_messages_in_one_frame),
		TEST(test_push_length_below_header),
		TEST(test_push_length_4_is_empty),
		TEST(test_push_length_65535),
		TEST(test_push_wrong_version),
		TEST(test_push_other_type_is_skipped),
		TEST(test_message_length_over_frame),
		TEST(test_message_length_below_header),
		TEST(test_message_shorter_than_its_struct),
		TEST(test_change_in_one_frame_is_one_set),
		TEST(test_change_of_other_prefix_keeps_delete),
		TEST(test_change_to_broken_route_is_delete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
