/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One question to podlane-control's operator socket. Called by the commands through command.h.
 */
#include "tools/podlane/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include "tools/podlane/connect.h"

static int send_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		bytes += sent;
		len -= (size_t)sent;
	}
	return 0;
}

static int send_request(int fd, const json_t *request)
{
	char *line = json_dumps(request, JSON_COMPACT);
	int rc;

	if (line == NULL)
		return -ENOMEM;
	rc = send_all(fd, line, strlen(line));
	if (rc == 0)
		rc = send_all(fd, "\n", 1);
	free(line);
	return rc;
}

static int receive_all(int fd, char **text, size_t *len)
{
	size_t room = 0;

	*text = NULL;
	*len = 0;
	for (;;) {
		ssize_t got;

		if (*len == room) {
			char *grown = realloc(*text, room = room == 0 ? 16384 : 2 * room);

			if (grown == NULL)
				return -ENOMEM;
			*text = grown;
		}
		got = recv(fd, *text + *len, room - *len, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return *len > 0 ? 0 : -ECONNRESET;
		*len += (size_t)got;
	}
}

static int parse_answer(const char *path, const char *text, size_t len, json_t **answer,
	char *error, size_t error_bytes)
{
	json_error_t where;
	json_t *doc = json_loadb(text, len, 0, &where);
	const char *refusal;

	if (!json_is_object(doc)) {
		snprintf(error, error_bytes,
			"the answer of podlane-control at %s is broken (%s); install podlane and "
			"podlane-control of one version",
			path, doc != NULL ? "no object" : where.text);
		json_decref(doc);
		return -EBADMSG;
	}
	refusal = json_string_value(json_object_get(json_object_get(doc, "error"), "message"));
	if (json_object_get(doc, "error") != NULL) {
		snprintf(error, error_bytes, "podlane-control: %s",
			refusal != NULL ? refusal : "refused without a reason");
		json_decref(doc);
		return -EREMOTEIO;
	}
	*answer = doc;
	return 0;
}

static int explain_failure(int rc, const char *path, unsigned timeout_sec, char *error,
	size_t error_bytes)
{
	if (rc == -EAGAIN) {
		snprintf(error, error_bytes,
			"podlane-control at %s does not answer within %u s; see its log "
			"(journalctl -u podlane-control)",
			path, timeout_sec);
		return -ETIMEDOUT;
	}
	if (rc == -EPIPE || rc == -ECONNRESET) {
		snprintf(error, error_bytes,
			"podlane-control at %s closed the connection without an answer; it may be "
			"restarting, try again",
			path);
		return -ECONNRESET;
	}
	snprintf(error, error_bytes, "podlane-control at %s: %s", path, strerror(-rc));
	return rc;
}

int ctl_request(const char *path, unsigned timeout_sec, json_t *request, json_t **answer,
	char *error, size_t error_bytes)
{
	char *text = NULL;
	size_t len = 0;
	int fd = -1;
	int rc = request != NULL ? connect_unix(&fd, path, SOCK_STREAM, timeout_sec) : -ENOMEM;

	if (rc != 0) {
		connect_explain(rc, "podlane-control", "--control", path, error, error_bytes);
		goto out;
	}
	rc = send_request(fd, request);
	if (rc == 0)
		rc = receive_all(fd, &text, &len);
	if (rc == 0)
		rc = parse_answer(path, text, len, answer, error, error_bytes);
	else
		rc = explain_failure(rc, path, timeout_sec, error, error_bytes);
	free(text);
	close(fd);
out:
	json_decref(request);
	return rc;
}
