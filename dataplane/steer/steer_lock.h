/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who has an interface: an abstract unix socket of its name. It is per network namespace, and the
 * kernel drops it with the process, however that ends.
 */
#ifndef PODLANE_DATAPLANE_STEER_STEER_LOCK_H
#define PODLANE_DATAPLANE_STEER_STEER_LOCK_H

#include <stddef.h>

/**
 * Take the lock of an interface; closing the descriptor gives it back.
 *
 * Returns: the descriptor. Errors: -EBUSY another process has it, and error says which; -errno
 */
int steer_lock(const char *ifname, char *error, size_t error_bytes);

#endif
