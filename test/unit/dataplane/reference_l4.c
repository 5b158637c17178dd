/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What reference.c does on ports where checksums come unfinished.
 */
#include "test/unit/dataplane/reference_l4.h"

#include "test/unit/dataplane/reference_bytes.h"

/* At @at of @l4; unfinished, it is the pseudo header's sum. UDP's 0 says "none", so it is never sent. */
static bool finish_sum(const uint8_t *ip, uint8_t *l4, uint32_t l4_bytes, uint32_t at)
{
	uint32_t pseudo = add_up(ip + 12, 8, ip[9] + l4_bytes);
	uint16_t sum;

	if (get16(l4 + at) != pseudo)
		return false;
	put16(l4 + at, 0);
	sum = (uint16_t)~add_up(l4, l4_bytes, pseudo);
	put16(l4 + at, sum == 0 ? 0xffff : sum);
	return true;
}

/* As appendix A has it: the bits of each byte go in lowest first, and so do those of the result. */
static bool finish_crc(uint8_t *l4, uint32_t l4_bytes)
{
	uint32_t crc = 0xffffffff;

	if (get32(l4 + 8) != 0)
		return false;
	for (uint32_t i = 0; i < l4_bytes * 8; i++) {
		uint32_t is_odd = crc >> 31 ^ (l4[i / 8] >> i % 8 & 1u);

		crc = crc << 1 ^ (is_odd ? 0x1edc6f41 : 0);
	}
	for (uint32_t i = 0; i < 32; i++)
		if ((crc >> (31 - i) & 1) == 0)
			l4[8 + i / 8] |= (uint8_t)(1u << i % 8);
	return true;
}

bool reference_finish_l4(uint8_t *ip, uint32_t ip_bytes)
{
	uint8_t *l4 = ip + IP;
	uint32_t l4_bytes = ip_bytes - IP;

	if ((get16(ip + 6) & 0x3fff) != 0)
		return false;
	if (ip[9] == 6 && l4_bytes >= 20)
		return finish_sum(ip, l4, l4_bytes, 16);
	if (ip[9] == 17 && l4_bytes >= UDP)
		return finish_sum(ip, l4, l4_bytes, 6);
	return ip[9] == 132 && l4_bytes >= 12 && finish_crc(l4, l4_bytes);
}
