/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SHA-1 of a node's name, which is all that needs it: no library for sixty lines. Called by main.c and
 * inventory.c.
 */
#include "control/vtep_mac.h"

#include <stddef.h>
#include <string.h>

#define BLOCK_BYTES  64u
#define LENGTH_BYTES 8u

static uint32_t rotate(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

/* The message schedule. FIPS 180-4 6.1.2, step 1 */
static void expand(const uint8_t *block, uint32_t w[80])
{
	for (int t = 0; t < 16; t++)
		w[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
		       (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
	for (int t = 16; t < 80; t++)
		w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
}

/* f and K. FIPS 180-4 4.1.1, 4.2.1 */
static uint32_t mix(int t, uint32_t b, uint32_t c, uint32_t d)
{
	if (t < 20)
		return ((b & c) ^ (~b & d)) + 0x5a827999;
	if (t < 40)
		return (b ^ c ^ d) + 0x6ed9eba1;
	if (t < 60)
		return ((b & c) ^ (b & d) ^ (c & d)) + 0x8f1bbcdc;
	return (b ^ c ^ d) + 0xca62c1d6;
}

static void take_block(uint32_t h[5], const uint8_t *block)
{
	uint32_t w[80], v[5];

	expand(block, w);
	memcpy(v, h, sizeof(v));
	for (int t = 0; t < 80; t++) {
		uint32_t next = rotate(v[0], 5) + mix(t, v[1], v[2], v[3]) + v[4] + w[t];

		v[4] = v[3];
		v[3] = v[2];
		v[2] = rotate(v[1], 30);
		v[1] = v[0];
		v[0] = next;
	}
	for (int i = 0; i < 5; i++)
		h[i] += v[i];
}

/* What is left, a bit 1, zeroes, and the length in bits at the end of a block. FIPS 180-4 5.1.1 */
static void take_rest(uint32_t h[5], const uint8_t *rest, size_t n, uint64_t total_bytes)
{
	uint8_t block[2 * BLOCK_BYTES] = {0};
	size_t len = n + 1 + LENGTH_BYTES > BLOCK_BYTES ? 2 * BLOCK_BYTES : BLOCK_BYTES;

	memcpy(block, rest, n);
	block[n] = 0x80;
	for (unsigned i = 0; i < LENGTH_BYTES; i++)
		block[len - 1 - i] = (uint8_t)(total_bytes * 8 >> 8 * i);
	for (size_t at = 0; at < len; at += BLOCK_BYTES)
		take_block(h, block + at);
}

void vtep_mac_of_name(const char *name, uint8_t mac[6])
{
	uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	const uint8_t *bytes = (const uint8_t *)name;
	size_t len = strlen(name), at = 0;

	for (; len - at >= BLOCK_BYTES; at += BLOCK_BYTES)
		take_block(h, bytes + at);
	take_rest(h, bytes + at, len - at, len);
	mac[0] = 0x66;
	for (int i = 0; i < 5; i++)
		mac[1 + i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}
