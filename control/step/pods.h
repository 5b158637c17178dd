/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which pods should be attached to the fast lane, and which are. A pod is wanted if its interface's
 * name fits the pattern, or an operator said so; what the dataplane had attached when we came is left.
 */
#ifndef PODLANE_CONTROL_STEP_PODS_H
#define PODLANE_CONTROL_STEP_PODS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/api/wire.h"

struct pods;

enum pods_override { PODS_OVERRIDE_NONE, PODS_OVERRIDE_ATTACH, PODS_OVERRIDE_DETACH };

struct pods_view {
	const char *name;
	uint32_t ifindex; /**< 0: the interface is gone */
	bool is_matched, is_wanted, is_attached;
	bool is_routed; /**< the dataplane has a route to it; without one it is not attached */
	enum pods_override override;
	int error; /**< of the last refusal */
};

/** As sync_send_fn: one request; 0 if it was sent. */
typedef int (*pods_send_fn)(void *arg, enum wire_type type, const void *items, size_t n_items,
	uint32_t *seq);

/**
 * Has the dataplane a route to an address behind this interface? A pod that is attached before is
 * cut off from its pool: the dataplane does not know its source address (stage/source_check.c).
 */
typedef bool (*pods_is_routed_fn)(void *arg, uint32_t ifindex);

/** Errors: NULL if memory is short */
struct pods *pods_new(const char *match, pods_send_fn send, pods_is_routed_fn is_routed, void *arg);
void pods_free(struct pods *pods);

/** An interface is there. Errors: -ENOMEM */
int pods_set_link(struct pods *pods, uint32_t ifindex, const char *name);
void pods_del_link(struct pods *pods, uint32_t ifindex);

/** The dataplane says how a pod stands. Errors: -ENOMEM */
int pods_set_attached(struct pods *pods, const struct wire_pod *wire);

/** The connection to the dataplane is new, or gone. */
void pods_forget_dataplane(struct pods *pods);

/** Errors: -ENOENT no interface of this name */
int pods_set_override(struct pods *pods, const char *name, enum pods_override override);

/** Send what differs. */
void pods_pump(struct pods *pods);
void pods_ack(struct pods *pods, uint32_t seq, int32_t error);
/** Try again what was refused. */
void pods_retry(struct pods *pods);

bool pods_view(const struct pods *pods, const char *name, struct pods_view *view);
/** Only pods: matched, overridden or attached. By name. */
void pods_each(const struct pods *pods, void (*visit)(const struct pods_view *view, void *arg),
	void *arg);
const char *pods_match(const struct pods *pods);

#endif
