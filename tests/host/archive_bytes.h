/* Any bytes as archives, for fuzzers: without right numbers and checksums hardly an
 * input would come past the first header. */
#pragma once

#include <stdint.h>
#include <stdlib.h>

#include "archive_maker.h"

/* Numbers that are right, small sizes among them. */
static inline void mend_numbers(uint8_t *archive, size_t size)
{
	for (size_t offset = 0; offset + 512 <= size; offset += 512) {
		char *header = (char *)archive + offset;

		snprintf(header + 100, 8, "%07o", (unsigned char)header[100]);
		snprintf(header + 124, 12, "%011o", (unsigned char)header[124] * 8u);
	}
}

static inline void mend_headers(uint8_t *archive, size_t size)
{
	for (size_t offset = 0; offset + 512 <= size; offset += 512) {
		if (archive[offset] == 0)
			continue;
		memcpy(archive + offset + 257, "ustar\00000", 8);
		seal(archive + offset);
	}
}

/* A copy of just its size. Bits of `how`: 1, headers are mended, and 2, numbers. */
static inline struct archive archive_of_bytes(uint8_t how, const void *data, size_t size)
{
	uint8_t *bytes = malloc(size);

	memcpy(bytes, data, size);
	if (how & 2)
		mend_numbers(bytes, size);
	if (how & 1)
		mend_headers(bytes, size);
	return (struct archive){bytes, size};
}
