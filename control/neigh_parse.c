/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rtnetlink bytes to kernel events: links with what their tunnels are set to, IPv4 addresses, IPv4
 * neighbours, forwarding tables of vxlan devices. Called by neigh.c.
 */
#include "control/neigh_parse.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define ATTRS 64

/* The attributes of one message by type; the last of a type counts. */
struct attrs {
	const struct nlattr *of[ATTRS];
};

static int note_attr(const struct nlattr *attr, void *arg)
{
	struct attrs *attrs = arg;
	uint16_t type = mnl_attr_get_type(attr);

	if (type < ATTRS)
		attrs->of[type] = attr;
	return MNL_CB_OK;
}

/* Copy an attribute of exactly this length. */
static bool read_attr(const struct attrs *attrs, int type, void *to, size_t bytes)
{
	const struct nlattr *attr = attrs->of[type];

	if (attr == NULL || mnl_attr_get_payload_len(attr) != bytes)
		return false;
	memcpy(to, mnl_attr_get_payload(attr), bytes);
	return true;
}

static bool parse_attrs(const struct nlmsghdr *nlh, size_t header_bytes, struct attrs *attrs)
{
	memset(attrs, 0, sizeof(*attrs));
	return mnl_nlmsg_get_payload_len(nlh) >= header_bytes &&
	       mnl_attr_parse(nlh, header_bytes, note_attr, attrs) == MNL_CB_OK;
}

static void read_be32(const struct attrs *attrs, int type, uint32_t *to)
{
	uint32_t be;

	if (read_attr(attrs, type, &be, sizeof(be)))
		*to = ntohl(be);
}

static bool parse_nested(const struct attrs *outer, int type, struct attrs *attrs)
{
	const struct nlattr *attr = outer->of[type];

	memset(attrs, 0, sizeof(*attrs));
	return attr != NULL && mnl_attr_parse_nested(attr, note_attr, attrs) == MNL_CB_OK;
}

static bool is_set(const struct attrs *attrs, int type)
{
	uint8_t flag = 0;

	return read_attr(attrs, type, &flag, sizeof(flag)) && flag != 0;
}

/* Source: drivers/net/vxlan, vxlan_fill_info() */
static void parse_vxlan(const struct attrs *data, struct kernel_tunnel *tunnel)
{
	struct ifla_vxlan_port_range range;
	uint16_t port_be;

	tunnel->kind = KERNEL_TUNNEL_VXLAN;
	// Where each packet says for itself, or IPv6 carries it, there is nothing to follow; GBP and
	// GPE have another header.
	if (is_set(data, IFLA_VXLAN_COLLECT_METADATA) || data->of[IFLA_VXLAN_LOCAL6] != NULL ||
		data->of[IFLA_VXLAN_GROUP6] != NULL || data->of[IFLA_VXLAN_GBP] != NULL ||
		data->of[IFLA_VXLAN_GPE] != NULL ||
		!read_attr(data, IFLA_VXLAN_PORT, &port_be, sizeof(port_be)))
		tunnel->kind = KERNEL_TUNNEL_UNKNOWN;
	else
		tunnel->udp_port = ntohs(port_be);
	read_attr(data, IFLA_VXLAN_ID, &tunnel->vni, sizeof(tunnel->vni));
	read_attr(data, IFLA_VXLAN_LINK, &tunnel->underlay_ifindex,
		sizeof(tunnel->underlay_ifindex));
	read_be32(data, IFLA_VXLAN_LOCAL, &tunnel->local);
	read_be32(data, IFLA_VXLAN_GROUP, &tunnel->remote);
	tunnel->has_udp_checksum = is_set(data, IFLA_VXLAN_UDP_CSUM);
	if (read_attr(data, IFLA_VXLAN_PORT_RANGE, &range, sizeof(range))) {
		tunnel->udp_src_min = ntohs(range.low);
		tunnel->udp_src_max = ntohs(range.high);
	}
}

/* Source: net/ipv4/ipip.c, ipip_fill_info() */
static void parse_ipip(const struct attrs *data, struct kernel_tunnel *tunnel)
{
	uint8_t proto = IPPROTO_IPIP;
	uint16_t encap = TUNNEL_ENCAP_NONE;

	read_attr(data, IFLA_IPTUN_PROTO, &proto, sizeof(proto));
	read_attr(data, IFLA_IPTUN_ENCAP_TYPE, &encap, sizeof(encap));
	// 0 is any protocol, MPLS among them; IPv4 packets go as with 4. FOU and GUE add a header.
	tunnel->kind = (proto == IPPROTO_IPIP || proto == 0) && encap == TUNNEL_ENCAP_NONE &&
				       data->of[IFLA_IPTUN_COLLECT_METADATA] == NULL
			       ? KERNEL_TUNNEL_IPIP
			       : KERNEL_TUNNEL_UNKNOWN;
	read_attr(data, IFLA_IPTUN_LINK, &tunnel->underlay_ifindex,
		sizeof(tunnel->underlay_ifindex));
	read_be32(data, IFLA_IPTUN_LOCAL, &tunnel->local);
	read_be32(data, IFLA_IPTUN_REMOTE, &tunnel->remote);
}

static bool is_kind(const struct attrs *info, const char *name)
{
	const struct nlattr *kind = info->of[IFLA_INFO_KIND];
	size_t len = strlen(name);

	// With or without a closing NUL.
	return kind != NULL && mnl_attr_get_payload_len(kind) >= len &&
	       mnl_attr_get_payload_len(kind) <= len + 1 &&
	       strncmp(mnl_attr_get_payload(kind), name, mnl_attr_get_payload_len(kind)) == 0;
}

static void parse_tunnel(const struct attrs *link, struct kernel_tunnel *tunnel)
{
	struct attrs info, data;

	if (!parse_nested(link, IFLA_LINKINFO, &info))
		return;
	if (is_kind(&info, "vxlan") && parse_nested(&info, IFLA_INFO_DATA, &data))
		parse_vxlan(&data, tunnel);
	else if (is_kind(&info, "ipip") && parse_nested(&info, IFLA_INFO_DATA, &data))
		parse_ipip(&data, tunnel);
}

static bool parse_link(const struct nlmsghdr *nlh, struct kernel_event *event)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	struct kernel_link *link = &event->link;
	const struct nlattr *name;
	struct attrs attrs;

	// Bridges repeat their ports' links with their own family; those say nothing of the link.
	if (!parse_attrs(nlh, sizeof(*info), &attrs) || info->ifi_family != AF_UNSPEC ||
		info->ifi_index <= 0)
		return false;
	event->kind = nlh->nlmsg_type == RTM_NEWLINK ? KERNEL_LINK_SET : KERNEL_LINK_DEL;
	link->ifindex = (uint32_t)info->ifi_index;
	link->is_up = (info->ifi_flags & IFF_UP) != 0 && (info->ifi_flags & IFF_RUNNING) != 0;
	read_attr(&attrs, IFLA_MTU, &link->mtu, sizeof(link->mtu));
	read_attr(&attrs, IFLA_ADDRESS, link->mac, sizeof(link->mac));
	name = attrs.of[IFLA_IFNAME];
	if (name != NULL)
		memcpy(link->name, mnl_attr_get_payload(name),
			strnlen(mnl_attr_get_payload(name),
				mnl_attr_get_payload_len(name) < sizeof(link->name) - 1
					? mnl_attr_get_payload_len(name)
					: sizeof(link->name) - 1));
	parse_tunnel(&attrs, &link->tunnel);
	return true;
}

static bool parse_address(const struct nlmsghdr *nlh, struct kernel_event *event)
{
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(nlh);
	uint32_t addr_be;
	struct attrs attrs;

	if (!parse_attrs(nlh, sizeof(*info), &attrs) || info->ifa_family != AF_INET)
		return false;
	// On point-to-point links ADDRESS is the peer's and LOCAL ours; elsewhere they are the same.
	if (!read_attr(&attrs, IFA_LOCAL, &addr_be, sizeof(addr_be)) &&
		!read_attr(&attrs, IFA_ADDRESS, &addr_be, sizeof(addr_be)))
		return false;
	event->kind = nlh->nlmsg_type == RTM_NEWADDR ? KERNEL_ADDRESS_SET : KERNEL_ADDRESS_DEL;
	event->address.addr = ntohl(addr_be);
	event->address.ifindex = info->ifa_index;
	event->address.depth = info->ifa_prefixlen > 32 ? 32 : info->ifa_prefixlen;
	event->address.is_secondary = (info->ifa_flags & IFA_F_SECONDARY) != 0;
	return true;
}

static bool parse_neighbour(const struct nlmsghdr *nlh, struct kernel_event *event)
{
	const struct ndmsg *info = mnl_nlmsg_get_payload(nlh);
	struct kernel_neighbour *neighbour = &event->neighbour;
	uint32_t addr_be;
	struct attrs attrs;

	if (!parse_attrs(nlh, sizeof(*info), &attrs) || info->ndm_family != AF_INET ||
		info->ndm_ifindex <= 0 || (info->ndm_flags & NTF_PROXY) != 0 ||
		!read_attr(&attrs, NDA_DST, &addr_be, sizeof(addr_be)))
		return false;
	event->kind = nlh->nlmsg_type == RTM_NEWNEIGH ? KERNEL_NEIGHBOUR_SET : KERNEL_NEIGHBOUR_DEL;
	neighbour->addr = ntohl(addr_be);
	neighbour->ifindex = (uint32_t)info->ndm_ifindex;
	neighbour->state = info->ndm_state;
	neighbour->has_mac = read_attr(&attrs, NDA_LLADDR, neighbour->mac, sizeof(neighbour->mac));
	return true;
}

/* A vxlan device's own entries have NTF_SELF and say where to; a bridge's ports do not. */
static bool parse_fdb(const struct nlmsghdr *nlh, struct kernel_event *event)
{
	const struct ndmsg *info = mnl_nlmsg_get_payload(nlh);
	struct kernel_fdb *fdb = &event->fdb;
	struct attrs attrs;

	if (!parse_attrs(nlh, sizeof(*info), &attrs) || info->ndm_family != AF_BRIDGE ||
		info->ndm_ifindex <= 0 || (info->ndm_flags & NTF_SELF) == 0 ||
		!read_attr(&attrs, NDA_LLADDR, fdb->mac, sizeof(fdb->mac)))
		return false;
	event->kind = nlh->nlmsg_type == RTM_NEWNEIGH ? KERNEL_FDB_SET : KERNEL_FDB_DEL;
	fdb->ifindex = (uint32_t)info->ndm_ifindex;
	read_be32(&attrs, NDA_DST, &fdb->remote);
	return event->kind == KERNEL_FDB_DEL || fdb->remote != 0;
}

static enum neigh_said parse_one(const struct nlmsghdr *nlh, struct kernel_event *event, int *error)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	bool is_event = false;

	if ((nlh->nlmsg_flags & NLM_F_DUMP_INTR) != 0)
		return NEIGH_SAID_INTERRUPTED;
	switch (nlh->nlmsg_type) {
	case NLMSG_DONE:
		return NEIGH_SAID_DONE;
	case NLMSG_ERROR:
		if (mnl_nlmsg_get_payload_len(nlh) < sizeof(err->error))
			return NEIGH_SAID_NOTHING;
		*error = err->error;
		return NEIGH_SAID_ERROR;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		is_event = parse_link(nlh, event);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		is_event = parse_address(nlh, event);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		is_event = parse_neighbour(nlh, event) || parse_fdb(nlh, event);
		break;
	}
	return is_event ? NEIGH_SAID_EVENT : NEIGH_SAID_NOTHING;
}

void neigh_parse(const void *bytes, size_t len, neigh_handler handler, void *arg)
{
	const struct nlmsghdr *nlh = bytes;
	int left = len > INT32_MAX ? INT32_MAX : (int)len;

	// mnl_nlmsg_ok() takes lengths from 2^31 up for negative ones, and so for short.
	for (; mnl_nlmsg_ok(nlh, left) && nlh->nlmsg_len <= (uint32_t)left;
		nlh = mnl_nlmsg_next(nlh, &left)) {
		struct kernel_event event;
		enum neigh_said said;
		int error = 0;

		memset(&event, 0, sizeof(event));
		said = parse_one(nlh, &event, &error);
		if (said != NEIGH_SAID_NOTHING)
			handler(said, &event, error, arg);
	}
}
