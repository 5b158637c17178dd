/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Route messages of the FPM stream, sound and broken.
 */
#include "test/unit/fpm/fixture.h"

static void test_attribute_bad_length(void **state)
{
	static const uint16_t lengths[] = {0, 1, 2, 3, 9, 65535};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		fpm_decoder_reset(decoder);
		n_seen = 0;
		b.len = 0;
		begin_open_route(26);
		begin_nest(&b, RTA_GATEWAY);
		put(&b, gateway, 4);
		memcpy(b.bytes + b.nest, &lengths[i], sizeof(lengths[i]));
		check_open_message_is_bad();
	}
}

static void test_attribute_wrong_size(void **state)
{
	static const uint16_t types[] = {RTA_DST, RTA_GATEWAY, RTA_OIF, RTA_TABLE, RTA_NH_ID,
		RTA_MULTIPATH, RTA_VIA};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		for (size_t len = 0; len <= 5; len++) {
			if (len == 4 && types[i] != RTA_MULTIPATH && types[i] != RTA_VIA)
				continue;
			fpm_decoder_reset(decoder);
			n_seen = 0;
			b.len = 0;
			begin_open_route(26);
			put_attr(&b, types[i], "\0\0\0\0\0", len);
			check_open_message_is_bad();
		}
	}
}

static void test_attribute_unknown_is_ignored(void **state)
{
	(void)state;
	begin_open_route(26);
	put_attr(&b, 999, "odd", 3);
	put_attr(&b, 1000 | NLA_F_NESTED, NULL, 0);
	put_attr(&b, RTA_GATEWAY, gateway, 4);
	put_attr(&b, 1001, "odd", 3);
	b.len -= 1; // the last filling may be missing
	end_message(&b);
	end_frame(&b);
	assert_int_equal(push_all(), 0);
	assert_int_equal(n_seen, 1);
	assert_int_equal(seen[0].route.n_nh, 1);
}

static void test_multipath_bad_inner_length(void **state)
{
	static const uint16_t lengths[] = {0, 1, 7, 9, 17, 65535};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t path;

		fpm_decoder_reset(decoder);
		n_seen = 0;
		b.len = 0;
		begin_open_route(26);
		begin_nest(&b, RTA_MULTIPATH);
		path = b.len;
		put_path(&b, 0, 2, gateway);
		memcpy(b.bytes + path, &lengths[i], sizeof(lengths[i]));
		end_nest(&b);
		check_open_message_is_bad();
	}
}

static void test_route_prefix_length_too_long(void **state)
{
	static const struct {
		uint8_t family, len;
	} rows[] = {{AF_INET, 33}, {AF_INET, 129}, {AF_INET, 255}, {AF_INET6, 129},
		{AF_INET6, 255}};
	static const uint8_t addr[16] = {0x20, 1};

	(void)state;
	begin_frame(&b);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rtmsg header = route_header(rows[i].len);

		header.rtm_family = rows[i].family;
		begin_message(&b, RTM_NEWROUTE, 0, &header, sizeof(header));
		put_attr(&b, RTA_DST, addr, rows[i].family == AF_INET ? 4 : 16);
		put_u32(&b, RTA_OIF, 2);
		end_message(&b);
	}
	end_frame(&b);
	check_bad(5);
}

static void test_route_bits_below_prefix_are_cut(void **state)
{
	(void)state;
	begin_frame(&b);
	for (uint8_t len = 23; len <= 25; len++) {
		struct rtmsg header = route_header(len);

		begin_route(&b, RTM_NEWROUTE, &header, (const uint8_t[]){10, 255, 255, 255});
		put_u32(&b, RTA_OIF, 2);
		end_message(&b);
	}
	end_frame(&b);
	assert_int_equal(push_all(), 0);
	assert_int_equal(n_seen, 3);
	assert_memory_equal(seen[0].route.prefix.addr, ((const uint8_t[]){10, 255, 254, 0}), 4);
	assert_memory_equal(seen[1].route.prefix.addr, ((const uint8_t[]){10, 255, 255, 0}), 4);
	assert_memory_equal(seen[2].route.prefix.addr, ((const uint8_t[]){10, 255, 255, 128}), 4);
}

static void test_route_default_with_and_without_dst(void **state)
{
	struct rtmsg header = route_header(0);

	(void)state;
	begin_frame(&b);
	begin_route(&b, RTM_NEWROUTE, &header, (const uint8_t[]){0, 0, 0, 0});
	put_attr(&b, RTA_GATEWAY, gateway, 4);
	end_message(&b);
	begin_message(&b, RTM_NEWROUTE, 0, &header, sizeof(header));
	put_attr(&b, RTA_GATEWAY, gateway, 4);
	end_message(&b);
	end_frame(&b);
	assert_int_equal(push_all(), 0);
	assert_int_equal(n_seen, 2);
	assert_memory_equal(&seen[0].route.prefix, &seen[1].route.prefix,
		sizeof(struct fpm_prefix));
}

static void test_route_without_dst_or_next_hop(void **state)
{
	struct rtmsg header = route_header(26);

	(void)state;
	begin_frame(&b);
	begin_message(&b, RTM_NEWROUTE, 0, &header, sizeof(header));
	put_u32(&b, RTA_OIF, 2);
	end_message(&b);
	begin_route(&b, RTM_NEWROUTE, &header, prefix_a);
	end_message(&b);
	end_frame(&b);
	check_bad(2);
}

static void put_wide_route(size_t n_paths)
{
	begin_open_route(26);
	begin_nest(&b, RTA_MULTIPATH | NLA_F_NESTED);
	for (size_t i = 0; i < n_paths; i++)
		put_path(&b, 0, 2, (const uint8_t[]){10, 0, (uint8_t)(i >> 8), (uint8_t)i});
	end_nest(&b);
	end_message(&b);
	end_frame(&b);
}

static void test_route_512_way(void **state)
{
	(void)state;
	put_wide_route(FPM_MAX_NH);
	assert_int_equal(push_all(), 0);
	assert_int_equal(seen[0].route.n_nh, FPM_MAX_NH);
	assert_int_equal(counters()->cut_short, 0);

	b.len = 0;
	put_wide_route(512);
	assert_int_equal(push_all(), 0);
	assert_int_equal(n_seen, 2);
	assert_int_equal(seen[1].route.n_nh, FPM_MAX_NH);
	assert_memory_equal(seen[1].route.nh[255].gateway, ((const uint8_t[]){10, 0, 0, 255}), 4);
	assert_int_equal(counters()->cut_short, 1);
}

static void test_route_replace_flag_does_not_matter(void **state)
{
	struct rtmsg header = route_header(26);

	(void)state;
	begin_frame(&b);
	for (int i = 0; i < 2; i++) {
		begin_message(&b, RTM_NEWROUTE,
			i == 0 ? NLM_F_CREATE : NLM_F_CREATE | NLM_F_REPLACE, &header,
			sizeof(header));
		put_attr(&b, RTA_DST, prefix_a, 4);
		begin_nest(&b, RTA_MULTIPATH);
		put_path(&b, 9, 2, gateway);
		end_nest(&b);
		end_message(&b);
	}
	end_frame(&b);
	assert_int_equal(push_all(), 0);
	assert_int_equal(n_seen, 2);
	assert_int_equal(seen[0].kind, FPM_ROUTE_SET);
	assert_int_equal(seen[1].kind, FPM_ROUTE_SET);
	assert_int_equal(seen[0].route.nh[0].weight, seen[1].route.nh[0].weight);
}

static void test_route_table_ids(void **state)
{
	static const struct {
		uint8_t in_header;
		uint32_t in_attr, expected;
	} rows[] = {{254, 0, 254}, {100, 0, 100}, {0, 1000, 1000}, {252, 256, 256}, {254, 254, 254},
		{0, UINT32_MAX, UINT32_MAX}};

	(void)state;
	begin_frame(&b);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rtmsg header = route_header(26);

		header.rtm_table = rows[i].in_header;
		begin_route(&b, RTM_NEWROUTE, &header, prefix_a);
		put_u32(&b, RTA_OIF, 2);
		if (rows[i].in_attr != 0)
			put_u32(&b, RTA_TABLE, rows[i].in_attr);
		end_message(&b);
	}
	end_frame(&b);
	assert_int_equal(push_all(), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(seen[i].route.prefix.table, rows[i].expected);
}

static void test_route_types(void **state)
{
	static const struct {
		uint8_t type;
		bool is_ours;
	} rows[] = {{RTN_BLACKHOLE, true}, {RTN_UNREACHABLE, true}, {RTN_PROHIBIT, true},
		{RTN_UNSPEC, false}, {RTN_LOCAL, false}, {RTN_BROADCAST, false},
		{RTN_ANYCAST, false}, {RTN_MULTICAST, false}, {RTN_THROW, false}, {RTN_NAT, false},
		{99, false}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rtmsg header = route_header(26);

		header.rtm_type = rows[i].type;
		b.len = 0;
		n_seen = 0;
		begin_frame(&b);
		begin_route(&b, RTM_NEWROUTE, &header, prefix_a);
		put_u32(&b, RTA_NH_ID, 5); // zebra does not, but the type decides
		end_message(&b);
		end_frame(&b);
		assert_int_equal(push_all(), 0);
		assert_int_equal(n_seen, rows[i].is_ours);
		if (!rows[i].is_ours)
			continue;
		assert_int_equal(seen[0].route.type, rows[i].type);
		assert_int_equal(seen[0].route.n_nh, 0);
		assert_int_equal(seen[0].route.nh_id, 0);
	}
	assert_int_equal(counters()->skipped_messages, 8);
}

static void test_route_ip4_via_ip6(void **state)
{
	static const struct {
		uint16_t family;
		uint8_t addr[16];
	} via = {AF_INET6, {0xfe, 0x80, [15] = 1}};

	(void)state;
	begin_open_route(26);
	put_attr(&b, RTA_VIA, &via, sizeof(via));
	put_u32(&b, RTA_OIF, 2);
	end_message(&b);
	end_frame(&b);
	assert_int_equal(push_all(), 0);
	assert_int_equal(n_seen, 1);
	assert_int_equal(seen[0].route.prefix.family, AF_INET);
	assert_int_equal(seen[0].route.nh[0].family, AF_INET6);
	assert_memory_equal(seen[0].route.nh[0].gateway, via.addr, 16);
}

static void test_route_via_unknown_family(void **state)
{
	static const struct {
		uint16_t family;
		uint8_t addr[16];
	} via = {AF_INET6 + 256, {0xfe, 0x80, [15] = 1}};

	(void)state;
	begin_open_route(26);
	put_attr(&b, RTA_VIA, &via, sizeof(via));
	put_u32(&b, RTA_OIF, 2);
	check_open_message_is_bad();
}

/** A kernel route's delete names its next hop too (FRR 19637). */
static void test_route_delete_of_kernel_route(void **state)
{
	struct rtmsg header = route_header(26);

	(void)state;
	header.rtm_protocol = RTPROT_KERNEL;
	begin_frame(&b);
	begin_route(&b, RTM_DELROUTE, &header, prefix_a);
	put_attr(&b, RTA_GATEWAY, gateway, 4);
	put_u32(&b, RTA_OIF, 2);
	end_message(&b);
	end_frame(&b);
	assert_int_equal(push_all(), 0);
	assert_int_equal(n_seen, 1);
	assert_int_equal(seen[0].kind, FPM_ROUTE_DEL);
	assert_memory_equal(seen[0].route.prefix.addr, prefix_a, 4);
}

static void test_route_multicast_leaves_unicast(void **state)
{
	struct rtmsg header = route_header(26);

	(void)state;
	begin_frame(&b);
	header.rtm_type = RTN_MULTICAST;
	begin_route(&b, RTM_DELROUTE, &header, prefix_a);
	end_message(&b);
	header.rtm_type = RTN_UNSPEC;
	header.rtm_family = RTNL_FAMILY_IPMR;
	begin_route(&b, RTM_DELROUTE, &header, prefix_a);
	end_message(&b);
	header.rtm_family = AF_INET;
	header.rtm_src_len = 32;
	begin_route(&b, RTM_DELROUTE, &header, prefix_a);
	end_message(&b);
	end_frame(&b);
	assert_int_equal(push_all(), 0);
	assert_int_equal(n_seen, 0);
	assert_int_equal(counters()->skipped_messages, 3);
}

static void test_route_with_labels_is_gone(void **state)
{
	(void)state;
	begin_open_route(26);
	put_attr(&b, RTA_GATEWAY, gateway, 4);
	put_attr(&b, RTA_ENCAP | NLA_F_NESTED, NULL, 0);
	end_message(&b);
	end_frame(&b);
	assert_int_equal(push_all(), 0);
	assert_int_equal(n_seen, 1);
	assert_int_equal(seen[0].kind, FPM_ROUTE_DEL);
}

static void test_route_onlink(void **state)
{
	struct rtmsg header = route_header(26);

	(void)state;
	header.rtm_flags = RTNH_F_ONLINK;
	begin_frame(&b);
	begin_route(&b, RTM_NEWROUTE, &header, prefix_a);
	put_attr(&b, RTA_GATEWAY, gateway, 4);
	put_u32(&b, RTA_OIF, 2);
	end_message(&b);
	end_frame(&b);
	assert_int_equal(push_all(), 0);
	assert_true(seen[0].route.nh[0].is_onlink);
}

/** zebra_fpm sends the weight, dplane_fpm_nl the weight less one. */
static void test_route_weight_of_either_module(void **state)
{
	static const struct {
		uint8_t protocol, hops;
		uint16_t flags;
		uint32_t expected;
	} rows[] = {
		{RTPROT_BGP, 0, NLM_F_REPLACE, 1},
		{RTPROT_BGP, 255, NLM_F_REPLACE, 256},
		{RTPROT_BGP, 1, 0, 2}, // IPv6 comes without the flag
		{RTPROT_ZEBRA, 1, NLM_F_REPLACE, 2},
		{RTPROT_ZEBRA, 1, 0, 1},
		{RTPROT_ZEBRA, 0, 0, 1},
		{RTPROT_ZEBRA, 255, 0, 255},
	};

	(void)state;
	begin_frame(&b);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rtmsg header = route_header(26);

		header.rtm_protocol = rows[i].protocol;
		begin_message(&b, RTM_NEWROUTE, rows[i].flags, &header, sizeof(header));
		put_attr(&b, RTA_DST, prefix_a, 4);
		begin_nest(&b, RTA_MULTIPATH | NLA_F_NESTED);
		put_path(&b, rows[i].hops, 2, gateway);
		end_nest(&b);
		end_message(&b);
	}
	end_frame(&b);
	assert_int_equal(push_all(), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(seen[i].route.nh[0].weight, rows[i].expected);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_attribute_bad_length),
		TEST(test_attribute_wrong_size),
		TEST(test_attribute_unknown_is_ignored),
		TEST(test_multipath_bad_inner_length),
		TEST(test_route_prefix_length_too_long),
		TEST(test_route_bits_below_prefix_are_cut),
		TEST(test_route_default_with_and_without_dst),
		TEST(test_route_without_dst_or_next_hop),
		TEST(test_route_512_way),
		TEST(test_route_replace_flag_does_not_matter),
		TEST(test_route_table_ids),
		TEST(test_route_types),
		TEST(test_route_ip4_via_ip6),
		TEST(test_route_via_unknown_family),
		TEST(test_route_delete_of_kernel_route),
		TEST(test_route_multicast_leaves_unicast),
		TEST(test_route_with_labels_is_gone),
		TEST(test_route_onlink),
		TEST(test_route_weight_of_either_module),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
