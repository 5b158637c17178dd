/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Links by rtnetlink, for steer.c and steer_trunk.c.
 */
#include "dataplane/steer/steer_link.h"

#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_BYTES 16384 /* a link's answer is about 1.5 kB, more with many VFs */

#define RP_FILTER_LOOSE 2

/** Link-local, so that routing daemons keep it to themselves. */
#define ANY_SOURCE_ADDRESS 0xa9fe7001

/** One request and its answer share the buffer. */
struct request {
	char bytes[MESSAGE_BYTES];
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifi;
};

static void request_start(struct request *request, uint16_t type, uint16_t flags, uint32_t ifindex)
{
	request->nlh = mnl_nlmsg_put_header(request->bytes);
	request->nlh->nlmsg_type = type;
	request->nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	request->nlh->nlmsg_seq = 1;
	request->ifi = mnl_nlmsg_put_extra_header(request->nlh, sizeof(*request->ifi));
	request->ifi->ifi_family = AF_UNSPEC;
	request->ifi->ifi_index = (int)ifindex;
}

/** Send, and read up to the acknowledgement; @parse sees what comes before it. */
static int request_run(struct request *request, mnl_cb_t parse, void *parse_data)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int rc = MNL_CB_OK;

	if (nl == NULL)
		return -errno;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
		mnl_socket_sendto(nl, request->nlh, request->nlh->nlmsg_len) < 0)
		rc = MNL_CB_ERROR;
	while (rc > MNL_CB_STOP) {
		ssize_t n = mnl_socket_recvfrom(nl, request->bytes, sizeof(request->bytes));

		if (n < 0)
			rc = MNL_CB_ERROR;
		else
			rc = mnl_cb_run(request->bytes, (size_t)n, 1, mnl_socket_get_portid(nl),
				parse, parse_data);
	}
	rc = rc == MNL_CB_ERROR ? -errno : 0;
	mnl_socket_close(nl);
	return rc;
}

static int parse_kind(const struct nlattr *attr, void *data)
{
	struct steer_link *link = data;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		link->is_veth = strcmp(mnl_attr_get_str(attr), "veth") == 0;
	return MNL_CB_OK;
}

static int parse_attr(const struct nlattr *attr, void *data)
{
	struct steer_link *link = data;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_MTU:
		link->mtu = mnl_attr_get_u32(attr);
		break;
	case IFLA_LINK:
		link->peer_ifindex = mnl_attr_get_u32(attr);
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(attr, parse_kind, link);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int parse_is_elsewhere(const struct nlattr *attr, void *data)
{
	bool *is_elsewhere = data;

	if (mnl_attr_get_type(attr) == IFLA_LINK_NETNSID)
		*is_elsewhere = true;
	return MNL_CB_OK;
}

static int parse_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct steer_link *link = data;
	bool is_elsewhere = false;

	link->ifindex = (uint32_t)ifi->ifi_index;
	mnl_attr_parse(nlh, sizeof(*ifi), parse_attr, link);
	mnl_attr_parse(nlh, sizeof(*ifi), parse_is_elsewhere, &is_elsewhere);
	if (is_elsewhere)
		link->peer_ifindex = 0;
	return MNL_CB_OK;
}

int steer_link_get(const char *name, struct steer_link *link)
{
	struct request request;

	memset(link, 0, sizeof(*link));
	request_start(&request, RTM_GETLINK, 0, 0);
	mnl_attr_put_strz(request.nlh, IFLA_IFNAME, name);
	return request_run(&request, parse_link, link);
}

static void put_end(struct nlmsghdr *nlh, const struct steer_link_end *end)
{
	mnl_attr_put_strz(nlh, IFLA_IFNAME, end->name);
	mnl_attr_put(nlh, IFLA_ADDRESS, sizeof(end->mac), end->mac);
	mnl_attr_put_u32(nlh, IFLA_MTU, end->mtu);
	// One queue: net_af_xdp polls one, and a packet for another would miss its socket.
	mnl_attr_put_u32(nlh, IFLA_NUM_TX_QUEUES, 1);
	mnl_attr_put_u32(nlh, IFLA_NUM_RX_QUEUES, 1);
}

int steer_link_add_veth(const struct steer_link_end *a, const struct steer_link_end *b)
{
	struct request request;
	struct nlattr *info, *data, *peer;

	request_start(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	put_end(request.nlh, a);
	info = mnl_attr_nest_start(request.nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(request.nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(request.nlh, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(request.nlh, VETH_INFO_PEER);
	memset(mnl_nlmsg_put_extra_header(request.nlh, sizeof(struct ifinfomsg)), 0,
		sizeof(struct ifinfomsg));
	put_end(request.nlh, b);
	mnl_attr_nest_end(request.nlh, peer);
	mnl_attr_nest_end(request.nlh, data);
	mnl_attr_nest_end(request.nlh, info);
	return request_run(&request, NULL, NULL);
}

int steer_link_set_up(uint32_t ifindex, const struct steer_link_end *end)
{
	struct request request;

	request_start(&request, RTM_NEWLINK, 0, ifindex);
	request.ifi->ifi_change = IFF_UP | IFF_NOARP;
	request.ifi->ifi_flags = IFF_UP | IFF_NOARP;
	mnl_attr_put(request.nlh, IFLA_ADDRESS, sizeof(end->mac), end->mac);
	mnl_attr_put_u32(request.nlh, IFLA_MTU, end->mtu);
	return request_run(&request, NULL, NULL);
}

int steer_link_delete(uint32_t ifindex)
{
	struct request request;

	request_start(&request, RTM_DELLINK, 0, ifindex);
	return request_run(&request, NULL, NULL);
}

static int set_forwarding(uint32_t ifindex)
{
	struct request request;
	struct nlattr *families, *ip4, *conf;

	request_start(&request, RTM_NEWLINK, 0, ifindex);
	families = mnl_attr_nest_start(request.nlh, IFLA_AF_SPEC);
	ip4 = mnl_attr_nest_start(request.nlh, AF_INET);
	conf = mnl_attr_nest_start(request.nlh, IFLA_INET_CONF);
	mnl_attr_put_u32(request.nlh, IPV4_DEVCONF_FORWARDING, 1);
	mnl_attr_put_u32(request.nlh, IPV4_DEVCONF_RP_FILTER, RP_FILTER_LOOSE);
	mnl_attr_nest_end(request.nlh, conf);
	mnl_attr_nest_end(request.nlh, ip4);
	mnl_attr_nest_end(request.nlh, families);
	return request_run(&request, NULL, NULL);
}

/** Scope host: never the source of what the node sends. */
static int add_address(uint32_t ifindex)
{
	const uint32_t address_be = htobe32(ANY_SOURCE_ADDRESS);
	struct request request;
	struct ifaddrmsg *ifa;

	request.nlh = mnl_nlmsg_put_header(request.bytes);
	request.nlh->nlmsg_type = RTM_NEWADDR;
	request.nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE;
	request.nlh->nlmsg_seq = 1;
	ifa = mnl_nlmsg_put_extra_header(request.nlh, sizeof(*ifa));
	ifa->ifa_family = AF_INET;
	ifa->ifa_prefixlen = 32;
	ifa->ifa_scope = RT_SCOPE_HOST;
	ifa->ifa_index = ifindex;
	mnl_attr_put_u32(request.nlh, IFA_LOCAL, address_be);
	return request_run(&request, NULL, NULL);
}

int steer_link_forward_any_source(uint32_t ifindex)
{
	int rc = set_forwarding(ifindex);

	return rc < 0 ? rc : add_address(ifindex);
}

int steer_link_no_ip6(uint32_t ifindex)
{
	struct request request;
	struct nlattr *families, *ip6;
	int rc;

	request_start(&request, RTM_NEWLINK, 0, ifindex);
	families = mnl_attr_nest_start(request.nlh, IFLA_AF_SPEC);
	ip6 = mnl_attr_nest_start(request.nlh, AF_INET6);
	mnl_attr_put_u8(request.nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(request.nlh, ip6);
	mnl_attr_nest_end(request.nlh, families);
	rc = request_run(&request, NULL, NULL);
	return rc == -EAFNOSUPPORT ? 0 : rc;
}
