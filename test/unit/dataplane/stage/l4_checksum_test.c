/* SPDX-License-Identifier: BSD-3-Clause */
#include "test/unit/dataplane/stage/burst.h"

#include <netinet/in.h>
#include <stdbool.h>

#include "dataplane/stage/l4_checksum.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_l4_checksum_completes),
		cmocka_unit_test(test_l4_checksum_leaves_finished_alone),
		cmocka_unit_test(test_l4_checksum_leaves_fragments_alone),
		cmocka_unit_test(test_l4_checksum_sctp),
		cmocka_unit_test(test_l4_checksum_short),
	};

	support_eal_init(64);
	pool = support_pool_create("l4_checksum", 255);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
