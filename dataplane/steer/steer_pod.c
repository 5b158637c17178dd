/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pods join and leave the fast lane: an XDP program on the host side of their veth, and an entry in
 * the map of those that packets may be sent to. Called by the API server.
 */
#include "dataplane/steer/steer_private.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>

#include <bpf/bpf.h>

#include "dataplane/steer/steer_link.h"
#include "dataplane/steer/steer_xdp.h"

/** Returns: the pod, or NULL. */
static struct steer_pod *find_pod(struct steer *steer, uint32_t ifindex)
{
	for (unsigned i = 0; i < steer->n_pods; i++)
		if (steer->pods[i].ifindex == ifindex)
			return &steer->pods[i];
	return NULL;
}

static int fail_attach(int rc, const char *name, const char *message, char *error,
	size_t error_bytes)
{
	switch (rc) {
	case -EBUSY:
	case -EEXIST:
		return steer_fail(-EBUSY, error, error_bytes,
			"pod %s: another XDP program was attached meanwhile", name);
	case -ERANGE:
		return steer_fail(-EMSGSIZE, error, error_bytes,
			"pod %s: the MTU inside the pod is too big for XDP", name);
	default:
		return steer_fail(rc, error, error_bytes,
			"pod %s: cannot attach the XDP program: %s%s%s", name, strerror(-rc),
			message[0] != '\0' ? ": " : "", message);
	}
}

/** Put our program on the pod's interface, unless another's is there. */
static int attach_prog(const struct steer *steer, uint32_t ifindex, const char *name, char *error,
	size_t error_bytes)
{
	char message[160];
	struct steer_xdp old;
	int rc = steer_xdp_get(ifindex, &old);

	if (rc < 0)
		return steer_fail(rc, error, error_bytes,
			"pod %s: cannot ask for its XDP program: %s", name, strerror(-rc));
	if (old.id == steer->pod_prog_id)
		return 0;
	if (old.id != 0 && strcmp(old.name, STEER_PROG_POD) != 0)
		return steer_fail(-EBUSY, error, error_bytes,
			"pod %s: has the XDP program '%s' (id %u) of someone else", name, old.name,
			old.id);
	rc = steer_xdp_attach(ifindex, steer->pod_prog_fd, &old, message, sizeof(message));
	return rc < 0 ? fail_attach(rc, name, message, error, error_bytes) : 0;
}

int steer_pod_attach(struct steer *steer, uint32_t ifindex, char *error, size_t error_bytes)
{
	const uint8_t value = 1;
	struct steer_pod pod = {.ifindex = ifindex};
	bool is_known = find_pod(steer, ifindex) != NULL;
	struct steer_link link;
	int rc;

	if (if_indextoname(ifindex, pod.name) == NULL || steer_link_get(pod.name, &link) < 0)
		return steer_fail(-ENODEV, error, error_bytes,
			"pod interface %u: no such interface", ifindex);
	if (steer->trunk.host_ifindex == 0)
		return steer_fail(-ENODEV, error, error_bytes,
			"pod %s: there is no pod trunk; set \"pods\" in the configuration",
			pod.name);
	if (link.mtu > STEER_MAX_MTU)
		return steer_fail(-EMSGSIZE, error, error_bytes,
			"pod %s: mtu %u is too big for the fast lane, %u at most", pod.name,
			link.mtu, STEER_MAX_MTU);
	if (!is_known && steer->n_pods == STEER_MAX_PODS)
		return steer_fail(-ENOSPC, error, error_bytes,
			"pod %s: %u pods are attached already", pod.name, STEER_MAX_PODS);
	if (bpf_map_update_elem(steer->pods_fd, &ifindex, &value, BPF_ANY) < 0)
		return steer_fail(-errno, error, error_bytes, "pod %s: cannot enter it: %s",
			pod.name, strerror(errno));
	// The way to the pod is there before the first packet comes from it.
	rc = attach_prog(steer, ifindex, pod.name, error, error_bytes);
	if (rc < 0) {
		if (!is_known)
			bpf_map_delete_elem(steer->pods_fd, &ifindex);
		return rc;
	}
	if (!is_known)
		steer->pods[steer->n_pods++] = pod;
	return 0;
}

int steer_pod_detach(struct steer *steer, uint32_t ifindex)
{
	struct steer_pod *pod = find_pod(steer, ifindex);
	struct steer_xdp xdp;

	if (pod == NULL)
		return -ENOENT;
	// A pod whose interface is gone has no program either, and one that was given another's
	// program keeps that.
	if (steer_xdp_get(ifindex, &xdp) == 0 && xdp.id == steer->pod_prog_id)
		steer_xdp_detach(ifindex, &xdp);
	bpf_map_delete_elem(steer->pods_fd, &ifindex);
	*pod = steer->pods[--steer->n_pods];
	return 0;
}

unsigned steer_pods(const struct steer *steer, const struct steer_pod **pods)
{
	*pods = steer->pods;
	return steer->n_pods;
}
