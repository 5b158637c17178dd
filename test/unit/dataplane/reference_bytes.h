/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the plain forwarder read and write headers with.
 */
#ifndef PODLANE_TEST_UNIT_DATAPLANE_REFERENCE_BYTES_H
#define PODLANE_TEST_UNIT_DATAPLANE_REFERENCE_BYTES_H

#include <stdint.h>

#define ETHER 14u
#define IP    20u
#define UDP   8u
#define VXLAN 8u

static inline uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static inline void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
	put16(at, (uint16_t)(value >> 16));
	put16(at + 2, (uint16_t)value);
}

/* RFC 1071, an odd byte counts as high. */
static inline uint32_t add_up(const uint8_t *bytes, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i++)
		sum += (uint32_t)bytes[i] << (i % 2 == 0 ? 8 : 0);
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline void put_ip_checksum(uint8_t *ip, uint32_t hdr_bytes)
{
	put16(ip + 10, 0);
	put16(ip + 10, (uint16_t)~add_up(ip, hdr_bytes, 0));
}

/* Of the UDP datagram behind an IPv4 header, with its pseudo header. */
static inline uint32_t udp_sum(const uint8_t *ip)
{
	uint32_t udp_bytes = get16(ip + IP + 4);

	return add_up(ip + IP, udp_bytes, add_up(ip + 12, 8, 17 + udp_bytes));
}

#endif
