/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What reference.c does with echoes to our probe address.
 */
#include "test/unit/dataplane/reference_probe.h"

#include <string.h>

#include "test/unit/dataplane/reference_bytes.h"

bool reference_is_echo(const struct reference_packet *packet, enum reference_echo type)
{
	const uint8_t *ip = packet->bytes + ETHER;

	if (ip[9] != 1 || (get16(ip + 6) & 0x3fff) != 0 || packet->len < ETHER + IP + 8)
		return false;
	return ip[IP] == type && ip[IP + 1] == 0;
}

static void swap(uint8_t *one, uint8_t *other, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t byte = one[i];

		one[i] = other[i];
		other[i] = byte;
	}
}

static void turn_ip(uint8_t *ip)
{
	swap(ip + 12, ip + 16, 4);
	ip[8] = 64;
	put_ip_checksum(ip, IP);
}

/* What the message adds up to with its checksum, which tells how wrong it is, stays. */
static void turn_icmp(uint8_t *icmp, uint32_t bytes)
{
	uint32_t with = add_up(icmp, bytes, 0), without, sum;

	icmp[0] = REFERENCE_ECHO_REPLY;
	put16(icmp + 2, 0);
	without = add_up(icmp, bytes, 0);
	sum = add_up(icmp, 0, with + (0xffff - without));
	put16(icmp + 2, sum == 0xffff ? 0 : (uint16_t)sum);
}

/* The headers it came in, around it again: what is to be turned in them still is. */
static void wrap(struct reference_packet *packet)
{
	uint32_t room = packet->outer_bytes;
	uint8_t *ip = packet->bytes + ETHER;

	memmove(ip + room, ip, packet->len - ETHER);
	memcpy(packet->bytes, packet->outer, ETHER + room);
	packet->len += room;
}

static void turn_outer(struct reference_packet *packet)
{
	uint8_t *ip = packet->bytes + ETHER, *udp = ip + IP, *ether = udp + UDP + VXLAN;
	uint16_t sum;

	turn_ip(ip);
	if (packet->outer_bytes == IP)
		return;
	swap(ether, ether + 6, 6);
	if (!packet->is_outer_summed)
		return;
	put16(udp + 6, 0);
	sum = (uint16_t)~udp_sum(ip);
	put16(udp + 6, sum == 0 ? 0xffff : sum);
}

void reference_answer(struct reference_packet *packet, const struct wire_path *pod)
{
	uint8_t *frame = packet->bytes;

	turn_icmp(frame + ETHER + IP, packet->len - ETHER - IP);
	turn_ip(frame + ETHER);
	if (packet->outer_bytes > 0) {
		wrap(packet);
		turn_outer(packet);
	}
	swap(frame, frame + 6, 6);
	if (pod != NULL) {
		memcpy(frame, pod->dst_mac, 6);
		memcpy(frame + 6, pod->src_mac, 6);
	}
	packet->port = packet->from;
	packet->is_answer = true;
	packet->end = REFERENCE_SENT;
}
