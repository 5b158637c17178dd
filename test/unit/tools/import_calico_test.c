/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The import from Calico: a whole cluster against what was expected of it by hand, the forms in which it
 * may come, its mistakes, and that whatever comes out can be read by both daemons.
 */
#include "control/inventory.h"
#include "control/vtep_mac.h"
#include "dataplane/api/config.h"
#include "dataplane/api/config_nodes.h"
#include "tools/podlane/import_calico.h"

#include <errno.h>
#include <event2/event.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HEAD "node:\n  name: worker-override\npods:\n  match: \"\"\n"

static char folder[] = "/tmp/podlane-import.XXXXXX";
static char nodes_path[64], config_path[64];

static char *read_file(const char *path, size_t *len)
{
	FILE *in = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	assert_non_null(in);
	*len = (size_t)getdelim(&text, &room, EOF, in);
	fclose(in);
	return text;
}

static char *read_data(const char *name, size_t *len)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", getenv("CALICO_DATA"), name);
	return read_file(path, len);
}

/* Errors: NULL, and @error says why */
static json_t *import_text(const char *text, size_t len, const char *node, char *error)
{
	json_t *objects = json_object(), *doc = NULL;
	char *copy = malloc(len > 0 ? len : 1); // so that ASan sees a read behind it
	FILE *in;

	memcpy(copy, text, len);
	in = len > 0 ? fmemopen(copy, len, "r") : fopen("/dev/null", "re");
	assert_non_null(in);
	if (import_calico_read(in, objects, error, 300) == 0) {
		struct import import = {.objects = objects, .node = node, .doc = json_object()};

		doc = import.doc;
		import_calico_work_out(&import);
	}
	fclose(in);
	free(copy);
	json_decref(objects);
	return doc;
}

static char *config_text(const json_t *doc)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	import_calico_write_config(out, doc, NULL);
	fclose(out);
	return text;
}

static char *remarks_text(const json_t *doc)
{
	const json_t *remark;
	char *text = NULL;
	size_t i, len;
	FILE *out = open_memstream(&text, &len);

	json_array_foreach(json_object_get(doc, "remarks"), i, remark)
		fprintf(out, "%s: %s\n", json_string_value(json_object_get(remark, "of")),
			json_string_value(json_object_get(remark, "text")));
	fclose(out);
	return text;
}

static void expect_file(const char *name, const char *text)
{
	size_t len;
	char *expected = read_data(name, &len);

	assert_string_equal(text, expected);
	free(expected);
}

/* As both daemons read it; an output that they refuse is a mistake, whatever came in. */
static struct config *load_config(const json_t *doc)
{
	FILE *out = fopen(config_path, "we");
	struct config *cfg = NULL;
	char error[512] = "";

	fputs(HEAD, out);
	import_calico_write_config(out, doc, nodes_path);
	fclose(out);
	if (config_load(config_path, &cfg, error, sizeof(error)) != 0)
		fail_msg("%s", error);
	assert_string_equal(cfg->inventory, nodes_path);
	return cfg;
}

static struct config_nodes *load_nodes(const json_t *doc)
{
	struct config_nodes *nodes = NULL;
	FILE *out = fopen(nodes_path, "we"); // import_calico_save() would wait for the disk
	char error[512] = "";

	import_calico_write_inventory(out, doc);
	fclose(out);
	if (config_nodes_load(nodes_path, &nodes, error, sizeof(error)) != 0)
		fail_msg("%s", error);
	return nodes;
}

static json_t *import_cluster(const char *node)
{
	char error[300] = "";
	size_t len;
	char *text = read_data("cluster.json", &len);
	json_t *doc = import_text(text, len, node, error);

	assert_string_equal(error, "");
	free(text);
	return doc;
}

static void test_import_cluster(void **state)
{
	json_t *doc = import_cluster("worker-override");
	char *config = config_text(doc), *remarks = remarks_text(doc), *nodes;
	size_t len;

	(void)state;
	expect_file("podlane.yaml", config);
	expect_file("remarks", remarks);
	assert_int_equal(import_calico_save(nodes_path, doc), 0);
	nodes = read_file(nodes_path, &len);
	expect_file("nodes.yaml", nodes);
	free(nodes);
	free(config);
	free(remarks);
	json_decref(doc);
}

static void test_import_reads_back(void **state)
{
	static const struct {
		uint32_t prefix;
		uint8_t depth;
		enum config_encap encap;
		enum config_scope scope;
	} pools[] = {
		{0x0af40000, 16, CONFIG_ENCAP_IPIP, CONFIG_SCOPE_ALWAYS},
		{0x0af50000, 16, CONFIG_ENCAP_VXLAN, CONFIG_SCOPE_CROSS_SUBNET},
		{0x0a800000, 14, CONFIG_ENCAP_NONE, CONFIG_SCOPE_ALWAYS},
		{0x0af60000, 16, CONFIG_ENCAP_VXLAN, CONFIG_SCOPE_ALWAYS},
	};
	static const uint8_t mac[6] = {0x66, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e};
	json_t *doc = import_cluster("worker-override");
	struct config *cfg = load_config(doc);

	(void)state;
	assert_int_equal(cfg->n_pools, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(cfg->pools[i].prefix, pools[i].prefix);
		assert_int_equal(cfg->pools[i].depth, pools[i].depth);
		assert_int_equal(cfg->pools[i].encap, pools[i].encap);
		assert_int_equal(cfg->pools[i].scope, pools[i].scope);
	}
	assert_int_equal(cfg->tunnel.vni, 4097);
	assert_int_equal(cfg->tunnel.port, 8472);
	assert_true(cfg->tunnel.has_mac);
	assert_memory_equal(cfg->tunnel.mac, mac, 6);
	assert_int_equal(cfg->tunnel.n_sources, 2);
	assert_int_equal(cfg->tunnel.sources[1].prefix, 0xc6336440);
	assert_int_equal(cfg->tunnel.sources[1].depth, 28);
	config_free(cfg);
	json_decref(doc);
}

/* Each node gets its own settings, and without --node the cluster's are taken. */
static void test_import_of_node(void **state)
{
	json_t *doc = import_cluster("worker-far");
	struct config *cfg = load_config(doc);

	(void)state;
	assert_int_equal(cfg->tunnel.vni, 4096);
	assert_int_equal(cfg->tunnel.port, 4789);
	assert_false(cfg->tunnel.has_mac);
	config_free(cfg);
	json_decref(doc);
	doc = import_cluster(NULL);
	cfg = load_config(doc);
	assert_int_equal(cfg->tunnel.vni, 4097);
	assert_int_equal(cfg->tunnel.port, 4789);
	config_free(cfg);
	json_decref(doc);
}

/* calico-interop.md 2.2: what Calico's own tests expect of these names, of nodes without "mac". */
static void test_import_vtep_macs(void **state)
{
	static const struct {
		uint32_t address;
		uint8_t mac[6];
	} rows[] = {
		{0xc0a8010b, {0x66, 0x3e, 0xca, 0xa4, 0xdb, 0x65}},
		{0xc0a8010c, {0x66, 0x40, 0x18, 0x59, 0x1f, 0x16}},
		{0xc0a8010d, {0x66, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e}}, // overridden
		{0xc0a80110, {0x00, 0x15, 0x5d, 0x8e, 0x27, 0x0c}}, // Windows
	};
	struct event_base *base = event_base_new();
	struct inventory *inventory = NULL;
	json_t *doc = import_cluster(NULL);
	struct config_nodes *nodes = load_nodes(doc);
	uint8_t mac[6];

	(void)state;
	assert_int_equal(nodes->n, 7);
	assert_string_equal(nodes->node[1].name, "remotehostname");
	assert_false(nodes->node[1].has_mac);
	assert_int_equal(nodes->node[1].tunnel_addr, 0x0af50100);
	assert_int_equal(inventory_new(base, nodes_path, NULL, NULL, &inventory), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(inventory_vtep_mac(inventory, rows[i].address, mac));
		assert_memory_equal(mac, rows[i].mac, 6);
	}
	inventory_free(inventory);
	event_base_free(base);
	config_nodes_free(nodes);
	json_decref(doc);
}

#define NODE_V3                                                                                    \
	"\"metadata\":{\"name\":\"w\"},\"spec\":{\"bgp\":{\"ipv4Address\":\"192.168.1.9/24\","     \
	"\"ipv4IPIPTunnelAddr\":\"10.244.9.1\"},\"vxlanTunnelMACAddr\":\"66:00:00:00:00:09\"}"
#define V3   "\"apiVersion\":\"projectcalico.org/v3\""
#define NODE "{\"kind\":\"Node\"," V3 "," NODE_V3 "}"

/* calicoctl's lists, lists of one kind, single objects, arrays, one text after the other. */
static void test_import_forms(void **state)
{
	static const char *const forms[] = {
		NODE,
		"[" NODE "]",
		" [{\"kind\":\"NodeList\"," V3 ",\"items\":[" NODE "]}]\n",
		"{\"kind\":\"NodeList\"," V3 ",\"items\":[{" NODE_V3 "}]}",
		NODE "\n\n" NODE "\n",
		NODE "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[]}",
		"{\"kind\":\"Pod\",\"apiVersion\":\"v1\"}" NODE,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		char error[300] = "";
		json_t *doc = import_text(forms[i], strlen(forms[i]), "w", error);
		struct config_nodes *nodes;

		assert_string_equal(error, "");
		nodes = load_nodes(doc);
		assert_int_equal(nodes->n, 1);
		assert_int_equal(nodes->node[0].addr, 0xc0a80109);
		assert_int_equal(nodes->node[0].probe_addr, 0x0af40901);
		assert_int_equal(nodes->node[0].vtep_mac[5], 9);
		config_nodes_free(nodes);
		json_decref(doc);
	}
}

static void test_import_errors(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"", "is empty"}, {" \n\t", "is empty"},
		{"apiVersion: v1\n", "line 1: '[' or '{' expected near 'apiVersion'"},
		{"{\"a\":1}", "no kind and apiVersion"},
		{"{\"items\":[1]}", "no kind and apiVersion"},
		{"{\"kind\":\"Node\"}", "no kind and apiVersion"},
		{"[[[[" NODE "]]]]", "no kind and apiVersion"}, {NODE "\n{\"kind\":", "line 1: "},
		{"[\"\\u0000\"]", "line 1: "}, {"[\"\xff\"]", "line 1: "},
		{"[\"a\\\n\"]",
			"line 2: invalid escape near"}, // jansson quotes it, line break and all
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char error[300] = "";

		assert_null(import_text(rows[i].text, strlen(rows[i].text), NULL, error));
		if (strstr(error, rows[i].error) == NULL || strchr(error, '\n') != NULL)
			fail_msg("row %zu: %s", i, error);
	}
}

static void cut_at_every(const char *text, size_t len, size_t step)
{
	for (size_t cut = 1; cut < len; cut += step) {
		char error[300] = "";

		assert_null(import_text(text, cut, "w", error));
		assert_int_equal(strncmp(error, "line ", 5), 0);
		assert_null(strchr(error, '\n'));
	}
}

/* The small one at every byte, the cluster's 70 kB here and there: each is read from its begin. */
static void test_import_cut(void **state)
{
	size_t len;
	char *text = read_data("cluster.json", &len);

	(void)state;
	cut_at_every(NODE, strlen(NODE), 1);
	assert_int_equal(text[len - 2], '}');
	cut_at_every(text, len - 1, 211);
	free(text);
}

static void import_spoilt(const json_t *cluster)
{
	char *text = json_dumps(cluster, JSON_COMPACT), error[300] = "";
	json_t *doc = import_text(text, strlen(text), "worker-override", error);
	char *remarks;

	free(text);
	if (doc == NULL) {
		assert_string_not_equal(error, "");
		return;
	}
	config_free(load_config(doc));
	config_nodes_free(load_nodes(doc));
	remarks = remarks_text(doc);
	for (const char *c = remarks; *c != '\0'; c++)
		assert_true(*c == '\n' || (unsigned char)*c >= 0x20);
	free(remarks);
	json_decref(doc);
}

/* Each value below @at in turn becomes something else; then all is as before. */
static void spoil_each(const json_t *cluster, json_t *at)
{
	static const char *const values[] = {"null", "4294967296", "{}", "\"\"",
		"\"a: b\\n- c #\\u001b[0m\"", "[[\"1.2.3.4/33\"], \"::\", null]"};
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe(at, next, key, value)
	{
		if (strcmp(key, "managedFields") == 0 || strcmp(key, "labels") == 0)
			continue;
		json_incref(value);
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			json_object_set_new(at, key, json_loads(values[i], JSON_DECODE_ANY, NULL));
			import_spoilt(cluster);
		}
		json_object_set_new(at, key, value);
		spoil_each(cluster, value);
	}
}

/* One object of each kind, spoilt everywhere: no crash, and what comes out is always read. */
static void test_import_spoilt(void **state)
{
	static const char *const names[] = {"worker-override", "fast-vxlan", "default", "flat",
		"tor-override", "node.worker-override"};
	size_t len, i;
	char *text = read_data("cluster.json", &len);
	json_t *cluster = json_loads(text, 0, NULL), *items = json_object_get(cluster, "items");
	json_t *kept = json_array(), *item;

	(void)state;
	json_array_foreach(items, i, item)
	{
		const char *name = json_string_value(
			json_object_get(json_object_get(item, "metadata"), "name"));

		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
			if (strcmp(name, names[n]) == 0)
				json_array_append(kept, item);
		json_object_del(item, "status");
	}
	json_object_set_new(cluster, "items", kept);
	assert_int_equal(json_array_size(kept), 7);
	json_array_foreach(kept, i, item) spoil_each(cluster, item);
	json_decref(cluster);
	free(text);
}

/* A file that cannot be written is not touched, and nothing is left beside it. */
static void test_import_save(void **state)
{
	json_t *doc = import_cluster(NULL), *none = json_pack("{s:[]}", "nodes");
	struct stat seen;
	glob_t found;
	char *text;
	size_t len;

	(void)state;
	assert_int_equal(import_calico_save("/nonexistent/nodes.yaml", doc), -ENOENT);
	assert_int_equal(import_calico_save(nodes_path, none), 0);
	assert_int_equal(import_calico_save(nodes_path, doc), 0);
	assert_int_equal(stat(nodes_path, &seen), 0);
	assert_int_equal(seen.st_mode & 0777, 0644);
	text = read_file(nodes_path, &len);
	expect_file("nodes.yaml", text);
	free(text);
	assert_int_equal(import_calico_save(folder, doc), -EISDIR);
	assert_int_equal(glob("/tmp/podlane-import.*.??????", 0, NULL, &found), GLOB_NOMATCH);
	json_decref(doc);
	json_decref(none);
}

static int make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(nodes_path, sizeof(nodes_path), "%s/nodes.yaml", folder);
	snprintf(config_path, sizeof(config_path), "%s/podlane.yaml", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(nodes_path);
	unlink(config_path);
	return rmdir(folder); // fails if a temporary file was left
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_import_cluster),
		cmocka_unit_test(test_import_reads_back),
		cmocka_unit_test(test_import_of_node),
		cmocka_unit_test(test_import_vtep_macs),
		cmocka_unit_test(test_import_forms),
		cmocka_unit_test(test_import_errors),
		cmocka_unit_test(test_import_cut),
		cmocka_unit_test(test_import_spoilt),
		cmocka_unit_test(test_import_save),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
