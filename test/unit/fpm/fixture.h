/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of the decoder share: a stream being built, and the events it brought.
 */
#ifndef PODLANE_TEST_UNIT_FPM_FIXTURE_H
#define PODLANE_TEST_UNIT_FPM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "fpm/fpm.h"
#include "test/unit/fpm/builder.h"

enum { MAX_EVENTS = 64 };

static const uint8_t prefix_a[4] = {10, 244, 11, 0}, prefix_b[4] = {10, 244, 12, 0};
static const uint8_t gateway[4] = {192, 168, 1, 11};

static struct fpm_decoder *decoder;
static struct builder b;
static struct fpm_event seen[MAX_EVENTS];
static size_t n_seen;

static inline void note(const struct fpm_event *event, void *arg)
{
	(void)arg;
	assert_true(n_seen < MAX_EVENTS);
	seen[n_seen++] = *event;
}

/** Push from a block of exactly that size, so that the address sanitizer sees a read past it. */
static inline int push(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len);
	int err;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	err = fpm_decoder_push(decoder, copy, len, note, NULL);
	free(copy);
	return err;
}

static inline int push_all(void)
{
	return push(b.bytes, b.len);
}

static const struct fpm_counters *counters(void)
{
	return fpm_decoder_counters(decoder);
}

static inline int set_up(void **state)
{
	(void)state;
	decoder = fpm_decoder_new();
	b.len = 0;
	n_seen = 0;
	return decoder == NULL;
}

static inline int tear_down(void **state)
{
	(void)state;
	fpm_decoder_free(decoder);
	return 0;
}

static inline void put_simple_route(const uint8_t addr[4])
{
	struct rtmsg header = route_header(26);

	begin_route(&b, RTM_NEWROUTE, &header, addr);
	put_attr(&b, RTA_GATEWAY, gateway, 4);
	put_u32(&b, RTA_OIF, 2);
	end_message(&b);
}

static inline void put_delete(const uint8_t addr[4])
{
	struct rtmsg header = route_header(26);

	header.rtm_type = RTN_UNSPEC;
	begin_route(&b, RTM_DELROUTE, &header, addr);
	end_message(&b);
}

static inline void put_simple_frame(const uint8_t addr[4])
{
	begin_frame(&b);
	put_simple_route(addr);
	end_frame(&b);
}

/** Push what was built and a sound frame behind it: the stream must go on, @n_bad messages poorer. */
static inline void check_bad(uint64_t n_bad)
{
	put_simple_frame(prefix_b);
	assert_int_equal(push_all(), 0);
	assert_int_equal(counters()->bad_messages, n_bad);
	assert_int_equal(n_seen, 1);
	assert_memory_equal(seen[0].route.prefix.addr, prefix_b, 4);
}

/** As check_bad(), for one message that is still open. */
static inline void check_open_message_is_bad(void)
{
	end_message(&b);
	end_frame(&b);
	check_bad(1);
}

static inline void begin_open_route(uint8_t prefix_len)
{
	struct rtmsg header = route_header(prefix_len);

	begin_frame(&b);
	begin_route(&b, RTM_NEWROUTE, &header, prefix_a);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
