/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Our tunnel ends in the uplinks' XDP programs.
 */
#include "dataplane/steer/steer_private.h"

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include <bpf/bpf.h>

#include "dataplane/steer/steer_xdp.h"

static struct steer_endpoint_key key_of(const struct steer_endpoint *endpoint)
{
	return (struct steer_endpoint_key){
		.addr_be = htobe32(endpoint->addr),
		.port_be = htobe16(endpoint->udp_port),
		.proto = endpoint->udp_port == 0 ? IPPROTO_IPIP : IPPROTO_UDP,
	};
}

static bool has_endpoint(const struct steer_endpoint *list, unsigned n,
	const struct steer_endpoint *wanted)
{
	for (unsigned i = 0; i < n; i++)
		if (list[i].addr == wanted->addr && list[i].udp_port == wanted->udp_port)
			return true;
	return false;
}

/* First what is gone: the map has room for one list only. */
static int replace(int fd, const struct steer_endpoint *old, unsigned n_old,
	const struct steer_endpoint *new, unsigned n_new)
{
	const uint8_t value = 1;

	for (unsigned i = 0; i < n_old; i++) {
		struct steer_endpoint_key key = key_of(&old[i]);

		if (!has_endpoint(new, n_new, &old[i]))
			bpf_map_delete_elem(fd, &key);
	}
	for (unsigned i = 0; i < n_new; i++) {
		struct steer_endpoint_key key = key_of(&new[i]);

		if (bpf_map_update_elem(fd, &key, &value, BPF_ANY) < 0)
			return -errno;
	}
	return 0;
}

int steer_endpoints_open(struct steer *steer, struct steer_uplink *uplink, uint32_t prog_id,
	char *error, size_t error_bytes)
{
	int rc;

	// all that comes by the trunk is for us anyway
	if (strcmp(uplink->name, STEER_TRUNK_DPDK) == 0)
		return 0;
	uplink->endpoints_fd = steer_xdp_open_map(prog_id, STEER_MAP_ENDPOINTS);
	if (uplink->endpoints_fd < 0)
		return steer_fail(uplink->endpoints_fd, error, error_bytes,
			"interface %s: cannot open the endpoints of its XDP program: %s",
			uplink->name, strerror(-uplink->endpoints_fd));
	rc = replace(uplink->endpoints_fd, NULL, 0, steer->endpoints, steer->n_endpoints);
	if (rc < 0)
		return steer_fail(rc, error, error_bytes,
			"interface %s: cannot fill its endpoints: %s", uplink->name, strerror(-rc));
	return 0;
}

int steer_set_endpoints(struct steer *steer, const struct steer_endpoint *endpoints, unsigned n)
{
	int rc = 0;

	if (n > STEER_MAX_ENDPOINTS)
		return -ENOSPC;
	for (unsigned i = 0; i < steer->n_uplinks && rc == 0; i++)
		if (steer->uplinks[i].endpoints_fd >= 0)
			rc = replace(steer->uplinks[i].endpoints_fd, steer->endpoints,
				steer->n_endpoints, endpoints, n);
	if (rc < 0)
		return rc;
	if (n > 0)
		memcpy(steer->endpoints, endpoints, n * sizeof(*endpoints));
	steer->n_endpoints = n;
	return 0;
}
