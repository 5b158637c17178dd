/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of config.c share while a file is loaded. Only config*.c include this. */
#ifndef PODLANE_DATAPLANE_API_CONFIG_LOADING_H
#define PODLANE_DATAPLANE_API_CONFIG_LOADING_H

#include <stddef.h>

struct config;
struct raw_config;

/** One load: what is read, what it becomes, and where complaints go. */
struct config_loading {
	const char *path;
	char *text;
	struct raw_config *raw;
	struct config *cfg;
	char *error;
	size_t error_bytes;
};

/** Write "FILE:LINE: KEY: text". Returns -EINVAL, so that a check can return it. */
__attribute__((format(printf, 3, 4))) int config_refuse(struct config_loading *load,
	const char *key, const char *fmt, ...);
/** Returns -ENOMEM. */
int config_no_memory(struct config_loading *load);

/** Move a string out of the raw form, where freeing then finds NULL, or copy its default. */
char *config_take_string(char **raw, const char *preset);

/** The list "ports"; in config_ports.c. Errors: -EINVAL, -ENOMEM */
int config_take_ports(struct config_loading *load);

/** The section "tunnel"; in config_tunnel.c. Errors: -EINVAL, -ENOMEM */
int config_take_tunnel(struct config_loading *load);

/** The address that others probe us at; after the pools. In config_probe.c. Errors: -EINVAL */
int config_take_probe(struct config_loading *load);

#endif
