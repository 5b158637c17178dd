/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The trunk: the veth pair between the pods' XDP programs and the AF_XDP port they share.
 */
#include "dataplane/steer/steer_private.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "dataplane/steer/steer_link.h"
#include "dataplane/steer/steer_lock.h"
#include "dataplane/steer/steer_xdp.h"
#include "dataplane/steer/trunk_mac.h"

static const struct steer_link_end host_end = {
	.name = STEER_TRUNK_HOST,
	.mac = {TRUNK_MAC_0, TRUNK_MAC_1}, /* no pod has ifindex 0 */
	.mtu = STEER_MAX_MTU,
};

static const struct steer_link_end dpdk_end = {
	.name = STEER_TRUNK_DPDK,
	.mac = STEER_POD_HOST_MAC,
	.mtu = STEER_MAX_MTU,
};

/**
 * Take our program off every pod where a killed predecessor left it: the kernel forwards these
 * pods' packets until they are attached again. Only under the trunk's lock is nobody using them.
 */
static int sweep_pods(char *error, size_t error_bytes)
{
	struct if_nameindex *links = if_nameindex();
	struct steer_xdp xdp;
	int rc = 0;

	if (links == NULL)
		return steer_fail(-errno, error, error_bytes, "cannot list interfaces: %s",
			strerror(errno));
	for (struct if_nameindex *link = links; link->if_index != 0; link++) {
		if (steer_xdp_get(link->if_index, &xdp) < 0 ||
			strcmp(xdp.name, STEER_PROG_POD) != 0)
			continue;
		rc = steer_xdp_detach(link->if_index, &xdp);
		if (rc == -ENODEV)
			rc = 0;
		if (rc < 0) {
			steer_fail(rc, error, error_bytes,
				"pod %s: cannot remove the XDP program a former run left: %s",
				link->if_name, strerror(-rc));
			break;
		}
	}
	if_freenameindex(links);
	return rc;
}

/** Find the pair, or make it. */
static int find_or_add_pair(struct steer_link *host, struct steer_link *dpdk, bool *is_new,
	char *error, size_t error_bytes)
{
	int host_rc = steer_link_get(STEER_TRUNK_HOST, host);
	int dpdk_rc = steer_link_get(STEER_TRUNK_DPDK, dpdk);
	int rc;

	*is_new = host_rc == -ENODEV && dpdk_rc == -ENODEV;
	if (*is_new) {
		rc = steer_link_add_veth(&host_end, &dpdk_end);
		if (rc < 0)
			return steer_fail(rc, error, error_bytes,
				"cannot make the veth pair %s: %s", STEER_TRUNK_HOST,
				strerror(-rc));
		host_rc = steer_link_get(STEER_TRUNK_HOST, host);
		dpdk_rc = steer_link_get(STEER_TRUNK_DPDK, dpdk);
	}
	if (host_rc < 0 || dpdk_rc < 0 || !host->is_veth || host->peer_ifindex != dpdk->ifindex)
		return steer_fail(-EEXIST, error, error_bytes,
			"%s and %s are not the two ends of one veth pair; remove them with: "
			"ip link del %s",
			STEER_TRUNK_HOST, STEER_TRUNK_DPDK,
			host_rc == 0 ? STEER_TRUNK_HOST : STEER_TRUNK_DPDK);
	return 0;
}

static int set_up_end(uint32_t ifindex, const struct steer_link_end *end, char *error,
	size_t error_bytes)
{
	int rc = steer_link_no_ip6(ifindex);

	if (rc == 0)
		rc = steer_link_forward_any_source(ifindex);
	if (rc == 0)
		rc = steer_link_set_up(ifindex, end);
	if (rc < 0)
		return steer_fail(rc, error, error_bytes, "cannot set up %s: %s", end->name,
			strerror(-rc));
	return 0;
}

static int attach_to_pod(struct steer *steer, uint32_t ifindex, char *error, size_t error_bytes)
{
	char other[16];
	int rc = steer_xdp_attach_tc(ifindex, steer->to_pod_prog_fd, other);

	if (rc == -EBUSY)
		return steer_fail(rc, error, error_bytes,
			"%s: the tc program '%s' of someone else is at its ingress; remove it "
			"with: "
			"tc qdisc del dev %s clsact",
			STEER_TRUNK_HOST, other, STEER_TRUNK_HOST);
	if (rc < 0)
		return steer_fail(rc, error, error_bytes, "%s: cannot attach the tc program: %s",
			STEER_TRUNK_HOST, strerror(-rc));
	return 0;
}

int steer_trunk_create(struct steer *steer, char *error, size_t error_bytes)
{
	struct steer_link host, dpdk;
	const uint32_t key = 0;
	bool is_new;
	int rc;

	steer->trunk.lock_fd = steer_lock(STEER_TRUNK_HOST, error, error_bytes);
	if (steer->trunk.lock_fd < 0)
		return steer->trunk.lock_fd;
	rc = sweep_pods(error, error_bytes);
	if (rc < 0)
		goto err_unlock;
	rc = find_or_add_pair(&host, &dpdk, &is_new, error, error_bytes);
	if (rc < 0)
		goto err_unlock;
	rc = set_up_end(dpdk.ifindex, &dpdk_end, error, error_bytes);
	if (rc == 0)
		rc = set_up_end(host.ifindex, &host_end, error, error_bytes);
	if (rc == 0)
		rc = attach_to_pod(steer, host.ifindex, error, error_bytes);
	if (rc < 0)
		goto err_delete_pair;
	if (bpf_map_update_elem(steer->trunk_fd, &key, &host.ifindex, BPF_ANY) < 0) {
		rc = steer_fail(-errno, error, error_bytes, "cannot set the pods' way to %s: %s",
			STEER_TRUNK_HOST, strerror(errno));
		goto err_delete_pair;
	}
	steer->trunk.host_ifindex = host.ifindex;
	return 0;

err_delete_pair:
	if (is_new)
		steer_link_delete(host.ifindex);
err_unlock:
	close(steer->trunk.lock_fd);
	steer->trunk.lock_fd = -1;
	return rc;
}

void steer_trunk_delete(struct steer *steer)
{
	if (steer->trunk.host_ifindex == 0)
		return;
	steer_link_delete(steer->trunk.host_ifindex);
	steer->trunk.host_ifindex = 0;
	close(steer->trunk.lock_fd);
	steer->trunk.lock_fd = -1;
}
