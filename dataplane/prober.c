/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Probes, from control's request to the worker's ring, and from a worker's ring to control. Called by
 * api_tables.c (sending) and main.c (answers).
 */
#include "dataplane/prober.h"

#include <rte_cycles.h>
#include <rte_icmp.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define WAITING_PROBES 1024u
#define DRAIN_PKTS     32u /* from one ring at once */
#define MAX_BYTES      9000u
#define TTL	       64
#define ICMP_ECHO      8
#define PATTERN	       0x50 /* what fills an echo: 'P' */
#define ICMP_OFFSET    (RTE_ETHER_HDR_LEN + sizeof(struct rte_ipv4_hdr))

#define IP4_NET_BYTE(addr) ((addr) >> 24)
#define IP4_LOOPBACK	   127u
#define IP4_MULTICAST	   224u /* and above: no host's */

/* A probe that was handed over, until its answer or another one comes. */
struct sent {
	uint32_t id;
	uint32_t dst;
	bool is_open;
};

struct prober {
	struct rte_mempool *pool;
	const struct port_table *ports;
	struct prober_events events;
	struct lcore_stats *stats;
	struct rte_ring *waiting;
	uint64_t *sent_tsc;
	struct sent sent[PROBE_SLOTS];
};

int prober_create(struct prober **prober, struct rte_mempool *pool, const struct port_table *ports,
	const struct prober_events *events, struct lcore_stats *stats)
{
	struct prober *p = calloc(1, sizeof(*p));
	int socket = (int)rte_socket_id();

	if (p == NULL)
		return -ENOMEM;
	p->pool = pool;
	p->ports = ports;
	p->events = *events;
	p->stats = stats;
	p->sent_tsc = rte_calloc_socket("sent_tsc", PROBE_SLOTS, sizeof(*p->sent_tsc),
		RTE_CACHE_LINE_SIZE, socket);
	p->waiting = rte_ring_create_elem("probes", sizeof(struct probe_order), WAITING_PROBES,
		socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (p->sent_tsc == NULL || p->waiting == NULL) {
		prober_free(p);
		return -ENOMEM;
	}
	*prober = p;
	return 0;
}

void prober_free(struct prober *prober)
{
	if (prober == NULL)
		return;
	rte_ring_free(prober->waiting);
	rte_free(prober->sent_tsc);
	free(prober);
}

struct rte_ring *prober_waiting(const struct prober *prober)
{
	return prober->waiting;
}

uint64_t *prober_sent_tsc(const struct prober *prober)
{
	return prober->sent_tsc;
}

static bool is_host(uint32_t addr)
{
	return IP4_NET_BYTE(addr) != 0 && IP4_NET_BYTE(addr) != IP4_LOOPBACK &&
	       IP4_NET_BYTE(addr) < IP4_MULTICAST;
}

/* Whole, with every byte of the pattern, in as many segments as it needs. Errors: NULL no buffer */
static struct rte_mbuf *alloc_filled(struct rte_mempool *pool, uint32_t n_bytes)
{
	struct rte_mbuf *pkt = NULL;

	while (n_bytes > 0) {
		struct rte_mbuf *seg = rte_pktmbuf_alloc(pool);
		uint16_t n;

		if (seg == NULL || (pkt != NULL && rte_pktmbuf_chain(pkt, seg) < 0)) {
			rte_pktmbuf_free(seg);
			rte_pktmbuf_free(pkt);
			return NULL;
		}
		n = (uint16_t)RTE_MIN(n_bytes, rte_pktmbuf_tailroom(seg));
		memset(rte_pktmbuf_mtod(seg, void *), PATTERN, n);
		seg->data_len = n;
		if (pkt == NULL)
			pkt = seg;
		pkt->pkt_len += n;
		n_bytes -= n;
	}
	return pkt;
}

static struct rte_mbuf *build_echo(struct rte_mempool *pool, const struct wire_probe *probe)
{
	struct rte_mbuf *pkt = alloc_filled(pool, RTE_ETHER_HDR_LEN + probe->bytes);
	struct rte_ipv4_hdr *ip;
	struct rte_icmp_hdr *icmp;
	uint16_t sum;

	if (pkt == NULL)
		return NULL;
	ip = rte_pktmbuf_mtod_offset(pkt, struct rte_ipv4_hdr *, RTE_ETHER_HDR_LEN);
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = rte_cpu_to_be_16(probe->bytes),
		.packet_id = rte_cpu_to_be_16((uint16_t)probe->id),
		.fragment_offset = probe->has_df ? RTE_BE16(RTE_IPV4_HDR_DF_FLAG) : 0,
		.time_to_live = TTL,
		.next_proto_id = IPPROTO_ICMP,
		.src_addr = rte_cpu_to_be_32(probe->src),
		.dst_addr = rte_cpu_to_be_32(probe->dst),
	};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	icmp = (struct rte_icmp_hdr *)(ip + 1);
	*icmp = (struct rte_icmp_hdr){
		.icmp_type = ICMP_ECHO,
		.icmp_ident = rte_cpu_to_be_16((uint16_t)(probe->id >> 16)),
		.icmp_seq_nb = rte_cpu_to_be_16((uint16_t)probe->id),
	};
	if (packet_raw_cksum(pkt, ICMP_OFFSET, probe->bytes - (uint32_t)sizeof(*ip), &sum) == 0)
		icmp->icmp_cksum = (uint16_t)~sum;
	return pkt;
}

/* AF_XDP sends the first segment with the length of all: what does not fit one is not for it. */
static bool is_too_long(const struct prober *prober, const struct port *port, uint32_t ip_bytes,
	uint16_t inner_bytes)
{
	uint32_t room =
		rte_pktmbuf_data_room_size(prober->pool) - RTE_PKTMBUF_HEADROOM - RTE_ETHER_HDR_LEN;

	return ip_bytes > port->mtu || (port->kind != WIRE_PORT_VDEV && inner_bytes > room);
}

/* What it will look like outside. */
static int make_adjacency(const struct prober *prober, const struct wire_probe *probe,
	struct adjacency *adjacency)
{
	const struct wire_path *path = &probe->path;
	const struct port *port;

	if (path->kind < WIRE_PATH_NATIVE || path->port >= prober->ports->n ||
		adjacency_make(adjacency, path) < 0)
		return -EINVAL;
	if (probe->has_df)
		adjacency_set_outer_df(adjacency);
	port = &prober->ports->port[path->port];
	if (!port->is_up)
		return -ENETDOWN;
	if (is_too_long(prober, port, probe->bytes + adjacency->hdr_len - RTE_ETHER_HDR_LEN,
		    probe->bytes))
		return -EMSGSIZE;
	return 0;
}

int prober_send(struct prober *prober, const struct wire_probe *probe)
{
	struct probe_order order = {.slot = probe_slot(probe->id)};
	int ret;

	if (!is_host(probe->src) || !is_host(probe->dst) || probe->has_df > 1 ||
		probe->bytes < PROBE_MIN_BYTES || probe->bytes > MAX_BYTES)
		return -EINVAL;
	ret = make_adjacency(prober, probe, &order.adjacency);
	if (ret < 0)
		return ret;
	order.pkt = build_echo(prober->pool, probe);
	if (order.pkt == NULL)
		return -ENOBUFS;
	if (rte_ring_sp_enqueue_elem(prober->waiting, &order, sizeof(order)) != 0) {
		rte_pktmbuf_free(order.pkt);
		return -ENOBUFS;
	}
	prober->sent[order.slot] =
		(struct sent){.id = probe->id, .dst = probe->dst, .is_open = true};
	return 0;
}

/* The longest that fits stands for all that are longer; clocks that disagree give 0. */
static uint32_t to_ns(uint64_t from_tsc, uint64_t to_tsc)
{
	double ns = (double)(int64_t)(to_tsc - from_tsc) * 1e9 / (double)rte_get_tsc_hz();

	if (ns < 0)
		return 0;
	return ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

/* Returns: was it the first answer to a probe, from whom it was sent to? */
static bool match(struct prober *prober, const struct probe_heard *heard)
{
	uint32_t slot = probe_slot(heard->id);
	struct sent *sent = &prober->sent[slot];
	struct wire_probe_reply reply = {
		.id = heard->id,
		.src = heard->src,
		.node = heard->node,
		.kind = heard->kind,
	};

	if (!sent->is_open || sent->id != heard->id || sent->dst != heard->src)
		return false;
	sent->is_open = false;
	reply.rtt_ns =
		to_ns(__atomic_load_n(&prober->sent_tsc[slot], __ATOMIC_RELAXED), heard->tsc);
	prober->events.answered(prober->events.arg, &reply);
	return true;
}

unsigned prober_drain(struct prober *prober, struct rte_ring *heard)
{
	struct probe_heard some[DRAIN_PKTS];
	unsigned n = rte_ring_sc_dequeue_burst_elem(heard, some, sizeof(some[0]), DRAIN_PKTS, NULL);

	for (unsigned i = 0; i < n; i++) {
		if (!match(prober, &some[i])) {
			some[i].pkt->hash.usr = PUNT_ICMP;
			prober->events.foreign(prober->events.arg, some[i].pkt);
			continue;
		}
		prober->stats->taken_pkts++;
		rte_pktmbuf_free(some[i].pkt);
	}
	return n;
}
