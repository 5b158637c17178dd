/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads a recorded stream, packed or not.
 */
#include "tools/stream_file.h"

#include <errno.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 20 };

static int read_all(FILE *file, uint8_t **bytes, size_t *len)
{
	uint8_t *buf = NULL;
	size_t used = 0, n;

	do {
		uint8_t *larger = realloc(buf, used + CHUNK_BYTES + 1);

		if (larger == NULL) {
			free(buf);
			return -ENOMEM;
		}
		buf = larger;
		n = fread(buf + used, 1, CHUNK_BYTES, file);
		used += n;
	} while (n > 0);

	if (ferror(file)) {
		free(buf);
		return -EIO;
	}
	buf[used] = 0;
	*bytes = buf;
	*len = used;
	return 0;
}

static int unpack_with(lzma_stream *stream, const uint8_t *packed, size_t packed_len,
	uint8_t **bytes, size_t *len)
{
	uint8_t *buf = NULL;
	lzma_ret state = LZMA_OK;

	stream->next_in = packed;
	stream->avail_in = packed_len;
	while (state == LZMA_OK) {
		uint8_t *larger = realloc(buf, stream->total_out + CHUNK_BYTES + 1);

		if (larger == NULL) {
			free(buf);
			return -ENOMEM;
		}
		buf = larger;
		stream->next_out = buf + stream->total_out;
		stream->avail_out = CHUNK_BYTES;
		state = lzma_code(stream, LZMA_FINISH);
	}
	if (state != LZMA_STREAM_END) {
		free(buf);
		return -EBADMSG;
	}
	buf[stream->total_out] = 0;
	*bytes = buf;
	*len = stream->total_out;
	return 0;
}

static int unpack(const uint8_t *packed, size_t packed_len, uint8_t **bytes, size_t *len)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	int err;

	if (lzma_stream_decoder(&stream, UINT64_MAX, 0) != LZMA_OK)
		return -ENOMEM;
	err = unpack_with(&stream, packed, packed_len, bytes, len);
	lzma_end(&stream);
	return err;
}

static bool is_packed(const char *path)
{
	size_t len = strlen(path);

	return len > 3 && strcmp(path + len - 3, ".xz") == 0;
}

int stream_file_load(const char *path, uint8_t **bytes, size_t *len)
{
	FILE *file = fopen(path, "rbe");
	uint8_t *packed;
	size_t packed_len;
	int err;

	if (file == NULL)
		return -errno;
	err = read_all(file, bytes, len);
	fclose(file);
	if (err < 0 || !is_packed(path))
		return err;

	packed = *bytes;
	packed_len = *len;
	err = unpack(packed, packed_len, bytes, len);
	free(packed);
	return err;
}
