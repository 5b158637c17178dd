/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reader's connection to the dataplane's socket (dataplane/api/wire.h). Called by the commands
 * through command.h's context.
 */
#include "tools/podlane/dp.h"

#include <errno.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include "tools/podlane/connect.h"

struct dp {
	int fd;
	uint32_t seq;
	unsigned timeout_sec;
	char *path;
	struct wire_hello hello;
	alignas(16) unsigned char msg[WIRE_MSG_BYTES];
};

__attribute__((format(printf, 4, 5))) static int fail(int rc, char *error, size_t error_bytes,
	const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, error_bytes, format, args);
	va_end(args);
	return rc;
}

static int explain_failure(const struct dp *dp, int rc, char *error, size_t error_bytes)
{
	switch (-rc) {
	case EAGAIN:
		return fail(-ETIMEDOUT, error, error_bytes,
			"podlane-dataplane at %s does not answer within %u s; see its log "
			"(journalctl -u podlane-dataplane)",
			dp->path, dp->timeout_sec);
	case EPIPE:
	case ECONNRESET:
		return fail(-ECONNRESET, error, error_bytes,
			"podlane-dataplane at %s closed the connection; it may be restarting, "
			"try again",
			dp->path);
	case EPROTO:
		return fail(rc, error, error_bytes,
			"podlane-dataplane at %s speaks another version of the protocol than %u; "
			"install podlane and podlane-dataplane of one version",
			dp->path, WIRE_VERSION);
	case EBADMSG:
		return fail(rc, error, error_bytes,
			"the answer of podlane-dataplane at %s is broken; install podlane and "
			"podlane-dataplane of one version",
			dp->path);
	case ENOMEM:
		return fail(rc, error, error_bytes, "out of memory for the dataplane's answer");
	}
	return fail(rc, error, error_bytes, "podlane-dataplane at %s: %s", dp->path, strerror(-rc));
}

static int send_request(struct dp *dp, enum wire_type type, const void *item)
{
	size_t len = wire_build(dp->msg, type, ++dp->seq, item, item != NULL ? 1 : 0);

	if (send(dp->fd, dp->msg, len, MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

// Skips events and what is left of earlier answers.
static int receive(struct dp *dp, const struct wire_hdr **hdr, const void **items)
{
	for (;;) {
		ssize_t len = recv(dp->fd, dp->msg, sizeof(dp->msg), MSG_TRUNC);
		int rc;

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return -errno;
		if (len == 0)
			return -ECONNRESET;
		if ((size_t)len > sizeof(dp->msg))
			return -EBADMSG;
		rc = wire_parse(dp->msg, (size_t)len, hdr, items);
		if (rc != 0)
			return rc;
		if ((*hdr)->seq == dp->seq)
			return 0;
	}
}

static int append(struct dp_records *records, const struct wire_hdr *hdr, const void *items)
{
	size_t add_bytes = hdr->n_items * wire_item_bytes(hdr->type);
	size_t bytes = records->of[hdr->type].bytes;
	unsigned char *grown;

	if (add_bytes == 0)
		return 0;
	grown = realloc(records->of[hdr->type].items, bytes + add_bytes);
	if (grown == NULL)
		return -ENOMEM;
	memcpy(grown + bytes, items, add_bytes);
	records->of[hdr->type].items = grown;
	records->of[hdr->type].bytes = bytes + add_bytes;
	records->of[hdr->type].n += hdr->n_items;
	return 0;
}

int dp_request(struct dp *dp, enum wire_type type, const void *item, struct dp_records *records,
	char *error, size_t error_bytes)
{
	const struct wire_hdr *hdr;
	const void *items;
	int rc = send_request(dp, type, item);

	while (rc == 0) {
		rc = receive(dp, &hdr, &items);
		if (rc != 0)
			break;
		if (hdr->type == WIRE_ACK && hdr->error != 0)
			return fail(-EREMOTEIO, error, error_bytes, "podlane-dataplane refuses: %s",
				strerror((int)-(int64_t)hdr->error));
		if (hdr->type == WIRE_ACK)
			return 0;
		rc = append(records, hdr, items);
	}
	return explain_failure(dp, rc, error, error_bytes);
}

static int say_hello(struct dp *dp, char *error, size_t error_bytes)
{
	struct wire_hello hello = {.role = WIRE_ROLE_READER, .pid = (uint32_t)getpid()};
	struct dp_records records = {0};
	const struct wire_hello *answer;
	size_t n;
	int rc = dp_request(dp, WIRE_HELLO, &hello, &records, error, error_bytes);

	answer = dp_records_items(&records, WIRE_HELLO, &n);
	if (rc == 0 && answer == NULL)
		rc = explain_failure(dp, -EBADMSG, error, error_bytes);
	if (rc == 0)
		dp->hello = *answer;
	dp_records_free(&records);
	return rc;
}

int dp_open(struct dp **dp, const char *path, unsigned timeout_sec, char *error, size_t error_bytes)
{
	struct dp *self = calloc(1, sizeof(*self));
	int rc;

	if (self == NULL)
		return fail(-ENOMEM, error, error_bytes, "out of memory");
	self->timeout_sec = timeout_sec;
	self->fd = -1;
	self->path = strdup(path);
	if (self->path == NULL) {
		rc = fail(-ENOMEM, error, error_bytes, "out of memory");
		goto err_close;
	}
	rc = connect_unix(&self->fd, path, SOCK_SEQPACKET, timeout_sec);
	if (rc != 0) {
		connect_explain(rc, "podlane-dataplane", "--dataplane", path, error, error_bytes);
		goto err_close;
	}
	rc = say_hello(self, error, error_bytes);
	if (rc != 0)
		goto err_close;
	*dp = self;
	return 0;

err_close:
	dp_close(self);
	return rc;
}

void dp_close(struct dp *dp)
{
	if (dp == NULL)
		return;
	if (dp->fd >= 0)
		close(dp->fd);
	free(dp->path);
	free(dp);
}

const struct wire_hello *dp_hello(const struct dp *dp)
{
	return &dp->hello;
}

void dp_records_free(struct dp_records *records)
{
	for (unsigned type = 0; type < WIRE_N_TYPES; type++)
		free(records->of[type].items);
	memset(records, 0, sizeof(*records));
}

const void *dp_records_items(const struct dp_records *records, enum wire_type type, size_t *n)
{
	*n = records->of[type].n;
	return records->of[type].items;
}
