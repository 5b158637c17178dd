/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Start, uplinks, pools and end of the kernel's side of the fast lane. Called by main.c and the API
 * server; steer_trunk.c and steer_pod.c hold the rest of steer.h.
 */
#include "dataplane/steer/steer.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "dataplane/steer/steer_link.h"
#include "dataplane/steer/steer_lock.h"
#include "dataplane/steer/steer_private.h"
#include "dataplane/steer/steer_xdp.h"

/** Everything is for us at the trunk's DPDK end. */
static const struct steer_prefix everything = {.prefix = 0, .depth = 0};

/** Load pod.bpf.o and find what is in it. */
static int load_pod_object(struct steer *steer, const char *path, char *error, size_t error_bytes)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	char name[BPF_OBJ_NAME_LEN];
	int rc;

	if (object == NULL)
		return steer_fail(-errno, error, error_bytes, "cannot open %s: %s", path,
			strerror(errno));
	steer->pod_object = object;
	rc = bpf_object__load(object);
	if (rc == -EPERM)
		return steer_fail(rc, error, error_bytes,
			"may not load BPF programs: needs root, or CAP_BPF and CAP_NET_ADMIN");
	if (rc < 0)
		return steer_fail(rc, error, error_bytes, "cannot load %s: %s", path,
			strerror(-rc));
	steer->pod_pools_fd = bpf_object__find_map_fd_by_name(object, STEER_MAP_POOLS);
	steer->pods_fd = bpf_object__find_map_fd_by_name(object, STEER_MAP_PODS);
	steer->trunk_fd = bpf_object__find_map_fd_by_name(object, STEER_MAP_TRUNK);
	steer->pod_prog_fd =
		bpf_program__fd(bpf_object__find_program_by_name(object, STEER_PROG_POD));
	steer->to_pod_prog_fd =
		bpf_program__fd(bpf_object__find_program_by_name(object, STEER_PROG_TO_POD));
	if (steer->pod_pools_fd < 0 || steer->pods_fd < 0 || steer->trunk_fd < 0 ||
		steer->pod_prog_fd < 0 || steer->to_pod_prog_fd < 0)
		return steer_fail(-ENOENT, error, error_bytes,
			"%s is of another version: a map or program is missing", path);
	return steer_xdp_describe(steer->pod_prog_fd, &steer->pod_prog_id, name);
}

int steer_create(struct steer **steer, const char *object_dir, char *error, size_t error_bytes)
{
	struct steer *new = calloc(1, sizeof(*new));
	char pod_object[PATH_MAX];
	int rc;

	if (new == NULL)
		return steer_fail(-ENOMEM, error, error_bytes, "out of memory");
	new->trunk.lock_fd = -1;
	snprintf(new->uplink_object, sizeof(new->uplink_object), "%s/steer.bpf.o", object_dir);
	snprintf(pod_object, sizeof(pod_object), "%s/pod.bpf.o", object_dir);
	if (access(new->uplink_object, R_OK) < 0 || access(pod_object, R_OK) < 0) {
		rc = steer_fail(-ENOENT, error, error_bytes,
			"no steer.bpf.o and pod.bpf.o in %s: build or install them", object_dir);
		goto err_free;
	}
	rc = load_pod_object(new, pod_object, error, error_bytes);
	if (rc < 0)
		goto err_close_object;
	*steer = new;
	return 0;

err_close_object:
	bpf_object__close(new->pod_object);
err_free:
	free(new);
	return rc;
}

static void close_uplink(struct steer_uplink *uplink)
{
	struct steer_xdp xdp;
	uint32_t ifindex = if_nametoindex(uplink->name);

	// net_af_xdp did this if it closed the port; here it is for one that was never closed.
	if (ifindex != 0 && steer_xdp_get(ifindex, &xdp) == 0 &&
		strcmp(xdp.name, STEER_PROG_UPLINK) == 0)
		steer_xdp_detach(ifindex, &xdp);
	if (uplink->pools_fd >= 0)
		close(uplink->pools_fd);
	if (uplink->endpoints_fd >= 0)
		close(uplink->endpoints_fd);
	close(uplink->lock_fd);
}

void steer_close(struct steer *steer)
{
	if (steer == NULL)
		return;
	while (steer->n_pods > 0)
		steer_pod_detach(steer, steer->pods[0].ifindex);
	while (steer->n_uplinks > 0)
		close_uplink(&steer->uplinks[--steer->n_uplinks]);
	steer_trunk_delete(steer);
	bpf_object__close(steer->pod_object);
	free(steer);
}

const char *steer_uplink_object(const struct steer *steer)
{
	return steer->uplink_object;
}

/** Leave the interface without an XDP program, provided that the one it has is ours. */
static int remove_leftover(const char *ifname, uint32_t ifindex, char *error, size_t error_bytes)
{
	struct steer_xdp xdp;
	int rc = steer_xdp_get(ifindex, &xdp);

	if (rc < 0)
		return steer_fail(rc, error, error_bytes,
			"interface %s: cannot ask for its XDP program: %s", ifname, strerror(-rc));
	if (xdp.id == 0)
		return 0;
	if (strcmp(xdp.name, STEER_PROG_UPLINK) != 0)
		return steer_fail(-EBUSY, error, error_bytes,
			"interface %s: has the XDP program '%s' (id %u) of someone else; remove it "
			"with: "
			"ip link set dev %s xdp off",
			ifname, xdp.name, xdp.id, ifname);
	rc = steer_xdp_detach(ifindex, &xdp);
	if (rc < 0)
		return steer_fail(rc, error, error_bytes,
			"interface %s: cannot remove the XDP program a former run left: %s", ifname,
			strerror(-rc));
	return 0;
}

int steer_forward_any_source(const char *ifname)
{
	uint32_t ifindex = if_nametoindex(ifname);

	return ifindex == 0 ? -ENODEV : steer_link_forward_any_source(ifindex);
}

static struct steer_uplink *find_uplink(struct steer *steer, const char *ifname)
{
	for (unsigned i = 0; i < steer->n_uplinks; i++)
		if (strcmp(steer->uplinks[i].name, ifname) == 0)
			return &steer->uplinks[i];
	return NULL;
}

int steer_uplink_prepare(struct steer *steer, const char *ifname, char *error, size_t error_bytes)
{
	struct steer_uplink uplink = {.pools_fd = -1, .endpoints_fd = -1};
	struct steer_link link;
	int rc;

	if (strlen(ifname) >= sizeof(uplink.name) || steer_link_get(ifname, &link) < 0)
		return steer_fail(-ENODEV, error, error_bytes,
			"interface %s: no such interface; ip link shows which there are", ifname);
	if (find_uplink(steer, ifname) != NULL)
		return steer_fail(-EBUSY, error, error_bytes, "interface %s: named twice", ifname);
	if (steer->n_uplinks == STEER_MAX_UPLINKS)
		return steer_fail(-ENOSPC, error, error_bytes, "interface %s: %u ports at most",
			ifname, STEER_MAX_UPLINKS);
	if (link.mtu > STEER_MAX_MTU)
		return steer_fail(-EMSGSIZE, error, error_bytes,
			"interface %s: mtu %u is too big for AF_XDP; set at most %u with: "
			"ip link set dev %s mtu %u",
			ifname, link.mtu, STEER_MAX_MTU, ifname, STEER_MAX_MTU);
	uplink.lock_fd = steer_lock(ifname, error, error_bytes);
	if (uplink.lock_fd < 0)
		return uplink.lock_fd;
	rc = remove_leftover(ifname, link.ifindex, error, error_bytes);
	if (rc < 0) {
		close(uplink.lock_fd);
		return rc;
	}
	memcpy(uplink.name, ifname, strlen(ifname) + 1);
	steer->uplinks[steer->n_uplinks++] = uplink;
	return 0;
}

static int put_prefix(int pools_fd, const struct steer_prefix *prefix)
{
	struct steer_pool_key key = {prefix->depth, htobe32(prefix->prefix)};
	const uint8_t value = 1;

	return bpf_map_update_elem(pools_fd, &key, &value, BPF_ANY) < 0 ? -errno : 0;
}

static bool has_prefix(const struct steer_prefix *list, unsigned n,
	const struct steer_prefix *wanted)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i].prefix == wanted->prefix && list[i].depth == wanted->depth)
			return true;
	return false;
}

/** Remove from a trie what @list has and @keep has not. */
static void remove_others(int pools_fd, const struct steer_prefix *list, unsigned n,
	const struct steer_prefix *keep, unsigned n_keep)
{
	for (unsigned i = 0; i < n; i++) {
		struct steer_pool_key key = {list[i].depth, htobe32(list[i].prefix)};

		if (!has_prefix(keep, n_keep, &list[i]))
			bpf_map_delete_elem(pools_fd, &key);
	}
}

static int put_all(int pools_fd, const struct steer_prefix *list, unsigned n)
{
	int rc = 0;

	for (unsigned i = 0; i < n && rc == 0; i++)
		rc = put_prefix(pools_fd, &list[i]);
	return rc;
}

int steer_uplink_open(struct steer *steer, const char *ifname, char *error, size_t error_bytes)
{
	struct steer_uplink *uplink = find_uplink(steer, ifname);
	uint32_t ifindex = if_nametoindex(ifname);
	struct steer_xdp xdp;
	int pools_fd, rc;

	if (uplink == NULL || ifindex == 0)
		return steer_fail(-ENOENT, error, error_bytes, "interface %s: was not prepared",
			ifname);
	rc = steer_xdp_get(ifindex, &xdp);
	if (rc < 0)
		return steer_fail(rc, error, error_bytes,
			"interface %s: cannot ask for its XDP program%s: %s", ifname,
			rc == -EPERM ? " without CAP_SYS_ADMIN" : "", strerror(-rc));
	if (strcmp(xdp.name, STEER_PROG_UPLINK) != 0)
		return steer_fail(-ENOENT, error, error_bytes,
			"interface %s: its port did not attach %s", ifname, steer->uplink_object);
	pools_fd = steer_xdp_open_map(xdp.id, STEER_MAP_POOLS);
	if (pools_fd < 0)
		return steer_fail(pools_fd, error, error_bytes,
			"interface %s: cannot open the pools of its XDP program: %s", ifname,
			strerror(-pools_fd));
	if (strcmp(ifname, STEER_TRUNK_DPDK) == 0) {
		rc = put_prefix(pools_fd, &everything);
		close(pools_fd);
		pools_fd = -1;
	} else {
		rc = put_all(pools_fd, steer->pools, steer->n_pools);
	}
	if (rc < 0) {
		if (pools_fd >= 0)
			close(pools_fd);
		return steer_fail(rc, error, error_bytes, "interface %s: cannot fill its pools: %s",
			ifname, strerror(-rc));
	}
	uplink->pools_fd = pools_fd;
	return steer_endpoints_open(steer, uplink, xdp.id, error, error_bytes);
}

static bool is_prefix(const struct steer_prefix *pool)
{
	return pool->depth <= 32 && (pool->prefix & (UINT64_C(0xffffffff) >> pool->depth)) == 0;
}

/** Collect the tries that hold the pools. Returns: how many. */
static unsigned list_tries(const struct steer *steer, int fds[STEER_MAX_UPLINKS + 1])
{
	unsigned n = 0;

	fds[n++] = steer->pod_pools_fd;
	for (unsigned i = 0; i < steer->n_uplinks; i++)
		if (steer->uplinks[i].pools_fd >= 0)
			fds[n++] = steer->uplinks[i].pools_fd;
	return n;
}

int steer_set_pools(struct steer *steer, const struct steer_prefix *pools, unsigned n)
{
	int fds[STEER_MAX_UPLINKS + 1];
	unsigned n_fds = list_tries(steer, fds);
	int rc = 0;

	if (n > STEER_MAX_POOLS)
		return -ENOSPC;
	for (unsigned i = 0; i < n; i++)
		if (!is_prefix(&pools[i]))
			return -EINVAL;
	for (unsigned i = 0; i < n_fds && rc == 0; i++)
		rc = put_all(fds[i], pools, n);
	if (rc < 0) {
		for (unsigned i = 0; i < n_fds; i++)
			remove_others(fds[i], pools, n, steer->pools, steer->n_pools);
		return rc;
	}
	for (unsigned i = 0; i < n_fds; i++)
		remove_others(fds[i], steer->pools, steer->n_pools, pools, n);
	if (n > 0)
		memcpy(steer->pools, pools, n * sizeof(*pools));
	steer->n_pools = n;
	return 0;
}
