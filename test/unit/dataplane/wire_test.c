/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/unit/support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/api/wire.h"

static void test_wire_round_trip_every_type(void **state)
{
	static _Alignas(64) uint8_t buf[WIRE_MSG_BYTES], items[WIRE_MSG_BYTES];
	const struct wire_hdr *hdr;
	const void *out;

	(void)state;
	memset(items, 0xa5, sizeof(items));
	for (int type = WIRE_HELLO; type < WIRE_N_TYPES; type++) {
		size_t n = wire_max_items(type);
		size_t len = wire_build(buf, type, 7, items, n);

		assert_int_equal(len, sizeof(*hdr) + n * wire_item_bytes(type));
		assert_int_equal(wire_parse(buf, len, &hdr, &out), 0);
		assert_int_equal(hdr->seq, 7);
		assert_int_equal(hdr->n_items, n);
		if (n > 0)
			assert_memory_equal(out, items, n * wire_item_bytes(type));
		assert_int_equal(wire_build(buf, type, 7, items, n + 1), 0);
	}
}

/* Cut at every byte, and one too long: refused, and nothing behind the end is read. */
static void test_wire_parse_every_cut(void **state)
{
	struct wire_route routes[3] = {{.prefix = 1, .nh = 2, .depth = 32}};
	static _Alignas(64) uint8_t buf[WIRE_MSG_BYTES];
	size_t len = wire_build(buf, WIRE_ROUTE_SET, 1, routes, 3);
	const struct wire_hdr *hdr;
	const void *items;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		void *copy = malloc(cut + 1);

		memcpy(copy, buf, cut);
		assert_int_equal(wire_parse(copy, cut, &hdr, &items), -EBADMSG);
		free(copy);
	}
	assert_int_equal(wire_parse(buf, len + 1, &hdr, &items), -EBADMSG);
}

static void test_wire_parse_refuses(void **state)
{
	struct wire_hdr good = {.version = WIRE_VERSION, .type = WIRE_DUMP};
	const struct wire_hdr *hdr;
	struct wire_hdr bad;
	const void *items;

	(void)state;
	assert_int_equal(wire_parse(&good, sizeof(good), &hdr, &items), 0);
	assert_null(items);
	bad = good;
	bad.version++;
	assert_int_equal(wire_parse(&bad, sizeof(bad), &hdr, &items), -EPROTO);
	bad = good;
	bad.type = 0;
	assert_int_equal(wire_parse(&bad, sizeof(bad), &hdr, &items), -EBADMSG);
	bad.type = WIRE_N_TYPES;
	assert_int_equal(wire_parse(&bad, sizeof(bad), &hdr, &items), -EBADMSG);
	bad = good;
	bad.n_items = 1; // DUMP has none
	assert_int_equal(wire_parse(&bad, sizeof(bad), &hdr, &items), -EBADMSG);
	bad.type = WIRE_ROUTE_SET;
	bad.n_items = UINT32_MAX; // times 12 wraps in 32 bits
	assert_int_equal(wire_parse(&bad, sizeof(bad), &hdr, &items), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wire_round_trip_every_type),
		cmocka_unit_test(test_wire_parse_every_cut),
		cmocka_unit_test(test_wire_parse_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
