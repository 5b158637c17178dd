/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reader's connection to the dataplane's socket: ask, and get all records of the answer.
 */
#ifndef PODLANE_TOOLS_PODLANE_DP_H
#define PODLANE_TOOLS_PODLANE_DP_H

#include <stddef.h>
#include <stdint.h>

#include "dataplane/api/wire.h"

struct dp;

/** What one answer held: for each message type its items, in the order they came. */
struct dp_records {
	struct {
		unsigned char *items;
		size_t n, bytes;
	} of[WIRE_N_TYPES];
};

/**
 * Connect, and say hello as a reader.
 *
 * @error: on failure one line that names the socket and the mend; @error_bytes long
 *
 * Owner:  *dp is the caller's, closed with dp_close()
 * Errors: of connect(2); -ETIMEDOUT no answer in time; -ECONNRESET closed in between; -EPROTO and
 *         -EBADMSG it does not speak our protocol
 */
int dp_open(struct dp **dp, const char *path, unsigned timeout_sec, char *error,
	size_t error_bytes);
void dp_close(struct dp *dp);

/** Who answered: what the dataplane said about itself. Owner: valid as long as @dp. */
const struct wire_hello *dp_hello(const struct dp *dp);

/**
 * Ask, and add all records of the answer to *records.
 *
 * @item: NULL, or the one item of the request
 *
 * Owner:  *records is the caller's, zeroed before its first use, freed with dp_records_free()
 * Errors: as dp_open(); -EREMOTEIO the dataplane refused, the reason is in @error
 */
int dp_request(struct dp *dp, enum wire_type type, const void *item, struct dp_records *records,
	char *error, size_t error_bytes);

void dp_records_free(struct dp_records *records);

/** The items of one type as an array of its struct. Returns: NULL if there are none. */
const void *dp_records_items(const struct dp_records *records, enum wire_type type, size_t *n);

#endif
