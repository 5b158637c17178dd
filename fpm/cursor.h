/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bounds-checked reader of netlink bytes; every read can fail, and a failed read moves nothing.
 */
#ifndef PODLANE_FPM_CURSOR_H
#define PODLANE_FPM_CURSOR_H

#include <errno.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** The bytes still to be read. Owner: they are the caller's, and nothing is copied. */
struct cursor {
	const uint8_t *at, *end;
};

/** One netlink attribute; the flags NLA_F_NESTED and NLA_F_NET_BYTEORDER are cut from type. */
struct cursor_attr {
	uint16_t type;
	struct cursor payload;
};

static inline struct cursor cursor_make(const void *bytes, size_t len)
{
	return (struct cursor){.at = bytes, .end = (const uint8_t *)bytes + len};
}

static inline size_t cursor_left(const struct cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

/** Copy the next @len bytes. Errors: -EBADMSG fewer are left */
static inline int cursor_read(struct cursor *cursor, void *to, size_t len)
{
	if (cursor_left(cursor) < len)
		return -EBADMSG;
	memcpy(to, cursor->at, len);
	cursor->at += len;
	return 0;
}

/** Split the next @len bytes off as a cursor of their own. Errors: -EBADMSG fewer are left */
static inline int cursor_split(struct cursor *cursor, size_t len, struct cursor *part)
{
	if (cursor_left(cursor) < len)
		return -EBADMSG;
	*part = (struct cursor){.at = cursor->at, .end = cursor->at + len};
	cursor->at += len;
	return 0;
}

/** Step over the filling after @len bytes were read; at the very end it may be missing. */
static inline void cursor_skip_padding(struct cursor *cursor, size_t len)
{
	size_t padding = NLA_ALIGN(len) - len;

	cursor->at += padding < cursor_left(cursor) ? padding : cursor_left(cursor);
}

/** Read a payload that must be exactly @len bytes. Errors: -EBADMSG it has another length */
static inline int cursor_read_whole(struct cursor payload, void *to, size_t len)
{
	return cursor_left(&payload) == len ? cursor_read(&payload, to, len) : -EBADMSG;
}

/**
 * Read one attribute and its filling.
 *
 * Errors: -EBADMSG its length is below that of its header or over what is left
 * Source: struct nlattr in linux/netlink.h
 */
static inline int cursor_read_attr(struct cursor *cursor, struct cursor_attr *attr)
{
	struct cursor ahead = *cursor;
	struct nlattr header;

	if (cursor_read(&ahead, &header, sizeof(header)) < 0 || header.nla_len < sizeof(header))
		return -EBADMSG;
	if (cursor_split(&ahead, header.nla_len - sizeof(header), &attr->payload) < 0)
		return -EBADMSG;
	cursor_skip_padding(&ahead, header.nla_len);

	attr->type = header.nla_type & NLA_TYPE_MASK;
	*cursor = ahead;
	return 0;
}

#endif
