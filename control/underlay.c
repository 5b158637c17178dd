/* SPDX-License-Identifier: BSD-3-Clause */
/* Asks the kernel for routes, one node at a time, and remembers. Called by main.c and pipeline_tunnels.c. */
#include "control/underlay.h"

#include "control/hash.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define BUF_BYTES      8192
#define READS_PER_TURN 64

/* What was answered for a node. */
struct answer {
	struct hash_node node;
	uint32_t addr;
	bool is_reached;
	struct underlay_route route;
};

struct underlay {
	struct mnl_socket *ask;	   /* one request, one answer */
	struct mnl_socket *listen; /* what changes */
	struct event *readable;
	struct hash answers;
	uint32_t seq;
	void (*changed)(void *arg);
	void *arg;
};

/*
 * Of routes, pass only those outside the main table: zebra writes there, a million of them perhaps, and
 * tells us itself. Words are read from the message as big endian.
 */
static int filter_main_table(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 2),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
			NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_table)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RT_TABLE_MAIN, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) != 0 ? -errno
											    : 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct underlay *underlay = arg;
	char buf[BUF_BYTES];
	bool has_changed = false;

	(void)what;
	// What changed does not matter, nor does what was lost: everything is asked again.
	for (int i = 0; i < READS_PER_TURN; i++) {
		ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC);

		if (n <= 0 && errno != ENOBUFS)
			break;
		has_changed = true;
	}
	if (!has_changed)
		return;
	underlay_forget(underlay);
	underlay->changed(underlay->arg);
}

static int open_sockets(struct underlay *underlay, struct event_base *base)
{
	int err;

	underlay->ask = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	underlay->listen = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (underlay->ask == NULL || underlay->listen == NULL)
		return -errno;
	err = filter_main_table(mnl_socket_get_fd(underlay->listen));
	if (err != 0)
		return err;
	if (mnl_socket_bind(underlay->ask, 0, MNL_SOCKET_AUTOPID) != 0 ||
		mnl_socket_bind(underlay->listen, RTMGRP_IPV4_ROUTE | RTMGRP_IPV4_RULE,
			MNL_SOCKET_AUTOPID) != 0)
		return -errno;
	underlay->readable = event_new(base, mnl_socket_get_fd(underlay->listen),
		EV_READ | EV_PERSIST, on_readable, underlay);
	return underlay->readable == NULL || event_add(underlay->readable, NULL) != 0 ? -ENOMEM : 0;
}

int underlay_new(struct event_base *base, void (*changed)(void *arg), void *arg,
	struct underlay **out)
{
	struct underlay *underlay = calloc(1, sizeof(*underlay));
	int err;

	if (underlay == NULL)
		return -ENOMEM;
	underlay->changed = changed;
	underlay->arg = arg;
	err = open_sockets(underlay, base);
	if (err != 0) {
		underlay_free(underlay);
		return err;
	}
	*out = underlay;
	return 0;
}

static void free_answer(struct hash_node *node, void *arg)
{
	struct underlay *underlay = arg;

	hash_remove(&underlay->answers, node);
	free(hash_entry(node, struct answer, node));
}

void underlay_forget(struct underlay *underlay)
{
	// often nothing was asked since the last time
	if (underlay->answers.n > 0)
		hash_each(&underlay->answers, free_answer, underlay);
}

void underlay_free(struct underlay *underlay)
{
	if (underlay == NULL)
		return;
	if (underlay->readable != NULL)
		event_free(underlay->readable);
	if (underlay->listen != NULL)
		mnl_socket_close(underlay->listen);
	if (underlay->ask != NULL)
		mnl_socket_close(underlay->ask);
	underlay_forget(underlay);
	hash_free(&underlay->answers);
	free(underlay);
}

/* What an answer holds, as it is read. */
struct reading {
	uint32_t ifindex, gateway_be, source_be;
	bool is_broken;
};

static int read_attr(const struct nlattr *attr, void *arg)
{
	struct reading *reading = arg;
	uint32_t *to;

	switch (mnl_attr_get_type(attr)) {
	case RTA_OIF:
		to = &reading->ifindex;
		break;
	case RTA_GATEWAY:
		to = &reading->gateway_be;
		break;
	case RTA_PREFSRC:
		to = &reading->source_be;
		break;
	case RTA_VIA: // an IPv6 gateway
		reading->is_broken = true;
		return MNL_CB_OK;
	default:
		return MNL_CB_OK;
	}
	if (mnl_attr_get_payload_len(attr) == sizeof(*to))
		memcpy(to, mnl_attr_get_payload(attr), sizeof(*to));
	else
		reading->is_broken = true;
	return MNL_CB_OK;
}

static bool read_answer(const struct nlmsghdr *nlh, uint32_t node, struct underlay_route *route)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct reading reading = {0};

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) ||
		rtm->rtm_type != RTN_UNICAST)
		return false;
	if (mnl_attr_parse(nlh, sizeof(*rtm), read_attr, &reading) != MNL_CB_OK ||
		reading.is_broken || reading.ifindex == 0)
		return false;
	*route = (struct underlay_route){
		.key = {.nexthop = reading.gateway_be != 0 ? ntohl(reading.gateway_be) : node,
			.ifindex = reading.ifindex},
		.source = ntohl(reading.source_be),
	};
	return true;
}

/* The kernel answers before send() returns, so nobody waits. */
static bool ask_kernel(struct underlay *underlay, uint32_t node, struct underlay_route *route)
{
	char buf[BUF_BYTES];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	ssize_t n;

	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = ++underlay->seq;
	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = 32;
	mnl_attr_put_u32(nlh, RTA_DST, htonl(node));
	if (mnl_socket_sendto(underlay->ask, nlh, nlh->nlmsg_len) < 0)
		return false;
	do {
		n = recv(mnl_socket_get_fd(underlay->ask), buf, sizeof(buf), MSG_DONTWAIT);
		nlh = (struct nlmsghdr *)buf;
		// an answer that an earlier call left behind has another number
	} while (n > 0 && mnl_nlmsg_ok(nlh, (int)n) && nlh->nlmsg_seq != underlay->seq);
	return n > 0 && mnl_nlmsg_ok(nlh, (int)n) && read_answer(nlh, node, route);
}

static struct answer *find_answer(struct underlay *underlay, uint32_t node)
{
	for (struct hash_node *at = hash_chain(&underlay->answers, hash_words(node, 0)); at != NULL;
		at = at->next) {
		struct answer *answer = hash_entry(at, struct answer, node);

		if (answer->addr == node)
			return answer;
	}
	return NULL;
}

bool underlay_find(struct underlay *underlay, uint32_t node, struct underlay_route *route)
{
	struct answer *answer = find_answer(underlay, node);
	bool is_reached;

	if (answer != NULL) {
		*route = answer->route;
		return answer->is_reached;
	}
	memset(route, 0, sizeof(*route));
	is_reached = ask_kernel(underlay, node, route);
	answer = calloc(1, sizeof(*answer));
	if (answer == NULL)
		return is_reached;
	answer->addr = node;
	answer->is_reached = is_reached;
	answer->route = *route;
	// without memory it is asked again the next time
	if (hash_insert(&underlay->answers, &answer->node, hash_words(node, 0)) != 0)
		free(answer);
	return is_reached;
}
