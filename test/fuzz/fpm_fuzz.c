/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any bytes through the FPM decoder into the RIB. The first byte says how the rest is cut; where the
 * stream is refused a new connection begins with the bytes behind it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "control/step/rib.h"
#include "fpm/fpm.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { SWEEP_EVERY = 7 }; /**< connections */

/** Our own assert: this build may have none, and the fuzzer wants a crash. */
static void require(bool is_so)
{
	if (!is_so)
		abort();
}

static void check_prefix(const struct fpm_prefix *prefix)
{
	unsigned int n_bits = prefix->family == AF_INET ? 32 : 128;

	require(prefix->family == AF_INET || prefix->family == AF_INET6);
	require(prefix->len <= n_bits);
	for (unsigned int bit = prefix->len; bit < 128; bit++)
		require((prefix->addr[bit / 8] & 0x80 >> bit % 8) == 0);
}

static void take_event(const struct fpm_event *event, void *arg)
{
	if (event->kind == FPM_ROUTE_SET || event->kind == FPM_ROUTE_DEL)
		check_prefix(&event->route.prefix);
	if (event->kind == FPM_ROUTE_SET)
		require(event->route.n_nh <= FPM_MAX_NH);
	if (event->kind == FPM_NEXTHOP_SET)
		require(event->nexthop.id != 0 && event->nexthop.n_members <= FPM_MAX_NH);
	require(rib_apply(arg, event) == 0);
}

/** What the RIB reports must be what it then says. */
static void take_change(const struct fpm_prefix *prefix, const struct rib_route *route, void *arg)
{
	require(rib_find(arg, prefix) == route);
	if (route == NULL)
		return;
	require(route->nexthops != NULL && route->nexthops->n <= FPM_MAX_NH);
	for (uint32_t i = 0; i < route->nexthops->n; i++)
		require(route->nexthops->nh[i].weight > 0);
}

static void count_route(const struct rib_route *route, void *arg)
{
	size_t *n = arg;

	require(route->nexthops != NULL || route->is_pending || route->is_stale);
	++*n;
}

static void check_rib(const struct rib *rib)
{
	struct rib_counts counts = rib_counts(rib);
	size_t n = 0;

	require(rib_walk(rib, count_route, &n) == 0);
	require(n == counts.n_routes);
	require(counts.n_stale <= n && counts.n_pending <= n);
	rib_match4(rib, 0x0af40b02);
}

static void reconnect(struct fpm_decoder *decoder, struct rib *rib, size_t n_connections)
{
	fpm_decoder_reset(decoder);
	if (n_connections % SWEEP_EVERY == 0)
		rib_sweep(rib);
	rib_begin_replay(rib);
}

/** Nothing may be left when all that is stale has gone: every set had its users counted. */
static void check_empties(struct rib *rib)
{
	rib_begin_replay(rib);
	rib_sweep(rib);
	rib_drain(rib, take_change, rib);
	require(rib_counts(rib).n_routes == 0);
	require(rib_counts(rib).n_sets == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fpm_decoder *decoder;
	size_t step, n_connections = 0;
	struct rib *rib;

	if (len < 1)
		return 0;
	decoder = fpm_decoder_new();
	rib = rib_new();
	require(decoder != NULL && rib != NULL);
	// 1 is what a recorded stream begins with: take it whole.
	step = bytes[0] <= 1 ? len : bytes[0];
	if (bytes[0] != 1)
		bytes++, len--;

	while (len > 0) {
		size_t n = step < len ? step : len;
		uint8_t *copy = malloc(n); // its own block, so that a read past it is seen

		memcpy(copy, bytes, n);
		if (fpm_decoder_push(decoder, copy, n, take_event, rib) < 0)
			reconnect(decoder, rib, ++n_connections);
		free(copy);
		rib_drain(rib, take_change, rib);
		bytes += n;
		len -= n;
	}
	check_rib(rib);
	check_empties(rib);
	rib_free(rib);
	fpm_decoder_free(decoder);
	return 0;
}
