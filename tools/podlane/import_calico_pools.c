/* SPDX-License-Identifier: BSD-3-Clause */
/* IPPools to podlane.yaml's "pools". Called by import_calico_read.c. */
#include "tools/podlane/import_calico.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define MAX_ROUTES 65536u /* podlane.yaml's dataplane.fib.max_routes unless it is said */

enum mode { MODE_NEVER, MODE_CROSS_SUBNET, MODE_ALWAYS, MODE_UNKNOWN };

static enum mode read_mode(const json_t *spec, const char *key)
{
	const char *text = import_calico_text(spec, key);

	if (text == NULL || strcasecmp(text, "Never") == 0)
		return MODE_NEVER;
	if (strcasecmp(text, "CrossSubnet") == 0)
		return MODE_CROSS_SUBNET;
	return strcasecmp(text, "Always") == 0 ? MODE_ALWAYS : MODE_UNKNOWN;
}

static bool has_use(const json_t *spec, const char *use)
{
	const json_t *uses = json_object_get(spec, "allowedUses");
	const json_t *value;
	size_t i;

	json_array_foreach(uses, i,
		value) if (json_is_string(value) &&
			   strcasecmp(json_string_value(value), use) == 0) return true;
	return json_array_size(uses) == 0;
}

static bool is_prefix(const char *cidr, uint32_t *prefix, uint8_t *depth)
{
	return cidr != NULL && strchr(cidr, '/') != NULL &&
	       import_calico_address(cidr, prefix, depth) &&
	       (*prefix & ~(UINT32_MAX << (32 - *depth))) == 0;
}

static const json_t *find_same(const struct import *import, const char *cidr)
{
	const json_t *pool;
	size_t i;

	json_array_foreach(json_object_get(import->doc, "pools"), i,
		pool) if (strcmp(json_string_value(json_object_get(pool, "cidr")), cidr) ==
			  0) return pool;
	return NULL;
}

/* Is the pool for us? If not, a remark says so. */
static bool is_wanted(const struct import *import, const json_t *pool, const json_t *spec)
{
	const char *cidr = import_calico_text(spec, "cidr");
	const json_t *same;
	uint32_t prefix;
	uint8_t depth;

	if (cidr != NULL && strchr(cidr, ':') != NULL) {
		import_calico_remark(import, "ippool", pool,
			"%.60s left out: IPv6 stays with the kernel; nothing to do", cidr);
		return false;
	}
	if (!is_prefix(cidr, &prefix, &depth)) {
		import_calico_remark(import, "ippool", pool,
			"left out: cidr %.60s is no IPv4 prefix; correct it in Calico",
			cidr == NULL ? "(none)" : cidr);
		return false;
	}
	// Such pools often only keep addresses of somebody else from being translated.
	if (json_is_true(json_object_get(spec, "disabled"))) {
		import_calico_remark(import, "ippool", pool,
			"left out: it is disabled; if pods have addresses of it and shall be on "
			"the fast lane, add \"- cidr: %s\" by hand",
			cidr);
		return false;
	}
	if (!has_use(spec, "Workload") && !has_use(spec, "Tunnel")) {
		import_calico_remark(import, "ippool", pool,
			"%s left out: no pod has an address of it; nothing to do", cidr);
		return false;
	}
	same = find_same(import, cidr);
	if (same != NULL)
		import_calico_remark(import, "ippool", pool,
			"left out: %s is also pool %s; remove one in Calico", cidr,
			json_string_value(json_object_get(same, "name")));
	return same == NULL;
}

/* What Podlane does in another way than Calico, or not. */
static void remark_rest(const struct import *import, const json_t *pool, const json_t *spec)
{
	const char *selector = import_calico_text(spec, "nodeSelector");
	const json_t *size = json_object_get(spec, "blockSize");
	uint32_t prefix;
	uint8_t depth;

	if (json_is_true(json_object_get(spec, "natOutgoing")))
		import_calico_remark(import, "ippool", pool,
			"natOutgoing not taken over: the kernel goes on translating what leaves "
			"for other networks; nothing to do");
	if (selector != NULL && strcmp(selector, "all()") != 0)
		import_calico_remark(import, "ippool", pool,
			"nodeSelector %.100s not taken over: the pool is on the fast lane of every "
			"node that gets this file; nothing to do",
			selector);
	if (json_is_true(json_object_get(spec, "disableBGPExport")))
		import_calico_remark(import, "ippool", pool,
			"disableBGPExport not taken over: Podlane announces nothing; keep FRR from "
			"announcing it where FRR takes BIRD's place");
	if (is_prefix(import_calico_text(spec, "cidr"), &prefix, &depth) && json_is_integer(size) &&
		json_integer_value(size) <= 32 && json_integer_value(size) > depth &&
		1ull << (json_integer_value(size) - depth) > MAX_ROUTES)
		import_calico_remark(import, "ippool", pool,
			"blockSize %d makes up to %llu routes: set dataplane.fib.max_routes to "
			"hold them (default %u)",
			(int)json_integer_value(size), 1ull << (json_integer_value(size) - depth),
			MAX_ROUTES);
}

/* Of two modes Felix takes VXLAN; Calico's API refuses both, old objects may have them. */
static void take_pool(const struct import *import, const json_t *pool, const json_t *spec)
{
	enum mode ipip = read_mode(spec, "ipipMode"), vxlan = read_mode(spec, "vxlanMode");
	enum mode mode = vxlan != MODE_NEVER ? vxlan : ipip;
	const char *encap = mode == MODE_NEVER ? "none" : vxlan != MODE_NEVER ? "vxlan" : "ipip";
	const char *scope = mode == MODE_CROSS_SUBNET ? "cross-subnet" : "always";
	const char *name = import_calico_name(pool);
	json_t *taken;

	if (ipip == MODE_UNKNOWN || vxlan == MODE_UNKNOWN) {
		import_calico_remark(import, "ippool", pool,
			"left out: its ipipMode or vxlanMode is none of Always, CrossSubnet, "
			"Never; write the pool by hand");
		return;
	}
	if (ipip != MODE_NEVER && vxlan != MODE_NEVER)
		import_calico_remark(import, "ippool", pool,
			"ipipMode not taken over: vxlanMode is set too, and wins as it does in "
			"Felix; set one of them to Never in Calico");
	taken = json_object();
	json_object_set_new(taken, "name", json_string(import_calico_is_name(name) ? name : "?"));
	json_object_set(taken, "cidr", json_object_get(spec, "cidr"));
	json_object_set_new(taken, "encap", json_string(encap));
	if (mode != MODE_NEVER)
		json_object_set_new(taken, "scope", json_string(scope));
	json_array_append_new(json_object_get(import->doc, "pools"), taken);
	remark_rest(import, pool, spec);
}

void import_calico_pools(const struct import *import)
{
	const json_t *objects = import_calico_objects(import, "IPPool");
	const json_t *pool;
	size_t i;

	if (json_array_size(objects) == 0)
		import_calico_remark(import, "input", NULL,
			"no IPPool: pools: not written; add ippools to kubectl's list");
	json_array_foreach(objects, i, pool)
	{
		const json_t *spec = json_object_get(pool, "spec");

		if (is_wanted(import, pool, spec))
			take_pool(import, pool, spec);
	}
}
