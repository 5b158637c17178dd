/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 9 of the packet's walk: IPv4 in IPv4.
 */
#include "dataplane/stage/encap_ipip.h"

#include "dataplane/table/outer_ip4.h"

#define OUTER_BYTES 20u

/* What is the same for all packets of a path. */
struct ready {
	uint32_t begin;
	outer_bits middle, end;
};

static inline struct ready load_ready(const struct adjacency *adjacency)
{
	struct ready ready;

	memcpy(&ready.begin, adjacency->hdr, sizeof(ready.begin));
	memcpy(&ready.middle, adjacency->hdr + 4, sizeof(ready.middle));
	memcpy(&ready.end, adjacency->hdr + 20, sizeof(ready.end));
	return ready;
}

/*
 * In pieces that end at bytes 4 and 20: where the packet's cache line mostly begins, and 16 bytes before.
 * A store across two lines takes several times as long.
 */
static inline void put_outer(struct burst *burst, unsigned at, const struct ready *ready,
	const struct outer_ip4 *outer)
{
	const uint64_t first = outer->first[at], second = outer->second[at];
	outer_bits middle = ready->middle;
	uint8_t *hdr = burst_prepend(burst, at, OUTER_BYTES); // forward made sure of the room

	middle[1] = first << 16 | second << 48 | RTE_BE16(RTE_ETHER_TYPE_IPV4);
	memcpy(hdr, &ready->begin, sizeof(ready->begin));
	outer_store(hdr + 4, middle);
	outer_store(hdr + 20, outer_end(ready->end, second >> 16, burst, at));
}

void encap_ipip(struct burst *burst, uint16_t *id)
{
	const unsigned n = burst->n_encap[ENCAP_IPIP];
	const bool is_one_path = burst_is_one_path(burst);
	struct ready ready = load_ready(burst->adjacency[0]);
	struct outer_ip4 outer;

	outer_ip4_make(burst, &outer, *id, OUTER_BYTES, OUTER_ECN_DF_TTL);
	*id = (uint16_t)(*id + burst->n);
	for (unsigned i = 0; is_one_path && i < n; i++)
		put_outer(burst, i, &ready, &outer);
	for (unsigned i = 0; !is_one_path && i < n; i++) {
		const unsigned at = burst->encap[ENCAP_IPIP][i];

		ready = load_ready(burst->adjacency[at]);
		put_outer(burst, at, &ready, &outer);
	}
}
