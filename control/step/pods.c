/* SPDX-License-Identifier: BSD-3-Clause */
/* Which pods should be attached, and which are. Called by pipeline.c; one request per pod. */
#include "control/step/pods.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* One interface, pod or not: an operator may attach what the pattern does not match. */
struct pod {
	LIST_ENTRY(pod) next;
	char name[WIRE_NAME_BYTES];
	uint32_t ifindex;	   /* the kernel's, 0: gone */
	uint32_t attached_ifindex; /* the dataplane's, 0: not attached */
	enum pods_override override;
	uint32_t seq; /* of the request on the way, 0: none */
	int error;
};
LIST_HEAD(pod_list, pod);

struct pods {
	struct pod_list list; /* sorted by name */
	char match[64];
	pods_send_fn send;
	pods_is_routed_fn is_routed;
	void *arg; /* of both */
};

struct pods *pods_new(const char *match, pods_send_fn send, pods_is_routed_fn is_routed, void *arg)
{
	struct pods *pods = calloc(1, sizeof(*pods));

	if (pods == NULL)
		return NULL;
	strncpy(pods->match, match, sizeof(pods->match) - 1);
	pods->send = send;
	pods->is_routed = is_routed;
	pods->arg = arg;
	LIST_INIT(&pods->list);
	return pods;
}

static void drop(struct pod *pod)
{
	LIST_REMOVE(pod, next);
	free(pod);
}

void pods_free(struct pods *pods)
{
	struct pod *pod, *next;

	if (pods == NULL)
		return;
	for (pod = LIST_FIRST(&pods->list); pod != NULL; pod = next) {
		next = LIST_NEXT(pod, next);
		drop(pod);
	}
	free(pods);
}

static struct pod *find_by_name(const struct pods *pods, const char *name)
{
	struct pod *pod;

	LIST_FOREACH(pod, &pods->list, next)
		if (strcmp(pod->name, name) == 0)
			return pod;
	return NULL;
}

static struct pod *take(struct pods *pods, const char *name)
{
	struct pod *pod = find_by_name(pods, name);
	struct pod *at, *before = NULL;

	if (pod != NULL)
		return pod;
	pod = calloc(1, sizeof(*pod));
	if (pod == NULL)
		return NULL;
	strncpy(pod->name, name, sizeof(pod->name) - 1);
	LIST_FOREACH(at, &pods->list, next) {
		if (strcmp(at->name, pod->name) > 0)
			break;
		before = at;
	}
	if (before == NULL)
		LIST_INSERT_HEAD(&pods->list, pod, next);
	else
		LIST_INSERT_AFTER(before, pod, next);
	return pod;
}

static bool is_matched(const struct pods *pods, const struct pod *pod)
{
	return fnmatch(pods->match, pod->name, 0) == 0;
}

static bool is_wanted(const struct pods *pods, const struct pod *pod)
{
	if (pod->ifindex == 0 || pod->override == PODS_OVERRIDE_DETACH)
		return false;
	return pod->override == PODS_OVERRIDE_ATTACH || is_matched(pods, pod);
}

/* Nothing left to remember: no interface, not attached, nothing on the way. */
static void drop_if_gone(struct pod *pod)
{
	if (pod->ifindex == 0 && pod->attached_ifindex == 0 && pod->seq == 0)
		drop(pod);
}

void pods_del_link(struct pods *pods, uint32_t ifindex)
{
	struct pod *pod;

	LIST_FOREACH(pod, &pods->list, next)
		if (pod->ifindex == ifindex) {
			pod->ifindex = 0;
			pod->error = 0;
			// An override was about this interface; the next of this name is another pod.
			pod->override = PODS_OVERRIDE_NONE;
			drop_if_gone(pod);
			return;
		}
}

int pods_set_link(struct pods *pods, uint32_t ifindex, const char *name)
{
	struct pod *pod = find_by_name(pods, name);

	if (pod != NULL && pod->ifindex == ifindex)
		return 0;
	pods_del_link(pods, ifindex); // renamed
	pod = take(pods, name);
	if (pod == NULL)
		return -ENOMEM;
	pod->ifindex = ifindex;
	pod->error = 0;
	return 0;
}

int pods_set_attached(struct pods *pods, const struct wire_pod *wire)
{
	char name[WIRE_NAME_BYTES] = "";
	struct pod *pod;

	memcpy(name, wire->name, sizeof(name) - 1);
	pod = find_by_name(pods, name);
	if (!wire->is_attached) {
		if (pod != NULL && pod->attached_ifindex == wire->ifindex) {
			pod->attached_ifindex = 0;
			drop_if_gone(pod);
		}
		return 0;
	}
	pod = take(pods, name);
	if (pod == NULL)
		return -ENOMEM;
	pod->attached_ifindex = wire->ifindex;
	// Attached by someone who knew why, before we came.
	if (!is_matched(pods, pod) && pod->override == PODS_OVERRIDE_NONE && pod->seq == 0)
		pod->override = PODS_OVERRIDE_ATTACH;
	return 0;
}

void pods_forget_dataplane(struct pods *pods)
{
	struct pod *pod, *next;

	for (pod = LIST_FIRST(&pods->list); pod != NULL; pod = next) {
		next = LIST_NEXT(pod, next);
		pod->attached_ifindex = 0;
		pod->seq = 0;
		pod->error = 0;
		drop_if_gone(pod);
	}
}

int pods_set_override(struct pods *pods, const char *name, enum pods_override override)
{
	struct pod *pod = find_by_name(pods, name);

	if (pod == NULL || pod->ifindex == 0)
		return -ENOENT;
	pod->override = override;
	pod->error = 0;
	return 0;
}

static int send_one(struct pods *pods, struct pod *pod, enum wire_type type, uint32_t ifindex)
{
	struct wire_pod wire = {.ifindex = ifindex};

	memcpy(wire.name, pod->name, sizeof(wire.name));
	return pods->send(pods->arg, type, &wire, 1, &pod->seq);
}

void pods_pump(struct pods *pods)
{
	struct pod *pod;

	LIST_FOREACH(pod, &pods->list, next) {
		uint32_t wanted = is_wanted(pods, pod) ? pod->ifindex : 0;
		int err = 0;

		if (pod->seq != 0 || pod->error != 0 || wanted == pod->attached_ifindex)
			continue;
		if (pod->attached_ifindex == 0 && !pods->is_routed(pods->arg, wanted))
			continue; // pumped again when its route is there
		if (pod->attached_ifindex != 0)
			err = send_one(pods, pod, WIRE_POD_DETACH, pod->attached_ifindex);
		else
			err = send_one(pods, pod, WIRE_POD_ATTACH, wanted);
		if (err != 0) {
			pod->seq = 0;
			return;
		}
	}
}

void pods_ack(struct pods *pods, uint32_t seq, int32_t error)
{
	struct pod *pod;

	LIST_FOREACH(pod, &pods->list, next) {
		if (pod->seq != seq || seq == 0)
			continue;
		pod->seq = 0;
		// That it is attached, or no longer, the dataplane says in a WIRE_POD of its own. One that
		// it does not know cannot be attached.
		if (error == -ENOENT)
			pod->attached_ifindex = 0;
		pod->error = error;
		drop_if_gone(pod);
		return;
	}
}

void pods_retry(struct pods *pods)
{
	struct pod *pod;

	LIST_FOREACH(pod, &pods->list, next)
		pod->error = 0;
}

static struct pods_view view_of(const struct pods *pods, const struct pod *pod)
{
	return (struct pods_view){
		.name = pod->name,
		.ifindex = pod->ifindex,
		.is_matched = is_matched(pods, pod),
		.is_wanted = is_wanted(pods, pod),
		.is_attached = pod->attached_ifindex != 0,
		.is_routed = pod->ifindex != 0 && pods->is_routed(pods->arg, pod->ifindex),
		.override = pod->override,
		.error = pod->error,
	};
}

bool pods_view(const struct pods *pods, const char *name, struct pods_view *view)
{
	const struct pod *pod = find_by_name(pods, name);

	if (pod != NULL)
		*view = view_of(pods, pod);
	return pod != NULL;
}

void pods_each(const struct pods *pods, void (*visit)(const struct pods_view *view, void *arg),
	void *arg)
{
	const struct pod *pod;

	LIST_FOREACH(pod, &pods->list, next) {
		struct pods_view view = view_of(pods, pod);

		if (view.is_matched || view.is_attached || view.override != PODS_OVERRIDE_NONE)
			visit(&view, arg);
	}
}

const char *pods_match(const struct pods *pods)
{
	return pods->match;
}
