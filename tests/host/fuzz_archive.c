// fuzz: kernel/archive.c
/*
 * kernel/archive.c over any bytes: what it finds must lie in the archive. The
 * first byte is archive_of_bytes()'s.
 */
#include <postern/errno.h>

#include "archive_bytes.h"
#include "fuzz.h"

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
	char target[ARCHIVE_TARGET_MAX];
	struct archive_file file;
	enum archive_kind kind;
	struct archive archive;
	size_t offset = 0, last = 0;
	int result;

	if (size < 1)
		return 0;
	archive = archive_of_bytes(data[0], data + 1, size - 1);
	while ((result = archive_next(&archive, &offset, &kind, &file, target)) == 1) {
		REQUIRE(offset > last && offset <= archive.size);
		last = offset;
		REQUIRE(kind == ARCHIVE_LINK || target[0] == '\0');
		REQUIRE(memchr(target, '\0', sizeof(target)) != NULL);
		check_file(&archive, &file);
	}
	REQUIRE(result == 0 || result == -EINVAL);
	release(archive);
	return 0;
}
