/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the pipeline's other two ways out end, on the main lcore: punted packets go into a TAP, the
 * twin of the port they came in by or the one that the other ports share; the
 * senders of some dropped ones get an ICMP error. Called by main.c for what the workers' rings hold.
 */
#include "dataplane/host.h"

#include <rte_icmp.h>

#include <errno.h>
#include <net/if.h> // before the kernel's: only in this order do they agree on struct ifreq
#include <linux/icmp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/police.h"
#include "dataplane/steer/steer.h"
#include "dataplane/steer/steer_link.h"
#include "dataplane/table/bucket.h"
#include "dataplane/tap.h"

#define DRAIN_PKTS	 32u /* from one ring at once */
#define ICMP_HDR_BYTES	 8u
#define ICMP_QUOTE_BYTES 548u /* so that the whole error is 576 at most, RFC 1812 4.3.2.3 */

struct host {
	int tap_fd;
	int icmp_fd;
	struct rte_ether_addr tap_mac;
	uint32_t punt_pps;
	struct police punts;
	struct bucket errors;
	struct twin *twin[PORT_MAX]; /* by the port's number; NULL: it has none */
	struct lcore_stats *stats;
	struct icmp_stats icmp;
};

static int open_tap(const char *ifname, struct rte_ether_addr *mac)
{
	int fd = tap_open(ifname, TAP_GOES_WITH_US);
	int ret;

	if (fd < 0)
		return fd;
	ret = tap_get_mac(ifname, mac);
	if (ret == 0)
		ret = steer_link_no_ip6(if_nametoindex(ifname));
	if (ret == 0)
		ret = steer_forward_any_source(ifname);
	if (ret == 0)
		return fd;
	close(fd);
	return ret;
}

static int open_icmp(void)
{
	struct icmp_filter filter = {.data = UINT32_MAX}; // send only: receive no type
	int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof(filter)) < 0) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	return fd;
}

static int open_both(struct host *host, const char *ifname, char *error, size_t error_bytes)
{
	int ret;

	ret = host->tap_fd = open_tap(ifname, &host->tap_mac);
	if (ret < 0) {
		const char *mend = "run as root, or with CAP_NET_ADMIN and /dev/net/tun";

		if (ret == -EBUSY)
			mend = "another podlane-dataplane runs here: stop it first";
		snprintf(error, error_bytes, "cannot make the TAP %s: %s; %s", ifname,
			strerror(-ret), mend);
		return ret;
	}
	ret = host->icmp_fd = open_icmp();
	if (ret < 0) {
		snprintf(error, error_bytes,
			"cannot open an ICMP socket: %s; run as root, or with CAP_NET_RAW",
			strerror(-ret));
		close(host->tap_fd);
		return ret;
	}
	return 0;
}

int host_create(struct host **host, const struct host_config *config, struct lcore_stats *stats,
	char *error, size_t error_bytes)
{
	struct host *h = calloc(1, sizeof(*h));
	int ret;

	if (h == NULL)
		return -ENOMEM;
	h->stats = stats;
	h->punt_pps = config->punt_pps;
	h->punts = police_make(config->punt_pps);
	h->errors = bucket_make(config->icmp_pps);
	ret = open_both(h, config->ifname, error, error_bytes);
	if (ret < 0) {
		free(h);
		return ret;
	}
	*host = h;
	return 0;
}

void host_free(struct host *host)
{
	if (host == NULL)
		return;
	for (unsigned i = 0; i < RTE_DIM(host->twin); i++)
		twin_free(host->twin[i]);
	close(host->icmp_fd);
	close(host->tap_fd);
	free(host);
}

int host_add_twin(struct host *host, struct port *port, unsigned sender, struct rte_mempool *pool,
	char *error, size_t error_bytes)
{
	struct twin_config config = {
		.punt_pps = host->punt_pps,
		.sender = sender,
		.pool = pool,
		.stats = host->stats,
	};

	return twin_create(&host->twin[port->idx], port, &config, error, error_bytes);
}

unsigned host_pollfds(const struct host *host, struct pollfd *fds)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RTE_DIM(host->twin); i++) {
		if (host->twin[i] != NULL)
			fds[n++] = (struct pollfd){.fd = twin_fd(host->twin[i]), .events = POLLIN};
	}
	return n;
}

unsigned host_send(struct host *host)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RTE_DIM(host->twin); i++) {
		if (host->twin[i] != NULL)
			n += twin_send(host->twin[i]);
	}
	return n;
}

void host_follow_ports(struct host *host)
{
	for (unsigned i = 0; i < RTE_DIM(host->twin); i++) {
		if (host->twin[i] != NULL)
			twin_follow(host->twin[i]);
	}
}

/* What the kernel sends into the TAP has nowhere to go: nobody is behind it. */
static void empty_tap(struct host *host)
{
	uint8_t scratch[2048];

	while (read(host->tap_fd, scratch, sizeof(scratch)) > 0)
		;
}

/* To the TAP that all ports without a twin share. */
static void punt_to_tap(struct host *host, struct rte_mbuf *pkt)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *);

	// a frame to the TAP's own address is the kernel's; groups stay groups
	if (pkt->data_len >= sizeof(*eth) && !rte_is_multicast_ether_addr(&eth->dst_addr))
		eth->dst_addr = host->tap_mac;
	police_punt(&host->punts, host->tap_fd, pkt, host->stats);
	empty_tap(host);
}

void host_punt(struct host *host, struct rte_mbuf *pkt)
{
	struct twin *twin = host->twin[pkt->port];

	if (twin != NULL)
		twin_punt(twin, pkt);
	else
		punt_to_tap(host, pkt);
}

static bool is_icmp_error(const struct rte_mbuf *pkt, const struct rte_ipv4_hdr *ip)
{
	uint8_t type;

	if (ip->next_proto_id != IPPROTO_ICMP)
		return false;
	if (pkt->data_len < RTE_ETHER_HDR_LEN + sizeof(*ip) + 1)
		return true; // cannot tell: better silent
	type = *(const uint8_t *)(ip + 1);
	return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
}

/* RFC 1122 3.2.2: never about an error, a later fragment, or a group; the stages saw to the rest. */
static bool may_tell(struct rte_mbuf *pkt)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(pkt, struct rte_ether_hdr *);
	const struct rte_ipv4_hdr *ip = packet_ip4(pkt);

	if (rte_is_multicast_ether_addr(&eth->dst_addr))
		return false;
	if (ip->fragment_offset & RTE_BE16(RTE_IPV4_HDR_OFFSET_MASK))
		return false;
	return !is_icmp_error(pkt, ip);
}

static int send_error(struct host *host, struct rte_mbuf *pkt)
{
	const struct drop_reason_info *reason = &drop_reason_info[pkt->port];
	const struct rte_ipv4_hdr *ip = packet_ip4(pkt);
	struct {
		struct rte_icmp_hdr icmp;
		uint8_t quote[ICMP_QUOTE_BYTES];
	} msg = {.icmp = {.icmp_type = reason->icmp_type, .icmp_code = reason->icmp_code}};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = ip->src_addr};
	uint32_t n_quote = RTE_MIN(pkt->pkt_len - RTE_ETHER_HDR_LEN, ICMP_QUOTE_BYTES);
	const void *quote = rte_pktmbuf_read(pkt, RTE_ETHER_HDR_LEN, n_quote, msg.quote);
	uint16_t cksum;

	// RFC 1191 4: the next hop's MTU is in the last two bytes of the header
	if (reason->icmp_code == ICMP_FRAG_NEEDED)
		msg.icmp.icmp_seq_nb = rte_cpu_to_be_16((uint16_t)pkt->hash.usr);
	if (quote != msg.quote)
		memcpy(msg.quote, quote, n_quote);
	cksum = rte_raw_cksum(&msg, ICMP_HDR_BYTES + n_quote);
	msg.icmp.icmp_cksum = (uint16_t)~cksum;

	if (sendto(host->icmp_fd, &msg, ICMP_HDR_BYTES + n_quote, MSG_DONTWAIT,
		    (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

void host_icmp_error(struct host *host, struct rte_mbuf *pkt)
{
	if (!may_tell(pkt))
		host->icmp.refused++;
	else if (!bucket_take(&host->errors))
		host->icmp.limited++;
	else if (send_error(host, pkt) < 0)
		host->icmp.refused++;
	else
		host->icmp.sent++;
	rte_pktmbuf_free(pkt);
}

unsigned host_drain(struct host *host, struct rte_ring *punts, struct rte_ring *errors)
{
	struct rte_mbuf *pkts[DRAIN_PKTS];
	unsigned n = rte_ring_sc_dequeue_burst(punts, (void **)pkts, DRAIN_PKTS, NULL);
	unsigned n_all = n;

	for (unsigned i = 0; i < n; i++)
		host_punt(host, pkts[i]);
	n = rte_ring_sc_dequeue_burst(errors, (void **)pkts, DRAIN_PKTS, NULL);
	for (unsigned i = 0; i < n; i++)
		host_icmp_error(host, pkts[i]);
	return n_all + n;
}

const struct icmp_stats *host_icmp_stats(const struct host *host)
{
	return &host->icmp;
}
