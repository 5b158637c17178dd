/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/unit/dataplane/stage/burst.h"

#include <netinet/in.h>
#include <stdbool.h>

#include "dataplane/stage/l4_checksum.h"
#include "dataplane/table/adjacency.h"

#define L4_OFFSET (RTE_ETHER_HDR_LEN + 20)

static struct rte_mempool *pool;

static struct rte_mbuf *build(uint8_t proto, uint16_t fragment, uint16_t payload_bytes)
{
	return support_packet_build(pool, &(struct support_packet){.src = RTE_IPV4(10, 244, 0, 10),
						  .dst = RTE_IPV4(10, 244, 1, 10),
						  .proto = proto,
						  .fragment = fragment,
						  .payload_bytes = payload_bytes});
}

static uint16_t *field(struct rte_mbuf *pkt, unsigned at)
{
	return rte_pktmbuf_mtod_offset(pkt, uint16_t *, L4_OFFSET + at);
}

static void run(struct rte_mbuf *pkt)
{
	struct burst burst = burst_of(pkt);

	l4_checksum(&burst);
}

static unsigned checksum_at(uint8_t proto)
{
	return proto == IPPROTO_TCP ? 16 : 6;
}

/* RFC 1071 by hand: the pseudo header and all of the segment add up to all ones. */
static bool is_sum_right(struct rte_mbuf *pkt)
{
	const struct rte_ipv4_hdr *ip = support_packet_ip4(pkt);
	const uint8_t *l4 = (const uint8_t *)field(pkt, 0);
	const uint8_t *addresses = (const uint8_t *)&ip->src_addr;
	uint32_t l4_bytes = pkt->pkt_len - L4_OFFSET;
	uint64_t sum = ip->next_proto_id + l4_bytes;

	for (unsigned i = 0; i < 8; i++)
		sum += (uint32_t)addresses[i] << (i % 2 ? 0 : 8);
	for (unsigned i = 0; i < l4_bytes; i++)
		sum += (uint32_t)l4[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

/* What a veth peer leaves in the field: the pseudo header's sum, not inverted. */
static void test_l4_checksum_completes(void **state)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		for (uint16_t bytes = 20; bytes < 90; bytes++) {
			struct rte_mbuf *pkt = build(protos[i], 0, bytes);
			struct rte_ipv4_hdr *ip = support_packet_ip4(pkt);
			unsigned at = checksum_at(protos[i]);

			*field(pkt, at) = rte_ipv4_phdr_cksum(ip, 0);
			run(pkt);
			assert_true(is_sum_right(pkt));
			rte_pktmbuf_free(pkt);
		}
	}
}

/* Right, wrong and absent checksums are the receiver's business. */
static void test_l4_checksum_leaves_finished_alone(void **state)
{
	static const uint16_t values[] = {0, 1, 0x1234, 0xffff};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(values); i++) {
		struct rte_mbuf *pkt = build(IPPROTO_UDP, 0, 40);

		*field(pkt, 6) = values[i];
		run(pkt);
		assert_int_equal(*field(pkt, 6), values[i]);
		rte_pktmbuf_free(pkt);
	}
}

static void test_l4_checksum_leaves_fragments_alone(void **state)
{
	static const uint16_t fragments[] = {RTE_IPV4_HDR_MF_FLAG, 1, RTE_IPV4_HDR_MF_FLAG | 1};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(fragments); i++) {
		struct rte_mbuf *pkt = build(IPPROTO_UDP, fragments[i], 40);
		uint16_t unfinished = rte_ipv4_phdr_cksum(support_packet_ip4(pkt), 0);

		*field(pkt, 6) = unfinished;
		run(pkt);
		assert_int_equal(*field(pkt, 6), unfinished);
		rte_pktmbuf_free(pkt);
	}
}

/* RFC 9260 appendix A; the CRC of 32 zero bytes is known from RFC 3720 B.4. */
static void test_l4_checksum_sctp(void **state)
{
	struct rte_mbuf *pkt = build(IPPROTO_SCTP, 0, 32);
	uint32_t crc;

	(void)state;
	memset(field(pkt, 0), 0, 32);
	run(pkt);
	memcpy(&crc, field(pkt, 8), 4);
	assert_int_equal(rte_le_to_cpu_32(crc), 0x8a9136aa);
	run(pkt); // finished now: stays
	memcpy(&crc, field(pkt, 8), 4);
	assert_int_equal(rte_le_to_cpu_32(crc), 0x8a9136aa);
	rte_pktmbuf_free(pkt);
}

/* A header cut off at every byte: nothing behind the end is read or written (ASan watches). */
static void test_l4_checksum_short(void **state)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(protos); i++) {
		for (uint16_t bytes = 0; bytes < 20; bytes++) {
			struct rte_mbuf *pkt = build(protos[i], 0, 40);

			rte_pktmbuf_trim(pkt, (uint16_t)(pkt->pkt_len - L4_OFFSET - bytes));
			run(pkt);
			rte_pktmbuf_free(pkt);
		}
	}
}

#define L4_FLAGS (RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_L4_MASK)

/* Port 1 has a device that finishes checksums. */
static struct port_table ports = {.n = 2, .port[1] = {.idx = 1, .finishes_l4 = true}};

static struct rte_mbuf *build_unfinished(uint8_t proto)
{
	struct rte_mbuf *pkt = build(proto, 0, 40);

	pkt->tx_offload = UINT64_MAX; // of another packet that the buffer had
	*field(pkt, checksum_at(proto)) = rte_ipv4_phdr_cksum(support_packet_ip4(pkt), 0);
	return pkt;
}

/* Left to the device as it came, with what a driver wants to know of it. */
static bool is_left(struct rte_mbuf *pkt, uint8_t proto)
{
	uint64_t flag = proto == IPPROTO_TCP ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;

	if ((pkt->ol_flags & L4_FLAGS) == 0)
		return false;
	assert_int_equal(pkt->ol_flags & L4_FLAGS, RTE_MBUF_F_TX_IPV4 | flag);
	assert_int_equal(pkt->tx_offload, 14 | 20 << 7 | (proto == IPPROTO_TCP ? 20 : 8) << 16);
	assert_int_equal(*field(pkt, checksum_at(proto)),
		rte_ipv4_phdr_cksum(support_packet_ip4(pkt), 0));
	return true;
}

static void test_l4_checksum_late_table(void **state)
{
	static const struct {
		enum adjacency_kind kind;
		uint16_t port;
		bool is_left;
	} rows[] = {
		{ADJACENCY_NATIVE, 1, true},
		{ADJACENCY_NATIVE, 0, false},
		{ADJACENCY_IPIP, 1, false},
		{ADJACENCY_VXLAN, 1, false},
	};
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP};
	struct burst big = {.n = 0};

	(void)state;
	for (unsigned i = 0; i < RTE_DIM(rows) * RTE_DIM(protos); i++) {
		const uint8_t proto = protos[i % 2];
		const struct adjacency adjacency = {.kind = rows[i / 2].kind,
			.port = rows[i / 2].port};
		struct rte_mbuf *pkt = build_unfinished(proto);
		struct burst burst = burst_of(pkt);

		burst.adjacency[0] = &adjacency;
		l4_checksum_late(&burst, &big, &ports);
		assert_int_equal(burst.has_unfinished, rows[i / 2].is_left);
		assert_int_equal(is_left(pkt, proto), rows[i / 2].is_left);
		assert_int_equal(is_sum_right(pkt), !rows[i / 2].is_left);
		rte_pktmbuf_free(pkt);
	}
}

/* What came finished, or whose protocol devices do not know, is no device's business. */
static void test_l4_checksum_late_leaves_no_others(void **state)
{
	const struct adjacency adjacency = {.kind = ADJACENCY_NATIVE, .port = 1};
	struct rte_mbuf *pkts[] = {build(IPPROTO_UDP, 0, 40), build(IPPROTO_SCTP, 0, 40),
		build(IPPROTO_ICMP, 0, 40), build(IPPROTO_UDP, RTE_IPV4_HDR_MF_FLAG, 40)};
	struct burst burst = {.n = 0}, big = {.n = 0};
	rte_be32_t crc = 0;

	(void)state;
	memcpy(field(pkts[1], 8), &crc, sizeof(crc));
	*field(pkts[3], 6) = rte_ipv4_phdr_cksum(support_packet_ip4(pkts[3]), 0);
	for (unsigned i = 0; i < RTE_DIM(pkts); i++) {
		burst.adjacency[i] = &adjacency;
		burst_add(&burst, pkts[i]);
	}
	l4_checksum_late(&burst, &big, &ports);
	assert_false(burst.has_unfinished);
	for (unsigned i = 0; i < RTE_DIM(pkts); i++)
		assert_int_equal(pkts[i]->ol_flags & L4_FLAGS, 0);
	memcpy(&crc, field(pkts[1], 8), sizeof(crc));
	assert_int_not_equal(crc, 0);
	rte_pktmbuf_free_bulk(pkts, RTE_DIM(pkts));
}

/* The kernel, and fragments, get it finished, whatever the port could do; no other punt is touched. */
static void test_l4_checksum_late_finishes(void **state)
{
	struct burst burst = {.n = 0}, big = {.n = 0};
	struct rte_mbuf *arp = build(IPPROTO_UDP, 0, 40), *runt = rte_pktmbuf_alloc(pool);
	struct rte_mbuf *options = build_unfinished(IPPROTO_TCP);
	const struct adjacency adjacency = {.kind = ADJACENCY_NATIVE, .port = 1};
	struct rte_mbuf *punt = build_unfinished(IPPROTO_TCP);

	(void)state;
	rte_pktmbuf_mtod(arp, struct rte_ether_hdr *)->ether_type = RTE_BE16(RTE_ETHER_TYPE_ARP);
	*field(arp, 6) = rte_ipv4_phdr_cksum(support_packet_ip4(arp), 0);
	support_packet_ip4(options)->version_ihl = 0x46;
	burst_punt(&burst, runt);
	burst_punt(&burst, arp);
	burst_punt(&burst, options);
	burst_punt(&burst, punt);
	big.adjacency[0] = &adjacency;
	burst_add(&big, build_unfinished(IPPROTO_UDP));
	l4_checksum_late(&burst, &big, &ports);
	assert_false(burst.has_unfinished);
	assert_true(is_sum_right(punt) && is_sum_right(big.pkt[0]));
	assert_int_equal((punt->ol_flags | big.pkt[0]->ol_flags) & L4_FLAGS, 0);
	assert_int_equal(*field(arp, 6), rte_ipv4_phdr_cksum(support_packet_ip4(arp), 0));
	assert_int_equal(*field(options, 16), rte_ipv4_phdr_cksum(support_packet_ip4(punt), 0));
	rte_pktmbuf_free_bulk(burst.punt, burst.n_punt);
	rte_pktmbuf_free(big.pkt[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_l4_checksum_completes),
		cmocka_unit_test(test_l4_checksum_leaves_finished_alone),
		cmocka_unit_test(test_l4_checksum_leaves_fragments_alone),
		cmocka_unit_test(test_l4_checksum_sctp),
		cmocka_unit_test(test_l4_checksum_short),
		cmocka_unit_test(test_l4_checksum_late_table),
		cmocka_unit_test(test_l4_checksum_late_leaves_no_others),
		cmocka_unit_test(test_l4_checksum_late_finishes),
	};

	support_eal_init(64);
	pool = support_pool_create("l4_checksum", 255);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
