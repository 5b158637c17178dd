/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How large the tables and buffers are that a configuration asks for. Called by main.c before it makes them.
 */
#ifndef PODLANE_DATAPLANE_SIZING_H
#define PODLANE_DATAPLANE_SIZING_H

#include <stddef.h>
#include <stdint.h>

#include "dataplane/api/config.h"

/** Groups of 256 FIB entries: as configured, or so that every /24 of the pools may hold a /32. */
uint32_t sizing_n_tbl8(const struct config *config);

/** Room of the buffers for ports whose MTU wants larger ones. Errors: 0, no port does */
uint16_t sizing_large_room(const struct config *config);

/**
 * Does dataplane.memory_mb suffice? The first allocation that fails would say little; so the sum is made
 * before.
 *
 * Errors: -ENOMEM, with what to set in @error
 */
int sizing_check_memory(const struct config *config, char *error, size_t error_bytes);

#endif
