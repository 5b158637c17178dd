/* SPDX-License-Identifier: BSD-3-Clause */
/* The choice between candidates by what probes say, and by an operator's pin. */
#include "control/step/compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define AUTO ((uint8_t)(ENCAP_AUTO << 1))
#define IPIP ((uint8_t)(ENCAP_IPIP << 1))

/*
 * States of native, ipip and vxlan: U up, s up and shaky, u unknown, D down, n not probed, - not usable.
 * The path in use, and the one chosen: n, i, v, or - for none.
 */
static const struct {
	const char *states;
	uint8_t policy;
	char current, pin, chosen;
	enum choice_reason reason;
} rows[] = {
	{"UUU", AUTO, '-', '-', 'n', CHOICE_FEWEST_BYTES},
	{"-UU", AUTO, '-', '-', 'i', CHOICE_FEWEST_BYTES},
	{"--U", AUTO, 'n', '-', 'v', CHOICE_FEWEST_BYTES},
	{"---", AUTO, 'n', '-', '-', CHOICE_NONE_USABLE},
	// nobody probes
	{"nnn", AUTO, '-', '-', 'n', CHOICE_NOT_PROBED},
	{"nnn", AUTO, 'v', '-', 'n', CHOICE_NOT_PROBED},
	{"-nn", AUTO, '-', '-', 'i', CHOICE_NOT_PROBED},
	// at start: what is used stays until a cheaper one is known to be up
	{"uuu", AUTO, '-', '-', 'n', CHOICE_PROBING},
	{"uuu", AUTO, 'v', '-', 'v', CHOICE_PROBING},
	{"uUu", AUTO, 'n', '-', 'n', CHOICE_PROBING},
	{"uuU", AUTO, '-', '-', 'v', CHOICE_PROBING},
	{"uUU", AUTO, 'v', '-', 'i', CHOICE_PROBING},
	{"UuU", AUTO, 'v', '-', 'n', CHOICE_FEWEST_BYTES},
	{"DuU", AUTO, 'v', '-', 'v', CHOICE_PROBING},
	{"Duu", AUTO, '-', '-', 'i', CHOICE_PROBING},
	// a dead one is left for the cheapest that is up, and returned to
	{"DUU", AUTO, 'n', '-', 'i', CHOICE_PROBE_DOWN},
	{"DDU", AUTO, 'n', '-', 'v', CHOICE_PROBE_DOWN},
	{"DDU", AUTO, 'i', '-', 'v', CHOICE_PROBE_DOWN},
	{"UDU", AUTO, 'v', '-', 'n', CHOICE_FEWEST_BYTES},
	{"DUU", AUTO, 'v', '-', 'i', CHOICE_PROBE_DOWN},
	{"D-U", AUTO, 'n', '-', 'v', CHOICE_PROBE_DOWN},
	// never for one that has just lost a probe, too: then it may be the node
	{"DsU", AUTO, 'n', '-', 'v', CHOICE_PROBING},
	{"Dss", AUTO, 'n', '-', 'n', CHOICE_ALL_DOWN},
	{"sUU", AUTO, 'n', '-', 'n', CHOICE_FEWEST_BYTES},
	{"sUU", AUTO, 'i', '-', 'i', CHOICE_PROBING},
	// all are down: as it was, or the cheapest
	{"DDD", AUTO, 'n', '-', 'n', CHOICE_ALL_DOWN},
	{"DDD", AUTO, 'v', '-', 'v', CHOICE_ALL_DOWN},
	{"DDD", AUTO, '-', '-', 'n', CHOICE_ALL_DOWN},
	{"-DD", AUTO, 'n', '-', 'i', CHOICE_ALL_DOWN},
	// an operator overrules probes and policies, but not what is not usable
	{"UUU", AUTO, 'n', 'v', 'v', CHOICE_PINNED},
	{"UUD", AUTO, 'n', 'v', 'v', CHOICE_PINNED},
	{"UU-", AUTO, 'n', 'v', 'n', CHOICE_FEWEST_BYTES},
	{"UUU", IPIP, 'i', 'n', 'n', CHOICE_PINNED},
	{"U-U", IPIP, '-', 'v', 'v', CHOICE_PINNED},
	// probing does not change what a policy chooses
	{"UDU", IPIP, 'i', '-', 'i', CHOICE_POLICY},
	{"U-U", IPIP, 'i', '-', '-', CHOICE_POLICY_UNUSABLE},
};

static enum wire_path_kind kind_of(char letter)
{
	switch (letter) {
	case 'n':
		return WIRE_PATH_NATIVE;
	case 'i':
		return WIRE_PATH_IPIP;
	case 'v':
		return WIRE_PATH_VXLAN;
	default:
		return WIRE_PATH_PUNT;
	}
}

static void fill(struct candidate *candidate, unsigned i, char letter)
{
	static const uint8_t bytes[] = {0, 20, 50};

	*candidate = (struct candidate){
		.kind = (enum wire_path_kind)(WIRE_PATH_NATIVE + i),
		.is_usable = letter != '-',
		.state = letter != '-' ? HOP_RESOLVED : HOP_UNRESOLVED,
		.overhead_bytes = bytes[i],
		.is_shaky = letter == 's',
		.probe = letter == 'U' || letter == 's' ? PROBE_UP
			 : letter == 'D'		? PROBE_DOWN
			 : letter == 'n'		? PROBE_NONE
							: PROBE_UNKNOWN,
		.path = {.kind = (uint8_t)(WIRE_PATH_NATIVE + i)},
	};
}

static void test_compare_choose_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct hop_facts facts = {.key.policy = rows[i].policy, .device = WIRE_PATH_NATIVE};
		struct choice_wish wish = {.pin = kind_of(rows[i].pin),
			.current = kind_of(rows[i].current)};
		struct candidate_list list = {.n = 3};
		struct choice choice;

		for (unsigned j = 0; j < 3; j++)
			fill(&list.candidate[j], j, rows[i].states[j]);
		choice = compare_choose(&list, &facts, &wish);
		if (compare_path(&list, choice, facts.key, 0).kind != kind_of(rows[i].chosen) ||
			choice.reason != rows[i].reason)
			fail_msg("row %zu, %s from %c: %d, %s", i, rows[i].states, rows[i].current,
				(int)choice.idx, compare_reason_name(choice.reason));
	}
}

/* Whatever the probes say, something usable is used, and the choice stays when nothing changes. */
static void test_compare_choose_always_something(void **state)
{
	static const char letters[] = "UsuDn-", currents[] = "-niv";

	(void)state;
	for (unsigned n = 0; n < 6 * 6 * 6 * 4; n++) {
		struct hop_facts facts = {.key.policy = AUTO, .device = WIRE_PATH_NATIVE};
		struct choice_wish wish = {.current = kind_of(currents[n / 216])};
		struct candidate_list list = {.n = 3};
		bool has_usable = false;
		struct choice first, second;

		for (unsigned j = 0, rest = n % 216; j < 3; j++, rest /= 6) {
			fill(&list.candidate[j], j, letters[rest % 6]);
			has_usable = has_usable || list.candidate[j].is_usable;
		}
		first = compare_choose(&list, &facts, &wish);
		assert_int_equal(first.idx != CHOICE_NONE, has_usable);
		if (!has_usable)
			continue;
		assert_true(list.candidate[first.idx].is_usable);
		wish.current = list.candidate[first.idx].kind;
		second = compare_choose(&list, &facts, &wish);
		assert_int_equal(first.idx, second.idx);
		assert_int_equal(first.reason, second.reason);
	}
}

/* A path that punts still says which node is behind it. */
static void test_compare_path_punt_names_node(void **state)
{
	struct hop_key key = {.nexthop = 1, .ifindex = 2};
	struct choice none = {.idx = CHOICE_NONE};
	struct candidate_list list = {.n = 0};

	(void)state;
	assert_int_equal(compare_path(&list, none, key, 7).tunnel.dst, 7);
	assert_int_equal(compare_path(&list, none, key, 1).tunnel.dst, 0);
	assert_int_equal(compare_path(&list, none, key, 0).tunnel.dst, 0);
}

/* A link and a MAC come by themselves; an interface that is not ours never will be. */
static void test_compare_path_punt_waits(void **state)
{
	static const struct {
		enum hop_state state;
		bool is_waiting;
	} waits[] = {
		{HOP_UNRESOLVED, true},
		{HOP_LINK_DOWN, true},
		{HOP_NO_LINK, true},
		{HOP_UNDERLAY_UNRESOLVED, true},
		{HOP_UNDERLAY_DOWN, true},
		{HOP_NOT_OURS, false},
		{HOP_POD_DETACHED, false},
		{HOP_NO_VTEP_MAC, false},
		{HOP_NO_UNDERLAY, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		struct hop_facts facts = {.device = WIRE_PATH_NATIVE};
		struct candidate_list list = {.n = 1};
		struct choice choice;

		fill(&list.candidate[0], 0, '-');
		list.candidate[0].state = waits[i].state;
		choice = compare_choose(&list, &facts, NULL);
		assert_int_equal(compare_path(&list, choice, facts.key, 0).kind, WIRE_PATH_PUNT);
		assert_int_equal(compare_path(&list, choice, facts.key, 0).is_waiting,
			waits[i].is_waiting);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compare_choose_table),
		cmocka_unit_test(test_compare_choose_always_something),
		cmocka_unit_test(test_compare_path_punt_names_node),
		cmocka_unit_test(test_compare_path_punt_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
