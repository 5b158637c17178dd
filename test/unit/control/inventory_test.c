/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of nodes: what it says, its mistakes, and that it is read again. */
#include "control/inventory.h"
#include "dataplane/api/config_nodes.h"

#include <errno.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TWO                                                                                        \
	"nodes:\n  - name: remotehostname\n    address: 192.168.1.11\n"                            \
	"  - name: b\n    address: 192.168.1.12\n    mac: 66:01:02:03:04:05\n"                     \
	"    tunnel_address: 10.244.2.0\n    probe_address: 10.244.2.1\n"

static char path[] = "/tmp/podlane-nodes-XXXXXX";

static void write_text(const char *text, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
}

static int setup(void **state)
{
	int fd;

	(void)state;
	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	close(fd);
	return fd < 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static void test_config_nodes_load(void **state)
{
	struct config_nodes *nodes = NULL;
	char error[400] = "";

	(void)state;
	write_text(TWO, strlen(TWO));
	assert_int_equal(config_nodes_load(path, &nodes, error, sizeof(error)), 0);
	assert_int_equal(nodes->n, 2);
	assert_int_equal(nodes->node[0].addr, 0xc0a8010b);
	assert_false(nodes->node[0].has_mac);
	assert_int_equal(nodes->node[0].tunnel_addr, 0);
	assert_int_equal(nodes->node[1].tunnel_addr, 0x0af40200);
	assert_int_equal(nodes->node[1].probe_addr, 0x0af40201);
	config_nodes_free(nodes);
}

static void test_config_nodes_mistakes(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"nodes:\n  - address: 1.2.3.4\n", "nodes[0] (?): has no name"},
		{"nodes:\n  - name: a\n", "nodes[0] (a): address: is no IPv4"},
		{"nodes:\n  - name: a\n    address: x\n", "address: is no IPv4"},
		{"nodes:\n  - name: a\n    address: 1.2.3.4\n    mac: x\n", "mac: is no unicast"},
		{"nodes:\n  - name: a\n    address: 1.2.3.4\n    x: y\n", "Unexpected key: x"},
		{"nodes:\n  - name: a\n    address: 1.2.3.4\n  - name: b\n    address: 1.2.3.4\n",
			"both have address 1.2.3.4"},
		{"nodes: [\n", "\"nodes:\" is a list"},
		{"", "is empty; \"nodes: []\" says"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_nodes *nodes = NULL;
		char error[400] = "";

		write_text(rows[i].text, strlen(rows[i].text));
		assert_int_equal(config_nodes_load(path, &nodes, error, sizeof(error)), -EINVAL);
		if (strstr(error, rows[i].error) == NULL || strchr(error, '\n') != NULL)
			fail_msg("wants \"%s\", says \"%s\"", rows[i].error, error);
		assert_null(nodes);
	}
}

static void test_config_nodes_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < strlen(TWO); i++) {
		struct config_nodes *nodes = NULL;
		char error[400] = "";
		int err;

		write_text(TWO, i);
		err = config_nodes_load(path, &nodes, error, sizeof(error));
		assert_true((err == 0) == (nodes != NULL));
		assert_true((err == 0) == (error[0] == '\0'));
		config_nodes_free(nodes);
	}
}

static void on_changed(void *arg)
{
	event_base_loopbreak(arg);
}

/* Read, changed, spoilt: a spoilt one leaves what was there. */
static void test_inventory_reads_again(void **state)
{
	static const uint8_t named[6] = {0x66, 0x3e, 0xca, 0xa4, 0xdb, 0x65};
	static const uint8_t said[6] = {0x66, 1, 2, 3, 4, 5};
	const struct timeval two_sec = {.tv_sec = 2};
	struct event_base *base = event_base_new();
	struct inventory *inventory = NULL;
	uint8_t mac[6];

	(void)state;
	assert_int_equal(inventory_new(base, path, on_changed, base, &inventory), 0);
	assert_int_equal(inventory_count(inventory), 0);
	assert_false(inventory_vtep_mac(inventory, 0xc0a8010b, mac));
	write_text(TWO, strlen(TWO));
	event_base_dispatch(base);
	assert_int_equal(inventory_count(inventory), 2);
	assert_true(inventory_vtep_mac(inventory, 0xc0a8010b, mac));
	assert_memory_equal(mac, named, 6);
	assert_true(inventory_vtep_mac(inventory, 0xc0a8010c, mac));
	assert_memory_equal(mac, said, 6);
	assert_false(inventory_vtep_mac(inventory, 0xc0a8010d, mac));
	write_text("nodes: [\n", 9);
	event_base_loopexit(base, &two_sec);
	event_base_dispatch(base);
	assert_int_equal(inventory_count(inventory), 2);
	write_text("nodes: []\n", 10);
	event_base_dispatch(base);
	assert_int_equal(inventory_count(inventory), 0);
	inventory_free(inventory);
	event_base_free(base);
}

/* Somebody writes another node each quarter of a second: what there is meanwhile is not what he wants. */
static void on_write(evutil_socket_t fd, short what, void *arg)
{
	unsigned *n_written = arg;
	char text[400] = "nodes:\n";

	(void)fd;
	(void)what;
	++*n_written;
	for (unsigned i = 0; i < *n_written; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			"  - name: n%u\n    address: 10.0.0.%u\n", i, i + 1);
	write_text(text, strlen(text));
}

static void test_inventory_waits_for_the_end(void **state)
{
	const struct timeval quarter = {.tv_usec = 250000};
	const struct timeval two_and_a_half = {.tv_sec = 2, .tv_usec = 500000};
	struct event_base *base = event_base_new();
	struct inventory *inventory = NULL;
	unsigned n_written = 0;
	struct event *writer = event_new(base, -1, EV_PERSIST, on_write, &n_written);

	(void)state;
	write_text(TWO, strlen(TWO));
	assert_int_equal(inventory_new(base, path, on_changed, base, &inventory), 0);
	assert_int_equal(event_add(writer, &quarter), 0);
	event_base_loopexit(base, &two_and_a_half);
	event_base_dispatch(base);
	assert_true(n_written >= 4);
	assert_int_equal(inventory_count(inventory), 2);
	event_free(writer);
	event_base_dispatch(base);
	assert_int_equal(inventory_count(inventory), n_written);
	inventory_free(inventory);
	event_base_free(base);
}

/* Where a node is probed: as said, or at its tunnel address, or nowhere. By address and by name. */
static void test_inventory_find(void **state)
{
	static const char text[] = TWO "  - name: c\n    address: 192.168.1.13\n"
				       "    tunnel_address: 10.244.3.0\n";
	struct event_base *base = event_base_new();
	struct inventory *inventory = NULL;
	struct inventory_node node;

	(void)state;
	write_text(text, strlen(text));
	assert_int_equal(inventory_new(base, path, on_changed, base, &inventory), 0);
	assert_true(inventory_find(inventory, 0xc0a8010b, &node));
	assert_string_equal(node.name, "remotehostname");
	assert_int_equal(node.probe_addr, 0);
	assert_true(inventory_find_name(inventory, "b", &node));
	assert_int_equal(node.addr, 0xc0a8010c);
	assert_int_equal(node.probe_addr, 0x0af40201);
	assert_true(inventory_find(inventory, 0xc0a8010d, &node));
	assert_int_equal(node.probe_addr, 0x0af40300);
	assert_false(inventory_find(inventory, 0xc0a80101, &node));
	assert_false(inventory_find_name(inventory, "d", &node));
	inventory_free(inventory);
	event_base_free(base);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_config_nodes_load),
		TEST(test_config_nodes_mistakes),
		TEST(test_config_nodes_cut),
		TEST(test_inventory_reads_again),
		TEST(test_inventory_waits_for_the_end),
		TEST(test_inventory_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
