/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 9 of the packet's walk: IPv4 in IPv4.
 */
#include "dataplane/stage/encap_ipip.h"

#include "dataplane/table/outer_ip4.h"

#define OUTER_BYTES 20u

/*
 * In pieces that end at bytes 4 and 20: where the packet's cache line mostly begins, and 16 bytes before.
 * A store across two lines takes several times as long.
 */
static inline void put_outer(struct burst *burst, unsigned at, const struct outer_ip4 *outer)
{
	const uint8_t *ready = burst->adjacency[at]->hdr;
	const uint64_t first = outer->first[at], second = outer->second[at];
	outer_bits middle = {0, first << 16 | second << 48 | RTE_BE16(RTE_ETHER_TYPE_IPV4)};
	outer_bits end = outer_load_end(ready + 20, second >> 16, burst, at);
	uint8_t *hdr = burst_prepend(burst, at, OUTER_BYTES); // forward made sure of the room

	memcpy(&middle, ready + 4, sizeof(uint64_t));
	memcpy(hdr, ready, sizeof(uint32_t));
	outer_store(hdr + 4, middle);
	outer_store(hdr + 20, end);
}

void encap_ipip(struct burst *burst, uint16_t *id)
{
	const unsigned n = burst->n_encap[ENCAP_IPIP];
	struct outer_ip4 outer;

	outer_ip4_make(burst, &outer, *id, OUTER_BYTES, OUTER_ECN_DF_TTL);
	*id = (uint16_t)(*id + burst->n);
	for (unsigned i = 0; i < n; i++)
		put_outer(burst, burst->encap[ENCAP_IPIP][i], &outer);
}
