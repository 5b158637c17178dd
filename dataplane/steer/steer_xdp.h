/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BPF programs that sit on an interface: which, is it ours, its maps. Ours are known by name; a
 * program of another name is never touched.
 *
 * Reading the name or the maps of a program that another process loaded (a leftover, or the one
 * net_af_xdp loaded) takes CAP_SYS_ADMIN; the rest takes CAP_BPF and CAP_NET_ADMIN.
 */
#ifndef PODLANE_DATAPLANE_STEER_STEER_XDP_H
#define PODLANE_DATAPLANE_STEER_STEER_XDP_H

#include <stddef.h>
#include <stdint.h>

/** The XDP program of an interface; id is 0 if there is none. */
struct steer_xdp {
	uint32_t id;
	uint32_t mode_flag; /**< XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE or XDP_FLAGS_HW_MODE */
	char name[16];
};

/** Errors: -ENODEV; -EPERM */
int steer_xdp_get(uint32_t ifindex, struct steer_xdp *xdp);

/** Errors: -ENODEV; -EBUSY it was replaced since, or a BPF link holds it; nothing changed */
int steer_xdp_detach(uint32_t ifindex, const struct steer_xdp *xdp);

/**
 * Attach in driver mode, in the place of @old.
 *
 * @kernel_message: what the kernel said about a refusal, "" if nothing
 *
 * Errors: -EBUSY @old is not there any more; -EOPNOTSUPP no XDP in this driver; -ERANGE MTU
 */
int steer_xdp_attach(uint32_t ifindex, int prog_fd, const struct steer_xdp *old,
	char *kernel_message, size_t message_bytes);

/** Id and name of a program that is at hand. */
int steer_xdp_describe(int prog_fd, uint32_t *id, char name[16]);

/** Returns: a file descriptor of a program's map by name, the caller's. Errors: -ENOENT, -EPERM */
int steer_xdp_open_map(uint32_t prog_id, const char *map_name);

/**
 * Make @prog_fd the tc program at an interface's ingress, in the place of one of the same name.
 *
 * @other: with -EBUSY, the name of the program that is there instead
 *
 * Errors: -EBUSY
 */
int steer_xdp_attach_tc(uint32_t ifindex, int prog_fd, char other[16]);

#endif
