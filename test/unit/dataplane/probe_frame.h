/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Echo frames in all headers that paths give them, byte by byte and every checksum from the start:
 * slow and plain, the model that probes and their answers are held against.
 */
#ifndef PODLANE_TEST_UNIT_DATAPLANE_PROBE_FRAME_H
#define PODLANE_TEST_UNIT_DATAPLANE_PROBE_FRAME_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "dataplane/api/wire.h"

#define FRAME_MAX 9100u

/** Both ends of a header, in the order of the wire. */
struct frame_macs {
	uint8_t dst[6], src[6];
};

struct frame_ip4 {
	uint32_t src, dst;
	uint8_t tos, ttl;
	uint16_t id, fragment; /**< flags and offset as in the header */
};

struct frame {
	uint8_t kind; /**< enum wire_path_kind */
	struct frame_macs ether;
	struct frame_ip4 outer;
	uint16_t udp_src;
	bool has_udp_checksum;
	struct frame_macs inner_ether;
	struct frame_ip4 inner;
	uint8_t proto, type, code;
	uint32_t echo_id;
	uint16_t inner_bytes; /**< total length; what does not fit is left away */
	uint8_t pattern;
};

/* Sum of 16-bit words as read from the wire, RFC 1071; an odd byte at the end counts high. */
static inline uint32_t frame_sum(const uint8_t *bytes, uint32_t len, uint32_t sum)
{
	for (uint32_t i = 0; i < len; i++)
		sum += (uint32_t)bytes[i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline uint8_t *put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static inline uint8_t *put32(uint8_t *at, uint32_t value)
{
	return put16(put16(at, value >> 16), value & 0xffff);
}

static inline uint8_t *put_macs(uint8_t *at, const struct frame_macs *macs)
{
	memcpy(at, macs, 12);
	return put16(at + 12, 0x0800);
}

static inline uint8_t *put_ip4(uint8_t *at, const struct frame_ip4 *ip, uint8_t proto,
	uint32_t bytes)
{
	uint8_t *hdr = at;

	*at++ = 0x45;
	*at++ = ip->tos;
	at = put16(put16(put16(at, bytes), ip->id), ip->fragment);
	*at++ = ip->ttl;
	*at++ = proto;
	at = put32(put32(put16(at, 0), ip->src), ip->dst);
	put16(hdr + 10, ~frame_sum(hdr, 20, 0));
	return at;
}

static inline uint8_t *put_echo(uint8_t *at, const struct frame *frame)
{
	uint8_t echo[FRAME_MAX] = {frame->type, frame->code};
	uint32_t bytes = frame->inner_bytes - 20u;

	put32(echo + 4, frame->echo_id);
	memset(echo + 8, frame->pattern, sizeof(echo) - 8);
	put16(echo + 2, ~frame_sum(echo, bytes, 0));
	memcpy(at, echo, bytes);
	return at + bytes;
}

static inline uint8_t *put_inner(uint8_t *at, const struct frame *frame)
{
	return put_echo(put_ip4(at, &frame->inner, frame->proto, frame->inner_bytes), frame);
}

/* UDP, VXLAN with VNI 4096, the inner Ethernet header and the rest. */
static inline uint8_t *put_vxlan(uint8_t *udp, const struct frame *frame)
{
	uint32_t bytes = frame->inner_bytes + 30u;
	uint8_t *at = put16(put16(put16(put16(udp, frame->udp_src), 4789), bytes), 0);
	uint32_t sum;

	at = put_macs(put32(put32(at, 0x08000000), 4096 << 8), &frame->inner_ether);
	at = put_inner(at, frame);
	if (!frame->has_udp_checksum)
		return at;
	// pseudo header: addresses, protocol, length
	sum = frame_sum(udp, bytes, frame_sum(udp - 8, 8, 17 + bytes));
	put16(udp + 6, sum == 0xffff ? 0xffff : ~sum);
	return at;
}

/** Write it down. Returns: its length */
static inline uint32_t frame_write(const struct frame *frame, uint8_t *bytes)
{
	uint8_t *at = put_macs(bytes, &frame->ether);

	if (frame->kind == WIRE_PATH_IPIP) {
		at = put_ip4(at, &frame->outer, 4, frame->inner_bytes + 20u);
		at = put_inner(at, frame);
	} else if (frame->kind == WIRE_PATH_VXLAN) {
		at = put_ip4(at, &frame->outer, 17, frame->inner_bytes + 50u);
		at = put_vxlan(at, frame);
	} else {
		at = put_inner(at, frame);
	}
	return (uint32_t)(at - bytes);
}

static inline void frame_turn_macs(struct frame_macs *macs)
{
	struct frame_macs was = *macs;

	memcpy(macs->dst, was.src, 6);
	memcpy(macs->src, was.dst, 6);
}

static inline void frame_turn_ip4(struct frame_ip4 *ip)
{
	uint32_t src = ip->src;

	ip->src = ip->dst;
	ip->dst = src;
	ip->ttl = 64;
}

/** What answers it, along the way it came. */
static inline struct frame frame_answer(struct frame request)
{
	frame_turn_macs(&request.ether);
	frame_turn_macs(&request.inner_ether);
	frame_turn_ip4(&request.outer);
	frame_turn_ip4(&request.inner);
	request.type = 0;
	return request;
}

#endif
