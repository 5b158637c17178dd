/* SPDX-License-Identifier: BSD-3-Clause */
/* rtnetlink bytes to events: made messages, each cut at every byte, and those of test/data/netlink. */
#include "control/neigh_parse.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_SEEN 16

static struct {
	unsigned n;
	enum neigh_said said[MAX_SEEN];
	struct kernel_event event[MAX_SEEN];
	int error[MAX_SEEN];
} seen;

static void note(enum neigh_said said, const struct kernel_event *event, int error, void *arg)
{
	(void)arg;
	assert_true(seen.n < MAX_SEEN);
	seen.said[seen.n] = said;
	seen.event[seen.n] = *event;
	seen.error[seen.n++] = error;
}

/* Messages, one after the other. */
static _Alignas(8) char bytes[4096];
static size_t len;

static struct nlmsghdr *put(uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes + len);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	return nlh;
}

static void end(const struct nlmsghdr *nlh)
{
	len += NLMSG_ALIGN(nlh->nlmsg_len);
}

static void put_link(uint16_t type, uint8_t family)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};
	struct nlmsghdr *nlh = put(type, 0);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));

	info->ifi_family = family;
	info->ifi_index = 9;
	info->ifi_flags = IFF_UP | IFF_RUNNING;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "cali9");
	mnl_attr_put_u32(nlh, IFLA_MTU, 1450);
	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	end(nlh);
}

static void put_address(uint8_t family)
{
	struct nlmsghdr *nlh = put(RTM_NEWADDR, 0);
	struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));

	info->ifa_family = family;
	info->ifa_index = 2;
	mnl_attr_put_u32(nlh, IFA_ADDRESS, htonl(0x0a000002)); // the peer's
	mnl_attr_put_u32(nlh, IFA_LOCAL, htonl(0x0a000001));
	end(nlh);
}

static void put_neighbour(uint16_t type, uint8_t family, uint8_t flags)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 7};
	struct nlmsghdr *nlh = put(type, 0);
	struct ndmsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));

	info->ndm_family = family;
	info->ndm_ifindex = 2;
	info->ndm_state = NUD_STALE;
	info->ndm_flags = flags;
	mnl_attr_put_u32(nlh, NDA_DST, htonl(0xc0a8010b));
	mnl_attr_put(nlh, NDA_LLADDR, 6, mac);
	end(nlh);
}

/* As the kernel describes what Felix makes: id 4096 local 192.168.1.10 dev eth0 dstport 4789. */
static void put_vxlan(int further)
{
	struct ifla_vxlan_port_range range = {.low = htons(1000), .high = htons(2000)};
	struct nlmsghdr *nlh = put(RTM_NEWLINK, 0);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	struct nlattr *link, *data;

	info->ifi_index = 12;
	info->ifi_flags = IFF_UP | IFF_RUNNING;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "vxlan.calico");
	link = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "vxlan");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u32(nlh, IFLA_VXLAN_ID, 4096);
	mnl_attr_put_u32(nlh, IFLA_VXLAN_LINK, 2);
	mnl_attr_put_u32(nlh, IFLA_VXLAN_LOCAL, htonl(0xc0a8010a));
	mnl_attr_put_u8(nlh, IFLA_VXLAN_TTL, 0);
	mnl_attr_put_u8(nlh, IFLA_VXLAN_LEARNING, 0);
	mnl_attr_put(nlh, IFLA_VXLAN_PORT_RANGE, sizeof(range), &range);
	mnl_attr_put_u16(nlh, IFLA_VXLAN_PORT, htons(4789));
	mnl_attr_put_u8(nlh, IFLA_VXLAN_UDP_CSUM, 1);
	mnl_attr_put_u8(nlh, IFLA_VXLAN_COLLECT_METADATA, 0);
	if (further != 0)
		mnl_attr_put_u8(nlh, (uint16_t)further, 1);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, link);
	end(nlh);
}

/* tunl0, or a device with both ends. */
static void put_ipip(uint32_t local, uint32_t remote, uint16_t encap)
{
	struct nlmsghdr *nlh = put(RTM_NEWLINK, 0);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	struct nlattr *link, *data;

	info->ifi_index = 13;
	info->ifi_flags = IFF_UP | IFF_RUNNING;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "tunl0");
	link = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "ipip");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u32(nlh, IFLA_IPTUN_LINK, 0);
	mnl_attr_put_u32(nlh, IFLA_IPTUN_LOCAL, htonl(local));
	mnl_attr_put_u32(nlh, IFLA_IPTUN_REMOTE, htonl(remote));
	mnl_attr_put_u8(nlh, IFLA_IPTUN_TTL, 0);
	mnl_attr_put_u8(nlh, IFLA_IPTUN_PROTO, IPPROTO_IPIP);
	mnl_attr_put_u8(nlh, IFLA_IPTUN_PMTUDISC, 0);
	mnl_attr_put_u16(nlh, IFLA_IPTUN_ENCAP_TYPE, encap);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, link);
	end(nlh);
}

static void put_fdb(uint16_t type, uint8_t flags, uint32_t remote)
{
	static const uint8_t mac[6] = {0x66, 0x3e, 0xca, 0xa4, 0xdb, 0x65};
	struct nlmsghdr *nlh = put(type, 0);
	struct ndmsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));

	info->ndm_family = AF_BRIDGE;
	info->ndm_ifindex = 12;
	info->ndm_state = NUD_PERMANENT;
	info->ndm_flags = flags;
	mnl_attr_put(nlh, NDA_LLADDR, 6, mac);
	if (remote != 0)
		mnl_attr_put_u32(nlh, NDA_DST, htonl(remote));
	end(nlh);
}

static void put_error(int error)
{
	struct nlmsghdr *nlh = put(NLMSG_ERROR, 0);
	struct nlmsgerr *err = mnl_nlmsg_put_extra_header(nlh, sizeof(*err));

	err->error = error;
	end(nlh);
}

static int setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	memset(bytes, 0, sizeof(bytes));
	len = 0;
	return 0;
}

static void test_neigh_parse_link(void **state)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9};

	(void)state;
	put_link(RTM_NEWLINK, AF_UNSPEC);
	put_link(RTM_NEWLINK, AF_BRIDGE);
	put_link(RTM_DELLINK, AF_UNSPEC);
	neigh_parse(bytes, len, note, NULL);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.event[0].kind, KERNEL_LINK_SET);
	assert_int_equal(seen.event[0].link.ifindex, 9);
	assert_int_equal(seen.event[0].link.mtu, 1450);
	assert_true(seen.event[0].link.is_up);
	assert_memory_equal(seen.event[0].link.mac, mac, 6);
	assert_string_equal(seen.event[0].link.name, "cali9");
	assert_int_equal(seen.event[1].kind, KERNEL_LINK_DEL);
}

static void test_neigh_parse_address(void **state)
{
	(void)state;
	put_address(AF_INET);
	put_address(AF_INET6);
	neigh_parse(bytes, len, note, NULL);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.event[0].kind, KERNEL_ADDRESS_SET);
	assert_int_equal(seen.event[0].address.addr, 0x0a000001);
}

static void test_neigh_parse_neighbour(void **state)
{
	(void)state;
	put_neighbour(RTM_NEWNEIGH, AF_INET, 0);
	put_neighbour(RTM_NEWNEIGH, AF_BRIDGE, 0);
	put_neighbour(RTM_NEWNEIGH, AF_INET, NTF_PROXY);
	put_neighbour(RTM_DELNEIGH, AF_INET, 0);
	neigh_parse(bytes, len, note, NULL);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.event[0].kind, KERNEL_NEIGHBOUR_SET);
	assert_int_equal(seen.event[0].neighbour.addr, 0xc0a8010b);
	assert_int_equal(seen.event[0].neighbour.state, NUD_STALE);
	assert_true(seen.event[0].neighbour.has_mac);
	assert_int_equal(seen.event[0].neighbour.mac[5], 7);
	assert_int_equal(seen.event[1].kind, KERNEL_NEIGHBOUR_DEL);
}

static void test_neigh_parse_vxlan(void **state)
{
	const struct kernel_tunnel *tunnel = &seen.event[0].link.tunnel;

	(void)state;
	put_vxlan(0);
	put_vxlan(IFLA_VXLAN_GBP);
	put_link(RTM_NEWLINK, AF_UNSPEC);
	neigh_parse(bytes, len, note, NULL);
	assert_int_equal(seen.n, 3);
	assert_int_equal(tunnel->kind, KERNEL_TUNNEL_VXLAN);
	assert_int_equal(tunnel->vni, 4096);
	assert_int_equal(tunnel->local, 0xc0a8010a);
	assert_int_equal(tunnel->underlay_ifindex, 2);
	assert_int_equal(tunnel->udp_port, 4789);
	assert_int_equal(tunnel->udp_src_min, 1000);
	assert_int_equal(tunnel->udp_src_max, 2000);
	assert_int_equal(tunnel->has_udp_checksum, 1);
	assert_int_equal(seen.event[1].link.tunnel.kind, KERNEL_TUNNEL_UNKNOWN);
	assert_int_equal(seen.event[2].link.tunnel.kind, KERNEL_TUNNEL_NONE);
}

static void test_neigh_parse_ipip(void **state)
{
	(void)state;
	put_ipip(0, 0, TUNNEL_ENCAP_NONE);
	put_ipip(0xc0a8010a, 0xc0a8010b, TUNNEL_ENCAP_NONE);
	put_ipip(0, 0, TUNNEL_ENCAP_FOU);
	neigh_parse(bytes, len, note, NULL);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.event[0].link.tunnel.kind, KERNEL_TUNNEL_IPIP);
	assert_int_equal(seen.event[0].link.tunnel.remote, 0);
	assert_int_equal(seen.event[1].link.tunnel.local, 0xc0a8010a);
	assert_int_equal(seen.event[1].link.tunnel.remote, 0xc0a8010b);
	assert_int_equal(seen.event[2].link.tunnel.kind, KERNEL_TUNNEL_UNKNOWN);
}

static void read_file(const char *name)
{
	char path[512];
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s.bin", getenv("NETLINK_DATA"), name);
	in = fopen(path, "re");
	assert_non_null(in);
	len = fread(bytes, 1, sizeof(bytes), in);
	fclose(in);
	assert_in_range(len, 1, sizeof(bytes) - 1);
}

/* What Debian 12's kernel says of its ipip devices. */
static void test_neigh_parse_recorded(void **state)
{
	static const struct {
		const char *file, *name;
		enum kernel_event_kind event;
		enum kernel_tunnel_kind tunnel;
		uint32_t mtu, local, remote, underlay_ifindex;
		bool is_up;
	} rows[] = {
		{"tunl0-new", "tunl0", KERNEL_LINK_SET, KERNEL_TUNNEL_IPIP, 1480, 0, 0, 0, false},
		{"tunl0-up", "tunl0", KERNEL_LINK_SET, KERNEL_TUNNEL_IPIP, 1480, 0, 0, 0, true},
		{"tunl0-1400", "tunl0", KERNEL_LINK_SET, KERNEL_TUNNEL_IPIP, 1400, 0, 0, 0, true},
		{"tunl0-gone", "tunl0", KERNEL_LINK_DEL, KERNEL_TUNNEL_IPIP, 1400, 0, 0, 0, false},
		{"ipip-ends", "to-b", KERNEL_LINK_SET, KERNEL_TUNNEL_IPIP, 1480, 0xc0a8010a,
			0xc0a8010b, 0, true},
		{"ipip-bound", "to-b-eth0", KERNEL_LINK_SET, KERNEL_TUNNEL_IPIP, 1480, 0xc0a8010a,
			0xc0a8010b, 2, true},
		{"ipip-fou", "fou-b", KERNEL_LINK_SET, KERNEL_TUNNEL_UNKNOWN, 1472, 0, 0, 0, true},
		{"ipip-gue", "gue-b", KERNEL_LINK_SET, KERNEL_TUNNEL_UNKNOWN, 1468, 0, 0, 0, true},
		{"ipip-mpls", "mpls-b", KERNEL_LINK_SET, KERNEL_TUNNEL_UNKNOWN, 1480, 0, 0, 0,
			true},
		{"ipip-external", "external", KERNEL_LINK_SET, KERNEL_TUNNEL_UNKNOWN, 1480, 0, 0, 0,
			true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct kernel_event *event = &seen.event[0];

		setup(state);
		read_file(rows[i].file);
		neigh_parse(bytes, len, note, NULL);
		assert_in_range(seen.n, 1, 2);
		assert_int_equal(event->kind, rows[i].event);
		assert_string_equal(event->link.name, rows[i].name);
		assert_int_equal(event->link.tunnel.kind, rows[i].tunnel);
		assert_int_equal(event->link.is_up, rows[i].is_up);
		assert_int_equal(event->link.mtu, rows[i].mtu);
		if (rows[i].tunnel == KERNEL_TUNNEL_UNKNOWN)
			continue;
		assert_int_equal(event->link.tunnel.local, rows[i].local);
		assert_int_equal(event->link.tunnel.remote, rows[i].remote);
		assert_int_equal(event->link.tunnel.underlay_ifindex, rows[i].underlay_ifindex);
	}
}

static void test_neigh_parse_fdb(void **state)
{
	(void)state;
	put_fdb(RTM_NEWNEIGH, NTF_SELF, 0xc0a8010b);
	put_fdb(RTM_NEWNEIGH, NTF_MASTER, 0xc0a8010b); // a bridge's
	put_fdb(RTM_NEWNEIGH, NTF_SELF, 0);	       // without a remote
	put_fdb(RTM_DELNEIGH, NTF_SELF, 0xc0a8010b);
	neigh_parse(bytes, len, note, NULL);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.event[0].kind, KERNEL_FDB_SET);
	assert_int_equal(seen.event[0].fdb.ifindex, 12);
	assert_int_equal(seen.event[0].fdb.remote, 0xc0a8010b);
	assert_int_equal(seen.event[0].fdb.mac[0], 0x66);
	assert_int_equal(seen.event[1].kind, KERNEL_FDB_DEL);
}

static void test_neigh_parse_dump_end(void **state)
{
	(void)state;
	put_error(-19);
	end(put(NLMSG_DONE, 0));
	end(put(NLMSG_DONE, NLM_F_DUMP_INTR));
	end(put(NLMSG_NOOP, 0));
	neigh_parse(bytes, len, note, NULL);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.said[0], NEIGH_SAID_ERROR);
	assert_int_equal(seen.error[0], -19);
	assert_int_equal(seen.said[1], NEIGH_SAID_DONE);
	assert_int_equal(seen.said[2], NEIGH_SAID_INTERRUPTED);
}

/* A cut stream never says more than the whole one, and what it says is the same. */
static void test_neigh_parse_cut(void **state)
{
	struct kernel_event whole[MAX_SEEN];
	unsigned n_whole;

	(void)state;
	put_link(RTM_NEWLINK, AF_UNSPEC);
	put_address(AF_INET);
	put_neighbour(RTM_NEWNEIGH, AF_INET, 0);
	put_vxlan(0);
	put_ipip(0, 0xc0a8010b, TUNNEL_ENCAP_NONE);
	put_fdb(RTM_NEWNEIGH, NTF_SELF, 0xc0a8010b);
	put_error(-1);
	neigh_parse(bytes, len, note, NULL);
	n_whole = seen.n;
	memcpy(whole, seen.event, sizeof(whole));
	assert_int_equal(n_whole, 7);
	for (size_t cut = 0; cut < len; cut++) {
		char *copy = malloc(cut > 0 ? cut : 1); // so that ASan sees a read behind it

		memcpy(copy, bytes, cut);
		seen.n = 0;
		neigh_parse(copy, cut, note, NULL);
		assert_true(seen.n < n_whole);
		assert_memory_equal(seen.event, whole, seen.n * sizeof(whole[0]));
		free(copy);
	}
}

/* A message whose own length or attributes lie: each byte of it set to values that hurt. */
static void test_neigh_parse_spoilt(void **state)
{
	static const uint8_t values[] = {0, 1, 3, 4, 0x7f, 0x80, 0xff};
	char saved[sizeof(bytes)];

	(void)state;
	put_link(RTM_NEWLINK, AF_UNSPEC);
	put_address(AF_INET);
	put_neighbour(RTM_NEWNEIGH, AF_INET, 0);
	put_vxlan(0);
	put_ipip(0, 0xc0a8010b, TUNNEL_ENCAP_NONE);
	put_fdb(RTM_NEWNEIGH, NTF_SELF, 0xc0a8010b);
	memcpy(saved, bytes, sizeof(saved));
	for (size_t at = 0; at < len; at++)
		for (size_t v = 0; v < sizeof(values); v++) {
			char *copy = malloc(len);

			memcpy(copy, saved, len);
			copy[at] = (char)values[v];
			seen.n = 0;
			neigh_parse(copy, len, note, NULL);
			for (unsigned i = 0; i < seen.n; i++)
				if (seen.event[i].kind == KERNEL_LINK_SET)
					assert_true(strlen(seen.event[i].link.name) < IFNAMSIZ);
			free(copy);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_neigh_parse_link, setup),
		cmocka_unit_test_setup(test_neigh_parse_address, setup),
		cmocka_unit_test_setup(test_neigh_parse_neighbour, setup),
		cmocka_unit_test_setup(test_neigh_parse_vxlan, setup),
		cmocka_unit_test_setup(test_neigh_parse_ipip, setup),
		cmocka_unit_test_setup(test_neigh_parse_recorded, setup),
		cmocka_unit_test_setup(test_neigh_parse_fdb, setup),
		cmocka_unit_test_setup(test_neigh_parse_dump_end, setup),
		cmocka_unit_test_setup(test_neigh_parse_cut, setup),
		cmocka_unit_test_setup(test_neigh_parse_spoilt, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
