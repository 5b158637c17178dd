/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of steer.h without DPDK share.
 */
#ifndef PODLANE_TEST_UNIT_DATAPLANE_STEER_STEER_SUPPORT_H
#define PODLANE_TEST_UNIT_DATAPLANE_STEER_STEER_SUPPORT_H

#include "dataplane/steer/steer.h"

#include "test/unit/support.h"

#include <linux/bpf.h>

/** Each case has its own namespace, so one that fails leaves nothing to the next. */
int enter(void **state);

struct steer *create(void);
struct steer *create_with_trunk(void);

/** A program named "other" that passes everything. Returns: its descriptor, the caller's. */
int load_other_prog(enum bpf_prog_type type);

unsigned count_keys(int map_fd);

#endif
