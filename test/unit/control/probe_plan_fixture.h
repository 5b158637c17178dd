/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Simulated nodes for the tests of the probe plan: what is sent at one tick is answered at the next, unless
 * the path is dead or the probe too large.
 */
#ifndef PODLANE_TEST_UNIT_CONTROL_PROBE_PLAN_FIXTURE_H
#define PODLANE_TEST_UNIT_CONTROL_PROBE_PLAN_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "control/step/probe_plan.h"

#define OURS	   0x0af40001u
#define NODE	   0xc0a80100u /* the n-th node is NODE + n */
#define PROBED	   0x0af50000u /* at PROBED + n */
#define NODES_MAX  4096u
#define SENT_MAX   (1u << 20)
#define FLIGHT_MAX 65536u

/* What the network does, and what was sent. */
static struct net {
	struct probe_plan *plan;
	uint64_t now_ms;
	uint32_t n_nodes;
	struct candidate_list list[NODES_MAX];
	uint32_t is_dead[NODES_MAX]; /* bit per kind */
	uint16_t mtu[NODES_MAX];     /* 0: any size passes */
	enum wire_path_kind chosen[NODES_MAX];
	struct wire_probe flight[FLIGHT_MAX]; /* to be answered at the next step */
	uint32_t n_flight;
	uint64_t sent_ms[SENT_MAX];
	uint32_t n_sent, n_sent_to[NODES_MAX], n_kind[WIRE_PATH_N_KINDS];
	uint32_t last_bytes;
} net;

static inline bool send_probe(void *arg, const struct wire_probe *probe)
{
	uint32_t n = probe->dst - PROBED;

	(void)arg;
	assert_int_equal(probe->src, OURS);
	assert_true(n < net.n_nodes);
	assert_int_equal(probe->path.nexthop, NODE + n);
	assert_true(net.n_sent < SENT_MAX && net.n_flight < FLIGHT_MAX);
	net.sent_ms[net.n_sent++] = net.now_ms;
	net.n_sent_to[n]++;
	net.n_kind[probe->path.kind]++;
	net.flight[net.n_flight++] = *probe;
	net.last_bytes = probe->bytes;
	return true;
}

static inline void offer(uint32_t n)
{
	struct probe_offer offer = {.node = NODE + n,
		.probe_addr = PROBED + n,
		.key = {.nexthop = NODE + n, .ifindex = 2, .policy = 8},
		.candidates = &net.list[n],
		.chosen = net.chosen[n]};

	assert_int_equal(probe_plan_take(net.plan, &offer), 0);
}

static inline void offer_all(void)
{
	probe_plan_begin_round(net.plan);
	for (uint32_t n = 0; n < net.n_nodes; n++)
		offer(n);
	probe_plan_end_round(net.plan);
}

static inline void start(uint32_t n_nodes, uint32_t budget_pps)
{
	memset(&net, 0, sizeof(net));
	net.plan = probe_plan_new(budget_pps, 0xfffffff0u, send_probe, NULL); // ids wrap soon
	assert_non_null(net.plan);
	net.n_nodes = n_nodes;
	net.now_ms = 1000000;
	for (uint32_t n = 0; n < n_nodes; n++) {
		net.list[n].n = 3;
		for (uint32_t i = 0; i < 3; i++)
			net.list[n].candidate[i] = (struct candidate){.kind = (enum wire_path_kind)(
									      WIRE_PATH_NATIVE + i),
				.is_usable = true,
				.link_mtu = 1500,
				.path = {.kind = (uint8_t)(WIRE_PATH_NATIVE + i),
					.nexthop = NODE + n,
					.mtu = 1500}};
		net.chosen[n] = WIRE_PATH_NATIVE;
	}
	probe_plan_set_source(net.plan, OURS);
	offer_all();
}

static inline void stop(void)
{
	probe_plan_free(net.plan);
}

static inline bool is_lost(const struct wire_probe *probe)
{
	uint32_t n = probe->dst - PROBED;

	return (net.is_dead[n] & 1u << probe->path.kind) != 0 ||
	       (probe->has_df && net.mtu[n] != 0 && probe->bytes > net.mtu[n]);
}

/* One tick: what was sent at the last one is answered, unless it is lost. */
static inline void step(void)
{
	net.now_ms += PROBE_TICK_MS;
	for (uint32_t i = 0; i < net.n_flight; i++) {
		struct wire_probe_reply reply = {.id = net.flight[i].id,
			.src = net.flight[i].dst,
			.kind = net.flight[i].path.kind,
			.rtt_ns = 50000};

		if (!is_lost(&net.flight[i]))
			probe_plan_answer(net.plan, &reply);
	}
	net.n_flight = 0;
	probe_plan_tick(net.plan, net.now_ms);
}

static inline void run_ms(uint64_t ms)
{
	for (uint64_t end = net.now_ms + ms; net.now_ms < end;) {
		step();
		if (net.now_ms % 1000 == 0)
			offer_all();
	}
}

static inline void make_busy(uint32_t n)
{
	probe_plan_note_pkts(net.plan, NODE + n, net.chosen[n], 1000, true);
}

static inline void run_busy_ms(uint32_t n_busy, uint64_t ms)
{
	for (uint64_t end = net.now_ms + ms; net.now_ms < end;) {
		for (uint32_t n = 0; n < n_busy; n++)
			make_busy(n);
		run_ms(1000);
	}
}

static inline enum probe_state state_of(uint32_t n, enum wire_path_kind kind)
{
	return probe_plan_health(net.plan, NODE + n, kind).state;
}

#endif
