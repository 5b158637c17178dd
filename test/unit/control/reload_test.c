/* SPDX-License-Identifier: BSD-3-Clause */
/* podlane.yaml read again: what is taken, what stays, and that a wrong file changes nothing. */
#include "control/reload.h"
#include "dataplane/api/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FIRST                                                                                      \
	"node:\n  name: a\nports:\n  - name: u\n    interface: eth0\n"                             \
	"pools:\n  - cidr: 10.244.0.0/16\n    encap: none\n"

static char path[] = "/tmp/podlane-reload-XXXXXX";
static char log_path[] = "/tmp/podlane-reload-log-XXXXXX";
static struct config *cfg;

static void write_config(const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Runs reload_config() with what it logs going to a file; returns that. */
static const char *reload(bool expected)
{
	static char text[4096];
	int stderr_fd = dup(STDERR_FILENO);
	FILE *log = fopen(log_path, "w+e");
	size_t len;
	bool is_taken;

	assert_non_null(log);
	dup2(fileno(log), STDERR_FILENO);
	is_taken = reload_config(path, &cfg);
	dup2(stderr_fd, STDERR_FILENO);
	close(stderr_fd);
	rewind(log);
	len = fread(text, 1, sizeof(text) - 1, log);
	text[len] = '\0';
	fclose(log);
	assert_int_equal(is_taken, expected);
	return text;
}

static int setup(void **state)
{
	char error[300];

	(void)state;
	write_config(FIRST);
	return config_load(path, &cfg, error, sizeof(error));
}

static int teardown(void **state)
{
	(void)state;
	config_free(cfg);
	return 0;
}

static void test_reload_config_takes(void **state)
{
	(void)state;
	write_config(FIRST "    scope: always\n  - cidr: 10.245.0.0/16\n    encap: ipip\n"
			   "tunnel:\n  vni: 7\n  sources: [10.0.0.1]\ninventory: /x\n");
	assert_string_equal(reload(true), "");
	assert_int_equal(cfg->n_pools, 2);
	assert_int_equal(cfg->pools[1].encap, CONFIG_ENCAP_IPIP);
	assert_int_equal(cfg->tunnel.vni, 7);
	assert_int_equal(cfg->tunnel.n_sources, 1);
	assert_string_equal(cfg->inventory, "/x");
}

/* Each in its own line by its key, every time; the others' pointers stay good. */
static void test_reload_config_fixed(void **state)
{
	static const struct {
		const char *text, *key;
	} rows[] = {
		{"node:\n  name: b\nports:\n  - name: u\n    interface: eth0\n", " node.name "},
		{FIRST "fpm:\n  listen: 127.0.0.1:9\n", " fpm.listen "},
		{FIRST "fpm:\n  replay_end: \"::1/128\"\n", " fpm.replay_end "},
		{FIRST "sockets:\n  control: /a\n", " sockets.control "},
		{FIRST "sockets:\n  dataplane: /a\n", " sockets.dataplane "},
		{FIRST "pods:\n  match: \"veth*\"\n", " pods.match "},
	};
	const char *name = cfg->node.name, *listen = cfg->fpm.listen;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_config(rows[i].text);
		for (int turn = 0; turn < 2; turn++) {
			const char *log = reload(true);

			if (strstr(log, rows[i].key) == NULL || strstr(log, path) == NULL ||
				strchr(log, '\n') != log + strlen(log) - 1)
				fail_msg("row %zu: %s", i, log);
		}
		assert_ptr_equal(cfg->node.name, name);
		assert_string_equal(name, "a");
		assert_ptr_equal(cfg->fpm.listen, listen);
		assert_string_equal(listen, "127.0.0.1:2620");
		assert_null(cfg->pods);
	}
	// Without pods is as with a match of nothing.
	write_config(FIRST "pods:\n  match: \"\"\n");
	assert_string_equal(reload(true), "");
}

static void test_reload_config_wrong(void **state)
{
	static const char *const texts[] = {"", "node: [", FIRST "colour: blue\n",
		"node:\n  name: a\nports:\n  - name: u\n    interface: eth0\npools:\n  - cidr: "
		"x\n"};
	const struct config *before = cfg;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *log;

		write_config(texts[i]);
		log = reload(false);
		assert_non_null(strstr(log, path));
		assert_non_null(strstr(log, "all settings stay as they were"));
		assert_ptr_equal(strchr(log, '\n'), log + strlen(log) - 1);
		assert_ptr_equal(cfg, before);
	}
	unlink(path);
	assert_non_null(strstr(reload(false), "No such file"));
	assert_int_equal(cfg->pools[0].encap, CONFIG_ENCAP_NONE);
}

static int make_files(void **state)
{
	int fd = mkstemp(path), log_fd = mkstemp(log_path);

	(void)state;
	close(fd);
	close(log_fd);
	return fd < 0 || log_fd < 0;
}

static int remove_files(void **state)
{
	(void)state;
	unlink(path);
	return unlink(log_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reload_config_takes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload_config_fixed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reload_config_wrong, setup, teardown),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}
