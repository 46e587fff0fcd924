/*
 * One frame at a time, over read() and write(). Compression is libzstd's, where there is one.
 */
#include "graph/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef PYI_WITH_ZSTD
#include <zstd.h>
#endif

enum {
	/* More costs far more time, and gives little. */
	LEVEL = 1,
	CHECKED_BYTES = offsetof(struct pyi_frame_head, checksum),
};

#define POLYNOMIAL UINT32_C(0xedb88320)

struct pyi_frame *pyi_frame_create(void)
{
	return calloc(1, sizeof(struct pyi_frame));
}

uint32_t pyi_frame_checksum(uint32_t checksum, const void *bytes, size_t size_bytes)
{
	/* Of half a byte each. */
	static uint32_t table[16];
	const uint8_t *at = bytes;

	for (uint32_t i = 0; i < 16 && !table[15]; i++) {
		uint32_t value = i;

		for (int bit = 0; bit < 4; bit++)
			value = value >> 1 ^ (value & 1 ? POLYNOMIAL : 0);
		table[i] = value;
	}
	checksum = ~checksum;
	for (size_t i = 0; i < size_bytes; i++) {
		checksum = checksum >> 4 ^ table[(checksum ^ at[i]) & 15];
		checksum = checksum >> 4 ^ table[(checksum ^ at[i] >> 4) & 15];
	}
	return ~checksum;
}

#ifdef PYI_WITH_ZSTD

void pyi_frame_destroy(struct pyi_frame *frame)
{
	if (!frame)
		return;
	ZSTD_freeCCtx(frame->compressor);
	ZSTD_freeDCtx(frame->decompressor);
	free(frame);
}

bool pyi_frame_can_compress(void)
{
	return true;
}

/* 0: it does not get shorter. */
static size_t compress(struct pyi_frame *frame)
{
	size_t size;

	if (!frame->compressor)
		frame->compressor = ZSTD_createCCtx();
	if (!frame->compressor || !frame->head.content_bytes)
		return 0;
	size = ZSTD_compressCCtx(frame->compressor, frame->stored, frame->head.content_bytes,
				 frame->content, frame->head.content_bytes, LEVEL);
	return ZSTD_isError(size) || size >= frame->head.content_bytes ? 0 : size;
}

static struct pyi_error *decompress(struct pyi_frame *frame, bool *ret_whole)
{
	size_t size;

	if (!frame->decompressor)
		frame->decompressor = ZSTD_createDCtx();
	if (!frame->decompressor)
		return pyi_error_no_memory();
	size = ZSTD_decompressDCtx(frame->decompressor, frame->content, frame->head.content_bytes,
				   frame->stored, frame->head.stored_bytes);
	*ret_whole = size == frame->head.content_bytes;
	return NULL;
}

#else

void pyi_frame_destroy(struct pyi_frame *frame)
{
	free(frame);
}

bool pyi_frame_can_compress(void)
{
	return false;
}

static size_t compress(struct pyi_frame *frame)
{
	(void)frame;
	return 0;
}

static struct pyi_error *decompress(struct pyi_frame *frame, bool *ret_whole)
{
	(void)frame;
	(void)ret_whole;
	return pyi_error_hint(pyi_error_create(PYI_EXIT_FAILED, PYI_ERROR_BAD_DUMP,
					       "the dump is compressed, and this pyinspect was "
					       "built without libzstd"),
			      "read it with one that was built with it");
}

#endif

struct pyi_error *pyi_frame_write_bytes(int fd, const void *bytes, size_t size_bytes)
{
	const uint8_t *at = bytes;

	while (size_bytes) {
		ssize_t written = write(fd, at, size_bytes);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_OUTPUT_FAILED,
						      errno, "the dump cannot be written");
		at += written;
		size_bytes -= (size_t)written;
	}
	return NULL;
}

struct pyi_error *pyi_frame_read_bytes(int fd, void *bytes, size_t size_bytes,
				       size_t *ret_size_bytes)
{
	uint8_t *at = bytes;
	size_t size = 0;

	while (size < size_bytes) {
		ssize_t got = read(fd, at + size, size_bytes - size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return pyi_error_create_errno(PYI_EXIT_FAILED, PYI_ERROR_INPUT_FAILED,
						      errno, "the dump cannot be read");
		if (!got)
			break;
		size += (size_t)got;
	}
	*ret_size_bytes = size;
	return NULL;
}

struct pyi_error *pyi_frame_write(struct pyi_frame *frame, int fd)
{
	size_t size = compress(frame);
	const uint8_t *bytes = size ? frame->stored : frame->content;
	struct pyi_error *error;

	frame->head.method = size ? PYI_FRAME_ZSTD : PYI_FRAME_STORED;
	frame->head.stored_bytes = size ? (uint32_t)size : frame->head.content_bytes;
	frame->head.checksum = pyi_frame_checksum(0, &frame->head, CHECKED_BYTES);
	frame->head.checksum =
		pyi_frame_checksum(frame->head.checksum, bytes, frame->head.stored_bytes);
	error = pyi_frame_write_bytes(fd, &frame->head, sizeof(frame->head));
	if (!error)
		error = pyi_frame_write_bytes(fd, bytes, frame->head.stored_bytes);
	return error;
}

static bool is_sound(const struct pyi_frame_head *head)
{
	return head->kind && head->kind < PYI_FRAME_KIND_COUNT && head->method <= PYI_FRAME_ZSTD &&
	       head->content_bytes <= PYI_FRAME_BYTES && head->stored_bytes <= PYI_FRAME_BYTES &&
	       (head->method != PYI_FRAME_STORED || head->stored_bytes == head->content_bytes);
}

struct pyi_error *pyi_frame_read(struct pyi_frame *frame, int fd, bool *ret_whole)
{
	struct pyi_frame_head *head = &frame->head;
	bool stored;
	uint32_t checksum;
	size_t size = 0;
	struct pyi_error *error;

	*ret_whole = false;
	error = pyi_frame_read_bytes(fd, head, sizeof(*head), &size);
	if (error || size < sizeof(*head) || !is_sound(head))
		return error;
	stored = head->method == PYI_FRAME_STORED;
	error = pyi_frame_read_bytes(fd, stored ? frame->content : frame->stored,
				     head->stored_bytes, &size);
	if (error || size < head->stored_bytes)
		return error;
	checksum = pyi_frame_checksum(0, head, CHECKED_BYTES);
	checksum = pyi_frame_checksum(checksum, stored ? frame->content : frame->stored, size);
	if (checksum != head->checksum)
		return NULL;
	*ret_whole = true;
	return stored ? NULL : decompress(frame, ret_whole);
}
