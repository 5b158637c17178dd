/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The main lcore's part in probing paths: makes the probes that control asks for, and knows their
 * answers. Workers send and receive.
 */
#ifndef PODLANE_DATAPLANE_PROBER_H
#define PODLANE_DATAPLANE_PROBER_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_mempool.h>
#include <rte_ring.h>

#include "dataplane/api/wire.h"
#include "dataplane/table/port.h"
#include "dataplane/table/probe.h"
#include "dataplane/table/stats.h"

struct prober;

/** Whom a prober tells. Owner: the caller's, for the prober's life; copied. */
struct prober_events {
	void (*answered)(void *arg, const struct wire_probe_reply *reply);
	void (*foreign)(void *arg, struct rte_mbuf *pkt); /**< nobody asked; takes the packet */
	void *arg;
};

/**
 * @pool:  where probes are made
 * @stats: the main lcore's; answers are counted there
 *
 * Errors: -ENOMEM
 */
int prober_create(struct prober **prober, struct rte_mempool *pool, const struct port_table *ports,
	const struct prober_events *events, struct lcore_stats *stats);
void prober_free(struct prober *prober);

/** Probes that wait for the worker that sends, struct probe_order. Owner: the prober. */
struct rte_ring *prober_waiting(const struct prober *prober);

/** Where that worker notes when it sent a probe, by slot. Owner: the prober. */
uint64_t *prober_sent_tsc(const struct prober *prober);

/**
 * Make a probe and hand it to the worker. A probe with the same slot (probe_slot()) whose answer is
 * still to come is forgotten.
 *
 * Errors: -EINVAL an address that no host has, bytes, kind, port, or a field of the path that cannot
 *         be; -ENETDOWN its port has no link; -EMSGSIZE larger than what the port's link carries;
 *         -ENOBUFS too many wait, or no buffer
 */
int prober_send(struct prober *prober, const struct wire_probe *probe);

/**
 * Take one burst of what a worker heard: tell of each first answer to a probe from where it was sent
 * to, and of all others as foreign.
 *
 * Returns: how many there were
 */
unsigned prober_drain(struct prober *prober, struct rte_ring *heard);

#endif
