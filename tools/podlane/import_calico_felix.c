/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FelixConfiguration to podlane.yaml's "tunnel", and what of it Podlane cannot do. Called by
 * import_calico_read.c.
 */
#include "tools/podlane/import_calico.h"

#include <stdlib.h>
#include <string.h>

#define VNI  4096 /* Felix's own defaults, which are ours */
#define PORT 4789

/* Settings that change what packets look like or where they go, and that Podlane has no answer to. */
static const struct {
	const char *key, *why;
} switches[] = {
	{"bpfEnabled",
		"cannot take over: Calico's eBPF programs apply policy on the pods' interfaces, "
		"and attached pods pass them by; attach none (pods.match: \"\"), or switch it off"},
	{"wireguardEnabled",
		"cannot take over: between nodes Podlane would send in clear; run no Podlane on "
		"these nodes, or switch it off"},
	{"allowVXLANPacketsFromWorkloads",
		"not taken over: what attached pods send as VXLAN to a node is dropped as "
		"pod_tunnel; do not attach pods that need it"},
	{"allowIPIPPacketsFromWorkloads",
		"not taken over: what attached pods send as IPIP to a node is dropped as "
		"pod_tunnel; do not attach pods that need it"},
};

/* MTUs of Calico's own devices. */
static const char *const mtus[] = {"vxlanMTU", "ipipMTU"};

/* The settings of all nodes, with those of ours over them. NULL: there are none. */
static const json_t *find_named(const struct import *import, const char *name)
{
	const json_t *object;
	size_t i;

	json_array_foreach(import_calico_objects(import, "FelixConfiguration"), i,
		object) if (strcmp(import_calico_name(object), name) == 0) return object;
	return NULL;
}

static json_t *merge(const struct import *import)
{
	json_t *spec = json_object();
	char name[300];

	json_object_update(spec, json_object_get(find_named(import, "default"), "spec"));
	if (import->node != NULL) {
		snprintf(name, sizeof(name), "node.%.250s", import->node);
		json_object_update(spec, json_object_get(find_named(import, name), "spec"));
	}
	return spec;
}

/* A number, or the default with a remark. */
static json_int_t number(const struct import *import, const json_t *spec, const char *key,
	json_int_t preset, json_int_t most)
{
	const json_t *value = json_object_get(spec, key);

	if (value == NULL || json_is_null(value))
		return preset;
	if (json_is_integer(value) && json_integer_value(value) >= 1 &&
		json_integer_value(value) <= most)
		return json_integer_value(value);
	import_calico_remark(import, "felixconfiguration", NULL,
		"%s is no number from 1 to %d; %d taken; correct it in Calico", key, (int)most,
		(int)preset);
	return preset;
}

static void take_sources(const struct import *import, const json_t *spec, json_t *tunnel)
{
	json_t *sources = json_array();
	const json_t *source;
	size_t i;

	json_array_foreach(json_object_get(spec, "externalNodesList"), i, source)
	{
		const char *text = json_string_value(source);
		uint32_t addr;
		uint8_t depth;

		if (import_calico_address(text, &addr, &depth) &&
			(addr & ~(UINT32_MAX << (32 - depth))) == 0)
			json_array_append_new(sources, json_string(text));
		else
			import_calico_remark(import, "felixconfiguration", NULL,
				"externalNodesList: %.60s left out: it is no IPv4 address or "
				"prefix; nothing to do if it is IPv6",
				text == NULL ? "an entry" : text);
	}
	json_object_set_new(tunnel, "sources", sources);
}

/* Our own VTEP is set in tunnel.mac; the others know it from our entry in their inventory. */
static void take_mac(const struct import *import, json_t *tunnel)
{
	const json_t *node;
	size_t i;

	if (import->node == NULL) {
		import_calico_remark(import, "input", NULL,
			"--node not given: a MAC, FelixConfiguration or BGPPeer of one node only "
			"was not looked at; give the name of the node that the output is for");
		return;
	}
	json_array_foreach(json_object_get(import->doc, "nodes"), i,
		node) if (strcmp(json_string_value(json_object_get(node, "name")), import->node) ==
			  0)
	{
		json_t *mac = json_object_get(node, "mac");

		if (mac != NULL)
			json_object_set(tunnel, "mac", mac);
		return;
	}
	import_calico_remark(import, "input", NULL,
		"--node %.250s is none of the nodes taken; see that the name is right",
		import->node);
}

static void remark_switches(const struct import *import, const json_t *spec)
{
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		if (json_is_true(json_object_get(spec, switches[i].key)))
			import_calico_remark(import, "felixconfiguration", NULL, "%s: %s",
				switches[i].key, switches[i].why);
	for (size_t i = 0; i < sizeof(mtus) / sizeof(mtus[0]); i++)
		if (json_integer_value(json_object_get(spec, mtus[i])) > 0)
			import_calico_remark(import, "felixconfiguration", NULL,
				"%s %d not taken over: a path has its port's MTU less the header; "
				"nothing to do unless the network carries less",
				mtus[i], (int)json_integer_value(json_object_get(spec, mtus[i])));
}

/* "false" beats the pools in Felix: its nodes then have no device. */
static void remark_disabled(const struct import *import, const json_t *spec, const char *key,
	const char *encap)
{
	const json_t *pool;
	size_t i;

	if (!json_is_false(json_object_get(spec, key)))
		return;
	json_array_foreach(json_object_get(import->doc, "pools"), i,
		pool) if (strcmp(json_string_value(json_object_get(pool, "encap")), encap) == 0)
		import_calico_remark(import, "felixconfiguration", NULL,
			"%s is false, but pool %s has encap %s: Calico's nodes have no device "
			"for it; set the pool's mode to Never in Calico, or encap: follow "
			"here",
			key, json_string_value(json_object_get(pool, "name")), encap);
}

/* All nodes must have one VNI and one port, or they do not understand each other. */
static void remark_others(const struct import *import, const json_t *tunnel)
{
	const json_t *object;
	size_t i;

	json_array_foreach(import_calico_objects(import, "FelixConfiguration"), i, object)
	{
		const json_t *spec = json_object_get(object, "spec");
		const json_t *vni = json_object_get(spec, "vxlanVNI");
		const json_t *port = json_object_get(spec, "vxlanPort");

		if ((vni != NULL && !json_equal(vni, json_object_get(tunnel, "vni"))) ||
			(port != NULL && !json_equal(port, json_object_get(tunnel, "port"))))
			import_calico_remark(import, "felixconfiguration", object,
				"its vxlanVNI or vxlanPort is not the one taken: nodes with "
				"another do not understand each other; make them one in Calico");
	}
}

void import_calico_felix(const struct import *import)
{
	json_t *tunnel = json_object_get(import->doc, "tunnel");
	json_t *spec = merge(import);

	if (json_array_size(import_calico_objects(import, "FelixConfiguration")) == 0)
		import_calico_remark(import, "input", NULL,
			"no FelixConfiguration: Felix's defaults taken; add felixconfigurations to "
			"kubectl's list");
	json_object_set_new(tunnel, "vni",
		json_integer(number(import, spec, "vxlanVNI", VNI, 0xffffff)));
	json_object_set_new(tunnel, "port",
		json_integer(number(import, spec, "vxlanPort", PORT, 65535)));
	take_sources(import, spec, tunnel);
	take_mac(import, tunnel);
	remark_switches(import, spec);
	remark_disabled(import, spec, "vxlanEnabled", "vxlan");
	remark_disabled(import, spec, "ipipEnabled", "ipip");
	remark_others(import, tunnel);
	json_decref(spec);
}
