/* SPDX-License-Identifier: BSD-3-Clause */
/* podlane.yaml read again while control runs. Called by main.c on SIGHUP. */
#ifndef PODLANE_CONTROL_RELOAD_H
#define PODLANE_CONTROL_RELOAD_H

#include <stdbool.h>

struct config;

/**
 * Read the file again. What cannot change while control runs stays as it was, and is logged by its key; a
 * wrong file is logged, and then everything stays.
 *
 * Owner:  *cfg is freed and replaced; strings that cannot change keep their place in memory
 * Errors: false, *cfg is as it was
 */
bool reload_config(const char *path, struct config **cfg);

#endif
