/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 5 of the packet's walk: is this an IPv4 header that may be forwarded?
 */
#include "dataplane/stage/ip4_check.h"

#include <rte_branch_prediction.h>

#include <stdbool.h>

#define IP4_NET_BYTE(addr) ((addr) >> 24)
#define IP4_LOOPBACK	   127u
#define IP4_MULTICAST	   224u /* and above: multicast, class E, broadcast */
#define IP4_CLASS_E	   240u
#define IP4_BROADCAST	   UINT32_MAX

/* RFC 1812 5.2.2, in an order in which no check trusts a field that a later one looks at. */
static int check_header(const struct rte_mbuf *pkt, const struct rte_ipv4_hdr *ip,
	enum drop_reason *reason)
{
	uint32_t frame_bytes = pkt->pkt_len - RTE_ETHER_HDR_LEN;
	uint16_t hdr_bytes = rte_ipv4_hdr_len(ip);
	uint16_t total_bytes = rte_be_to_cpu_16(ip->total_length);

	*reason = DROP_BAD_HEADER;
	// (3) version, (4) header length
	if (ip->version_ihl >> 4 != 4 || hdr_bytes < sizeof(*ip))
		return -1;
	// (5) total length covers the header
	if (total_bytes < hdr_bytes)
		return -1;
	// (1) the frame holds it all, the header in its first segment
	*reason = DROP_TRUNCATED;
	if (total_bytes > frame_bytes || pkt->data_len < RTE_ETHER_HDR_LEN + hdr_bytes)
		return -1;
	// (2) checksum
	*reason = DROP_BAD_CHECKSUM;
	if ((pkt->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
		return 0;
	return rte_raw_cksum(ip, hdr_bytes) == 0xffff ? 0 : -1;
}

/*
 * 0/8, 127/8, multicast and class E are nobody's source address, and destinations no lookup decides
 * on: multicast and broadcast are the kernel's, others an error.
 */
static inline bool is_special(uint32_t addr)
{
	// 0 becomes the largest
	return IP4_NET_BYTE(addr) - 1u >= IP4_MULTICAST - 1u || IP4_NET_BYTE(addr) == IP4_LOOPBACK;
}

static void end_special_destination(struct burst *burst, struct rte_mbuf *pkt, uint32_t dst)
{
	bool is_group = IP4_NET_BYTE(dst) >= IP4_MULTICAST && IP4_NET_BYTE(dst) < IP4_CLASS_E;

	if (is_group || dst == IP4_BROADCAST)
		burst_punt(burst, pkt);
	else
		burst_drop(burst, pkt, DROP_MARTIAN_DESTINATION);
}

/* 16 bytes of one header; of two headers, where a vector has room for both. */
typedef uint32_t four_words __attribute__((vector_size(16)));

static inline four_words load_four(const uint8_t *at)
{
	four_words words;

	memcpy(&words, at, sizeof(words));
	return words;
}

#ifdef __AVX2__
#define LOW_WORDS(a, b)	 __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH_WORDS(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define LOW_PAIRS(a, b)	 __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define HIGH_PAIRS(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#else
#define LOW_WORDS(a, b)	 __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define HIGH_WORDS(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#define LOW_PAIRS(a, b)	 __builtin_shufflevector(a, b, 0, 1, 4, 5)
#define HIGH_PAIRS(a, b) __builtin_shufflevector(a, b, 2, 3, 6, 7)
#endif

/* Of packet number @at, and of the fourth behind it where a vector has eight words. */
static inline burst_words load_row(const struct burst *burst, unsigned at, size_t offset)
{
	const four_words words = load_four(burst->frame[at] + offset);

#ifdef __AVX2__
	return __builtin_shufflevector(words, load_four(burst->frame[at + 4] + offset), 0, 1, 2, 3,
		4, 5, 6, 7);
#else
	return words;
#endif
}

/* The words of a step's headers, each of all packets in a vector. */
struct headers {
	burst_words word[IP4_N_WORDS];
};

/* 16 bytes twice: 20 are wanted, no more may be read. */
static inline struct headers load_headers(const struct burst *burst, unsigned at)
{
	const size_t first = RTE_ETHER_HDR_LEN, second = first + sizeof(uint32_t);
	burst_words a = load_row(burst, at, first), b = load_row(burst, at + 1, first);
	burst_words c = load_row(burst, at + 2, first), d = load_row(burst, at + 3, first);
	burst_words low_ab = LOW_WORDS(a, b), low_cd = LOW_WORDS(c, d), high_ab, high_cd;
	struct headers headers;

	headers.word[IP4_WORD_LENGTH] = LOW_PAIRS(low_ab, low_cd);
	a = load_row(burst, at, second);
	b = load_row(burst, at + 1, second);
	c = load_row(burst, at + 2, second);
	d = load_row(burst, at + 3, second);
	low_ab = LOW_WORDS(a, b);
	low_cd = LOW_WORDS(c, d);
	high_ab = HIGH_WORDS(a, b);
	high_cd = HIGH_WORDS(c, d);
	headers.word[IP4_WORD_FRAGMENT] = LOW_PAIRS(low_ab, low_cd);
	headers.word[IP4_WORD_TTL] = HIGH_PAIRS(low_ab, low_cd);
	headers.word[IP4_WORD_SRC] = LOW_PAIRS(high_ab, high_cd);
	headers.word[IP4_WORD_DST] = HIGH_PAIRS(high_ab, high_cd);
	return headers;
}

/* is_special() of some. Returns: 0 or all ones in each */
static inline burst_words are_special(burst_words addr)
{
	burst_words net = addr >> 24;

	return (burst_words)(net - 1u >= IP4_MULTICAST - 1u) | (burst_words)(net == IP4_LOOPBACK);
}

/*
 * Can nothing be wrong with a step's headers? Then they are what nearly every packet's is, and go on at
 * once. Returns: anything but 0 where a closer look is needed
 *
 * Of the checksum, RFC 1071: the 16-bit words' sum, its carries added, must be all ones. The low halves'
 * sum is what the words' sum is more than that of the high halves; what ran over belongs to these.
 */
static inline burst_words find_odd(const struct headers *headers, burst_words len, burst_words dst)
{
	const burst_words length = burst_be_32(headers->word[IP4_WORD_LENGTH]);
	const burst_words src = burst_be_32(headers->word[IP4_WORD_SRC]);
	const burst_words wanted = len - (uint32_t)RTE_ETHER_HDR_LEN;
	burst_words sum = {0}, high = {0}, odd;

#pragma GCC unroll 5
	for (unsigned i = 0; i < IP4_N_WORDS; i++) {
		sum += headers->word[i];
		high += headers->word[i] >> 16;
	}
	sum += high - (high << 16);
	sum = (sum & 0xffff) + (sum >> 16);
	// 20 bytes at least: so much there is
	odd = (length & 0xff00ffffu) ^ (wanted | IP4_VERSION_IHL << 24);
	odd |= sum ^ 0xffff;
	return odd | are_special(src) | are_special(dst);
}

/* find_odd() of a step, whose headers are noted in the columns. */
static inline burst_words check_step(struct burst *burst, unsigned at)
{
	const struct headers headers = load_headers(burst, at);
	const burst_words dst = burst_be_32(headers.word[IP4_WORD_DST]);

#pragma GCC unroll 5
	for (unsigned i = 0; i < IP4_N_WORDS; i++)
		*burst_step(burst->ip4[i], at) = headers.word[i];
	*burst_step(burst->dst, at) = dst;
	return find_odd(&headers, *burst_step(burst->len, at), dst);
}

/* The padding may be all of the last segments; the first one has the header. */
static void cut_padding(struct rte_mbuf *pkt, uint32_t n_bytes)
{
	while (n_bytes > 0) {
		struct rte_mbuf *last = pkt, *before = NULL;
		uint32_t n_cut;

		for (; last->next != NULL; last = last->next)
			before = last;
		n_cut = RTE_MIN(n_bytes, last->data_len);
		rte_pktmbuf_trim(pkt, (uint16_t)n_cut);
		n_bytes -= n_cut;
		if (last->data_len > 0)
			return;
		before->next = NULL;
		pkt->nb_segs--;
		rte_pktmbuf_free_seg(last);
	}
}

/* Name what is wrong, or find that it is only rare. Returns: does it go on? */
static bool check_closely(struct burst *burst, unsigned at)
{
	struct rte_mbuf *pkt = burst->pkt[at];
	const uint32_t dst = burst->dst[at];
	const struct rte_ipv4_hdr *ip = packet_ip4(pkt);
	enum drop_reason reason;
	uint32_t padding;

	if (check_header(pkt, ip, &reason) < 0) {
		burst_drop(burst, pkt, reason);
		return false;
	}
	if (is_special(dst)) {
		end_special_destination(burst, pkt, dst);
		return false;
	}
	if (is_special(rte_be_to_cpu_32(ip->src_addr))) {
		burst_drop(burst, pkt, DROP_MARTIAN_SOURCE);
		return false;
	}
	padding = pkt->pkt_len - RTE_ETHER_HDR_LEN - rte_be_to_cpu_16(ip->total_length);
	cut_padding(pkt, padding);
	burst_measure(burst, at);
	// options are rare and many: the kernel knows them all
	if (ip->version_ihl != IP4_VERSION_IHL) {
		burst_punt(burst, pkt);
		return false;
	}
	return true;
}

static __rte_cold void end_odd(struct burst *burst, const uint32_t *odd)
{
	const unsigned n_before = burst->n;
	unsigned n = 0;

	for (unsigned i = 0; i < n_before; i++) {
		if (odd[i] == 0 || check_closely(burst, i))
			burst_keep(burst, n++, i);
	}
	burst->n = (uint16_t)n;
}

void ip4_check(struct burst *burst)
{
	_Alignas(burst_words) uint32_t odd[BURST_MAX];
	burst_words any = {0};

	burst_fill_up(burst);
	for (unsigned at = 0; at < burst->n; at += BURST_STEP) {
		const burst_words of_step = check_step(burst, at);

		*burst_step(odd, at) = of_step;
		any |= of_step;
	}
	if (unlikely(burst_is_any(any)))
		end_odd(burst, odd);
}
