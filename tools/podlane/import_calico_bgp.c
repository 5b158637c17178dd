/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BGPConfiguration and BGPPeers to lines for FRR, for nodes on which FRR takes BIRD's place. Called by
 * import_calico_read.c.
 */
#include "tools/podlane/import_calico.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define AS_NUMBER 64512u /* Calico's default */

/* Of a BGPPeer's spec: what the lines say, or what changes nothing here. */
static const char *const taken_keys[] = {"node", "nodeSelector", "peerIP", "asNumber", "password",
	"peerSelector"};

static const json_t *find_default(const struct import *import)
{
	const json_t *object;
	size_t i;

	json_array_foreach(import_calico_objects(import, "BGPConfiguration"), i,
		object) if (strcmp(import_calico_name(object), "default") ==
			    0) return json_object_get(object, "spec");
	return NULL;
}

/* A number or text, plain or "1.10". Returns 0 if it is none. */
static uint32_t read_as(const json_t *value)
{
	const char *text = json_string_value(value);
	unsigned high, low;
	int end = 0;

	if (json_is_integer(value))
		return json_integer_value(value) > 0 && json_integer_value(value) <= UINT32_MAX
			       ? (uint32_t)json_integer_value(value)
			       : 0;
	if (text == NULL)
		return 0;
	if (sscanf(text, "%5u.%5u%n", &high, &low, &end) == 2 && text[end] == '\0')
		return high << 16 | low;
	end = 0;
	return sscanf(text, "%10u%n", &low, &end) == 1 && text[end] == '\0' ? low : 0;
}

/* Our node's AS, where it has its own. */
static uint32_t find_as(const struct import *import, const json_t *spec)
{
	uint32_t as = read_as(json_object_get(spec, "asNumber"));
	const json_t *node;
	size_t i;

	json_array_foreach(import_calico_objects(import, "Node"), i, node)
	{
		const json_t *meta = json_object_get(node, "metadata");
		const json_t *annotations = json_object_get(meta, "annotations");
		const json_t *bgp = json_object_get(json_object_get(node, "spec"), "bgp");
		uint32_t own = read_as(json_object_get(annotations, "projectcalico.org/ASNumber"));

		if (import->node == NULL || strcmp(import_calico_name(node), import->node) != 0)
			continue;
		if (own == 0)
			own = read_as(json_object_get(bgp, "asNumber"));
		as = own != 0 ? own : as;
	}
	return as != 0 ? as : AS_NUMBER;
}

static void add_line(const struct import *import, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add_line(const struct import *import, const char *format, ...)
{
	char line[160];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	json_array_append_new(json_object_get(import->doc, "frr"), json_string(line));
}

/* Does the peer count on our node? Selectors other than all() are not evaluated. */
static bool is_ours(const struct import *import, const json_t *peer, const json_t *spec)
{
	const char *node = import_calico_text(spec, "node");
	const char *selector = import_calico_text(spec, "nodeSelector");

	if (node != NULL)
		return import->node != NULL && strcmp(node, import->node) == 0;
	if (selector == NULL || strcmp(selector, "all()") == 0)
		return true;
	import_calico_remark(import, "bgppeer", peer,
		"left out of FRR's lines: nodeSelector %.100s is not evaluated; if it selects this "
		"node and FRR takes BIRD's place, add the neighbor by hand",
		selector);
	return false;
}

static void remark_keys(const struct import *import, const json_t *peer, json_t *spec)
{
	const char *key;
	json_t *value;

	json_object_foreach(spec, key, value)
	{
		bool is_taken = false;

		for (size_t i = 0; i < sizeof(taken_keys) / sizeof(taken_keys[0]); i++)
			is_taken = is_taken || strcmp(taken_keys[i], key) == 0;
		if (!is_taken)
			import_calico_remark(import, "bgppeer", peer,
				"%.60s not taken over; add it to FRR's lines if FRR takes BIRD's "
				"place",
				key);
	}
	if (json_is_object(json_object_get(spec, "password")))
		import_calico_remark(import, "bgppeer", peer,
			"password not taken over: it is in a secret; add \"neighbor ... password\" "
			"to FRR's lines");
}

static void take_peer(const struct import *import, const json_t *peer, uint32_t our_as)
{
	json_t *spec = json_object_get(peer, "spec");
	const char *ip = import_calico_text(spec, "peerIP");
	uint32_t as = read_as(json_object_get(spec, "asNumber"));
	char address[16] = "";
	unsigned port = 179;
	uint32_t addr;
	uint8_t depth;
	int end = 0;

	if (!is_ours(import, peer, spec))
		return;
	if (ip == NULL) {
		import_calico_remark(import, "bgppeer", peer,
			"left out of FRR's lines: it names no peerIP, and selectors are not "
			"evaluated; add the nodes it selects as neighbors by hand");
		return;
	}
	if (sscanf(ip, "%15[0-9.]%n:%5u%n", address, &end, &port, &end) < 1 || ip[end] != '\0' ||
		!import_calico_address(address, &addr, &depth) || port < 1 || port > 65535) {
		import_calico_remark(import, "bgppeer", peer,
			"left out of FRR's lines: peerIP %.60s is no IPv4 address; nothing to do "
			"if it is IPv6",
			ip);
		return;
	}
	add_line(import, " neighbor %s remote-as %u", address, as != 0 ? as : our_as);
	if (port != 179)
		add_line(import, " neighbor %s port %u", address, port);
	remark_keys(import, peer, spec);
}

void import_calico_bgp(const struct import *import)
{
	const json_t *spec = find_default(import);
	const json_t *mesh = json_object_get(spec, "nodeToNodeMeshEnabled");
	uint32_t as = find_as(import, spec);
	const json_t *peer;
	size_t i;

	add_line(import, "router bgp %u", as);
	json_array_foreach(import_calico_objects(import, "BGPPeer"), i, peer)
		take_peer(import, peer, as);
	if (mesh == NULL || json_is_true(mesh))
		import_calico_remark(import, "bgpconfiguration", NULL,
			"the mesh of all nodes is on: keep BIRD and run zebra without bgpd "
			"(README), or "
			"give FRR each other node as a neighbor");
	if (json_array_size(json_object_get(import->doc, "frr")) == 1)
		json_array_clear(json_object_get(import->doc, "frr"));
}
