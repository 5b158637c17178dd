/* SPDX-License-Identifier: BSD-3-Clause */
/* The rtnetlink socket: dumps, events, resync. Feeds pipeline.c, which main.c gives it. */
#include "control/neigh.h"

#include "control/log.h"
#include "control/neigh_parse.h"
#include "control/pipeline.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define NEIGH_RCVBUF_BYTES   (8 << 20)
#define NEIGH_READS_PER_TURN 64
#define NEIGH_BUF_BYTES	     65536

static const struct {
	uint16_t type;
	uint8_t family;
} dumps[] = {
	{RTM_GETLINK, AF_UNSPEC}, {RTM_GETADDR, AF_INET}, {RTM_GETNEIGH, AF_INET},
	{RTM_GETNEIGH, AF_BRIDGE}, // forwarding tables
};
#define DUMPS (sizeof(dumps) / sizeof(dumps[0]))

struct neigh {
	struct mnl_socket *socket;
	struct event *readable;
	struct pipeline *pipeline;
	unsigned dump; /* of dumps, the one under way; DUMPS: none */
	bool is_synced;
	bool must_resync;
	uint32_t seq;
	uint64_t n_resyncs;
	struct log_limit lost;
	char buf[NEIGH_BUF_BYTES];
};

static int ask_dump(struct neigh *neigh)
{
	char buf[MNL_NLMSG_HDRLEN + 64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtgenmsg *gen;

	nlh->nlmsg_type = dumps[neigh->dump].type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++neigh->seq;
	// Each dump has its own header; the family comes first in all, and zeroes are no filter.
	gen = mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	gen->rtgen_family = dumps[neigh->dump].family;
	return mnl_socket_sendto(neigh->socket, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}

static int begin_dumps(struct neigh *neigh)
{
	neigh->dump = 0;
	neigh->must_resync = false;
	pipeline_begin_kernel_resync(neigh->pipeline);
	return ask_dump(neigh);
}

static void end_dump(struct neigh *neigh)
{
	neigh->dump++;
	if (neigh->dump < DUMPS) {
		if (ask_dump(neigh) != 0) {
			neigh->dump = DUMPS;
			neigh->must_resync = true;
		}
		return;
	}
	pipeline_end_kernel_resync(neigh->pipeline);
	if (!neigh->is_synced)
		log_line(LOG_LEVEL_INFO, "neigh: kernel's tables read");
	neigh->is_synced = true;
}

static void take(enum neigh_said said, const struct kernel_event *event, int error, void *arg)
{
	struct neigh *neigh = arg;

	switch (said) {
	case NEIGH_SAID_EVENT:
		pipeline_take_kernel(neigh->pipeline, event);
		break;
	case NEIGH_SAID_DONE:
		if (neigh->dump < DUMPS)
			end_dump(neigh);
		break;
	case NEIGH_SAID_INTERRUPTED:
		neigh->must_resync = true;
		break;
	case NEIGH_SAID_ERROR:
		// Of a neigh_use(): its device went away meanwhile, or we lack CAP_NET_ADMIN.
		if (error != 0)
			log_line(LOG_LEVEL_DEBUG, "neigh: request refused: %s", strerror(-error));
		break;
	case NEIGH_SAID_NOTHING:
		break;
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct neigh *neigh = arg;

	(void)what;
	for (int i = 0; i < NEIGH_READS_PER_TURN; i++) {
		ssize_t n = recv(fd, neigh->buf, sizeof(neigh->buf), MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && errno == ENOBUFS) {
			neigh->must_resync = true;
			log_limited(&neigh->lost, LOG_LEVEL_WARNING,
				"neigh: kernel lost events for us, reading its tables again");
			continue;
		}
		if (n <= 0)
			break;
		if ((size_t)n > sizeof(neigh->buf)) {
			neigh->must_resync = true;
			continue;
		}
		neigh_parse(neigh->buf, (size_t)n, take, neigh);
	}
	// A dump that is under way must end first: the kernel runs one per socket.
	if (neigh->must_resync && neigh->dump >= DUMPS) {
		neigh->n_resyncs++;
		(void)begin_dumps(neigh);
	}
	pipeline_turn(neigh->pipeline);
}

static int open_socket(struct neigh *neigh)
{
	int bytes = NEIGH_RCVBUF_BYTES;
	int fd;

	neigh->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (neigh->socket == NULL)
		return -errno;
	fd = mnl_socket_get_fd(neigh->socket);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (mnl_socket_bind(neigh->socket, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_NEIGH,
		    MNL_SOCKET_AUTOPID) != 0)
		return -errno;
	return 0;
}

int neigh_new(struct event_base *base, struct pipeline *pipeline, struct neigh **out)
{
	struct neigh *neigh = calloc(1, sizeof(*neigh));
	int err;

	if (neigh == NULL)
		return -ENOMEM;
	neigh->pipeline = pipeline;
	err = open_socket(neigh);
	if (err != 0)
		goto err_free;
	err = -ENOMEM;
	neigh->readable = event_new(base, mnl_socket_get_fd(neigh->socket), EV_READ | EV_PERSIST,
		on_readable, neigh);
	if (neigh->readable == NULL || event_add(neigh->readable, NULL) != 0)
		goto err_free;
	err = begin_dumps(neigh);
	if (err != 0)
		goto err_free;
	*out = neigh;
	return 0;

err_free:
	neigh_free(neigh);
	return err;
}

void neigh_free(struct neigh *neigh)
{
	if (neigh == NULL)
		return;
	if (neigh->readable != NULL)
		event_free(neigh->readable);
	if (neigh->socket != NULL)
		mnl_socket_close(neigh->socket);
	free(neigh);
}

bool neigh_is_synced(const struct neigh *neigh)
{
	return neigh->is_synced;
}

uint64_t neigh_n_resyncs(const struct neigh *neigh)
{
	return neigh->n_resyncs;
}

int neigh_use(struct neigh *neigh, uint32_t addr, uint32_t ifindex)
{
	char buf[MNL_NLMSG_HDRLEN + 64];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm;

	nlh->nlmsg_type = RTM_NEWNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE;
	nlh->nlmsg_seq = ++neigh->seq;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = AF_INET;
	ndm->ndm_ifindex = (int)ifindex;
	ndm->ndm_flags = NTF_USE;
	mnl_attr_put_u32(nlh, NDA_DST, htonl(addr));
	return mnl_socket_sendto(neigh->socket, nlh, nlh->nlmsg_len) < 0 ? -errno : 0;
}
