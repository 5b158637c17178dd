/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cuts the byte stream into FPM frames, and frames into netlink messages. Step 2 of the route's
 * walk; called by whoever reads the connection to zebra.
 */
#include "fpm/fpm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "fpm/cursor.h"
#include "fpm/decode.h"

/** In front of every frame. Order: length is network order. Source: fpm/fpm.h of FRR */
struct frame_header {
	uint8_t version;
	uint8_t type;
	uint16_t length_be; /**< with this header */
};

enum {
	FRAME_VERSION = 1,
	FRAME_TYPE_NETLINK = 1,
};

struct fpm_decoder {
	struct fpm_counters counters;
	fpm_handler handler; /**< of the push in progress */
	void *arg;
	bool is_broken; /**< nothing of the stream can be trusted any more */
	bool has_held;
	struct fpm_event held;	/**< a DELROUTE whose NEWROUTE may follow in the same frame */
	struct fpm_event event; /**< being decoded; too large to clear for each message */
	size_t partial_len;
	uint8_t partial[FPM_FRAME_BYTES]; /**< the beginning of a frame whose rest has not come */
};

static void report(struct fpm_decoder *decoder, const struct fpm_event *event)
{
	decoder->counters.events++;
	decoder->handler(event, decoder->arg);
}

static void report_held(struct fpm_decoder *decoder)
{
	if (!decoder->has_held)
		return;
	decoder->has_held = false;
	report(decoder, &decoder->held);
}

static bool is_same_prefix(const struct fpm_prefix *a, const struct fpm_prefix *b)
{
	return a->table == b->table && a->family == b->family && a->len == b->len &&
	       memcmp(a->addr, b->addr, sizeof(a->addr)) == 0;
}

/**
 * Report what one message says. zebra sends every change of a route as DELROUTE and NEWROUTE in one
 * frame; taken one by one they would open a hole, so a delete waits for the next route message.
 */
static void pass_event(struct fpm_decoder *decoder)
{
	const struct fpm_event *event = &decoder->event;

	switch (event->kind) {
	case FPM_ROUTE_DEL:
		report_held(decoder);
		decoder->held.kind = FPM_ROUTE_DEL;
		decoder->held.route.prefix = event->route.prefix;
		decoder->has_held = true;
		return;
	case FPM_ROUTE_SET:
		if (decoder->has_held &&
			is_same_prefix(&decoder->held.route.prefix, &event->route.prefix))
			decoder->has_held = false;
		report_held(decoder);
		break;
	case FPM_NEXTHOP_SET:
	case FPM_NEXTHOP_DEL:
		break;
	}
	report(decoder, event);
}

static enum fpm_verdict decode_message(struct fpm_decoder *decoder, const struct nlmsghdr *header,
	struct cursor body)
{
	switch (header->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return fpm_decode_route(header, body, &decoder->event, &decoder->counters);
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		return fpm_decode_nexthop(header, body, &decoder->event, &decoder->counters);
	}
	return FPM_VERDICT_SKIP;
}

static void take_message(struct fpm_decoder *decoder, const struct nlmsghdr *header,
	struct cursor body)
{
	decoder->counters.messages++;
	switch (decode_message(decoder, header, body)) {
	case FPM_VERDICT_EVENT:
		pass_event(decoder);
		break;
	case FPM_VERDICT_SKIP:
		decoder->counters.skipped_messages++;
		break;
	case FPM_VERDICT_BAD:
		decoder->counters.bad_messages++;
		break;
	}
}

/** Walk the messages of a frame. A length that lies spoils the rest of this frame, not the next. */
static void take_netlink(struct fpm_decoder *decoder, struct cursor frame)
{
	while (cursor_left(&frame) > 0) {
		struct nlmsghdr header;
		struct cursor body;

		if (cursor_read(&frame, &header, sizeof(header)) < 0 ||
			header.nlmsg_len < sizeof(header) ||
			cursor_split(&frame, header.nlmsg_len - sizeof(header), &body) < 0) {
			decoder->counters.messages++;
			decoder->counters.bad_messages++;
			break;
		}
		cursor_skip_padding(&frame, header.nlmsg_len);
		take_message(decoder, &header, body);
	}
	report_held(decoder);
}

/**
 * Read the length of the frame that begins at @bytes.
 *
 * Errors: -EPROTO not FPM
 */
static int read_frame_len(const uint8_t *bytes, size_t *frame_len)
{
	struct frame_header header;

	memcpy(&header, bytes, sizeof(header));
	*frame_len = ntohs(header.length_be);
	if (header.version != FRAME_VERSION || *frame_len < sizeof(header))
		return -EPROTO;
	return 0;
}

static void take_frame(struct fpm_decoder *decoder, const uint8_t *bytes, size_t frame_len)
{
	struct frame_header header;
	struct cursor frame = cursor_make(bytes, frame_len);

	decoder->counters.frames++;
	if (cursor_read(&frame, &header, sizeof(header)) < 0 || header.type != FRAME_TYPE_NETLINK) {
		decoder->counters.skipped_frames++;
		return;
	}
	take_netlink(decoder, frame);
}

/** Move bytes to the partial frame until it has @wanted. Returns: whether it has */
static bool fill_partial(struct fpm_decoder *decoder, struct cursor *input, size_t wanted)
{
	size_t n = wanted - decoder->partial_len;

	if (n > cursor_left(input))
		n = cursor_left(input);
	memcpy(decoder->partial + decoder->partial_len, input->at, n);
	input->at += n;
	decoder->partial_len += n;
	return decoder->partial_len == wanted;
}

/** Complete the frame that an earlier push began. */
static int take_partial(struct fpm_decoder *decoder, struct cursor *input)
{
	size_t frame_len;
	int err;

	if (decoder->partial_len < sizeof(struct frame_header) &&
		!fill_partial(decoder, input, sizeof(struct frame_header)))
		return 0;
	err = read_frame_len(decoder->partial, &frame_len);
	if (err < 0)
		return err;
	if (!fill_partial(decoder, input, frame_len))
		return 0;

	decoder->partial_len = 0;
	take_frame(decoder, decoder->partial, frame_len);
	return 0;
}

/** Take the frames that lie whole in the caller's buffer, without copying them. */
static int take_whole_frames(struct fpm_decoder *decoder, struct cursor *input)
{
	while (cursor_left(input) >= sizeof(struct frame_header)) {
		size_t frame_len;
		int err = read_frame_len(input->at, &frame_len);

		if (err < 0)
			return err;
		if (cursor_left(input) < frame_len)
			return 0;
		take_frame(decoder, input->at, frame_len);
		input->at += frame_len;
	}
	return 0;
}

struct fpm_decoder *fpm_decoder_new(void)
{
	return calloc(1, sizeof(struct fpm_decoder));
}

void fpm_decoder_free(struct fpm_decoder *decoder)
{
	free(decoder);
}

void fpm_decoder_reset(struct fpm_decoder *decoder)
{
	decoder->counters = (struct fpm_counters){0};
	decoder->is_broken = false;
	decoder->has_held = false;
	decoder->partial_len = 0;
}

int fpm_decoder_push(struct fpm_decoder *decoder, const void *bytes, size_t len,
	fpm_handler handler, void *arg)
{
	struct cursor input = cursor_make(bytes, len);
	int err = 0;

	if (decoder->is_broken)
		return -EPROTO;
	if (len == 0)
		return 0;

	decoder->handler = handler;
	decoder->arg = arg;
	decoder->counters.bytes += len;
	if (decoder->partial_len > 0)
		err = take_partial(decoder, &input);
	if (err == 0)
		err = take_whole_frames(decoder, &input);
	if (err < 0) {
		decoder->is_broken = true;
		return err;
	}
	// A frame has at most FPM_FRAME_BYTES, so what is left of one fits.
	fill_partial(decoder, &input, decoder->partial_len + cursor_left(&input));
	return 0;
}

const struct fpm_counters *fpm_decoder_counters(const struct fpm_decoder *decoder)
{
	return &decoder->counters;
}
