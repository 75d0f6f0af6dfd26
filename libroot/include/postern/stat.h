/* What stat() tells of a file: a structure of Postern's own. */
#pragma once

#include <postern/file_mode.h>
#include <postern/types.h>

struct stat {
	uint64_t number; /* of the file in its file system */
	off_t size;		 /* bytes */
	uint64_t blocks; /* of 512 bytes, that it occupies */
	time_us_t accessed;
	time_us_t modified; /* its contents */
	time_us_t changed;	/* anything about it */
	uint32_t device;	/* the file system's number */
	uint32_t is_device; /* of a device: its own number */
	mode_t mode;		/* S_IFMT and permissions */
	uint32_t links;
	uint32_t block_size; /* bytes that are good to read at once */
	uint32_t reserved;
};

_Static_assert(sizeof(struct stat) == 72, "both sides agree on it");
