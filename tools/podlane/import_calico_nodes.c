/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calico's nodes to the inventory. Called by import_calico_read.c. The MAC of a node's VTEP is written
 * only where Calico has one set; control works the others out from the name, as Felix does.
 */
#include "tools/podlane/import_calico.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define ANNOTATION "projectcalico.org/"

/* What is said of a node, wherever it stands. NULL: not said. */
struct facts {
	const char *name, *address, *ipip, *vxlan, *mac, *cluster_id;
	const char *kubelet; /* InternalIP */
	bool has_ipv6, is_windows;
};

/* Where both kinds of node say it: Kubernetes' in annotations, calicoctl's in the spec. */
static const char *said(const json_t *node, const char *annotation, const char *in_bgp,
	const char *in_spec)
{
	const json_t *annotations =
		json_object_get(json_object_get(node, "metadata"), "annotations");
	const json_t *spec = json_object_get(node, "spec");
	const char *text = import_calico_text(annotations, annotation);

	if (text == NULL && in_bgp != NULL)
		text = import_calico_text(json_object_get(spec, "bgp"), in_bgp);
	if (text == NULL && in_spec != NULL)
		text = import_calico_text(spec, in_spec);
	return text;
}

static const char *find_internal_ip(const json_t *node)
{
	const json_t *addresses = json_object_get(json_object_get(node, "status"), "addresses");
	const json_t *address;
	size_t i;

	json_array_foreach(addresses, i, address)
	{
		const char *type = import_calico_text(address, "type");

		if (type != NULL && strcmp(type, "InternalIP") == 0)
			return import_calico_text(address, "address");
	}
	return NULL;
}

static struct facts read_facts(const json_t *node)
{
	const json_t *labels = json_object_get(json_object_get(node, "metadata"), "labels");
	const char *os = import_calico_text(labels, "kubernetes.io/os");

	return (struct facts){
		.name = import_calico_name(node),
		.address = said(node, ANNOTATION "IPv4Address", "ipv4Address", NULL),
		.ipip = said(node, ANNOTATION "IPv4IPIPTunnelAddr", "ipv4IPIPTunnelAddr", NULL),
		.vxlan = said(node, ANNOTATION "IPv4VXLANTunnelAddr", NULL, "ipv4VXLANTunnelAddr"),
		.mac = said(node, ANNOTATION "VXLANTunnelMACAddr", NULL, "vxlanTunnelMACAddr"),
		.cluster_id = said(node, ANNOTATION "RouteReflectorClusterID",
			"routeReflectorClusterID", NULL),
		.kubelet = find_internal_ip(node),
		.has_ipv6 = said(node, ANNOTATION "IPv6Address", "ipv6Address", NULL) != NULL,
		.is_windows = os != NULL && strcmp(os, "windows") == 0,
	};
}

/* Returns what is wrong, with the text it is in; NULL: nothing. */
static const char *find_wrong(const struct facts *facts, const char **text)
{
	char mac[18];
	uint32_t addr;
	uint8_t depth;

	*text = facts->address;
	if (!import_calico_address(facts->address, &addr, &depth))
		return "IPv4Address";
	*text = facts->vxlan;
	if (facts->vxlan != NULL && !import_calico_address(facts->vxlan, &addr, &depth))
		return "IPv4VXLANTunnelAddr";
	*text = facts->ipip;
	if (facts->ipip != NULL && !import_calico_address(facts->ipip, &addr, &depth))
		return "IPv4IPIPTunnelAddr";
	*text = facts->mac;
	if (facts->mac != NULL && !import_calico_mac(facts->mac, mac))
		return "VXLANTunnelMACAddr";
	return NULL;
}

static bool is_usable(const struct import *import, const json_t *node, const struct facts *facts)
{
	const char *wrong, *text = NULL;

	if (!import_calico_is_name(facts->name)) {
		import_calico_remark(import, "node", node, "left out: that is no node's name");
		return false;
	}
	if (facts->address == NULL) {
		import_calico_remark(import, "node", node,
			"left out: Calico has no IPv4 address for it%s%.60s%s; see that "
			"calico-node runs there, or add the node by hand",
			facts->kubelet != NULL ? " (kubelet says " : "",
			facts->kubelet != NULL ? facts->kubelet : "",
			facts->kubelet != NULL ? ")" : "");
		return false;
	}
	wrong = find_wrong(facts, &text);
	if (wrong != NULL)
		import_calico_remark(import, "node", node,
			"left out: its %s %.60s cannot be; correct the annotation", wrong, text);
	return wrong == NULL;
}

static void set_address(json_t *entry, const char *key, const char *text)
{
	char plain[INET_ADDRSTRLEN];
	struct in_addr in;
	uint32_t addr;
	uint8_t depth;

	if (text == NULL || !import_calico_address(text, &addr, &depth))
		return;
	in.s_addr = htonl(addr);
	json_object_set_new(entry, key, json_string(inet_ntop(AF_INET, &in, plain, sizeof(plain))));
}

static bool has_encap(const struct import *import, const char *encap)
{
	const json_t *pool;
	size_t i;

	json_array_foreach(json_object_get(import->doc, "pools"), i,
		pool) if (strcmp(json_string_value(json_object_get(pool, "encap")), encap) ==
			  0) return true;
	return false;
}

static void remark_rest(const struct import *import, const json_t *node, const struct facts *facts)
{
	if (facts->cluster_id != NULL)
		import_calico_remark(import, "node", node,
			"it reflects routes (cluster id %.40s): if FRR takes BIRD's place here, "
			"give it %.*s as a neighbor",
			facts->cluster_id, (int)strcspn(facts->address, "/"), facts->address);
	if (facts->is_windows && has_encap(import, "ipip"))
		import_calico_remark(import, "node", node,
			"it runs Windows, which has no IPIP: pods in pools with encap ipip do not "
			"reach it; nothing to do if Calico's pools keep clear of it");
	if (facts->vxlan == NULL && has_encap(import, "vxlan"))
		import_calico_remark(import, "node", node,
			"it has no VXLAN tunnel address, so Calico has no VTEP there: what a pool "
			"with encap vxlan sends to it is lost; see that calico-node runs there");
}

/*
 * A node answers pings to its tunnel address, which is of a pool, so they take the fast lane: that is what
 * can be probed. Calico without a tunnel gives it none.
 */
static void take_node(const struct import *import, const json_t *node, const struct facts *facts)
{
	json_t *entry = json_object();
	char mac[18];

	json_object_set_new(entry, "name", json_string(facts->name));
	set_address(entry, "address", facts->address);
	set_address(entry, "tunnel_address", facts->vxlan);
	if (facts->mac != NULL && import_calico_mac(facts->mac, mac))
		json_object_set_new(entry, "mac", json_string(mac));
	set_address(entry, "probe_address", facts->vxlan != NULL ? facts->vxlan : facts->ipip);
	json_array_append_new(json_object_get(import->doc, "nodes"), entry);
	remark_rest(import, node, facts);
}

/* The nodes that can be taken, to be sorted. */
struct found {
	const json_t *node;
	struct facts facts;
	uint32_t addr;
	bool is_out;
};

static int compare_names(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int order = strcmp(x->facts.name, y->facts.name);

	return order != 0 ? order : x->addr < y->addr ? -1 : x->addr > y->addr;
}

static int compare_addresses(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr ? 1 : compare_names(a, b);
}

/* A node may come twice, from kubectl and from calicoctl. Sorts by name. */
static void drop_repeated(const struct import *import, struct found *found, size_t n)
{
	qsort(found, n, sizeof(*found), compare_names);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(found[i - 1].facts.name, found[i].facts.name) != 0)
			continue;
		found[i].is_out = true;
		if (found[i].addr != found[i - 1].addr)
			import_calico_remark(import, "node", found[i].node,
				"it is there twice, with %.40s, which is taken, and %.40s; read it "
				"from one source only",
				found[i - 1].facts.address, found[i].facts.address);
	}
}

/* Which of several nodes is at an address would be chance, so it is none. Sorts by address. */
static void drop_doubles(const struct import *import, struct found *found, size_t n)
{
	struct found *first = NULL;

	qsort(found, n, sizeof(*found), compare_addresses);
	for (size_t i = 0; i < n; i++) {
		if (found[i].is_out)
			continue;
		if (first == NULL || first->addr != found[i].addr) {
			first = &found[i];
			continue;
		}
		import_calico_remark(import, "node", found[i].node,
			"left out, and so is %.250s: both have address %.*s; delete the one that "
			"is gone",
			first->facts.name, (int)strcspn(found[i].facts.address, "/"),
			found[i].facts.address);
		found[i].is_out = true;
	}
	// From behind, so that the first of each address goes with the others.
	for (size_t i = n; i > 1; i--)
		if (found[i - 1].is_out && found[i - 2].addr == found[i - 1].addr &&
			strcmp(found[i - 1].facts.name, found[i - 2].facts.name) != 0)
			found[i - 2].is_out = true;
}

void import_calico_nodes(const struct import *import)
{
	const json_t *objects = import_calico_objects(import, "Node");
	struct found *found = calloc(json_array_size(objects) + 1, sizeof(*found));
	size_t i, n = 0, n_ipv6 = 0;
	const json_t *node;
	uint8_t depth;

	if (json_array_size(objects) == 0)
		import_calico_remark(import, "input", NULL,
			"no Node: no inventory; add nodes to kubectl's list");
	if (found == NULL)
		return;
	json_array_foreach(objects, i, node)
	{
		found[n] = (struct found){.node = node, .facts = read_facts(node)};
		n_ipv6 += found[n].facts.has_ipv6;
		if (is_usable(import, node, &found[n].facts) &&
			import_calico_address(found[n].facts.address, &found[n].addr, &depth))
			n++;
	}
	drop_repeated(import, found, n);
	drop_doubles(import, found, n);
	qsort(found, n, sizeof(*found), compare_names);
	for (i = 0; i < n; i++)
		if (!found[i].is_out)
			take_node(import, found[i].node, &found[i].facts);
	if (n_ipv6 > 0)
		import_calico_remark(import, "nodes", NULL,
			"%zu have IPv6 addresses, not taken over: IPv6 stays with the kernel; "
			"nothing to do",
			n_ipv6);
	free(found);
}
