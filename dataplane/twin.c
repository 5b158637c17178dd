/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's interface for a port that DPDK owns. Called by host.c. */
#include "dataplane/twin.h"

#include <rte_arp.h>

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "dataplane/log.h"
#include "dataplane/police.h"
#include "dataplane/table/port_bond.h"
#include "dataplane/table/port_send.h"
#include "dataplane/tap.h"

#define MAX_SEGMENTS   8 /* of what the kernel sends: 8 buffers hold more than any MTU */
#define FRAME_OVERHEAD (RTE_ETHER_HDR_LEN + 2 * 4) /* with two VLAN tags */

struct twin {
	int fd;
	struct port *port;
	bool has_carrier;
	uint16_t mtu;
	struct rte_ether_addr mac;
	int sender; /* of a bond, as port_bond_sender() says */
	struct twin_config config;
	struct police police;
};

static void explain(const char *name, int ret, char *error, size_t error_bytes)
{
	const char *mend = "run as root, or with CAP_NET_ADMIN and /dev/net/tun";

	if (ret == -EBUSY)
		mend = "another process has it open: stop it first";
	else if (ret == -EINVAL)
		mend = "another interface has this name: rename the port, or set its twin: false";
	snprintf(error, error_bytes, "port %s: cannot make its TAP twin: %s; %s", name,
		strerror(-ret), mend);
}

static int follow(struct twin *twin)
{
	int ret = tap_set_mtu(twin->port->name, twin->mtu);

	if (ret == 0)
		ret = tap_set_mac(twin->port->name, &twin->mac);
	return ret < 0 ? ret : tap_set_carrier(twin->fd, twin->has_carrier);
}

int twin_create(struct twin **twin, struct port *port, const struct twin_config *config,
	char *error, size_t error_bytes)
{
	struct twin *t = calloc(1, sizeof(*t));
	int ret = t == NULL ? -ENOMEM : tap_open(port->name, TAP_STAYS);

	if (ret < 0)
		goto err_free;
	*t = (struct twin){
		.fd = ret,
		.port = port,
		.sender = -ENOLINK,
		.config = *config,
		.police = police_make(config->punt_pps),
	};
	port->ifindex = if_nametoindex(port->name);
	t->has_carrier = port->is_up;
	t->mtu = port->mtu;
	t->mac = port->mac;
	ret = follow(t);
	if (ret < 0)
		goto err_close;
	*twin = t;
	return 0;

err_close:
	close(t->fd);
err_free:
	explain(port->name, ret, error, error_bytes);
	free(t);
	return ret;
}

void twin_free(struct twin *twin)
{
	if (twin == NULL)
		return;
	close(twin->fd);
	free(twin);
}

void twin_punt(struct twin *twin, struct rte_mbuf *pkt)
{
	police_punt(&twin->police, twin->fd, pkt, twin->config.stats);
}

/* One frame from the kernel, in as many buffers as the MTU may need. Returns: NULL, there is none */
static struct rte_mbuf *read_frame(struct twin *twin)
{
	struct rte_mempool *pool = twin->config.pool;
	size_t room = rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;
	unsigned n_segs = (unsigned)((twin->port->mtu + FRAME_OVERHEAD + room - 1) / room);
	struct rte_mbuf *segs[MAX_SEGMENTS];
	struct iovec iov[MAX_SEGMENTS];
	ssize_t n_bytes;

	n_segs = RTE_MIN(n_segs, (unsigned)MAX_SEGMENTS);
	if (rte_pktmbuf_alloc_bulk(pool, segs, n_segs) < 0)
		return NULL; // it waits in the kernel's queue
	for (unsigned i = 0; i < n_segs; i++)
		iov[i] = (struct iovec){rte_pktmbuf_mtod(segs[i], void *), room};
	n_bytes = readv(twin->fd, iov, (int)n_segs);
	if (n_bytes <= 0) {
		rte_pktmbuf_free_bulk(segs, n_segs);
		return NULL;
	}
	for (unsigned i = 0; i < n_segs; i++) {
		uint16_t part = (uint16_t)RTE_MIN((size_t)n_bytes, room);

		n_bytes -= part;
		rte_pktmbuf_append(segs[i], part);
		if (part == 0)
			rte_pktmbuf_free(segs[i]);
		else if (i > 0)
			rte_pktmbuf_chain(segs[0], segs[i]);
	}
	return segs[0];
}

/* Owner: frees what the port does not take. */
static void send_made(struct twin *twin, struct rte_mbuf **pkts, uint16_t n)
{
	struct lcore_stats *stats = twin->config.stats;
	struct port *port = twin->port;
	uint32_t n_bytes[BURST_MAX];
	uint16_t n_sent = 0;

	// bytes before the packets are given away
	for (uint16_t i = 0; i < n; i++)
		n_bytes[i] = pkts[i]->pkt_len;
	if (n > 0 && port->is_up)
		n_sent = port_send(port, twin->config.sender, pkts, n, true);
	for (uint16_t i = 0; i < n_sent; i++)
		stats->port[port->idx].tx_bytes += n_bytes[i];
	if (n_sent < n)
		rte_pktmbuf_free_bulk(&pkts[n_sent], n - n_sent);

	stats->made_pkts += n;
	stats->tx_pkts += n_sent;
	stats->port[port->idx].tx_pkts += n_sent;
	stats->drop_pkts[port->is_up ? DROP_TX_FULL : DROP_PORT_DOWN] += n - n_sent;
}

unsigned twin_send(struct twin *twin)
{
	struct rte_mbuf *pkts[BURST_MAX];
	uint16_t n = 0;

	while (n < BURST_MAX && (pkts[n] = read_frame(twin)) != NULL)
		n++;
	send_made(twin, pkts, n);
	return n;
}

/* RFC 5227 2.3: a request with our address in both places. Returns: NULL, no buffer is left */
static struct rte_mbuf *make_announcement(const struct twin *twin, rte_be32_t addr_be)
{
	struct rte_mbuf *pkt = rte_pktmbuf_alloc(twin->config.pool);
	struct {
		struct rte_ether_hdr eth;
		struct rte_arp_hdr arp;
		uint8_t pad[RTE_ETHER_MIN_LEN - RTE_ETHER_CRC_LEN - RTE_ETHER_HDR_LEN -
			    sizeof(struct rte_arp_hdr)];
	} frame = {
		.eth = {.src_addr = twin->port->mac, .ether_type = RTE_BE16(RTE_ETHER_TYPE_ARP)},
		.arp = {.arp_hardware = RTE_BE16(RTE_ARP_HRD_ETHER),
			.arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4),
			.arp_hlen = RTE_ETHER_ADDR_LEN,
			.arp_plen = sizeof(addr_be),
			.arp_opcode = RTE_BE16(RTE_ARP_OP_REQUEST),
			.arp_data = {.arp_sha = twin->port->mac,
				.arp_sip = addr_be,
				.arp_tip = addr_be}},
	};

	if (pkt == NULL)
		return NULL;
	memset(&frame.eth.dst_addr, 0xff, sizeof(frame.eth.dst_addr));
	memcpy(rte_pktmbuf_append(pkt, sizeof(frame)), &frame, sizeof(frame));
	return pkt;
}

/* Switches learn from it where we are now, and neighbours that nobody else has the addresses. */
static void announce(struct twin *twin)
{
	struct rte_mbuf *pkts[BURST_MAX];
	struct ifaddrs *all, *one;
	uint16_t n = 0;

	if (getifaddrs(&all) < 0)
		return;
	for (one = all; one != NULL && n < BURST_MAX; one = one->ifa_next) {
		const struct sockaddr_in *addr = (const struct sockaddr_in *)one->ifa_addr;

		if (addr == NULL || addr->sin_family != AF_INET ||
			strcmp(one->ifa_name, twin->port->name) != 0)
			continue;
		pkts[n] = make_announcement(twin, addr->sin_addr.s_addr);
		n += pkts[n] != NULL;
	}
	freeifaddrs(all);
	send_made(twin, pkts, n);
}

/* Has another member of the bond begun to send? */
static bool has_moved(struct twin *twin)
{
	const struct port *port = twin->port;
	int before = twin->sender;

	if (port->n_members > 0)
		twin->sender = port->is_up ? port_bond_sender(port) : -ENOLINK;
	return twin->sender != before && twin->sender >= 0;
}

void twin_follow(struct twin *twin)
{
	const struct port *port = twin->port;
	int ret;

	if (has_moved(twin))
		announce(twin);
	if (twin->has_carrier == port->is_up && twin->mtu == port->mtu &&
		rte_is_same_ether_addr(&twin->mac, &port->mac))
		return;
	twin->has_carrier = port->is_up;
	twin->mtu = port->mtu;
	twin->mac = port->mac;
	ret = follow(twin);
	if (ret < 0)
		LOG(WARNING, "twin: %s does not follow its port: %s\n", port->name, strerror(-ret));
}

int twin_fd(const struct twin *twin)
{
	return twin->fd;
}
