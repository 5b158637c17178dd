/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sends packets at a set rate through a forwarder and takes the time until each is back, for
 * tools/bench: both ends on one lcore, so that one clock serves. Commands come as lines on stdin, each
 * is answered by one line on stdout:
 *
 *   round PPS SEC     sent=... received=... sec=... p50_ns=... p99_ns=... p999_ns=... max_ns=...
 *                     full=1 if the first port took no more; PPS 0: as fast as that
 *
 * Usage: bench-latency [EAL OPTIONS] -- PCAP. The first port sends what the file has, the second
 * receives. A packet's time stamp is in its last bytes, so it may not be changed behind its headers.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

enum {
	TX_PORT = 0,
	RX_PORT = 1,
	BURST = 32,
	DESCRIPTORS = 1024,
	SPARE_MBUFS = 8192,
	MBUF_BYTES = 2048 + RTE_PKTMBUF_HEADROOM,
	MAX_PKTS = 4096,
	/* Bins of times: 64 for each power of two of cycles, that is 1.6 % at most. */
	SUB_BITS = 6,
	N_BINS = (64 - SUB_BITS + 1) << SUB_BITS,
	DRAIN_MS = 20,
};

#define MAGIC 0x706f646cu

/* The end of each packet; 18 bytes are there at 64. */
struct stamp {
	uint32_t magic;
	uint32_t round; /* packets of an earlier round do not count */
	uint64_t tsc;
} __rte_packed;

struct pcap_record {
	uint32_t sec, usec, len, orig_len;
};

/* One lcore's; nobody shares it. */
struct generator {
	struct rte_mempool *pool;
	struct rte_mbuf *pkts[MAX_PKTS]; /* made once, sent again and again */
	uint32_t n_pkts;
	uint32_t next;
	uint32_t round;
	uint64_t n_sent, n_received, n_full;
	uint64_t bins[N_BINS];
	uint64_t max_cycles;
};

static struct generator gen;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench-latency: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

static unsigned bin_of(uint64_t cycles)
{
	unsigned shift;

	if (cycles < (1u << SUB_BITS))
		return (unsigned)cycles;
	shift = 63u - (unsigned)__builtin_clzll(cycles) - SUB_BITS;
	return ((shift + 1) << SUB_BITS) + (unsigned)((cycles >> shift) - (1u << SUB_BITS));
}

/* The middle of a bin. */
static uint64_t cycles_of(unsigned bin)
{
	unsigned shift = bin >> SUB_BITS;
	uint64_t sub = (bin & ((1u << SUB_BITS) - 1)) + (1u << SUB_BITS);

	if (shift == 0)
		return bin;
	shift--;
	return (sub << shift) + ((UINT64_C(1) << shift) >> 1);
}

static struct stamp *stamp_of(struct rte_mbuf *pkt)
{
	return rte_pktmbuf_mtod_offset(pkt, struct stamp *,
		pkt->pkt_len - (uint32_t)sizeof(struct stamp));
}

/* The packets of a pcap file as tools/bench writes it. */
static void read_packets(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct pcap_record record;

	if (file == NULL || fseek(file, 24, SEEK_SET) != 0)
		die(path, strerror(errno));
	while (fread(&record, sizeof(record), 1, file) == 1) {
		struct rte_mbuf *pkt;
		char *data;

		if (gen.n_pkts == MAX_PKTS || record.len < 42 + sizeof(struct stamp) ||
			record.len > MBUF_BYTES - RTE_PKTMBUF_HEADROOM)
			die(path, "too many packets, or one that is too short or too long");
		pkt = rte_pktmbuf_alloc(gen.pool);
		data = pkt == NULL ? NULL : rte_pktmbuf_append(pkt, (uint16_t)record.len);
		if (data == NULL || fread(data, record.len, 1, file) != 1)
			die(path, "cut off, or no memory for it");
		gen.pkts[gen.n_pkts++] = pkt;
	}
	fclose(file);
	if (gen.n_pkts == 0)
		die(path, "no packets");
}

static void start_port(uint16_t port)
{
	struct rte_eth_conf conf = {0};
	int rc = rte_eth_dev_configure(port, 1, 1, &conf);

	if (rc == 0)
		rc = rte_eth_rx_queue_setup(port, 0, DESCRIPTORS, SOCKET_ID_ANY, NULL, gen.pool);
	if (rc == 0)
		rc = rte_eth_tx_queue_setup(port, 0, DESCRIPTORS, SOCKET_ID_ANY, NULL);
	if (rc == 0)
		rc = rte_eth_dev_start(port);
	if (rc != 0)
		die("port", rte_strerror(-rc));
}

static void receive_all(void)
{
	struct rte_mbuf *pkts[BURST];
	uint16_t n = rte_eth_rx_burst(RX_PORT, 0, pkts, BURST);
	uint64_t now = rte_rdtsc();

	for (uint16_t i = 0; i < n; i++) {
		const struct stamp *stamp = stamp_of(pkts[i]);
		uint64_t cycles = now - stamp->tsc;

		if (pkts[i]->pkt_len < sizeof(*stamp) || stamp->magic != MAGIC ||
			stamp->round != gen.round)
			continue;
		gen.n_received++;
		gen.bins[bin_of(cycles)]++;
		if (cycles > gen.max_cycles)
			gen.max_cycles = cycles;
	}
	if (n > 0)
		rte_pktmbuf_free_bulk(pkts, n);
}

/*
 * Send up to @n packets. The driver copies them, so they are ours again afterwards: a second
 * reference keeps its free from giving them back.
 */
static void send_due(uint64_t n)
{
	struct rte_mbuf *pkts[BURST];
	uint16_t n_wanted = (uint16_t)(n < BURST ? n : BURST), n_taken;
	uint64_t now = rte_rdtsc();

	for (uint16_t i = 0; i < n_wanted; i++) {
		struct rte_mbuf *pkt = gen.pkts[(gen.next + i) % gen.n_pkts];

		*stamp_of(pkt) = (struct stamp){MAGIC, gen.round, now};
		rte_mbuf_refcnt_set(pkt, 2);
		pkts[i] = pkt;
	}
	n_taken = rte_eth_tx_burst(TX_PORT, 0, pkts, n_wanted);
	gen.next = (gen.next + n_taken) % gen.n_pkts;
	gen.n_sent += n_taken;
	gen.n_full += n_taken < n_wanted;
}

static double percentile_ns(double share)
{
	uint64_t wanted = (uint64_t)(share * (double)gen.n_received), seen = 0;
	unsigned bin = 0;

	for (; bin < N_BINS - 1; bin++) {
		seen += gen.bins[bin];
		if (seen > wanted)
			break;
	}
	return (double)cycles_of(bin) / (double)rte_get_tsc_hz() * 1e9;
}

static void do_round(double pps, double sec)
{
	double hz = (double)rte_get_tsc_hz();
	uint64_t begin, now, end, drained;

	gen.round++;
	gen.n_sent = gen.n_received = gen.n_full = gen.max_cycles = 0;
	memset(gen.bins, 0, sizeof(gen.bins));
	begin = now = rte_rdtsc();
	end = begin + (uint64_t)(sec * hz);
	for (; now < end; now = rte_rdtsc()) {
		uint64_t due = pps == 0 ? UINT64_MAX : (uint64_t)((double)(now - begin) * pps / hz);

		if (due > gen.n_sent)
			send_due(due - gen.n_sent);
		receive_all();
	}
	for (drained = now + rte_get_tsc_hz() / 1000 * DRAIN_MS; rte_rdtsc() < drained;)
		receive_all();
	printf("sent=%" PRIu64 " received=%" PRIu64 " sec=%.6f p50_ns=%.0f p99_ns=%.0f "
	       "p999_ns=%.0f max_ns=%.0f full=%" PRIu64 "\n",
		gen.n_sent, gen.n_received, (double)(now - begin) / hz, percentile_ns(0.5),
		percentile_ns(0.99), percentile_ns(0.999), (double)gen.max_cycles / hz * 1e9,
		gen.n_full);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int n_eal = rte_eal_init(argc, argv);
	char line[128];
	double pps, sec;

	if (n_eal < 0)
		die("EAL", rte_strerror(rte_errno));
	if (argc - n_eal != 2 || rte_eth_dev_count_avail() != 2) {
		fprintf(stderr, "usage: bench-latency [EAL OPTIONS, two ports] -- PCAP; "
				"tools/bench runs it\n");
		return 2;
	}
	gen.pool = rte_pktmbuf_pool_create("gen", MAX_PKTS + SPARE_MBUFS, 256, 0, MBUF_BYTES,
		SOCKET_ID_ANY);
	if (gen.pool == NULL)
		die("packet buffers", rte_strerror(rte_errno));
	read_packets(argv[n_eal + 1]);
	start_port(TX_PORT);
	start_port(RX_PORT);
	printf("ready=1\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (sscanf(line, "round %lf %lf", &pps, &sec) == 2)
			do_round(pps, sec);
		else
			printf("error=unknown command\n");
		fflush(stdout);
	}
	return EXIT_SUCCESS;
}
