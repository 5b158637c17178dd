/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BPF programs on interfaces, over libbpf, for the rest of this folder.
 */
#include "dataplane/steer/steer_xdp.h"

#include <assert.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define TC_HANDLE   1
#define TC_PRIORITY 1

#define MAX_MAPS 8

static_assert(sizeof(((struct steer_xdp *)0)->name) == BPF_OBJ_NAME_LEN, "the kernel's size");

/** libbpf's print function has no context: the kernel's last words are kept here. */
static char last_message[160];

static int keep_message(enum libbpf_print_level level, const char *format, va_list args)
{
	static const char mark[] = "Kernel error message: ";
	char line[256];
	const char *text;

	(void)level;
	vsnprintf(line, sizeof(line), format, args);
	text = strstr(line, mark);
	if (text != NULL) {
		snprintf(last_message, sizeof(last_message), "%s", text + sizeof(mark) - 1);
		last_message[strcspn(last_message, "\n")] = '\0';
	}
	return 0;
}

int steer_xdp_describe(int prog_fd, uint32_t *id, char name[16])
{
	struct bpf_prog_info info = {0};
	uint32_t info_bytes = sizeof(info);
	int rc = bpf_obj_get_info_by_fd(prog_fd, &info, &info_bytes);

	if (rc < 0)
		return rc;
	*id = info.id;
	snprintf(name, BPF_OBJ_NAME_LEN, "%s", info.name);
	return 0;
}

static int describe_by_id(uint32_t prog_id, char name[16])
{
	int fd = bpf_prog_get_fd_by_id(prog_id);
	uint32_t id;
	int rc;

	if (fd < 0)
		return fd;
	rc = steer_xdp_describe(fd, &id, name);
	close(fd);
	return rc;
}

int steer_xdp_get(uint32_t ifindex, struct steer_xdp *xdp)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	int rc = bpf_xdp_query((int)ifindex, 0, &query);

	memset(xdp, 0, sizeof(*xdp));
	if (rc < 0)
		return rc;
	if (query.attach_mode == XDP_ATTACHED_NONE)
		return 0;
	// With several modes at once prog_id is 0; the driver's program is the one in our way.
	if (query.attach_mode == XDP_ATTACHED_MULTI)
		query.prog_id = query.drv_prog_id ? query.drv_prog_id : query.skb_prog_id;
	if (query.prog_id == query.drv_prog_id)
		xdp->mode_flag = XDP_FLAGS_DRV_MODE;
	else if (query.prog_id == query.skb_prog_id)
		xdp->mode_flag = XDP_FLAGS_SKB_MODE;
	else
		xdp->mode_flag = XDP_FLAGS_HW_MODE;
	xdp->id = query.prog_id;
	return describe_by_id(xdp->id, xdp->name);
}

/** Set or clear an interface's program, provided that @old is what it has. */
static int exchange(uint32_t ifindex, int prog_fd, uint32_t flags, const struct steer_xdp *old)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts);
	int rc;

	if (old->id == 0)
		return bpf_xdp_attach((int)ifindex, prog_fd, flags | XDP_FLAGS_UPDATE_IF_NOEXIST,
			NULL);
	opts.old_prog_fd = bpf_prog_get_fd_by_id(old->id);
	if (opts.old_prog_fd < 0)
		return opts.old_prog_fd == -ENOENT ? -EBUSY : opts.old_prog_fd;
	rc = bpf_xdp_attach((int)ifindex, prog_fd, flags | XDP_FLAGS_REPLACE, &opts);
	close(opts.old_prog_fd);
	return rc;
}

int steer_xdp_detach(uint32_t ifindex, const struct steer_xdp *xdp)
{
	return exchange(ifindex, -1, xdp->mode_flag, xdp);
}

int steer_xdp_attach(uint32_t ifindex, int prog_fd, const struct steer_xdp *old,
	char *kernel_message, size_t message_bytes)
{
	libbpf_print_fn_t print = libbpf_set_print(keep_message);
	int rc;

	last_message[0] = '\0';
	rc = exchange(ifindex, prog_fd, XDP_FLAGS_DRV_MODE, old);
	libbpf_set_print(print);
	snprintf(kernel_message, message_bytes, "%s", last_message);
	return rc;
}

int steer_xdp_open_map(uint32_t prog_id, const char *map_name)
{
	uint32_t map_ids[MAX_MAPS];
	struct bpf_prog_info info = {
		.nr_map_ids = MAX_MAPS,
		.map_ids = (uint64_t)(uintptr_t)map_ids,
	};
	uint32_t info_bytes = sizeof(info);
	int prog_fd = bpf_prog_get_fd_by_id(prog_id);
	int rc;

	if (prog_fd < 0)
		return prog_fd;
	rc = bpf_obj_get_info_by_fd(prog_fd, &info, &info_bytes);
	close(prog_fd);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < info.nr_map_ids && i < MAX_MAPS; i++) {
		struct bpf_map_info map = {0};
		uint32_t map_bytes = sizeof(map);
		int map_fd = bpf_map_get_fd_by_id(map_ids[i]);

		if (map_fd < 0)
			return map_fd;
		rc = bpf_obj_get_info_by_fd(map_fd, &map, &map_bytes);
		if (rc == 0 && strcmp(map.name, map_name) == 0)
			return map_fd;
		close(map_fd);
	}
	return -ENOENT;
}

static int replace_tc(uint32_t ifindex, int prog_fd, char other[16])
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, old, .handle = TC_HANDLE, .priority = TC_PRIORITY);
	LIBBPF_OPTS(bpf_tc_opts, new, .prog_fd = prog_fd, .handle = TC_HANDLE,
		.priority = TC_PRIORITY, .flags = BPF_TC_F_REPLACE);
	char name[BPF_OBJ_NAME_LEN];
	uint32_t id;
	int rc = bpf_tc_hook_create(&hook);

	if (rc < 0 && rc != -EEXIST)
		return rc;
	rc = steer_xdp_describe(prog_fd, &id, name);
	if (rc < 0)
		return rc;
	if (bpf_tc_query(&hook, &old) == 0) {
		rc = describe_by_id(old.prog_id, other);
		if (rc < 0)
			return rc;
		if (strcmp(other, name) != 0)
			return -EBUSY;
	}
	return bpf_tc_attach(&hook, &new);
}

int steer_xdp_attach_tc(uint32_t ifindex, int prog_fd, char other[16])
{
	libbpf_print_fn_t print = libbpf_set_print(keep_message);
	int rc = replace_tc(ifindex, prog_fd, other);

	libbpf_set_print(print);
	return rc;
}
