/* SPDX-License-Identifier: BSD-3-Clause */
/* The comparison in plain words, with the mend. Called by compare.c. */
#include "tools/podlane/compare.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "tools/podlane/table.h"

#define WORD_COLUMNS 12 /* "not native" and a gap */

static const char *word(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text != NULL ? text : "";
}

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool is(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static bool is_word(const json_t *object, const char *key, const char *text)
{
	return strcmp(word(object, key), text) == 0;
}

/* The name, or the address of a node that has none. */
static const char *name_of(const json_t *node)
{
	const char *name = word(node, "name");

	return name[0] != '\0' ? name : word(node, "address");
}

static const json_t *find_path(const json_t *node, const char *kind)
{
	json_t *path;
	size_t i;

	json_array_foreach(json_object_get(node, "paths"), i,
		path) if (is_word(path, "kind", kind)) return path;
	return NULL;
}

/* The cheapest path that is up, but this kind. */
static const json_t *find_up(const json_t *node, const char *but)
{
	json_t *path;
	size_t i;

	json_array_foreach(json_object_get(node, "paths"), i,
		path) if (is_word(path, "probe", "up") && !is_word(path, "kind", but)) return path;
	return NULL;
}

/* Why a candidate cannot be used at all, and the mend. */
static const struct {
	const char *state, *text;
} unusable[] = {
	{"unresolved", "the kernel does not know the MAC of the next hop: is the node there?"},
	{"not-ours", "its interface is no port of the dataplane (ports: in podlane.yaml)"},
	{"link-down", "its interface is down"},
	{"no-link", "its interface is gone"},
	{"no-vtep-mac", "nobody knows the MAC of its VTEP: add the node to the inventory"},
	{"no-fdb", "the kernel's vxlan device has no address for it (bridge fdb)"},
	{"no-underlay", "no route to the node by a port of ours"},
	{"underlay-unresolved", "the kernel does not know the MAC on the way to the node"},
	{"underlay-down", "the interface towards the node is down"},
	{"no-tunnel-address", "no address to send from on the egress interface"},
	{"no-tunnel-remote", "the device and the route name no node"},
	{"tunnel-unknown", "the kernel's device is of a form that is not followed"},
};

static const char *why_unusable(const char *state)
{
	for (size_t i = 0; i < sizeof(unusable) / sizeof(unusable[0]); i++)
		if (strcmp(unusable[i].state, state) == 0)
			return unusable[i].text;
	return state;
}

static json_int_t used_bytes(const json_t *node)
{
	json_int_t most = -1;
	json_t *path;
	size_t i;

	json_array_foreach(json_object_get(node, "paths"), i,
		path) if (is(path, "in_use") && number(path, "overhead_bytes") > most) most =
		number(path, "overhead_bytes");
	return most;
}

void compare_why_not(const json_t *path, const json_t *node, char *text, size_t bytes)
{
	char since[TEXT_BYTES];

	text[0] = '\0';
	if (is(path, "in_use"))
		return;
	if (!is(path, "is_usable"))
		snprintf(text, bytes, "%s", why_unusable(word(path, "state")));
	else if (is_word(path, "probe", "down"))
		snprintf(text, bytes,
			"%" JSON_INTEGER_FORMAT "%s probes lost in a row, down for %s",
			number(path, "n_lost_row"),
			number(path, "n_lost_row") == UINT8_MAX ? "+" : "",
			text_duration((uint64_t)number(path, "probe_since_sec"), since));
	else if (number(path, "overhead_bytes") > used_bytes(node))
		return;
	else if (is_word(path, "probe", "unknown"))
		snprintf(text, bytes, "its probes have not been answered yet");
	else if (json_object_get(node, "pin") != NULL &&
		 !json_is_null(json_object_get(node, "pin")))
		snprintf(text, bytes, "%s is pinned", word(node, "pin"));
	else
		snprintf(text, bytes, "the policy does not allow it");
}

/* A path is down while another one to the same node is up: the network treats it otherwise. */
static const char *mend_of(const char *kind)
{
	if (strcmp(kind, "ipip") == 0)
		return "IP protocol 4 is filtered or refused: check ACLs, and the node's IPIP";
	if (strcmp(kind, "vxlan") == 0)
		return "UDP 4789 is filtered or refused: check ACLs, and the node's VXLAN";
	return "plain pod addresses are not carried: check ACLs and the underlay's routes";
}

/* A sentence under its word; what is longer than a line goes on in the next. */
static void say(const char *what, const char *text)
{
	const size_t room = 80 - WORD_COLUMNS;

	printf("%-*s", WORD_COLUMNS, what);
	while (strlen(text) > room) {
		size_t cut = room;

		while (cut > 0 && text[cut] != ' ')
			cut--;
		if (cut == 0)
			break;
		printf("%.*s\n%*s", (int)cut, text, WORD_COLUMNS, "");
		text += cut + 1;
	}
	puts(text);
}

static const char *why_not_probed(const json_t *node, const json_t *probe)
{
	if (number(probe, "budget_pps") == 0)
		return "nobody probes (probe.budget_pps is 0)";
	if (json_is_null(json_object_get(probe, "address")))
		return "nobody probes: we have no probe address, set node.probe_address";
	return json_is_null(json_object_get(node, "probe_address"))
		       ? "nobody probes: the inventory has no probe address of this node"
		       : "nobody probes";
}

static void say_using(const json_t *node, const json_t *hop, const json_t *probe)
{
	const char *chosen = word(hop, "chosen"), *reason = word(hop, "reason");
	char text[400];

	static const struct {
		const char *reason, *text;
	} reasons[] = {
		{"only-candidate", "the route leaves no other"},
		{"fewest-bytes", "fewest bytes of the paths that are up"},
		{"device", "as the kernel's tunnel device does it"},
		{"policy", "the pool's encap says so"},
		{"same-subnet", "the node is in our subnet, and the pool's scope is cross-subnet"},
		{"probing", "as before, until probes of a cheaper one are answered"},
		{"probe-down", "fewest bytes of the paths that are up"},
		{"all-down", "no path is up, so it stays as it was"},
		{"pinned", "pinned by an operator, until podlane path unpin"},
		{"none-usable", "no path can be used"},
		{"policy-unusable", "what the pool's encap wants cannot be used"},
	};
	const char *why = reason;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(reasons[i].reason, reason) == 0)
			why = reasons[i].text;
	if (strcmp(reason, "not-probed") == 0)
		snprintf(text, sizeof(text), "%s: fewest bytes of those that can be used; %s",
			chosen, why_not_probed(node, probe));
	else
		snprintf(text, sizeof(text), "%s: %s%s", chosen[0] != '\0' ? chosen : "the kernel",
			why,
			strcmp(reason, "pinned") == 0 &&
					is_word(find_path(node, chosen), "probe", "down")
				? "; WARNING: its probes are lost"
				: "");
	say("using", text);
}

static void say_not(const json_t *node, const json_t *path)
{
	const char *kind = word(path, "kind");
	const json_t *other = find_up(node, kind);
	char why[256], text[512], head[16];

	compare_why_not(path, node, why, sizeof(why));
	if (why[0] == '\0')
		return;
	snprintf(head, sizeof(head), "not %s", kind);
	if (!is_word(path, "probe", "down") || !is(path, "is_usable"))
		snprintf(text, sizeof(text), "%s", why);
	else if (other != NULL)
		snprintf(text, sizeof(text), "%s; %s to the same node is up, so %s", why,
			word(other, "kind"), mend_of(kind));
	else
		snprintf(text, sizeof(text), "%s, and no other path to the node is up", why);
	say(head, text);
}

static void say_next(const json_t *node, const json_t *hop)
{
	const char *chosen = word(hop, "chosen");
	const json_t *next = find_up(node, chosen), *now = find_path(node, chosen);
	char text[256];

	if (!is_word(hop, "policy", "auto") || chosen[0] == '\0' ||
		is_word(hop, "reason", "pinned"))
		return;
	if (next == NULL)
		snprintf(text, sizeof(text), "nothing, when %s fails: no other path is up", chosen);
	else if (number(next, "mtu") < number(now, "mtu"))
		snprintf(text, sizeof(text),
			"%s, when %s fails; MTU falls from %" JSON_INTEGER_FORMAT
			" to %" JSON_INTEGER_FORMAT ", pods with more get ICMP or fragments",
			word(next, "kind"), chosen, number(now, "mtu"), number(next, "mtu"));
	else
		snprintf(text, sizeof(text), "%s, when %s fails; MTU stays enough",
			word(next, "kind"), chosen);
	say("next", text);
}

static void say_mtu(const json_t *path)
{
	char text[256];

	if (!is(path, "is_usable") || number(path, "mtu") >= number(path, "link_mtu"))
		return;
	snprintf(text, sizeof(text),
		"%s carries %" JSON_INTEGER_FORMAT " of the %" JSON_INTEGER_FORMAT
		" bytes of its link, by probes with DF: check the MTU in between",
		word(path, "kind"), number(path, "mtu"), number(path, "link_mtu"));
	say("MTU", text);
}

static void say_answers(const json_t *node)
{
	unsigned n_up = 0;
	json_t *path;
	size_t i;

	json_array_foreach(json_object_get(node, "paths"), i, path)
	{
		char text[160];

		if (!is_word(path, "probe", "up"))
			continue;
		n_up++;
		if (is_word(path, "answered_by", word(path, "kind")))
			continue;
		snprintf(text, sizeof(text),
			"%s by its own choice (%s), so the way back is not compared: a stock node",
			name_of(node), word(path, "answered_by"));
		say("answers", text);
		return;
	}
	if (n_up > 1)
		say("answers", "along the path on which they were asked: Podlane is there, too");
}

void compare_print_words(const json_t *node, const json_t *probe)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(node, "hops"), i, entry) say_using(node, entry, probe);
	json_array_foreach(json_object_get(node, "paths"), i, entry) say_not(node, entry);
	json_array_foreach(json_object_get(node, "hops"), i, entry) say_next(node, entry);
	json_array_foreach(json_object_get(node, "paths"), i, entry) say_mtu(entry);
	say_answers(node);
}
