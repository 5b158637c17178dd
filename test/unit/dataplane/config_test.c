/* SPDX-License-Identifier: BSD-3-Clause */
/* podlane.yaml: defaults, and each mistake with its line and mend. */
#include "dataplane/api/config.h"
#include "dataplane/api/config_place.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PCI "dataplane: {hugepages: true}\nports:\n  - name: a\n    pci: 0000:3b:02.0\n"
#define BOND                                                                                       \
	"ports:\n  - name: a\n    devargs: net_bonding0,mode=1,member=0000:3b:02.0,"               \
	"member=net_null0,slave=3b:0a.1\n"
#define MINIMUM "node:\n  name: a\npods: {}\n"

static int load_text(const char *text, struct config **cfg, char *error, size_t error_bytes)
{
	char path[] = "/tmp/podlane-config-XXXXXX";
	int fd = mkstemp(path);
	int err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	err = config_load(path, cfg, error, error_bytes);
	unlink(path);
	return err;
}

static void test_config_load_example(void **state)
{
	const char *path = *state;
	struct config *cfg = NULL;
	char error[400] = "";

	assert_int_equal(config_load(path, &cfg, error, sizeof(error)), 0);
	assert_string_equal(cfg->node.name, "worker-a");
	assert_int_equal(cfg->n_ports, 1);
	assert_string_equal(cfg->ports[0].name, "uplink0");
	assert_string_equal(cfg->ports[0].interface, "eth0");
	assert_null(cfg->ports[0].devargs);
	assert_int_equal(cfg->ports[0].queues, 1);
	assert_int_equal(cfg->ports[0].checksum, CONFIG_CHECKSUM_TRUST);
	assert_int_equal(cfg->pods->checksum, CONFIG_CHECKSUM_COMPLETE);
	config_free(cfg);
}

/* The example says of itself that it shows the defaults. */
static void test_config_load_defaults_are_the_example(void **state)
{
	struct config *min = NULL, *example = NULL;
	char error[400] = "";

	assert_int_equal(config_load(*state, &example, error, sizeof(error)), 0);
	assert_int_equal(load_text(MINIMUM, &min, error, sizeof(error)), 0);

	assert_int_equal(min->n_pools, 1);
	assert_int_equal(min->pools[0].prefix, 0x0af40000);
	assert_int_equal(min->pools[0].depth, 16);
	assert_int_equal(example->pools[0].prefix, min->pools[0].prefix);
	assert_string_equal(example->pods->match, min->pods->match);
	assert_string_equal(example->fpm.listen, min->fpm.listen);
	assert_string_equal(example->fpm.replay_end, min->fpm.replay_end);
	assert_string_equal(example->sockets.dataplane, min->sockets.dataplane);
	assert_string_equal(example->sockets.control, min->sockets.control);
	assert_string_equal(example->dataplane.punt_interface, min->dataplane.punt_interface);
	assert_int_equal(example->dataplane.n_workers, 1);
	assert_int_equal(min->dataplane.n_workers, 1);
	assert_int_equal(example->dataplane.workers[0], min->dataplane.workers[0]);
	assert_int_equal(example->dataplane.idle, min->dataplane.idle);
	assert_int_equal(example->dataplane.idle_us, min->dataplane.idle_us);
	assert_int_equal(example->dataplane.hugepages, min->dataplane.hugepages);
	assert_int_equal(example->dataplane.memory_mb, min->dataplane.memory_mb);
	assert_int_equal(example->dataplane.mbufs, min->dataplane.mbufs);
	assert_int_equal(example->dataplane.punt_pps, min->dataplane.punt_pps);
	assert_int_equal(example->dataplane.icmp_errors_pps, min->dataplane.icmp_errors_pps);
	assert_int_equal(example->dataplane.fib.engine, min->dataplane.fib.engine);
	assert_int_equal(example->dataplane.fib.max_routes, min->dataplane.fib.max_routes);
	assert_int_equal(example->dataplane.fib.tbl8_groups, min->dataplane.fib.tbl8_groups);
	assert_int_equal(example->pools[0].encap, min->pools[0].encap);
	assert_int_equal(example->pools[0].scope, min->pools[0].scope);
	assert_int_equal(example->tunnel.address, min->tunnel.address);
	assert_int_equal(example->tunnel.has_mac, min->tunnel.has_mac);
	assert_int_equal(example->tunnel.vni, min->tunnel.vni);
	assert_int_equal(example->tunnel.port, min->tunnel.port);
	assert_int_equal(example->tunnel.udp_checksum, min->tunnel.udp_checksum);
	assert_int_equal(example->tunnel.source_port_min, min->tunnel.source_port_min);
	assert_int_equal(example->tunnel.source_port_max, min->tunnel.source_port_max);
	assert_int_equal(example->tunnel.n_sources, min->tunnel.n_sources);
	assert_int_equal(example->tunnel.check_inner_source, min->tunnel.check_inner_source);
	assert_string_equal(example->inventory, min->inventory);
	assert_int_equal(example->node.probe_address, min->node.probe_address);
	assert_int_equal(example->probe.budget_pps, min->probe.budget_pps);
	assert_int_equal(example->dataplane.max_paths, min->dataplane.max_paths);
	assert_int_equal(example->dataplane.max_groups, min->dataplane.max_groups);
	config_free(min);
	config_free(example);
}

static const struct {
	const char *text;
	const char *error; /* part of the message */
} mistakes[] = {
	{"", "empty"},
	{"pods: {}\n", "node.name: has no default; set it"},
	{"node:\n  name: a\n", "add ports: or pods:"},
	{MINIMUM "bogus: 1\n", ":4: bogus: unknown key"},
	{MINIMUM "fpm:\n  listen: 1.2.3.4:1\n  listne: x\n", ":6: listne: unknown key"},
	{MINIMUM "fpm:\n  listen: 1.2.3.4:1\n  listen: 1.2.3.4:1\n", ":6: listen: said twice"},
	{MINIMUM "dataplane:\n  idle: never\n", ":5: idle:"},
	{MINIMUM "dataplane:\n  mbufs: many\n", ":5: mbufs:"},
	{MINIMUM "dataplane:\n  mbufs: 5\n", ":5: dataplane.mbufs: 5 is not in 1024..16777216"},
	{MINIMUM "dataplane:\n  fib:\n    engine: lpm\n    max_routes: 1\n",
		":7: dataplane.fib.max_routes: 1 is not in"},
	{MINIMUM "dataplane:\n  workers: []\n", "dataplane.workers: is empty"},
	{MINIMUM "dataplane:\n  workers: [1, 2, 1]\n", "CPU 1 is there twice"},
	{MINIMUM "dataplane:\n  workers: [1024]\n", "CPU 1024 is not in 0..1023"},
	{MINIMUM "dataplane:\n  punt_interface: a-name-that-is-long\n", "shorten it to 15"},
	{MINIMUM "ports:\n  - name: a\n    interface: e0\n  - name: a\n    interface: e1\n",
		":7: ports[1].name: a is also ports[0]"},
	{MINIMUM "ports:\n- name: a\n  interface: e0\n- name: b\n  interface: e0\n",
		":8: ports[1].interface: e0 is also polled by a"},
	{MINIMUM "ports:\n  - name: a\n", ":5: ports[0]: a: say exactly one"},
	{MINIMUM "ports:\n  - name: a\n    interface: b\n    devargs: c\n", "say exactly one"},
	{MINIMUM "ports:\n  - name: a\n    interface: b\n    pci: 3b:00.0\n", "say exactly one"},
	{MINIMUM "ports:\n  - name: a\n    pci: 3b:00.0\n", ":6: ports[0].pci: a PCI port needs"},
	{MINIMUM BOND, ":6: ports[0].devargs: a PCI port needs"},
	{MINIMUM "ports:\n  - name: a\n    pci: eth0/1\n", ":6: ports[0].pci: eth0/1 is no PCI"},
	{MINIMUM "ports:\n  - name: a\n    pci: eth0/vf1x\n", "eth0/vf1x is no PCI address"},
	{MINIMUM "ports:\n  - name: a\n    pci: /vf1\n", "/vf1 is no PCI address"},
	{MINIMUM "ports:\n  - name: a\n    pci: 3b:00.0x\n", "3b:00.0x is no PCI address"},
	{MINIMUM "ports:\n  - name: a\n    pci: PCIDEVICE_\n", "PCIDEVICE_ is no PCI address"},
	{MINIMUM PCI "  - name: b\n    pci: 0000:3b:02.0\n",
		":9: ports[1].pci: 0000:3b:02.0 is also"},
	{MINIMUM PCI "    descriptors: 63\n", ":8: ports[0].descriptors: 63 is not in 64..8192"},
	{MINIMUM PCI "    mtu: 500\n", ":8: ports[0].mtu: 500 is not in 576..9216"},
	{MINIMUM "ports:\n  - name: a\n    interface: e0\n    promiscuous: true\n",
		"ip link set e0 promisc on"},
	{MINIMUM PCI "    vlan: 0\n", ":8: ports[0].vlan: 0 is not in 1..4094"},
	{MINIMUM PCI "    vlan: 4095\n", "4095 is not in 1..4094"},
	{MINIMUM "ports:\n  - name: a\n    interface: e0\n    vlan: 7\n",
		"ip link add link e0 type vlan id 7"},
	{MINIMUM "ports:\n  - name: a\n    interface: e0\n    mtu: 1400\n",
		"ip link set e0 mtu 1400"},
	{MINIMUM "ports:\n  - name: a\n    interface: e0\n    twin: true\n",
		":7: ports[0].twin: e0 is the kernel's own"},
	{MINIMUM "ports:\n  - name: sixteen-letters-\n    devargs: x\n    twin: true\n",
		":5: ports[0].name: sixteen-letters- is too long"},
	{MINIMUM "ports:\n  - interface: b\n", ":5: ports[0]: has no name"},
	{MINIMUM "ports:\n  - name: a\n    interface: b\n    queues: 0\n",
		":7: ports[0].queues: 0"},
	{MINIMUM "ports:\n  - name: a\n    interface: b-16-characters-\n", "no interface name"},
	{MINIMUM "pools:\n  - cidr: 10.244.1.0/16\n", ":5: pools[0].cidr: 10.244.1.0/16 has bits"},
	{MINIMUM "pools:\n  - cidr: 10.244.1.0/16\n", "write 10.244.0.0/16"},
	{MINIMUM "pools:\n  - cidr: 10.244.0.0/33\n", "no IPv4 prefix"},
	{MINIMUM "pools:\n  - cidr: 0.0.0.0/0\n", "no IPv4 prefix"},
	{MINIMUM "pools:\n  - cidr: 10.244.0.0/16 x\n", "no IPv4 prefix"},
	{MINIMUM "pools:\n  - cidr: 10.0.0.0/8\n  - cidr: 10.0.0.0/8\n", ":6: pools[1].cidr"},
	{MINIMUM "pools:\n  - {}\n", "pools[0].cidr: is missing"},
	{MINIMUM "pools:\n  - cidr: 10.0.0.0/8\n    encap: gre\n", ":6: encap:"},
	{MINIMUM "pools:\n  - cidr: 10.0.0.0/8\n    scope: never\n", ":6: scope:"},
	{"pods: {}\nnode:\n  name: a\n  probe_address: x\n",
		":4: node.probe_address: x is no IPv4"},
	{"pods: {}\nnode:\n  name: a\n  probe_address: 10.245.0.1\n",
		":4: node.probe_address: 10.245.0.1 is in none of pools:"},
	{MINIMUM "probe:\n  budget_pps: 100001\n",
		":5: probe.budget_pps: 100001 is not in 0..100000"},
	{MINIMUM "probe:\n  interval: 1\n", ":5: interval: unknown key"},
	{MINIMUM "tunnel:\n  vni: 16777216\n", ":5: tunnel.vni: 16777216 is not in 0..16777215"},
	{MINIMUM "tunnel:\n  port: 0\n", ":5: tunnel.port: 0 is not in"},
	{MINIMUM "tunnel:\n  address: here\n", ":5: tunnel.address: here is no IPv4"},
	{MINIMUM "tunnel:\n  mac: 01:00:5e:00:00:01\n", ":5: tunnel.mac: 01:00:5e:00:00:01 is no"},
	{MINIMUM "tunnel:\n  source_port_range: 9-8\n", ":5: tunnel.source_port_range: 9-8 is"},
	{MINIMUM "tunnel:\n  sources: [10.0.0.1/8]\n", "tunnel.sources[0]: 10.0.0.1/8 is no"},
	{MINIMUM "fpm:\n  listen: localhost:2620\n", ":5: fpm.listen: localhost:2620 is no"},
	{MINIMUM "fpm:\n  listen: 127.0.0.1:70000\n", "fpm.listen"},
	{MINIMUM "fpm:\n  replay_end: 10.0.0.0/8\n", ":5: fpm.replay_end"},
	{MINIMUM "sockets:\n  dataplane: /a\n  control: /a\n", ":6: sockets.control"},
	{MINIMUM "sockets:\n  dataplane: ''\n", ":5: sockets.dataplane: is empty"},
	{"node: [\n", "configs/podlane.yaml"},
	{"node: 5\n", ":1: node:"},
};

static void test_config_load_mistake(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct config *cfg = NULL;
		char error[400] = "";
		int err = load_text(mistakes[i].text, &cfg, error, sizeof(error));

		if (err != -EINVAL || strstr(error, mistakes[i].error) == NULL ||
			strchr(error, '\n') != NULL || cfg != NULL)
			fail_msg("%s---\nwants \"%s\", says %d \"%s\"", mistakes[i].text,
				mistakes[i].error, err, error);
	}
}

static void test_config_load_no_file(void **state)
{
	struct config *cfg = NULL;
	char error[400] = "";

	(void)state;
	assert_int_equal(config_load("/nonexistent/x", &cfg, error, sizeof(error)), -ENOENT);
	assert_non_null(strstr(error, "/nonexistent/x: No such file"));
}

static void test_config_load_no_pools(void **state)
{
	struct config *cfg = NULL;
	char error[400] = "";

	(void)state;
	assert_int_equal(load_text(MINIMUM "pools: []\n", &cfg, error, sizeof(error)), 0);
	assert_int_equal(cfg->n_pools, 0);
	config_free(cfg);
}

static void test_config_load_pci(void **state)
{
	const char *text = MINIMUM PCI "    descriptors: 512\n    mtu: 9000\n    vlan: 100\n"
				       "    promiscuous: true\n"
				       "  - name: b\n    pci: PCIDEVICE_INTEL_COM_VF[1]\n"
				       "  - name: c\n    pci: enp59s0f0/vf1\n"
				       "  - name: d\n    pci: 3b:00.0/vf2\n"
				       "  - name: e\n    pci: enp59s0f1np1\n";
	struct config *cfg = NULL;
	char error[400] = "";

	(void)state;
	assert_int_equal(load_text(text, &cfg, error, sizeof(error)), 0);
	assert_string_equal(cfg->ports[0].pci, "0000:3b:02.0");
	assert_null(cfg->ports[0].interface);
	assert_int_equal(cfg->ports[0].descriptors, 512);
	assert_int_equal(cfg->ports[0].mtu, 9000);
	assert_int_equal(cfg->ports[0].vlan, 100);
	assert_true(cfg->ports[0].promiscuous);
	assert_false(cfg->ports[1].promiscuous);
	assert_int_equal(cfg->ports[1].vlan, 0);
	assert_true(cfg->ports[0].twin);
	assert_string_equal(cfg->ports[1].pci, "PCIDEVICE_INTEL_COM_VF[1]");
	assert_int_equal(cfg->ports[1].descriptors, 1024);
	assert_int_equal(cfg->ports[1].mtu, 0);
	config_free(cfg);
}

/* Members that are virtual devices are not meant, nor other arguments. */
static void test_config_port_member(void **state)
{
	static const char *const none[] = {"net_bonding0",
		"net_bonding0,member=", "net_bonding0,member=3b:02.0x", "net_tap0,iface=3b:02.0",
		"net_bonding0,member=enp1s0f0", "net_bonding0,member=enp1s0f0/v1"};
	struct config_port port = {0};
	struct config *cfg = NULL;
	char error[400] = "", member[CONFIG_PCI_BYTES];

	(void)state;
	assert_int_equal(load_text(MINIMUM "dataplane: {hugepages: true}\n" BOND, &cfg, error,
				 sizeof(error)),
		0);
	assert_true(config_port_member(&cfg->ports[0], 0, member));
	assert_string_equal(member, "0000:3b:02.0");
	assert_true(config_port_member(&cfg->ports[0], 1, member));
	assert_string_equal(member, "3b:0a.1");
	assert_false(config_port_member(&cfg->ports[0], 2, member));
	config_free(cfg);

	assert_false(config_port_member(&port, 0, member));
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		char devargs[64];

		snprintf(devargs, sizeof(devargs), "%s", none[i]);
		port.devargs = devargs;
		assert_false(config_port_member(&port, 0, member));
	}
}

static void test_config_port_set_member(void **state)
{
	struct config_port port = {.devargs = strdup("net_bonding0,mode=1,member=enp1s0f0/"
						     "vf1,member=net_null0,slave=PCIDEVICE_VF[1]")};
	char member[CONFIG_PCI_BYTES];

	(void)state;
	assert_true(config_port_member(&port, 0, member));
	assert_string_equal(member, "enp1s0f0/vf1");
	assert_int_equal(config_port_set_member(&port, 0, "0000:01:10.2"), 0);
	assert_true(config_port_member(&port, 0, member));
	assert_string_equal(member, "0000:01:10.2");
	assert_true(config_port_member(&port, 1, member));
	assert_string_equal(member, "PCIDEVICE_VF[1]");
	assert_int_equal(config_port_set_member(&port, 1, "0000:02:10.0"), 0);
	assert_int_equal(config_port_set_member(&port, 2, "0000:03:10.0"), -ENOENT);
	assert_string_equal(port.devargs,
		"net_bonding0,mode=1,member=0000:01:10.2,member=net_null0,slave=0000:02:10.0");
	free(port.devargs);
}

static void test_config_load_tunnel(void **state)
{
	const char *text = MINIMUM "pools:\n  - cidr: 10.0.0.0/8\n    encap: vxlan\n"
				   "    scope: cross-subnet\ntunnel:\n  address: 192.168.1.10\n"
				   "  mac: 66:3e:ca:a4:db:65\n  source_port_range: 1-2\n"
				   "  udp_checksum: false\n  check_inner_source: false\n"
				   "  sources: [10.0.0.1, 10.1.0.0/16]\ninventory: /n.yaml\n";
	struct config *cfg = NULL;
	char error[400] = "";

	(void)state;
	assert_int_equal(load_text(text, &cfg, error, sizeof(error)), 0);
	assert_int_equal(cfg->pools[0].encap, CONFIG_ENCAP_VXLAN);
	assert_int_equal(cfg->pools[0].scope, CONFIG_SCOPE_CROSS_SUBNET);
	assert_int_equal(cfg->tunnel.address, 0xc0a8010a);
	assert_true(cfg->tunnel.has_mac);
	assert_int_equal(cfg->tunnel.mac[5], 0x65);
	assert_int_equal(cfg->tunnel.source_port_max, 2);
	assert_false(cfg->tunnel.udp_checksum || cfg->tunnel.check_inner_source);
	assert_int_equal(cfg->tunnel.n_sources, 2);
	assert_int_equal(cfg->tunnel.sources[0].depth, 32);
	assert_int_equal(cfg->tunnel.sources[1].prefix, 0x0a010000);
	assert_int_equal(cfg->tunnel.sources[1].depth, 16);
	assert_string_equal(cfg->inventory, "/n.yaml");
	config_free(cfg);
}

static void test_config_load_probe(void **state)
{
	const char *text = "pods: {}\nnode:\n  name: a\n  probe_address: 10.244.0.1\n"
			   "pools:\n  - cidr: 10.244.0.0/16\n    encap: auto\n"
			   "probe:\n  budget_pps: 0\n";
	struct config *cfg = NULL;
	char error[400] = "";

	(void)state;
	assert_int_equal(load_text(text, &cfg, error, sizeof(error)), 0);
	assert_int_equal(cfg->node.probe_address, 0x0af40001);
	assert_int_equal(cfg->probe.budget_pps, 0);
	assert_int_equal(cfg->pools[0].encap, CONFIG_ENCAP_AUTO);
	config_free(cfg);
}

/* Whatever a file is cut at, loading answers, and never with both. */
static void test_config_load_cut(void **state)
{
	FILE *file = fopen(*state, "r");
	static char text[16384];
	size_t len;

	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	for (size_t i = 0; i < len; i++) {
		char *cut = strndup(text, i);
		struct config *cfg = NULL;
		char error[400] = "";
		int err = load_text(cut, &cfg, error, sizeof(error));

		assert_true((err == 0) == (cfg != NULL));
		assert_true((err == 0) == (error[0] == '\0'));
		config_free(cfg);
		free(cut);
	}
}

static void test_config_place_of(void **state)
{
	const char *text = "# c: 1\na:\n  b: 1 # x\n  c:\n    - d: 2\n      e: 3\n    -\n      d: "
			   "4\nf: {g: 1}\n";

	(void)state;
	assert_int_equal(config_place_of(text, "a"), 2);
	assert_int_equal(config_place_of(text, "a.b"), 3);
	assert_int_equal(config_place_of(text, "a.c[0].d"), 5);
	assert_int_equal(config_place_of(text, "a.c[0].e"), 6);
	assert_int_equal(config_place_of(text, "a.c[1]"), 7);
	assert_int_equal(config_place_of(text, "a.c[1].d"), 8);
	assert_int_equal(config_place_of(text, "f.g"), 9);
	assert_int_equal(config_place_of(text, "fa"), 0);
	assert_int_equal(config_place_of_name(text, "d", 6), 8);
}

int main(int argc, char **argv)
{
	void *example = argc > 1 ? argv[1] : NULL;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_config_load_example, example),
		cmocka_unit_test_prestate(test_config_load_defaults_are_the_example, example),
		cmocka_unit_test(test_config_load_mistake),
		cmocka_unit_test(test_config_load_no_file),
		cmocka_unit_test(test_config_load_no_pools),
		cmocka_unit_test(test_config_load_pci),
		cmocka_unit_test(test_config_port_member),
		cmocka_unit_test(test_config_port_set_member),
		cmocka_unit_test(test_config_load_tunnel),
		cmocka_unit_test(test_config_load_probe),
		cmocka_unit_test_prestate(test_config_load_cut, example),
		cmocka_unit_test(test_config_place_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
