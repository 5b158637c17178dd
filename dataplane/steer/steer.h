/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's side of the fast lane: which packets reach our sockets. XDP on uplinks (steer.bpf.c,
 * loaded by DPDK's net_af_xdp), XDP on pods' veths and tc on the trunk (pod.bpf.c, loaded here).
 *
 * All calls: main lcore only. Interfaces are looked up in the caller's network namespace.
 */
#ifndef PODLANE_DATAPLANE_STEER_STEER_H
#define PODLANE_DATAPLANE_STEER_STEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STEER_TRUNK_HOST "podlane-trunk0" /**< the pods' XDP sends here; tc at its ingress */
#define STEER_TRUNK_DPDK "podlane-trunk1" /**< the AF_XDP port */

/** The host side of every Calico pod's veth has this address, so our trunk has it too. */
#define STEER_POD_HOST_MAC                                                                         \
	{                                                                                          \
		0xee, 0xee, 0xee, 0xee, 0xee, 0xee                                                 \
	}

/**
 * The largest MTU of an AF_XDP port, and of a pod: the kernel silently drops a frame that does not
 * fit behind the headroom of the mbuf (128) and its own (256). It follows from the data room of the
 * port's mbufs, RTE_MBUF_DEFAULT_BUF_SIZE; with 3840, the most that net_af_xdp takes, it is 3442.
 */
#define STEER_MAX_MTU (2176 - 128 - 256 - 14)

struct steer;

struct steer_prefix {
	uint32_t prefix; /**< host order */
	uint8_t depth;
};

/** A tunnel end of ours. Order: host */
struct steer_endpoint {
	uint32_t addr;
	uint16_t udp_port; /**< 0: protocol 4 */
};

struct steer_pod {
	uint32_t ifindex;
	char name[16];
};

/** Errors: -ENOMEM; -EPERM no CAP_BPF and CAP_NET_ADMIN; -ENOENT object files missing */
int steer_create(struct steer **steer, const char *object_dir, char *error, size_t error_bytes);

/** Detach what close of a clean exit should detach: pods, trunk, uplinks. NULL is allowed. */
void steer_close(struct steer *steer);

/** Path of the object net_af_xdp loads as its xdp_prog. Owner: steer. */
const char *steer_uplink_object(const struct steer *steer);

/**
 * Make an interface ready for net_af_xdp: refuse if another live dataplane has it (an abstract unix
 * socket of the interface's name is the lock: it is per network namespace and dies with us), remove
 * a leftover XDP program of ours, and of nobody else.
 *
 * Errors: -ENODEV, -EBUSY (error says who has it and what to do), -EPERM, -EMSGSIZE mtu too big
 */
int steer_uplink_prepare(struct steer *steer, const char *ifname, char *error, size_t error_bytes);

/** After net_af_xdp started the port: find the maps of the attached program. Errors: -ENOENT */
int steer_uplink_open(struct steer *steer, const char *ifname, char *error, size_t error_bytes);

/**
 * Make (or take over) the veth pair of the trunk, with its MAC, up, and tc at its ingress. Then
 * STEER_TRUNK_DPDK goes through steer_uplink_prepare() and steer_uplink_open() like an uplink;
 * there everything is for us, so it has no pool trie to fill.
 */
int steer_trunk_create(struct steer *steer, char *error, size_t error_bytes);

/**
 * Let the kernel forward what comes in by this interface, whatever its source. For the TAP on which
 * it is given what the dataplane punts; the trunk's has it already. rp_filter drops such packets
 * otherwise, also with 2 if the interface has no address, so it gets 169.254.112.1/32.
 *
 * Errors: -ENODEV; -EPERM
 */
int steer_forward_any_source(const char *ifname);

/**
 * Our tunnel ends: uplinks give us what is sent to them; replaces those before.
 *
 * Errors: -ENOSPC; from the map, what was set before may then be gone
 */
int steer_set_endpoints(struct steer *steer, const struct steer_endpoint *endpoints, unsigned n);

/** The destinations that are ours, on uplinks and pods; replaces those before. */
int steer_set_pools(struct steer *steer, const struct steer_prefix *pools, unsigned n);

/**
 * A pod's host-side interface joins or leaves the fast lane.
 *
 * Detach also takes one whose interface is gone. Each waits about 15 ms for the kernel.
 *
 * Errors: attach: -ENODEV, -EBUSY another XDP program is there, -ENOSPC, -EMSGSIZE mtu too big;
 *         again: 0. detach: -ENOENT
 */
int steer_pod_attach(struct steer *steer, uint32_t ifindex, char *error, size_t error_bytes);
int steer_pod_detach(struct steer *steer, uint32_t ifindex);

/** Owner: *pods is steer's, valid until the next call. Returns: how many. */
unsigned steer_pods(const struct steer *steer, const struct steer_pod **pods);

#endif
