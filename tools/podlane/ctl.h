/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One question to podlane-control's operator socket: a line of JSON in, one JSON document out. The
 * fields are described in control/README.md.
 */
#ifndef PODLANE_TOOLS_PODLANE_CTL_H
#define PODLANE_TOOLS_PODLANE_CTL_H

#include <stddef.h>

#include <jansson.h>

/**
 * Ask control one thing.
 *
 * @request: taken over (jansson: the reference is stolen); NULL counts as out of memory
 *
 * Owner:  *answer is the caller's, a JSON object
 * Errors: of connect(2); -ETIMEDOUT; -ECONNRESET no answer; -EBADMSG not a JSON object; -EREMOTEIO
 *         control answered with "error", whose text is in @error
 */
int ctl_request(const char *path, unsigned timeout_sec, json_t *request, json_t **answer,
	char *error, size_t error_bytes);

#endif
