/*
 * Read-only view of ustar archives in memory (POSIX.1-2017, pax, "ustar
 * Interchange Format"): the boot modules that hold the guest's files.
 *
 * Nothing is copied but names, and nothing outside [data, data + size) is
 * read, whatever the bytes are. Archives must stay in place while a file of
 * theirs is in use.
 *
 * A name may be written with or without `/` or `./` before it: empty and `.`
 * components mean nothing. Hard links, devices and what pax and GNU tar put between
 * files are passed over; GNU's and pax's longer names are not understood.
 */
#pragma once

#include <postern/types.h>

struct archive {
	const uint8_t *data;
	size_t size; /* bytes */
};

/* Bytes of a name with its NUL: prefix, `/` and name of a header. */
#define ARCHIVE_NAME_MAX 257

struct archive_file {
	char name[ARCHIVE_NAME_MAX]; /* from the root, as in "bin/hello" */
	const uint8_t *data;		 /* within the archive, unaligned */
	size_t size;				 /* bytes */
	uint32_t mode;				 /* permission bits, 07777 */
};

enum archive_kind { ARCHIVE_FILE, ARCHIVE_DIRECTORY, ARCHIVE_LINK };

/* Bytes of a symbolic link's target, with its NUL. */
#define ARCHIVE_TARGET_MAX 101

/*
 * The file, directory or symbolic link at or behind *offset, which is 0 for the first one
 * and is moved behind it for the next call. Of what is no file only name and mode mean
 * something; `target` is what a link says. Returns 1, 0 at the end (then nothing is
 * changed), or -EINVAL.
 */
int archive_next(const struct archive *archive, size_t *offset, enum archive_kind *_kind,
	struct archive_file *_file, char target[ARCHIVE_TARGET_MAX]);
