/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets of 9000 bytes from port to port, over each kind of path: what net_pcap reads from one file
 * comes out in another, and what goes into one end of net_memif comes out of the other.
 */
#include "test/unit/support.h"

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_udp.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/pipeline.h"
#include "dataplane/pool.h"

#define JUMBO	   9000u
#define N_MBUFS	   2047u
#define FRAME_MAX  9100u
#define N_FRAMES   8u
#define NET_NATIVE 1u /* 10.1.0.0/16 and so on: the second byte of an address */
#define NET_IPIP   2u
#define NET_VXLAN  3u
#define NET_NARROW 4u

#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))
#define OUR_NODE	IP4(14, 0, 0, 1)
#define THE_NODE	IP4(15, 0, 0, 1)

/* pcap's file format: one of these, then for each frame a record and its bytes. */
static const uint32_t pcap_header[6] = {0xa1b2c3d4, 4 << 16 | 2, 0, 0, 65535, 1};

struct frame {
	uint32_t bytes;
	uint8_t data[FRAME_MAX];
};

static char dir[] = "/tmp/podlane-jumbo-XXXXXX";
static struct rte_mempool *pool;
static struct epoch epoch;
static struct nexthop_table *nexthops;
static struct endpoint_table *endpoints;
static struct fib *fib;
static struct port_table ports;
static struct lcore_stats stats;
static uint64_t path_counts[WIRE_PATH_N_KINDS][64];
static const struct path_pkts path_pkts = {
	{path_counts[0], path_counts[1], path_counts[2], path_counts[3]}};
static struct pipeline pipeline;
static struct frame out[N_FRAMES];

static void set_path(uint8_t net, uint8_t kind, uint16_t mtu)
{
	struct wire_path path = {.idx = 16u + net,
		.kind = kind,
		.mtu = mtu,
		.tunnel = {.src = OUR_NODE, .dst = THE_NODE}};
	struct fib_op op = {.prefix = IP4(10, net, 0, 0), .depth = 16, .nh = 16u + net};

	if (kind == WIRE_PATH_VXLAN) {
		path.tunnel.vni = 4096;
		path.tunnel.udp_dst = 4789;
		path.tunnel.udp_src_min = path.tunnel.udp_src_max = 40000;
		path.tunnel.has_udp_checksum = 1;
	}
	assert_int_equal(nexthop_path_set(nexthops, &path), 0);
	assert_int_equal(fib_apply(fib, &op, 1), 0);
}

static struct rte_ring *make_ring(const char *name)
{
	struct rte_ring *ring =
		rte_ring_create(name, 64, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);

	assert_non_null(ring);
	return ring;
}

static int setup(void **state)
{
	struct fib_config config = {.engine = FIB_ENGINE_LPM, .max_routes = 64, .n_tbl8 = 64};
	struct wire_endpoint end = {.addr = OUR_NODE,
		.kind = WIRE_TUNNEL_VXLAN,
		.udp_port = 4789,
		.vni = 4096};
	struct wire_source anyone = {0};

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(pool_create(&pool, "jumbo", N_MBUFS, pool_room(JUMBO), 0, SOCKET_ID_ANY),
		0);
	assert_int_equal(epoch_init(&epoch, 1), 0);
	assert_int_equal(fib_create(&fib, &config, &epoch), 0);
	assert_int_equal(nexthop_create(&nexthops, 64, 16, SOCKET_ID_ANY, &epoch), 0);
	assert_int_equal(endpoint_create(&endpoints, &epoch), 0);
	assert_int_equal(endpoint_set(endpoints, &end, 1), 0);
	assert_int_equal(endpoint_set_sources(endpoints, &anyone, 1), 0);
	set_path(NET_NATIVE, WIRE_PATH_NATIVE, JUMBO);
	set_path(NET_IPIP, WIRE_PATH_IPIP, JUMBO - 20);
	set_path(NET_VXLAN, WIRE_PATH_VXLAN, JUMBO - 50);
	set_path(NET_NARROW, WIRE_PATH_NATIVE, 4000);
	pipeline = (struct pipeline){.fib = fib,
		.nexthops = nexthop_view(nexthops),
		.endpoints = endpoints,
		.ports = &ports,
		.to_kernel = make_ring("punt"),
		.to_icmp = make_ring("icmp"),
		.stats = &stats,
		.path_pkts = &path_pkts};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	endpoint_free(endpoints);
	nexthop_free(nexthops);
	fib_free(fib);
	epoch_fini(&epoch);
	unlink("in.pcap");
	unlink("out.pcap");
	unlink("memif.sock");
	return chdir("/") + rmdir(dir);
}

static int add_port(const char *devargs, uint16_t mtu, char *error)
{
	struct port_config config = {.name = "jumbo",
		.kind = WIRE_PORT_VDEV,
		.devargs = devargs,
		.n_queues = 1,
		.n_descriptors = 256,
		.mtu = mtu,
		.n_senders = 1,
		.complete_checksums = true,
		.pool = pool};

	return port_add(&ports, &config, error, 400);
}

static void write_pcap(struct rte_mbuf **pkts, unsigned n)
{
	FILE *file = fopen("in.pcap", "w");

	assert_non_null(file);
	assert_int_equal(fwrite(pcap_header, sizeof(pcap_header), 1, file), 1);
	for (unsigned i = 0; i < n; i++) {
		uint32_t record[4] = {0, 0, pkts[i]->pkt_len, pkts[i]->pkt_len};

		assert_int_equal(fwrite(record, sizeof(record), 1, file), 1);
		assert_int_equal(
			fwrite(rte_pktmbuf_mtod(pkts[i], void *), pkts[i]->pkt_len, 1, file), 1);
		rte_pktmbuf_free(pkts[i]);
	}
	assert_int_equal(fclose(file), 0);
}

/* Returns: how many frames are in out[] */
static unsigned read_pcap(void)
{
	FILE *file = fopen("out.pcap", "r");
	uint32_t header[6], record[4];
	unsigned n = 0;

	assert_non_null(file);
	assert_int_equal(fread(header, sizeof(header), 1, file), 1);
	for (; fread(record, sizeof(record), 1, file) == 1; n++) {
		assert_true(n < N_FRAMES && record[2] <= FRAME_MAX && record[2] == record[3]);
		out[n].bytes = record[2];
		assert_int_equal(fread(out[n].data, record[2], 1, file), 1);
	}
	assert_int_equal(fclose(file), 0);
	return n;
}

/* All of in.pcap through the pipeline to out.pcap. Returns: how many frames came out */
static unsigned run_pcap(struct rte_mbuf **pkts, unsigned n)
{
	static unsigned n_devices; // a closed device keeps its name
	char error[400] = "", devargs[80];

	write_pcap(pkts, n);
	snprintf(devargs, sizeof(devargs), "net_pcap%u,rx_pcap=in.pcap,tx_pcap=out.pcap",
		n_devices++);
	stats = (struct lcore_stats){0};
	assert_int_equal(add_port(devargs, JUMBO, error), 0);
	assert_int_equal(ports.port[0].mtu, JUMBO);
	// the MAC address of net_pcap is its own; the frames are for 0
	memset(&ports.port[0].mac, 0, sizeof(ports.port[0].mac));
	ports.port[0].is_up = true;
	while (pipeline_run(&pipeline, &ports.port[0], 0) > 0)
		;
	assert_int_equal(stats.rx_pkts, n);
	port_close_all(&ports);
	return read_pcap();
}

/* An IP packet of so many bytes with an unfinished UDP checksum, as pods send it. */
static struct rte_mbuf *build(uint8_t net, uint16_t ip_bytes, uint16_t fragment)
{
	struct rte_mbuf *pkt =
		support_packet_build(pool, &(struct support_packet){.src = IP4(10, 0, 0, 1),
						   .dst = IP4(10, net, 0, 1),
						   .src_port = 1000,
						   .dst_port = 2000,
						   .fragment = fragment,
						   .payload_bytes = (uint16_t)(ip_bytes - 28)});
	struct rte_ipv4_hdr *ip = support_packet_ip4(pkt);

	((struct rte_udp_hdr *)(ip + 1))->dgram_cksum = rte_ipv4_phdr_cksum(ip, 0);
	return pkt;
}

/* RFC 768: all words and the pseudo header add up to -0. */
static bool is_udp_right(const struct rte_ipv4_hdr *ip)
{
	uint32_t sum = rte_raw_cksum(ip + 1, rte_be_to_cpu_16(ip->total_length) - sizeof(*ip));

	sum += rte_ipv4_phdr_cksum(ip, 0);
	return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

/* The inner packet of a frame: whole, counting up, its checksums right. */
static void check_inner(const struct frame *frame, uint32_t offset, uint16_t ip_bytes)
{
	const struct rte_ipv4_hdr *ip = (const void *)(frame->data + offset);
	const uint8_t *payload = (const uint8_t *)(ip + 1) + 8;

	assert_int_equal(frame->bytes, offset + ip_bytes);
	assert_int_equal(rte_be_to_cpu_16(ip->total_length), ip_bytes);
	assert_int_equal(rte_raw_cksum(ip, 20), 0xffff);
	assert_true(is_udp_right(ip));
	for (unsigned i = 0; i < ip_bytes - 28u; i++)
		assert_int_equal(payload[i], i & 0xff);
}

static void test_jumbo_through_each_path(void **state)
{
	struct rte_mbuf *pkts[] = {build(NET_NATIVE, JUMBO, RTE_IPV4_HDR_DF_FLAG),
		build(NET_IPIP, JUMBO - 20, RTE_IPV4_HDR_DF_FLAG),
		build(NET_VXLAN, JUMBO - 50, RTE_IPV4_HDR_DF_FLAG)};
	unsigned at[4] = {0};

	(void)state;
	assert_int_equal(run_pcap(pkts, 3), 3);
	for (unsigned i = 0; i < 3; i++) {
		const struct rte_ipv4_hdr *ip = (const void *)(out[i].data + 14);

		assert_int_equal(out[i].bytes, 14 + JUMBO);
		assert_int_equal(rte_be_to_cpu_16(ip->total_length), JUMBO);
		assert_int_equal(rte_raw_cksum(ip, 20), 0xffff);
		at[ip->next_proto_id == IPPROTO_IPIP		     ? NET_IPIP
			: ip->dst_addr == rte_cpu_to_be_32(THE_NODE) ? NET_VXLAN
								     : NET_NATIVE] = i;
	}
	check_inner(&out[at[NET_NATIVE]], 14, JUMBO);
	check_inner(&out[at[NET_IPIP]], 14 + 20, JUMBO - 20);
	check_inner(&out[at[NET_VXLAN]], 14 + 50, JUMBO - 50);
	assert_true(is_udp_right((const void *)(out[at[NET_VXLAN]].data + 14)));
	assert_int_equal(rte_mempool_avail_count(pool), N_MBUFS);
}

/* What another node sent by VXLAN: made by the test before, and sent to us. */
static void test_jumbo_decap(void **state)
{
	struct rte_mbuf *pkt = rte_pktmbuf_alloc(pool);
	struct rte_mbuf *first = build(NET_VXLAN, JUMBO - 50, RTE_IPV4_HDR_DF_FLAG);
	struct rte_ipv4_hdr *ip, *inner;

	(void)state;
	assert_int_equal(run_pcap(&first, 1), 1);
	memcpy(rte_pktmbuf_append(pkt, (uint16_t)out[0].bytes), out[0].data, out[0].bytes);
	ip = support_packet_ip4(pkt);
	ip->src_addr = rte_cpu_to_be_32(THE_NODE);
	ip->dst_addr = rte_cpu_to_be_32(OUR_NODE);
	support_packet_fix_checksum(pkt);
	inner = (void *)((uint8_t *)ip + 50);
	inner->dst_addr = rte_cpu_to_be_32(IP4(10, NET_NATIVE, 0, 1));
	inner->hdr_checksum = 0;
	inner->hdr_checksum = rte_ipv4_cksum(inner);
	((struct rte_udp_hdr *)(inner + 1))->dgram_cksum = rte_ipv4_phdr_cksum(inner, 0);
	((struct rte_udp_hdr *)(ip + 1))->dgram_cksum = 0;
	((struct rte_udp_hdr *)(ip + 1))->dgram_cksum = rte_ipv4_udptcp_cksum(ip, ip + 1);
	assert_int_equal(run_pcap(&pkt, 1), 1);
	check_inner(&out[0], 14, JUMBO - 50);
}

static void test_jumbo_too_big(void **state)
{
	struct rte_mbuf *pkts[] = {build(NET_VXLAN, JUMBO, RTE_IPV4_HDR_DF_FLAG),
		build(NET_NARROW, JUMBO, 0)};
	struct rte_mbuf *told = NULL;

	(void)state;
	assert_int_equal(run_pcap(pkts, 2), 3); // 3976, 3976 and 1028 bytes of payload
	assert_int_equal(out[0].bytes, 14 + 3996);
	assert_int_equal(out[1].bytes, 14 + 3996);
	assert_int_equal(out[2].bytes, 14 + 20 + 1028);
	assert_int_equal(stats.drop_pkts[DROP_TOO_BIG], 1);
	assert_int_equal(rte_ring_dequeue(pipeline.to_icmp, (void **)&told), 0);
	assert_int_equal(told->hash.usr, JUMBO - 50);
	rte_pktmbuf_free(told);
	assert_int_equal(rte_mempool_avail_count(pool), N_MBUFS);
}

static bool is_linked(void)
{
	bool is_linked = true;

	for (unsigned i = 0; i < ports.n; i++) {
		port_refresh(&ports.port[i]);
		is_linked &= ports.port[i].is_up;
	}
	return is_linked;
}

static void add_memif(unsigned i, const char *role)
{
	char error[400] = "", devargs[160];

	snprintf(devargs, sizeof(devargs),
		"net_memif%u,role=%s,socket=%s/memif.sock,socket-abstract=no", i, role, dir);
	assert_int_equal(add_port(devargs, JUMBO, error), 0);
}

/*
 * The one end, and the other when its thread has noticed: net_memif of DPDK 22.11 frees twice if both
 * go at once.
 */
static void close_memif(void)
{
	rte_eth_dev_stop(ports.port[1].eth_id);
	rte_eth_dev_close(ports.port[1].eth_id);
	ports.n = 1;
	for (unsigned ms = 0; is_linked() && ms < 20000; ms++)
		rte_delay_us_sleep(1000);
	rte_delay_us_sleep(100000);
	port_close_all(&ports);
}

/* Two ends in one process: the pipeline reads the one and sends by it, the test has the other. */
static void test_jumbo_memif(void **state)
{
	struct rte_mbuf *pkt = build(NET_IPIP, JUMBO - 20, RTE_IPV4_HDR_DF_FLAG);
	struct rte_mbuf *got = NULL;

	(void)state;
	stats = (struct lcore_stats){0};
	add_memif(0, "server");
	add_memif(1, "client");
	assert_int_equal(ports.port[0].mtu, JUMBO);
	for (unsigned ms = 0; !is_linked() && ms < 20000; ms++)
		rte_delay_us_sleep(1000);
	assert_true(is_linked());
	memset(&ports.port[0].mac, 0, sizeof(ports.port[0].mac));

	// the receiver's first poll is what gives the other end its buffers
	assert_int_equal(rte_eth_rx_burst(ports.port[1].eth_id, 0, &got, 1), 0);
	assert_int_equal(rte_eth_tx_burst(ports.port[1].eth_id, 0, &pkt, 1), 1);
	while (pipeline_run(&pipeline, &ports.port[0], 0) == 0)
		rte_delay_us_sleep(1000);
	assert_int_equal(stats.tx_pkts, 1);
	while (rte_eth_rx_burst(ports.port[1].eth_id, 0, &got, 1) == 0)
		rte_delay_us_sleep(1000);
	assert_int_equal(got->nb_segs, 1);
	out[0].bytes = got->pkt_len;
	memcpy(out[0].data, rte_pktmbuf_mtod(got, void *), got->pkt_len);
	check_inner(&out[0], 14 + 20, JUMBO - 20);
	rte_pktmbuf_free(got);
	close_memif();
}

/* A driver that carries no such frames says so by name; nothing is left of the port. */
static void test_jumbo_refused(void **state)
{
	char error[400] = "";

	(void)state;
	if (geteuid() != 0 || access("/dev/net/tun", W_OK) < 0)
		skip();
	assert_int_equal(add_port("net_tap0,iface=podlane-jumbo0", JUMBO, error), -EMSGSIZE);
	assert_non_null(strstr(error, "port jumbo: mtu 9000 is too big for net_tap, 1504 at most"));
	assert_int_equal(ports.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jumbo_through_each_path),
		cmocka_unit_test(test_jumbo_decap),
		cmocka_unit_test(test_jumbo_too_big),
		cmocka_unit_test(test_jumbo_memif),
		cmocka_unit_test(test_jumbo_refused),
	};

	support_eal_init(128);
	return cmocka_run_group_tests(tests, setup, teardown);
}
