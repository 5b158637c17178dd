/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The fake daemons of podlane_test.c.
 */
#include "test/unit/tools/fake_daemon.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "dataplane/api/wire.h"

static const struct wire_port ports[] = {
	{.idx = 0,
		.kind = WIRE_PORT_AF_XDP,
		.is_up = 1,
		.ifindex = 2,
		.mtu = 1500,
		.mac = {2, 0, 0, 0, 0, 10},
		.name = "uplink0",
		.device = "eth0",
		.finishes_l4 = 1},
	{.idx = 1,
		.kind = WIRE_PORT_TRUNK,
		.is_up = 0,
		.ifindex = 9,
		.mtu = 1500,
		.name = "trunk",
		.device = "podlane-trunk1"},
};
static const struct wire_port_stats port_stats[] = {
	{.port = 0, .rx_pkts = 1234567, .tx_pkts = 40, .nic_rx_missed = 3},
	{.port = 1, .rx_pkts = 60, .tx_pkts = 50},
};
static const struct wire_pod pods[] = {{.ifindex = 12, .is_attached = 1, .name = "cali12"}};
static const struct wire_path paths[] = {
	{.idx = 17,
		.nexthop = 0xc0a8010b,
		.ifindex = 2,
		.kind = WIRE_PATH_NATIVE,
		.port = 0,
		.mtu = 1500,
		.dst_mac = {2, 0, 0, 0, 0, 11},
		.src_mac = {2, 0, 0, 0, 0, 10}},
	{.idx = 18, .nexthop = 0xc0a8010c, .ifindex = 2, .kind = WIRE_PATH_PUNT},
};
static const struct wire_group group = {.idx = 3, .n_members = 2, .member = {{17, 1}, {18, 2}}};
static const struct wire_route routes[] = {
	{.prefix = 0x0af40000, .depth = 16, .nh = WIRE_NH_NO_ROUTE},
	{.prefix = 0x0af40100, .depth = 26, .nh = 17},
	{.prefix = 0x0af40200, .depth = 26, .nh = 3 | WIRE_NH_GROUP},
};
static const struct wire_path_stats path_stats[] = {
	{.idx = 17, .pkts = {1, 1200, 20, 13}},
	{.idx = 18},
};
static const struct wire_lcore_stats lcores[] = {
	{.lcore = 0, .is_main = 1},
	{.lcore = 1,
		.rx_pkts = 100,
		.tx_pkts = 93,
		.punt_pkts = 7,
		.drop_pkts = 3,
		.made_pkts = 5,
		.taken_pkts = 2,
		.busy_cycles = 1000000000},
};
static const struct wire_drop_stats drops[] = {
	{.reason = "no_route", .help = "no route inside a pool", .pkts = 3},
	{.reason = "ttl", .help = "TTL ended here", .pkts = 0},
};
static const struct wire_punt_stats punts[] = {
	{.class = "other",
		.given_pkts = 4,
		.full_pkts = 11,
		.policed_pkts = 1200,
		.error_pkts = 12},
	{.class = "arp", .given_pkts = 3},
	{.class = "bfd"},
};
static const struct wire_info info = {.instance = 77,
	.uptime_sec = 183000,
	.tsc_hz = 1000000,
	.pid = 4711,
	.node = "worker-a",
	.fib_engine = "librte_lpm",
	.dpdk = "DPDK 22.11.11",
	.n_routes = 3,
	.max_routes = 65536,
	.n_paths = 2,
	.max_paths = 16384,
	.n_groups = 1,
	.max_groups = 4096,
	.n_tbl8 = 1,
	.max_tbl8 = 256,
	.n_pods = 1,
	.is_steering = 1,
	.is_controlled = 1,
	.n_mbufs = 16384,
	.n_mbufs_free = 14000};

struct peer {
	int fd;
	enum fake_mode mode;
	uint32_t seq;
	alignas(16) unsigned char msg[WIRE_MSG_BYTES];
};

static void answer(struct peer *peer, enum wire_type type, const void *items, size_t n)
{
	size_t len;

	if (peer->mode == FAKE_EMPTY && type != WIRE_HELLO && type != WIRE_INFO &&
		type != WIRE_LOOKUP)
		return;
	len = wire_build(peer->msg, type, peer->seq, items, n);
	(void)!write(peer->fd, peer->msg, len);
}

static void acknowledge(struct peer *peer, int error)
{
	struct wire_hdr *hdr = (struct wire_hdr *)peer->msg;
	size_t len = wire_build(peer->msg, WIRE_ACK, peer->seq, NULL, 0);

	hdr->error = error;
	(void)!write(peer->fd, peer->msg, len);
}

static void answer_dump(struct peer *peer)
{
	answer(peer, WIRE_PORT, ports, 2);
	answer(peer, WIRE_POD, pods, 1);
	answer(peer, WIRE_PATH_SET, paths, 2);
	answer(peer, WIRE_GROUP_SET, &group, 1);
	// two messages, as a table too big for one would come
	answer(peer, WIRE_ROUTE_SET, routes, 2);
	answer(peer, WIRE_ROUTE_SET, routes + 2, 1);
}

static void answer_stats(struct peer *peer)
{
	struct wire_lcore_stats off = lcores[1];

	off.rx_pkts += 5;
	answer(peer, WIRE_PORT_STATS, port_stats, 2);
	answer(peer, WIRE_LCORE_STATS, &lcores[0], 1);
	answer(peer, WIRE_LCORE_STATS, peer->mode == FAKE_OFF ? &off : &lcores[1], 1);
	answer(peer, WIRE_DROP_STATS, drops, 2);
	answer(peer, WIRE_PUNT_STATS, punts, 3);
}

static void answer_lookup(struct peer *peer, struct wire_lookup lookup)
{
	if (lookup.addr >> 6 == 0x0af40100u >> 6) {
		lookup.prefix = routes[1].prefix;
		lookup.depth = 26;
		lookup.nh = peer->mode == FAKE_OTHER ? 18 : 17;
		lookup.path = paths[peer->mode == FAKE_OTHER ? 1 : 0];
	} else if (lookup.addr >> 6 == 0x0af40200u >> 6) {
		lookup.prefix = routes[2].prefix;
		lookup.depth = 26;
		lookup.nh = 3 | WIRE_NH_GROUP;
		lookup.path = paths[0];
	}
	answer(peer, WIRE_LOOKUP, &lookup, 1);
}

static bool answer_wrongly(struct peer *peer)
{
	struct wire_hdr hdr = {WIRE_VERSION, WIRE_ACK, peer->seq, 0, 0};
	size_t len = sizeof(hdr);

	switch (peer->mode) {
	case FAKE_SHORT:
		len = 8;
		break;
	case FAKE_VERSION:
		hdr.version = WIRE_VERSION + 1;
		break;
	case FAKE_LENGTH:
		hdr.type = WIRE_PORT;
		hdr.n_items = 4000000000u;
		break;
	case FAKE_TYPE:
		hdr.type = WIRE_N_TYPES;
		break;
	case FAKE_REFUSE:
		hdr.error = -EBUSY;
		break;
	case FAKE_SILENT:
		return true;
	default:
		return false;
	}
	(void)!write(peer->fd, &hdr, len);
	return true;
}

static void answer_request(struct peer *peer, const struct wire_hdr *hdr, const void *items)
{
	struct wire_hello hello = {.instance = 77, .name = "worker-a"};
	struct wire_lookup lookup;

	peer->seq = hdr->seq;
	if (answer_wrongly(peer))
		return;
	switch (hdr->type) {
	case WIRE_HELLO:
		answer(peer, WIRE_HELLO, &hello, 1);
		break;
	case WIRE_INFO:
		answer(peer, WIRE_INFO, &info, 1);
		break;
	case WIRE_DUMP:
		answer_dump(peer);
		break;
	case WIRE_PATH_STATS:
		answer(peer, WIRE_PATH_STATS, path_stats, 2);
		break;
	case WIRE_STATS:
		answer_stats(peer);
		break;
	case WIRE_LOOKUP:
		memcpy(&lookup, items, sizeof(lookup));
		answer_lookup(peer, lookup);
		break;
	}
	acknowledge(peer, 0);
}

static void serve_dataplane(int fd, enum fake_mode mode)
{
	static struct peer peer;
	const struct wire_hdr *hdr;
	const void *items;
	ssize_t len;

	peer.fd = fd;
	peer.mode = mode;
	while (mode != FAKE_CLOSE && (len = recv(fd, peer.msg, sizeof(peer.msg), 0)) > 0) {
		static alignas(16) unsigned char request[WIRE_MSG_BYTES];

		memcpy(request, peer.msg, (size_t)len);
		if (wire_parse(request, (size_t)len, &hdr, &items) == 0)
			answer_request(&peer, hdr, items);
	}
}

#define CONTROL_PATH                                                                               \
	"{\"idx\": 17, \"nexthop\": \"192.168.1.11\", \"ifindex\": 2, \"interface\": \"eth0\","    \
	" \"kind\": \"native\", \"port\": \"uplink0\", \"src_mac\": \"02:00:00:00:00:0a\","        \
	" \"dst_mac\": \"02:00:00:00:00:0b\", \"mtu\": 1500, \"sync\": \"in-sync\","               \
	" \"state\": \"resolved\", \"neighbour\": \"stale\", \"reason\": \"only-candidate\"}"
#define CONTROL_ROUTE                                                                              \
	"{\"prefix\": \"10.244.1.0/26\", \"source\": \"fpm\", \"sync\": \"in-sync\","              \
	" \"protocol\": \"bgp\", \"type\": \"unicast\", \"is_stale\": false, \"is_pending\":"      \
	" false, \"since_sec\": 65, \"target\": {\"kind\": \"path\", \"idx\": 17}, \"nexthops\":"  \
	" [{\"gateway\": \"192.168.1.11\", \"interface\": \"eth0\", \"ifindex\": 2, \"weight\": "  \
	"1,"                                                                                       \
	" \"is_onlink\": false, \"path\": " CONTROL_PATH "}]}"

#define CONTROL_NODE_B                                                                             \
	"{\"name\": \"worker-b\", \"address\": \"192.168.1.11\", \"probe_address\": "              \
	"\"10.244.1.0\", "                                                                         \
	"\"is_busy\": true, \"pin\": null, \"is_same_subnet\": true, \"hops\": [{\"policy\": "     \
	"\"auto\", "                                                                               \
	"\"nexthop\": \"192.168.1.11\", \"interface\": \"eth0\", \"chosen\": \"native\", "         \
	"\"reason\": "                                                                             \
	"\"fewest-bytes\", \"state\": \"resolved\", \"since_sec\": 183600, \"n_changes\": 0}], "   \
	"\"paths\": [ "                                                                            \
	"{\"kind\": \"native\", \"in_use\": true, \"is_usable\": true, \"state\": \"resolved\", "  \
	"\"probe\": \"up\", "                                                                      \
	"\"overhead_bytes\": 0, \"mtu\": 1500, \"link_mtu\": 1500, \"pkts\": 41234567, "           \
	"\"n_probes\": 64, "                                                                       \
	"\"n_lost\": 0, \"n_lost_row\": 0, \"probe_since_sec\": 183600, \"loss_percent\": 0.0, "   \
	"\"rtt_p50_us\": 38.2, \"rtt_p99_us\": 71.0, \"answered_by\": \"native\"}, "               \
	"{\"kind\": \"ipip\", \"in_use\": false, \"is_usable\": true, \"state\": \"resolved\", "   \
	"\"probe\": \"down\", "                                                                    \
	"\"overhead_bytes\": 20, \"mtu\": 1480, \"link_mtu\": 1480, \"pkts\": 0, \"n_probes\": "   \
	"10, "                                                                                     \
	"\"n_lost\": 10, \"n_lost_row\": 10, \"probe_since_sec\": 252, \"loss_percent\": 100.0}, " \
	"{\"kind\": \"vxlan\", \"in_use\": false, \"is_usable\": true, \"state\": \"resolved\", "  \
	"\"probe\": \"up\", "                                                                      \
	"\"overhead_bytes\": 50, \"mtu\": 1400, \"link_mtu\": 1450, \"pkts\": 1200, "              \
	"\"n_probes\": 64, "                                                                       \
	"\"n_lost\": 0, \"n_lost_row\": 0, \"probe_since_sec\": 183600, \"loss_percent\": 0.0, "   \
	"\"rtt_p50_us\": 41.0, \"rtt_p99_us\": 79.0, \"answered_by\": \"vxlan\"}]} "
#define CONTROL_NODE_C                                                                             \
	"{\"name\": \"worker-c\", \"address\": \"192.168.1.12\", \"probe_address\": "              \
	"\"10.244.2.0\", "                                                                         \
	"\"is_busy\": false, \"pin\": \"vxlan\", \"is_same_subnet\": true, \"hops\": "             \
	"[{\"policy\": \"auto\", "                                                                 \
	"\"nexthop\": \"192.168.1.12\", \"interface\": \"eth0\", \"chosen\": \"vxlan\", "          \
	"\"reason\": \"pinned\", "                                                                 \
	"\"state\": \"resolved\", \"since_sec\": 5, \"n_changes\": 1}], \"paths\": [ "             \
	"{\"kind\": \"native\", \"in_use\": false, \"is_usable\": true, \"state\": \"resolved\", " \
	"\"probe\": \"up\", "                                                                      \
	"\"overhead_bytes\": 0, \"mtu\": 1500, \"link_mtu\": 1500, \"pkts\": 7, \"n_probes\": 4, " \
	"\"n_lost\": 1, \"n_lost_row\": 0, \"probe_since_sec\": 60, \"loss_percent\": 25.0, "      \
	"\"rtt_p50_us\": 50.0, \"rtt_p99_us\": 60.0, \"answered_by\": \"native\"}, "               \
	"{\"kind\": \"ipip\", \"in_use\": false, \"is_usable\": false, \"state\": "                \
	"\"no-underlay\", \"probe\": "                                                             \
	"\"unknown\", \"overhead_bytes\": 20, \"mtu\": null, \"link_mtu\": null, \"pkts\": 0}, "   \
	"{\"kind\": \"vxlan\", \"in_use\": true, \"is_usable\": true, \"state\": \"resolved\", "   \
	"\"probe\": \"down\", "                                                                    \
	"\"overhead_bytes\": 50, \"mtu\": 1450, \"link_mtu\": 1450, \"pkts\": 3, \"n_probes\": "   \
	"9, \"n_lost\": 9, "                                                                       \
	"\"n_lost_row\": 9, \"probe_since_sec\": 61, \"loss_percent\": 100.0}]} "
#define CONTROL_PROBE                                                                              \
	"\"probe\": {\"address\": \"10.244.0.0\", \"budget_pps\": 500, \"used_pps\": 210, "        \
	"\"detect_ms\": 750, "                                                                     \
	"\"n_nodes\": 2, \"n_probed\": 2, \"n_busy\": 1}, \"nodes\": [ "

static const struct {
	const char *command, *fields;
} control_answers[] = {
	{"status",
		"\"version\": \"0.1.0\", \"pid\": 99, \"node\": \"worker-a\", \"uptime_sec\": 61,"
		" \"fpm\": {\"is_connected\": true, \"replay\": \"complete\"}, \"sync\": "
		"{\"state\":"
		" \"in-sync\", \"routes\": {\"n_wanted\": 3, \"n_acked\": 3, \"n_refused\": 0}}"},
	{"route show", "\"routes\": [" CONTROL_ROUTE "]"},
	{"route get", "\"address\": \"10.244.1.5\", \"route\": " CONTROL_ROUTE},
	{"path show", "\"paths\": [" CONTROL_PATH "]"},
	{"path pin", "\"node\": " CONTROL_NODE_C},
	{"path unpin", "\"node\": " CONTROL_NODE_B},
	{"worker-c", CONTROL_PROBE CONTROL_NODE_C "]"},
	{"compare", CONTROL_PROBE CONTROL_NODE_B ", " CONTROL_NODE_C "]"},
	{"pod list",
		"\"match\": \"cali*\", \"pods\": [{\"name\": \"cali12\", \"ifindex\": 12,"
		" \"is_matched\": true, \"override\": null, \"is_wanted\": true, \"is_attached\":"
		" true}, {\"name\": \"cali13\", \"ifindex\": 13, \"is_matched\": true, "
		"\"override\":"
		" \"detach\", \"is_wanted\": false, \"is_attached\": false}, {\"name\": \"cali14\","
		" \"ifindex\": 14, \"is_matched\": true, \"override\": null, \"is_wanted\": true,"
		" \"is_attached\": false, \"error\": -28}]"},
	{"pod attach", "\"pod\": {\"name\": \"cali13\", \"is_wanted\": true}"},
	{"pod detach", "\"pod\": {\"name\": \"cali13\", \"is_wanted\": false}"},
};

static void answer_command(FILE *out, const char *line)
{
	for (size_t i = 0; i < sizeof(control_answers) / sizeof(control_answers[0]); i++) {
		char quoted[32];

		snprintf(quoted, sizeof(quoted), "\"%s\"", control_answers[i].command);
		if (strstr(line, quoted) == NULL)
			continue;
		fprintf(out, "{\"schema\": 1, \"command\": %s, %s}\n", quoted,
			control_answers[i].fields);
		return;
	}
	fputs("{\"schema\": 1, \"error\": {\"code\": \"unknown-command\", \"message\": \"?\"}}",
		out);
}

static void serve_control(int fd, enum fake_mode mode)
{
	FILE *stream = fdopen(dup(fd), "r+");
	char line[1024];

	if (mode == FAKE_CLOSE || fgets(line, sizeof(line), stream) == NULL)
		goto out;
	switch (mode) {
	case FAKE_SHORT:
		fputs("{\"schema\": 1, \"comm", stream);
		break;
	case FAKE_VERSION:
		fputs("[1, 2]", stream);
		break;
	case FAKE_TYPE:
		fputs("{\"error\": {\"code\": \"not-found\", \"message\": \"no such pod\"}}",
			stream);
		break;
	case FAKE_SILENT:
		pause();
		break;
	case FAKE_LENGTH:
		break;
	default:
		answer_command(stream, line);
	}
out:
	fclose(stream);
}

static pid_t start(const char *path, int type, void (*serve)(int, enum fake_mode),
	enum fake_mode mode)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	pid_t pid;

	unlink(path);
	assert(strlen(path) < sizeof(addr.sun_path));
	memcpy(addr.sun_path, path, strlen(path) + 1);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 || listen(fd, 8) != 0)
		abort();
	pid = fork();
	if (pid != 0) {
		close(fd);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		int peer = accept(fd, NULL, NULL);

		serve(peer, mode);
		close(peer);
	}
}

pid_t fake_start_dataplane(const char *path, enum fake_mode mode)
{
	return start(path, SOCK_SEQPACKET, serve_dataplane, mode);
}

pid_t fake_start_control(const char *path, enum fake_mode mode)
{
	return start(path, SOCK_STREAM, serve_control, mode);
}

void fake_stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
