/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The podlane command from outside: exit codes, texts and JSON, against fake daemons that answer
 * rightly and wrongly. $PODLANE is the program.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/wait.h>

#include <jansson.h>

#include "test/unit/tools/fake_daemon.h"

enum { NOT_STARTED = FAKE_N_MODES };

struct run {
	int code;
	char out[16384], err[4096];
};

static char folder[] = "/tmp/podlane-test.XXXXXX";
static char dp_path[64], ctl_path[64], err_path[64];

static void read_all(FILE *file, char *text, size_t bytes)
{
	size_t len = fread(text, 1, bytes - 1, file);

	text[len] = '\0';
}

static void run_podlane(struct run *run, const char *args)
{
	char line[1024];
	FILE *out, *err;
	int status;

	snprintf(line, sizeof(line),
		"exec \"$PODLANE\" --dataplane %s --control %s --timeout 1 %s 2>%s", dp_path,
		ctl_path, args, err_path);
	out = popen(line, "r");
	assert_non_null(out);
	read_all(out, run->out, sizeof(run->out));
	status = pclose(out);
	assert_true(WIFEXITED(status));
	run->code = WEXITSTATUS(status);
	err = fopen(err_path, "r");
	assert_non_null(err);
	read_all(err, run->err, sizeof(run->err));
	fclose(err);
}

static void run_against(struct run *run, const char *args, int dp_mode, int ctl_mode)
{
	pid_t dp = dp_mode != NOT_STARTED ? fake_start_dataplane(dp_path, dp_mode) : 0;
	pid_t ctl = ctl_mode != NOT_STARTED ? fake_start_control(ctl_path, ctl_mode) : 0;

	run_podlane(run, args);
	if (dp > 0)
		fake_stop(dp);
	if (ctl > 0)
		fake_stop(ctl);
	unlink(dp_path);
	unlink(ctl_path);
}

static void assert_narrow(const char *text)
{
	for (const char *end; *text != '\0'; text = *end != '\0' ? end + 1 : end) {
		end = strchrnul(text, '\n');
		if (end - text > 80)
			fail_msg("wider than 80 columns: %.*s", (int)(end - text), text);
	}
}

static void assert_has(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("\"%s\" is not in:\n%s", part, text);
}

static const struct {
	const char *args;
	int dp, ctl, code;
	const char *out, *err;
} cases[] = {
	// asks no daemon
	{"import-calico $CALICO_DATA/cluster.json", NOT_STARTED, NOT_STARTED, 0,
		"---\n# The file that podlane.yaml's \"inventory\" names", "remark: ippool flat: "},
	{"import-calico < $CALICO_DATA/cluster.json", NOT_STARTED, NOT_STARTED, 0,
		"  - cidr: 10.244.0.0/16        # IPPool default-ipv4-ippool\n    encap: ipip\n",
		"remark: "},
	{"import-calico -j - < $CALICO_DATA/cluster.json", NOT_STARTED, NOT_STARTED, 0,
		"\"schema\": 1,\n  \"command\": \"import-calico\",\n  \"nodes\": [", "remark: "},
	{"import-calico $CALICO_DATA/pool.json", NOT_STARTED, NOT_STARTED, 0, "nodes: []",
		"no Node: no inventory"},
	{"import-calico --out-inventory /nonexistent/nodes $CALICO_DATA/pool.json", NOT_STARTED,
		NOT_STARTED, 1, "", "no node to take over; nothing written"},
	{"import-calico --out-inventory /nonexistent/nodes $CALICO_DATA/cluster.json", NOT_STARTED,
		NOT_STARTED, 1, "", "/nonexistent/nodes: No such file or directory"},
	{"import-calico $CALICO_DATA/pool.json /nonexistent", NOT_STARTED, NOT_STARTED, 1, "",
		"/nonexistent: No such file or directory"},
	{"import-calico $CALICO_DATA/nodes.yaml", NOT_STARTED, NOT_STARTED, 1, "",
		"nodes.yaml: line 1: '[' or '{' expected near '#'"},
	{"import-calico /dev/null", NOT_STARTED, NOT_STARTED, 1, "", "/dev/null: is empty; give"},
	{"import-calico -w 1 /dev/null", NOT_STARTED, NOT_STARTED, 2, "", "--watch is not for"},
	// everything up
	{"status", FAKE_GOOD, FAKE_GOOD, 0, "up 2 d 02 h, pid 4711", ""},
	{"status", FAKE_GOOD, FAKE_GOOD, 0, "zebra connected, replay complete", ""},
	{"status", FAKE_GOOD, FAKE_GOOD, 0, "in-sync, 3 of 3 routes", ""},
	{"status", FAKE_GOOD, FAKE_GOOD, 0, "2,384  16,384  packet buffers", ""},
	{"status", FAKE_GOOD, FAKE_GOOD, 0, "0.5 %", ""},
	{"status", FAKE_GOOD, FAKE_GOOD, 0, "1 pod on the fast lane (names", ""},
	{"status -v", FAKE_GOOD, FAKE_GOOD, 0, "\n  cali12\n", ""},
	{"route show", FAKE_GOOD, FAKE_GOOD, 0, "1 routes, as control has them", ""},
	{"route show", FAKE_GOOD, FAKE_GOOD, 0,
		"10.244.1.0/26  bgp   path 17  192.168.1.11  eth0       in-sync", ""},
	{"route get 10.244.1.5", FAKE_GOOD, FAKE_GOOD, 0, "same     yes", ""},
	{"route get 10.244.1.5", FAKE_GOOD, FAKE_GOOD, 0, "port uplink0 (eth0), MTU 1500", ""},
	{"path show", FAKE_GOOD, FAKE_GOOD, 0, "2    17  native  192.168.1.11", ""},
	{"path show", FAKE_GOOD, FAKE_GOOD, 0, "17 18*2", ""},
	{"port show", FAKE_GOOD, FAKE_GOOD, 0,
		"1,234,567    40         3  uplink0  up    1500  nic ", ""},
	{"port show", FAKE_GOOD, FAKE_GOOD, 0, "trunk    DOWN  1500  cpu  ", ""},
	{"pod list", FAKE_GOOD, FAKE_GOOD, 0, "1 of 3 pods on the fast lane", ""},
	{"pod list", FAKE_GOOD, FAKE_GOOD, 0, "cali13     kernel        pod detach", ""},
	{"pod attach cali12", FAKE_GOOD, FAKE_GOOD, 0, "cali12 is on the fast lane", ""},
	{"pod detach cali13", FAKE_GOOD, FAKE_GOOD, 0, "cali13 is with the kernel", ""},
	{"compare worker-b", FAKE_GOOD, FAKE_GOOD, 0,
		"worker-b  192.168.1.11  policy auto  same subnet yes  traffic yes", ""},
	{"compare worker-b", FAKE_GOOD, FAKE_GOOD, 0,
		"*  native  up         0  1500    0.0 %         38 / 71  41,234,567  2 d 03 h", ""},
	{"compare worker-b", FAKE_GOOD, FAKE_GOOD, 0,
		"using       native: fewest bytes of the paths that are up", ""},
	{"compare worker-b", FAKE_GOOD, FAKE_GOOD, 0,
		"not ipip    10 probes lost in a row, down for 4 min 12 s; native to the", ""},
	{"compare worker-b", FAKE_GOOD, FAKE_GOOD, 0, "IP protocol 4 is filtered or refused", ""},
	{"compare worker-b", FAKE_GOOD, FAKE_GOOD, 0,
		"next        vxlan, when native fails; MTU falls from 1500 to 1400", ""},
	{"compare worker-b", FAKE_GOOD, FAKE_GOOD, 0, "vxlan carries 1400 of the 1450 bytes", ""},
	{"compare worker-b", FAKE_GOOD, FAKE_GOOD, 0, "answers     along the path on which", ""},
	{"compare worker-c", FAKE_GOOD, FAKE_GOOD, 0, "            probes are lost", ""},
	{"compare worker-c", FAKE_GOOD, FAKE_GOOD, 0, "not native  vxlan is pinned", ""},
	{"compare worker-c", FAKE_GOOD, FAKE_GOOD, 0, "not ipip    no route to the node by a", ""},
	{"compare", FAKE_GOOD, FAKE_GOOD, 0,
		"2 nodes: native 1  ipip 0  vxlan 1  kernel 0   changed in last hour: 1", ""},
	{"compare", FAKE_GOOD, FAKE_GOOD, 0, "1 of them with traffic; 210/s of at most 500/s", ""},
	{"compare", FAKE_GOOD, FAKE_GOOD, 0, "worker-b  native  ipip down: probes lost", ""},
	{"compare", FAKE_GOOD, FAKE_GOOD, 0, "worker-c  vxlan   native: vxlan is pinned", ""},
	{"compare", NOT_STARTED, FAKE_GOOD, 0, "2 nodes:", ""},
	{"compare -a", FAKE_GOOD, FAKE_EMPTY, 0, "2 nodes:", ""},
	{"path pin worker-c vxlan", FAKE_GOOD, FAKE_GOOD, 0, "worker-c is pinned to vxlan", ""},
	{"path pin worker-c vxlan", FAKE_GOOD, FAKE_GOOD, 0, "WARNING: probes of this path", ""},
	{"path unpin worker-b", FAKE_GOOD, FAKE_GOOD, 0, "worker-b is not pinned", ""},
	{"drops", FAKE_GOOD, FAKE_GOOD, 0, "3  no_route  no route inside a pool", ""},
	{"drops", FAKE_GOOD, FAKE_GOOD, 0,
		"in 100 + made 5 = sent 93 + punted 7 + dropped 3 + taken 2   ok", ""},
	{"drops --all", FAKE_GOOD, FAKE_GOOD, 0, "0  ttl ", ""},
	{"drops", FAKE_GOOD, FAKE_GOOD, 0, "     4    1,200    11     12  other\n", ""},
	{"drops", FAKE_GOOD, FAKE_GOOD, 0, "     3        0     0      0  arp\n", ""},
	{"drops --all", FAKE_GOOD, FAKE_GOOD, 0, "     0        0     0      0  bfd\n", ""},
	{"version", FAKE_GOOD, FAKE_GOOD, 0, "DPDK 22.11.11", ""},
	// what is wrong is shown
	{"drops", FAKE_OFF, FAKE_GOOD, 0, "off by 5", ""},
	{"route get 10.244.1.5", FAKE_OTHER, FAKE_GOOD, 0, "same     no", ""},
	{"route get 10.244.2.5", FAKE_GOOD, FAKE_GOOD, 0,
		"prefix: control has 10.244.1.0/26, the FIB has 10.244.2.0/26", ""},
	{"route get 10.244.1.5", FAKE_GOOD, FAKE_EMPTY, 0, "same     yes", ""},
	{"status", FAKE_EMPTY, FAKE_GOOD, 0, "0 pods on the fast lane", ""},
	{"drops", FAKE_EMPTY, FAKE_GOOD, 0, "0 packets dropped", ""},
	{"pod detach cali12", FAKE_GOOD, FAKE_GOOD, 1, "", "has not done it yet"},
	{"pod attach cali14", FAKE_GOOD, FAKE_GOOD, 1, "", "refuses: No space left"},
	// one daemon is down
	{"status", FAKE_GOOD, NOT_STARTED, 3, "control    DOWN", "podlane-control at /tmp/"},
	{"status", NOT_STARTED, FAKE_GOOD, 3, "dataplane  DOWN", "podlane-dataplane at /tmp/"},
	{"status", NOT_STARTED, NOT_STARTED, 3, "DOWN", "systemctl status podlane-control"},
	{"route show", FAKE_GOOD, NOT_STARTED, 3, "3 routes, as dataplane has them", "control"},
	{"route show 10.244.2.0/24", FAKE_GOOD, NOT_STARTED, 3, "group 3", "control"},
	{"route get 10.244.1.5", NOT_STARTED, FAKE_GOOD, 3, "same     unknown", "dataplane"},
	{"route get 10.244.1.5", FAKE_GOOD, NOT_STARTED, 3, "same     unknown", "control"},
	{"path show", NOT_STARTED, FAKE_GOOD, 3, "1 paths", "dataplane"},
	{"pod list", FAKE_GOOD, NOT_STARTED, 3, "1 of 1 pods", "control"},
	{"drops", NOT_STARTED, FAKE_GOOD, 3, "", "--dataplane PATH"},
	{"port show", NOT_STARTED, FAKE_GOOD, 3, "", "No such file"},
	{"version", NOT_STARTED, NOT_STARTED, 0, "podlane    0.", "cannot reach"},
	// broken answers
	{"port show", FAKE_SHORT, FAKE_GOOD, 1, "", "is broken"},
	{"port show", FAKE_VERSION, FAKE_GOOD, 1, "", "another version of the protocol"},
	{"port show", FAKE_LENGTH, FAKE_GOOD, 1, "", "is broken"},
	{"port show", FAKE_TYPE, FAKE_GOOD, 1, "", "is broken"},
	{"port show", FAKE_CLOSE, FAKE_GOOD, 3, "", "closed the connection"},
	{"port show", FAKE_SILENT, FAKE_GOOD, 3, "", "does not answer within 1 s"},
	{"port show", FAKE_REFUSE, FAKE_GOOD, 1, "", "Device or resource busy"},
	{"pod list", NOT_STARTED, FAKE_SHORT, 3, "", "is broken"},
	{"pod attach x", FAKE_GOOD, FAKE_SHORT, 1, "", "is broken"},
	{"pod attach x", FAKE_GOOD, FAKE_VERSION, 1, "", "no object"},
	{"pod attach x", FAKE_GOOD, FAKE_LENGTH, 3, "", "without an answer"},
	{"pod attach x", FAKE_GOOD, FAKE_TYPE, 1, "", "podlane-control: no such pod"},
	{"pod attach x", FAKE_GOOD, FAKE_CLOSE, 3, "", "without an answer"},
	{"pod attach x", FAKE_GOOD, FAKE_SILENT, 3, "", "does not answer within 1 s"},
	{"compare nobody", FAKE_GOOD, FAKE_TYPE, 1, "", "podlane-control: no such pod"},
	{"path pin x native", FAKE_GOOD, FAKE_TYPE, 1, "", "podlane-control: no such pod"},
	{"compare", FAKE_GOOD, NOT_STARTED, 3, "", "podlane-control at /tmp/"},
	// wrong usage
	{"path pin x", FAKE_GOOD, FAKE_GOOD, 2, "", "path pin: NODE PATH"},
	{"path pin x native y", FAKE_GOOD, FAKE_GOOD, 2, "", "too many words: y"},
	{"path unpin", FAKE_GOOD, FAKE_GOOD, 2, "", "path unpin: NODE"},
	{"path unpin x -w 1", FAKE_GOOD, FAKE_GOOD, 2, "", "--watch is not for"},
	{"", FAKE_GOOD, FAKE_GOOD, 2, "", "Usage"},
	{"rout", FAKE_GOOD, FAKE_GOOD, 2, "", "no such command: rout"},
	{"route", FAKE_GOOD, FAKE_GOOD, 2, "", "no such command"},
	{"route get", FAKE_GOOD, FAKE_GOOD, 2, "", "ADDRESS"},
	{"route get 10.244.1", FAKE_GOOD, FAKE_GOOD, 2, "", "is no IPv4 address"},
	{"route get 10.244.1.0/26", FAKE_GOOD, FAKE_GOOD, 2, "", "is no IPv4 address"},
	{"route show 10.244.1.1/26", FAKE_GOOD, FAKE_GOOD, 2, "", "host bits zero"},
	{"route show 10.244.1.0/33", FAKE_GOOD, FAKE_GOOD, 2, "", "is no IPv4 prefix"},
	{"status now", FAKE_GOOD, FAKE_GOOD, 2, "", "too many words: now"},
	{"pod attach x -w 1", FAKE_GOOD, FAKE_GOOD, 2, "", "--watch is not for"},
	{"status -w 0", FAKE_GOOD, FAKE_GOOD, 2, "", "seconds"},
	{"status --frob", FAKE_GOOD, FAKE_GOOD, 2, "", "frob"},
	{"--help", FAKE_GOOD, FAKE_GOOD, 0, "podlane route get 10.244.1.5", ""},
};

static void test_podlane_cases(void **state)
{
	static struct run run;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		run_against(&run, cases[i].args, cases[i].dp, cases[i].ctl);
		if (run.code != cases[i].code)
			fail_msg("case %zu, podlane %s: exit %d, not %d: %s", i, cases[i].args,
				run.code, cases[i].code, run.err);
		assert_has(run.out, cases[i].out);
		assert_has(run.err, cases[i].err);
		if (cases[i].err[0] == '\0')
			assert_string_equal(run.err, "");
		if (strstr(cases[i].args, "-j") == NULL)
			assert_narrow(run.out);
	}
}

static json_t *parse(const char *text)
{
	json_error_t where;
	json_t *doc = json_loads(text, 0, &where);

	if (doc == NULL)
		fail_msg("%s in: %s", where.text, text);
	assert_int_equal(json_integer_value(json_object_get(doc, "schema")), 1);
	return doc;
}

// Whatever the daemons do, JSON stays JSON.
static void test_podlane_json_is_valid(void **state)
{
	static const char *const commands[] = {"status", "route show", "route get 10.244.1.5",
		"path show", "path pin a native", "path unpin a", "compare", "compare a",
		"port show", "pod list", "pod attach cali12", "pod detach cali13", "drops",
		"version"};
	static const int modes[] = {FAKE_GOOD, FAKE_EMPTY, FAKE_SHORT, FAKE_CLOSE, NOT_STARTED};
	static struct run run;
	char args[64];

	(void)state;
	for (size_t c = 0; c < sizeof(commands) / sizeof(commands[0]); c++) {
		for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++) {
			json_t *doc;

			snprintf(args, sizeof(args), "-j %s", commands[c]);
			run_against(&run, args, modes[m], modes[m]);
			doc = parse(run.out);
			assert_int_equal(json_object_get(doc, "errors") != NULL,
				modes[m] != FAKE_GOOD && modes[m] != FAKE_EMPTY);
			json_decref(doc);
		}
	}
}

static void test_podlane_json_has_types(void **state)
{
	static struct run run;
	json_t *doc, *port, *account, *path, *punt;

	(void)state;
	run_against(&run, "port show --json", FAKE_GOOD, FAKE_GOOD);
	doc = parse(run.out);
	port = json_array_get(json_object_get(doc, "ports"), 0);
	assert_int_equal(json_integer_value(json_object_get(port, "rx_pkts")), 1234567);
	assert_true(json_is_true(json_object_get(port, "is_up")));
	assert_true(json_is_true(json_object_get(port, "finishes_l4")));
	json_decref(doc);

	run_against(&run, "path show --json", FAKE_GOOD, FAKE_GOOD);
	doc = parse(run.out);
	path = json_array_get(json_object_get(doc, "paths"), 0);
	path = json_object_get(path, "pkts");
	assert_int_equal(json_integer_value(json_object_get(path, "native")), 1200);
	assert_int_equal(json_integer_value(json_object_get(path, "vxlan")), 13);
	json_decref(doc);

	run_against(&run, "drops --json", FAKE_OFF, FAKE_GOOD);
	doc = parse(run.out);
	account = json_object_get(doc, "account");
	assert_true(json_is_false(json_object_get(account, "ok")));
	assert_int_equal(json_integer_value(json_object_get(account, "difference")), 5);
	punt = json_array_get(json_object_get(doc, "punts"), 0);
	assert_string_equal(json_string_value(json_object_get(punt, "class")), "other");
	assert_int_equal(json_integer_value(json_object_get(punt, "policed_pkts")), 1200);
	json_decref(doc);
}

// The second document has rates, which the first cannot have.
static void test_podlane_watch_gives_rates(void **state)
{
	pid_t dp = fake_start_dataplane(dp_path, FAKE_GOOD);
	char line[512], text[8192];
	json_t *doc;
	FILE *out;

	(void)state;
	snprintf(line, sizeof(line),
		"timeout 3 \"$PODLANE\" --dataplane %s --control %s status -j -w 1 2>/dev/null",
		dp_path, ctl_path);
	out = popen(line, "r");
	assert_non_null(out);
	for (unsigned turn = 0; turn < 2; turn++) {
		const json_t *lcore;

		assert_non_null(fgets(text, sizeof(text), out));
		doc = parse(text);
		lcore = json_array_get(json_object_get(json_object_get(doc, "dataplane"), "lcores"),
			1);
		assert_int_equal(json_object_get(lcore, "rx_pps") != NULL, turn > 0);
		json_decref(doc);
	}
	pclose(out);
	fake_stop(dp);
	unlink(dp_path);
}

static void test_podlane_config_names_sockets(void **state)
{
	static struct run run;
	char path[64], line[512];
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "%s/podlane.yaml", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "node:\n  name: a\nsockets:\n  dataplane: %s\n  frob: 1\n", dp_path);
	fclose(file);

	// with both sockets named nobody reads the file
	snprintf(line, sizeof(line), "--config %s version", path);
	run_podlane(&run, line);
	assert_int_equal(run.code, 0);
	snprintf(line, sizeof(line), "\"$PODLANE\" --config %s version 2>&1", path);
	file = popen(line, "r");
	assert_non_null(file);
	read_all(file, run.out, sizeof(run.out));
	assert_int_equal(WEXITSTATUS(pclose(file)), 1);
	assert_has(run.out, "frob");
	unlink(path);
}

static int make_folder(void **state)
{
	(void)state;
	if (getenv("PODLANE") == NULL || mkdtemp(folder) == NULL)
		return -1;
	snprintf(dp_path, sizeof(dp_path), "%s/dp", folder);
	snprintf(ctl_path, sizeof(ctl_path), "%s/ctl", folder);
	snprintf(err_path, sizeof(err_path), "%s/err", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(err_path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_podlane_cases),
		cmocka_unit_test(test_podlane_json_is_valid),
		cmocka_unit_test(test_podlane_json_has_types),
		cmocka_unit_test(test_podlane_watch_gives_rates),
		cmocka_unit_test(test_podlane_config_names_sockets),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
