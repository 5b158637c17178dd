/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Step 9 of the packet's walk: IPv4 in IPv4.
 */
#include "dataplane/stage/encap_ipip.h"

#include "dataplane/table/outer_ip4.h"

#define OUTER_BYTES 20u

/* What differs from packet to packet, as it lies. What is ready-made has 0 there, or the same. */
struct columns {
	_Alignas(BURST_ALIGN)
		uint64_t type[BURST_MAX]; /* Ethernet's type, IPv4 up to identification */
	_Alignas(BURST_ALIGN) uint64_t rest[BURST_MAX]; /* flags, TTL, checksum, nothing */
};

static void make_columns(struct burst *burst, uint16_t *id, struct columns *columns)
{
	struct outer_ip4_maker maker =
		outer_ip4_begin(burst, id, OUTER_BYTES, OUTER_ECN_DF_TTL, burst_is_one_path(burst));

	// there is one at least
	for (unsigned at = 0; at == 0 || at < burst->n; at += BURST_STEP) {
		const struct outer_ip4 ip4 = outer_ip4_make(&maker, burst, at);

		burst_store_pairs(&columns->type[at],
			ip4.first << 16 | (uint32_t)RTE_BE16(RTE_ETHER_TYPE_IPV4),
			ip4.first >> 16 | ip4.id << 16);
		burst_store_pairs(&columns->rest[at], ip4.id >> 16 | ip4.rest << 16,
			ip4.rest >> 16);
	}
}

/* What is the same for all packets of a path. */
struct ready {
	outer_half ether;
	uint64_t rest, addresses; /* two words that overlap */
};

#define ADDRESSES   (RTE_ETHER_HDR_LEN + offsetof(struct rte_ipv4_hdr, src_addr))
#define ETHER_BEGIN (offsetof(struct adjacency, hdr) + OUTER_BYTES - OUTER_HALF_BYTES)

static_assert(offsetof(struct adjacency, hdr) + OUTER_BYTES >= OUTER_HALF_BYTES,
	"so much is there");

static inline struct ready load_ready(const struct adjacency *adjacency)
{
	struct ready ready;

	memcpy(&ready.ether, (const uint8_t *)adjacency + ETHER_BEGIN, sizeof(ready.ether));
	memcpy(&ready.rest, adjacency->hdr + OUTER_BYTES, sizeof(ready.rest));
	memcpy(&ready.addresses, adjacency->hdr + ADDRESSES, sizeof(ready.addresses));
	return ready;
}

/*
 * What is in front of the header, of the adjacency's fields, is never sent. There is room: forward saw to it,
 * and packets that are made here have it.
 */
static inline void put_outer(struct burst *burst, unsigned at, const struct ready *ready,
	const struct columns *columns)
{
	const uint64_t rest = ready->rest | columns->rest[at];
	const outer_half ether = ready->ether | (outer_half){0, 0, 0, columns->type[at]};
	uint8_t *hdr = burst_prepend(burst, at, OUTER_BYTES);

	memcpy(hdr + OUTER_BYTES - OUTER_HALF_BYTES, &ether, sizeof(ether));
	memcpy(hdr + OUTER_BYTES, &rest, sizeof(rest));
	memcpy(hdr + ADDRESSES, &ready->addresses, sizeof(ready->addresses));
}

void encap_ipip(struct burst *burst, uint16_t *id)
{
	const unsigned n = burst->n_encap[ENCAP_IPIP];
	const bool is_one_path = burst_is_one_path(burst);
	struct ready ready = load_ready(burst->adjacency[0]);
	struct columns columns;

	burst_fill_up(burst);
	make_columns(burst, id, &columns);
	for (unsigned i = 0; is_one_path && i < n; i++)
		put_outer(burst, i, &ready, &columns);
	for (unsigned i = 0; !is_one_path && i < n; i++) {
		const unsigned at = burst->encap[ENCAP_IPIP][i];

		ready = load_ready(burst->adjacency[at]);
		put_outer(burst, at, &ready, &columns);
	}
}
