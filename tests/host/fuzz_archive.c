// fuzz: kernel/archive.c
/*
 * kernel/archive.c over any bytes: what it finds must lie in the archive. The
 * first byte says whether each block gets a magic number and a right checksum,
 * without which hardly an input would come past the first header; a path to
 * look up follows, up to a NUL.
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <postern/errno.h>

#include "kernel/archive.h"

#define REQUIRE(condition)                                                               \
	do {                                                                                 \
		if (!(condition))                                                                \
			__builtin_trap();                                                            \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mend_headers(uint8_t *archive, size_t size)
{
	for (size_t offset = 0; offset + 512 <= size; offset += 512) {
		uint8_t *header = archive + offset;
		unsigned sum = 0;

		if (header[0] == 0)
			continue;
		memcpy(header + 257, "ustar\00000", 8);
		memset(header + 148, ' ', 8);
		for (int i = 0; i < 512; i++)
			sum += header[i];
		snprintf((char *)header + 148, 8, "%06o", sum);
	}
}

/* Numbers that are right, small sizes among them. */
static void mend_numbers(uint8_t *archive, size_t size)
{
	for (size_t offset = 0; offset + 512 <= size; offset += 512) {
		char *header = (char *)archive + offset;

		snprintf(header + 100, 8, "%07o", (unsigned char)header[100]);
		snprintf(header + 124, 12, "%011o", (unsigned char)header[124] * 8u);
	}
}

static void check_file(const struct archive *archive, const struct archive_file *file)
{
	REQUIRE(file->data >= archive->data && file->data <= archive->data + archive->size);
	REQUIRE(file->size <= (size_t)(archive->data + archive->size - file->data));
	REQUIRE(memchr(file->name, '\0', sizeof(file->name)) != NULL);
	REQUIRE(file->name[0] != '/' && strstr(file->name, "//") == NULL);
	REQUIRE((file->mode & ~07777u) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct archive_file file;

	if (size < 2)
		return 0;

	uint8_t how = *data++;
	size--;
	const uint8_t *nul = memchr(data, '\0', size);
	if (nul == NULL)
		return 0;
	const char *path = (const char *)data;
	size -= (size_t)(nul + 1 - data);

	/* A copy of just its size. */
	uint8_t *bytes = malloc(size);
	memcpy(bytes, nul + 1, size);
	if (how & 2)
		mend_numbers(bytes, size);
	if (how & 1)
		mend_headers(bytes, size);

	struct archive archive = {bytes, size};
	int result = archive_find(&archive, 1, path, &file);
	REQUIRE(result == 0 || result == -ENOENT || result == -EISDIR || result == -EINVAL);
	if (result == 0)
		check_file(&archive, &file);

	char target[ARCHIVE_TARGET_MAX];
	enum archive_kind kind;
	size_t any = 0;
	while (archive_next_any(&archive, &any, &kind, &file, target) == 1) {
		REQUIRE(any <= size);
		REQUIRE(kind == ARCHIVE_LINK || target[0] == '\0');
		REQUIRE(memchr(target, '\0', sizeof(target)) != NULL);
		if (kind == ARCHIVE_FILE)
			check_file(&archive, &file);
	}

	size_t offset = 0;
	size_t last = 0;
	while ((result = archive_next(&archive, &offset, &file)) == 1) {
		REQUIRE(offset > last && offset <= size);
		last = offset;
		check_file(&archive, &file);

		/* Found by its name, too, if the archive is sound to its end. */
		char absolute[ARCHIVE_NAME_MAX + 1];
		struct archive_file again;
		snprintf(absolute, sizeof(absolute), "/%s", file.name);
		int found = archive_find(&archive, 1, absolute, &again);
		REQUIRE(found != 0 || strcmp(again.name, file.name) == 0);
	}
	REQUIRE(result == 0 || result == -EINVAL);
	free(bytes);
	return 0;
}
