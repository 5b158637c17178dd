/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A million random packets, in bursts of any size, through the pipeline and through the plain
 * forwarder of reference.c: each must end in the same way and leave with the same bytes.
 */
#include "test/unit/dataplane/reference_traffic.h"

#include "test/unit/dataplane/reference_l4.h"
#include "test/unit/support.h"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/pipeline_code.h"

#define N_BURSTS  24000u /* of 1 to 32 packets, for each engine */
#define N_PORTS	  3u	 /* the last is the trunk */
#define TRUNK	  REFERENCE_TRUNK
#define POOL_PKTS 511u
#define RING_PKTS 256u

#define HEADERS_MAX 180u /* Ethernet twice, IPv4 with options twice, UDP, VXLAN, and ports */

/* A packet's two lives. */
struct pair {
	struct rte_mbuf *mbuf;
	struct reference_packet in;
	unsigned turn; /* in which it came out of its port */
	bool is_back;  /* sent, punted, or dropped with an answer to its sender */
	enum reference_end end;
	uint16_t port_or_reason;
	struct probe_heard heard; /* if it ended as an answer to a probe */
};

static struct rte_mempool *pool;
static struct rte_ring *rx_ring[N_PORTS], *tx_ring[N_PORTS];
static struct port_table ports;
static struct lcore_stats stats;
static uint64_t path_counts[WIRE_PATH_N_KINDS][64];
static const struct path_pkts path_pkts = {
	{path_counts[0], path_counts[1], path_counts[2], path_counts[3]}};
static struct pipeline pipeline;
static const struct pipeline_code *code;
static struct nexthop_table *nexthops;
static struct endpoint_table *endpoints;
static struct fib *fib;
static struct pair pairs[BURST_MAX];
static struct rte_mbuf *pieces[N_PORTS][RING_PKTS]; /* fragments, by the port they came out of */
static unsigned n_pieces[N_PORTS], n_compared[N_PORTS];
static uint64_t n_ended[REFERENCE_N_ENDS], n_cut, n_finished, n_left, n_answers[2];

static struct rte_ring *make_ring(const char *name, unsigned i)
{
	char full[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(full, sizeof(full), "%s%u", name, i);
	ring = rte_ring_create(full, RING_PKTS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	assert_non_null(ring);
	return ring;
}

static void make_port(uint16_t i)
{
	struct rte_eth_conf conf = {0};
	uint16_t eth_id;
	char name[16];

	rx_ring[i] = make_ring("rx", i);
	tx_ring[i] = make_ring("tx", i);
	snprintf(name, sizeof(name), "port%u", i);
	eth_id = (uint16_t)rte_eth_from_rings(name, &rx_ring[i], 1, &tx_ring[i], 1, 0);
	assert_int_equal(rte_eth_dev_configure(eth_id, 1, 1, &conf), 0);
	assert_int_equal(rte_eth_rx_queue_setup(eth_id, 0, 0, 0, NULL, pool), 0);
	assert_int_equal(rte_eth_tx_queue_setup(eth_id, 0, 0, 0, NULL), 0);
	assert_int_equal(rte_eth_dev_start(eth_id), 0);
	ports.port[i] = (struct port){.idx = i,
		.eth_id = eth_id,
		.n_rxq = 1,
		.n_txq = 1,
		.kind = i == TRUNK ? WIRE_PORT_TRUNK : WIRE_PORT_VDEV,
		.is_up = true};
	memcpy(ports.port[i].mac.addr_bytes, reference_tables()->mac, 6);
	ports.n++;
}

static void fill_tables(enum fib_engine engine, struct epoch *epoch)
{
	struct fib_config config = {.engine = engine, .max_routes = 64, .n_tbl8 = 64};
	const struct reference *tables = reference_tables();

	assert_int_equal(fib_create(&fib, &config, epoch), 0);
	assert_int_equal(nexthop_create(&nexthops, 64, 16, SOCKET_ID_ANY, epoch), 0);
	assert_int_equal(endpoint_create(&endpoints, epoch), 0);
	assert_int_equal(endpoint_set(endpoints, tables->end, tables->n_ends), 0);
	assert_int_equal(endpoint_set_sources(endpoints, tables->source, tables->n_sources), 0);
	for (unsigned i = 0; i < tables->n_paths; i++)
		assert_int_equal(nexthop_path_set(nexthops, &tables->path[i]), 0);
	for (unsigned i = 0; i < tables->n_groups; i++)
		assert_int_equal(nexthop_group_set(nexthops, &tables->group[i]), 0);
	for (unsigned i = 0; i < tables->n_routes; i++) {
		struct fib_op op = {.prefix = tables->route[i].prefix,
			.depth = tables->route[i].depth,
			.nh = tables->route[i].nh,
			.kind = FIB_OP_SET};

		assert_int_equal(fib_apply(fib, &op, 1), 0);
	}
	pipeline.fib = fib;
	pipeline.nexthops = nexthop_view(nexthops);
	pipeline.endpoints = endpoints;
	pipeline.answerer.fib = fib;
	pipeline.answerer.nexthops = pipeline.nexthops;
}

static struct rte_mbuf *make_segment(const uint8_t *bytes, uint32_t len)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);

	assert_non_null(mbuf);
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)len), bytes, len);
	return mbuf;
}

/* In two pieces, if it is longer than all headers may be: those are in the first. */
static struct rte_mbuf *make_segments(const struct reference_packet *in)
{
	uint32_t first = HEADERS_MAX + reference_random_below(REFERENCE_BYTES - HEADERS_MAX);
	struct rte_mbuf *mbuf;

	if (first >= in->len)
		return make_segment(in->bytes, in->len);
	mbuf = make_segment(in->bytes, first);
	assert_int_equal(rte_pktmbuf_chain(mbuf, make_segment(in->bytes + first, in->len - first)),
		0);
	return mbuf;
}

/* The packet before it once more, or another. */
static void load(struct pair *pair, uint16_t port, bool is_alike, bool has_segments)
{
	if (is_alike && pair > pairs)
		pair->in = pair[-1].in;
	else
		reference_make_packet(&pair->in, port == TRUNK);
	pair->in.from = port;
	pair->in.has_unfinished = ports.port[port].complete_checksums;
	pair->is_back = false;
	pair->mbuf = has_segments ? make_segments(&pair->in)
				  : make_segment(pair->in.bytes, pair->in.len);
	assert_int_equal(rte_ring_enqueue(rx_ring[port], pair->mbuf), 0);
}

/* Note for a packet that it came out. Returns: NULL if it was none that went in */
static struct pair *note(const struct rte_mbuf *mbuf, enum reference_end end, unsigned n)
{
	struct pair *pair = pairs;

	while (pair < pairs + n && pair->mbuf != mbuf)
		pair++;
	if (pair == pairs + n)
		return NULL;
	assert_false(pair->is_back);
	pair->is_back = true;
	pair->end = end;
	return pair;
}

/* What a port's device does by itself: only what it was told, of what it can. */
static void play_device(struct rte_mbuf *mbuf, const struct port *port)
{
	const uint64_t l4 = mbuf->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	uint8_t frame[REFERENCE_BYTES], *ip = frame + mbuf->l2_len;
	const uint32_t len = mbuf->pkt_len;

	if (l4 == 0)
		return;
	assert_true(port->finishes_l4 && mbuf->ol_flags & RTE_MBUF_F_TX_IPV4);
	if (rte_pktmbuf_read(mbuf, 0, len, frame) != frame)
		memcpy(frame, rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len);
	assert_int_equal(mbuf->l3_len, 20);
	assert_int_equal(ip[9], l4 == RTE_MBUF_F_TX_TCP_CKSUM ? 6 : 17);
	assert_true(mbuf->data_len >= mbuf->l2_len + mbuf->l3_len + mbuf->l4_len);
	assert_true(reference_finish_l4(ip, len - mbuf->l2_len));
	memcpy(rte_pktmbuf_mtod(mbuf, void *), frame, mbuf->data_len);
	n_left++;
}

static void collect(struct rte_ring *ring, enum reference_end end, uint16_t port, unsigned n)
{
	struct rte_mbuf *mbuf = NULL;
	unsigned turn = 0;

	while (rte_ring_dequeue(ring, (void **)&mbuf) == 0) {
		struct pair *pair = note(mbuf, end, n);

		if (end == REFERENCE_SENT)
			play_device(mbuf, &ports.port[port]);
		else
			assert_int_equal(mbuf->ol_flags & RTE_MBUF_F_TX_L4_MASK, 0);
		if (pair == NULL) {
			assert_int_equal(end, REFERENCE_SENT);
			pieces[port][n_pieces[port]++] = mbuf;
			continue;
		}
		pair->turn = ++turn;
		pair->port_or_reason = end == REFERENCE_DROPPED ? mbuf->port : port;
	}
}

static void collect_heard(unsigned n)
{
	struct probe_heard heard;

	while (rte_ring_dequeue_elem(pipeline.answerer.heard, &heard, sizeof(heard)) == 0) {
		struct pair *pair = note(heard.pkt, REFERENCE_HEARD, n);

		assert_non_null(pair);
		pair->heard = heard;
	}
}

static bool has_bytes(const struct rte_mbuf *mbuf, const struct reference_packet *out)
{
	static uint8_t room[REFERENCE_BYTES];

	return mbuf->pkt_len == out->len &&
	       memcmp(rte_pktmbuf_read(mbuf, 0, out->len, room), out->bytes, out->len) == 0;
}

/* The source address is 26 bytes into a frame, an echo's identifier and sequence number 38. */
static bool has_heard(const struct probe_heard *heard, const struct reference_packet *out)
{
	uint32_t node;
	uint8_t kind = out->outer_bytes == 0	? WIRE_PATH_NATIVE
		       : out->outer_bytes == 20 ? WIRE_PATH_IPIP
						: WIRE_PATH_VXLAN;

	memcpy(&node, out->outer + 26, sizeof(node));
	return heard->kind == kind &&
	       heard->node == (out->outer_bytes == 0 ? 0 : rte_be_to_cpu_32(node)) &&
	       memcmp(&(rte_be32_t){rte_cpu_to_be_32(heard->src)}, out->bytes + 26, 4) == 0 &&
	       memcmp(&(rte_be32_t){rte_cpu_to_be_32(heard->id)}, out->bytes + 38, 4) == 0;
}

static bool is_same(const struct pair *pair, const struct reference_packet *out)
{
	if (!pair->is_back)
		return out->end == REFERENCE_DROPPED &&
		       drop_reason_info[out->reason].icmp_type == 0;
	if (pair->end != out->end || out->n_pieces > 0)
		return false;
	if (out->end == REFERENCE_DROPPED)
		return pair->port_or_reason == out->reason;
	if (out->end == REFERENCE_PUNTED)
		return out->is_unwrapped || has_bytes(pair->mbuf, out);
	if (out->end == REFERENCE_HEARD)
		return has_heard(&pair->heard, out);
	return pair->port_or_reason == out->port && has_bytes(pair->mbuf, out);
}

static struct reference_packet forward_like(const struct reference_packet *in, unsigned member,
	unsigned piece, struct rte_mbuf *mbuf)
{
	struct reference_choice choice = {.member = member, .piece = piece};
	struct reference_packet out = *in;

	if (mbuf != NULL && mbuf->pkt_len >= 36) {
		choice.id = rte_be_to_cpu_16(*rte_pktmbuf_mtod_offset(mbuf, uint16_t *, 18));
		choice.sport = rte_be_to_cpu_16(*rte_pktmbuf_mtod_offset(mbuf, uint16_t *, 34));
	}
	reference_forward(reference_tables(), &out, &choice);
	return out;
}

/* Are the fragments that came out at @at of their port this packet's? */
static bool has_pieces(const struct pair *pair, unsigned member, unsigned at)
{
	struct reference_packet out = forward_like(&pair->in, member, 0, NULL);
	const unsigned n = out.n_pieces, port = out.port;

	if (at + n > n_pieces[port])
		return false;
	for (unsigned i = 0; i < n; i++) {
		out = forward_like(&pair->in, member, i, pieces[port][at + i]);
		if (!has_bytes(pieces[port][at + i], &out))
			return false;
	}
	n_compared[port] += n;
	return true;
}

/* One beside the other, wherever: those of packets from tunnels come behind those of others. */
static bool find_pieces(const struct pair *pair, const struct reference_packet *out,
	unsigned member)
{
	unsigned at = 0;

	if (pair->is_back || out->n_pieces == 0)
		return false;
	while (at < n_pieces[out->port] && !has_pieces(pair, member, at))
		at++;
	return at < n_pieces[out->port];
}

/* With any member of a group, if it comes to one. Returns: what became of it */
static struct reference_packet compare(const struct pair *pair)
{
	struct reference_packet out;

	for (unsigned member = 0; member < REFERENCE_MEMBERS; member++) {
		out = forward_like(&pair->in, member, 0, pair->is_back ? pair->mbuf : NULL);
		if (is_same(pair, &out) || find_pieces(pair, &out, member))
			return out;
	}
	fprintf(stderr, "expected end=%d reason=%s port=%u len=%u; got back=%d end=%d %u\n",
		out.end, drop_reason_info[out.reason].name, out.port, out.len, pair->is_back,
		pair->end, pair->port_or_reason);
	for (uint32_t i = 0; i < pair->in.len && i < 100; i++)
		fprintf(stderr, "%02x%s", pair->in.bytes[i], i % 16 == 15 ? "\n" : " ");
	fail();
	return out;
}

/* Plain packets to one port stay in order, and so do those from tunnels, and the answers to both. */
static void check_order(const struct pair *pair, const struct reference_packet *out,
	unsigned last[N_PORTS][4])
{
	unsigned *before = &last[out->port][out->is_answer * 2 + out->is_unwrapped];

	if (out->end != REFERENCE_SENT || out->n_pieces > 0)
		return;
	assert_true(pair->turn > *before);
	*before = pair->turn;
}

/* Every fragment was some packet's. */
static void free_pieces(void)
{
	for (unsigned p = 0; p < N_PORTS; p++) {
		assert_int_equal(n_compared[p], n_pieces[p]);
		for (; n_pieces[p] > 0; n_pieces[p]--)
			rte_pktmbuf_free(pieces[p][n_pieces[p] - 1]);
		n_compared[p] = 0;
	}
}

static void run_burst(uint16_t port, unsigned n)
{
	uint64_t dropped[DROP_N_REASONS] = {0};
	unsigned last[N_PORTS][4] = {0};

	// the pipeline takes a burst of packets that are alike at a glance: all, or all but a few
	const unsigned n_others_of = reference_random_below(3) * 16;
	const bool has_segments = reference_random_below(4) == 0;

	stats = (struct lcore_stats){0};
	for (unsigned p = 0; p < N_PORTS; p++)
		ports.port[p].finishes_l4 = reference_random_below(2) == 0;
	ports.port[port].complete_checksums = reference_random_below(2) == 0;
	for (unsigned i = 0; i < n; i++)
		load(&pairs[i], port, n_others_of > 0 && reference_random_below(n_others_of) > 0,
			has_segments);
	assert_int_equal(code->run(&pipeline, &ports.port[port], 0), n);
	for (uint16_t p = 0; p < N_PORTS; p++)
		collect(tx_ring[p], REFERENCE_SENT, p, n);
	collect(pipeline.to_kernel, REFERENCE_PUNTED, 0, n);
	collect(pipeline.to_icmp, REFERENCE_DROPPED, 0, n);
	collect_heard(n);
	for (unsigned i = 0; i < n; i++) {
		struct reference_packet out = compare(&pairs[i]);

		check_order(&pairs[i], &out, last);
		n_ended[out.end]++;
		n_cut += out.n_pieces > 0;
		n_finished += out.end == REFERENCE_SENT && out.is_finished;
		n_answers[out.is_unwrapped] += out.is_answer;
		if (out.end == REFERENCE_DROPPED)
			dropped[out.reason]++;
		if (pairs[i].is_back)
			rte_pktmbuf_free(pairs[i].mbuf);
	}
	free_pieces();
	for (unsigned reason = 0; reason < DROP_N_REASONS; reason++)
		assert_int_equal(stats.drop_pkts[reason], dropped[reason]);
}

static void run_engine(enum fib_engine engine, struct epoch *epoch)
{
	fill_tables(engine, epoch);
	for (unsigned i = 0; i < N_BURSTS; i++)
		run_burst((uint16_t)reference_random_below(N_PORTS),
			reference_random_below(2) == 0 ? BURST_MAX
						       : 1 + reference_random_below(BURST_MAX));
	assert_int_equal(rte_mempool_avail_count(pool), POOL_PKTS);
	endpoint_free(endpoints);
	nexthop_free(nexthops);
	fib_free(fib);
}

static void run_code(struct epoch *epoch)
{
	printf("compiled for %s: ", code->processor);
	memset(n_ended, 0, sizeof(n_ended));
	memset(n_answers, 0, sizeof(n_answers));
	n_cut = n_finished = n_left = 0;
	run_engine(FIB_ENGINE_LPM, epoch);
	run_engine(FIB_ENGINE_DIR24_8, epoch);
	printf("%" PRIu64 " sent (%" PRIu64 " cut, %" PRIu64 " with a checksum finished, %" PRIu64
	       " of them by the device, %" PRIu64 " plain answers, %" PRIu64
	       " by tunnels), %" PRIu64 " punted, %" PRIu64 " dropped, %" PRIu64 " heard\n",
		n_ended[REFERENCE_SENT], n_cut, n_finished, n_left, n_answers[0], n_answers[1],
		n_ended[REFERENCE_PUNTED], n_ended[REFERENCE_DROPPED], n_ended[REFERENCE_HEARD]);
	assert_true(n_ended[0] + n_ended[1] + n_ended[2] + n_ended[3] > 1000000);
	assert_true(n_ended[REFERENCE_SENT] > 400000 && n_cut > 10000 && n_finished > 10000);
	assert_true(n_left > 1000 && n_left < n_finished);
	assert_true(n_answers[0] > 5000 && n_answers[1] > 5000 && n_ended[REFERENCE_HEARD] > 1000);
}

static void test_pipeline_agrees_with_reference(void **state)
{
	static struct epoch epoch;

	(void)state;
	for (uint16_t i = 0; i < N_PORTS; i++)
		make_port(i);
	assert_int_equal(epoch_init(&epoch, 1), 0);
	pipeline = (struct pipeline){.ports = &ports,
		.to_kernel = make_ring("punt", 0),
		.to_icmp = make_ring("icmp", 0),
		.stats = &stats,
		.path_pkts = &path_pkts,
		// a bucket that takes no time to fill: every request is answered
		.answerer = {.heard = rte_ring_create_elem("heard", sizeof(struct probe_heard),
				     RING_PKTS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ)}};
	assert_non_null(pipeline.answerer.heard);
	for (unsigned i = 0; (code = pipeline_code(i)) != NULL; i++)
		run_code(&epoch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipeline_agrees_with_reference),
	};

	support_eal_init(512);
	pool = support_pool_create("reference", POOL_PKTS);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
