/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads a recorded stream, packed or not, for tools/fpm-replay.c and the tests.
 */
#ifndef PODLANE_TOOLS_STREAM_FILE_H
#define PODLANE_TOOLS_STREAM_FILE_H

#include <stddef.h>
#include <stdint.h>

/**
 * Read a whole file; one whose name ends in .xz is unpacked.
 *
 * Owner:  the caller frees @bytes; behind the last byte stands a zero, not counted
 * Errors: -errno of opening or reading; -EBADMSG it is no sound xz file; -ENOMEM
 */
int stream_file_load(const char *path, uint8_t **bytes, size_t *len);

#endif
