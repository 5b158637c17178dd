/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The EAL and packets for unit tests of the dataplane.
 */
#include "test/unit/support.h"

#include <rte_eal.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_udp.h>

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define IHL_MIN 5

static unsigned first_cpu(const cpu_set_t *cpus)
{
	unsigned cpu = 0;

	while (!CPU_ISSET(cpu, cpus))
		cpu++;
	return cpu;
}

void support_eal_init(unsigned memory_mb)
{
	static bool is_started;
	char program[] = "test", no_huge[] = "--no-huge", no_shconf[] = "--no-shconf";
	char no_pci[] = "--no-pci", no_telemetry[] = "--no-telemetry";
	char log_level[] = "--log-level=*:error";
	char memory[] = "-m", megabytes[16], lcores[32];
	char *argv[] = {program, no_huge, no_shconf, no_pci, no_telemetry, log_level, memory,
		megabytes, lcores};
	cpu_set_t cpus;

	if (is_started)
		return;
	assert_int_equal(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	snprintf(megabytes, sizeof(megabytes), "%u", memory_mb);
	snprintf(lcores, sizeof(lcores), "--lcores=0@%u", first_cpu(&cpus));
	assert_true(rte_eal_init((int)RTE_DIM(argv), argv) >= 0);
	// the EAL pins this thread, and the threads it starts would inherit that
	assert_int_equal(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
	is_started = true;
}

struct rte_mempool *support_pool_create(const char *name, unsigned n_mbufs)
{
	struct rte_mempool *pool = rte_pktmbuf_pool_create(name, n_mbufs, 0, 0,
		RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);

	assert_non_null(pool);
	return pool;
}

static void build_ip4(const struct support_packet *packet, struct rte_ipv4_hdr *ip4,
	uint16_t l3_len, uint16_t l4_len)
{
	*ip4 = (struct rte_ipv4_hdr){
		.version_ihl = (uint8_t)(4 << 4 | l3_len / 4),
		.type_of_service = packet->tos,
		.total_length = rte_cpu_to_be_16((uint16_t)(l3_len + l4_len)),
		.packet_id = rte_cpu_to_be_16(packet->ident),
		.fragment_offset = rte_cpu_to_be_16(packet->fragment),
		.time_to_live = packet->ttl > 0 ? packet->ttl : 64,
		.next_proto_id = packet->proto > 0 ? packet->proto : IPPROTO_UDP,
		.src_addr = rte_cpu_to_be_32(packet->src),
		.dst_addr = rte_cpu_to_be_32(packet->dst),
	};
	memset(ip4 + 1, 1, l3_len - sizeof(*ip4)); // option NOP
	ip4->hdr_checksum = rte_ipv4_cksum(ip4);
}

static void build_udp(const struct support_packet *packet, const struct rte_ipv4_hdr *ip4,
	struct rte_udp_hdr *udp, uint16_t udp_len)
{
	*udp = (struct rte_udp_hdr){
		.src_port = rte_cpu_to_be_16(packet->src_port),
		.dst_port = rte_cpu_to_be_16(packet->dst_port),
		.dgram_len = rte_cpu_to_be_16(udp_len),
	};
	udp->dgram_cksum = rte_ipv4_udptcp_cksum(ip4, udp);
}

struct rte_mbuf *support_packet_build(struct rte_mempool *pool, const struct support_packet *packet)
{
	bool is_udp = packet->proto == 0 || packet->proto == IPPROTO_UDP;
	uint16_t l3_len = (uint16_t)(4 * (IHL_MIN + packet->n_option_words));
	uint16_t l4_len =
		(uint16_t)(packet->payload_bytes + (is_udp ? sizeof(struct rte_udp_hdr) : 0));
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
	struct rte_ether_hdr *ether;
	struct rte_ipv4_hdr *ip4;
	uint8_t *payload;

	assert_non_null(mbuf);
	assert_true(rte_pktmbuf_tailroom(mbuf) >= sizeof(*ether) + l3_len + l4_len);
	ether = rte_pktmbuf_mtod(mbuf, struct rte_ether_hdr *);
	mbuf->data_len = (uint16_t)(sizeof(*ether) + l3_len + l4_len);
	mbuf->pkt_len = mbuf->data_len;
	mbuf->l2_len = sizeof(*ether);
	mbuf->l3_len = l3_len;

	memcpy(&ether->dst_addr, packet->dst_mac, sizeof(ether->dst_addr));
	memcpy(&ether->src_addr, packet->src_mac, sizeof(ether->src_addr));
	ether->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	ip4 = (struct rte_ipv4_hdr *)(ether + 1);
	build_ip4(packet, ip4, l3_len, l4_len);

	payload = (uint8_t *)ip4 + l3_len + (l4_len - packet->payload_bytes);
	for (unsigned i = 0; i < packet->payload_bytes; i++)
		payload[i] = (uint8_t)i;
	if (is_udp)
		build_udp(packet, ip4, (struct rte_udp_hdr *)((uint8_t *)ip4 + l3_len), l4_len);
	return mbuf;
}

struct rte_ipv4_hdr *support_packet_ip4(struct rte_mbuf *mbuf)
{
	return rte_pktmbuf_mtod_offset(mbuf, struct rte_ipv4_hdr *, sizeof(struct rte_ether_hdr));
}

void support_packet_fix_checksum(struct rte_mbuf *mbuf)
{
	struct rte_ipv4_hdr *ip4 = support_packet_ip4(mbuf);

	ip4->hdr_checksum = 0;
	ip4->hdr_checksum = rte_ipv4_cksum(ip4);
}
