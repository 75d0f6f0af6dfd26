/*
 * What stat() tells of a file, and the bits of a mode. The numbers are those of
 * Linux/i386; the structure is Postern's own.
 */
#pragma once

#include <postern/types.h>

#define S_IFMT 0170000
#define S_IFIFO 0010000
#define S_IFCHR 0020000
#define S_IFDIR 0040000
#define S_IFBLK 0060000
#define S_IFREG 0100000
#define S_IFLNK 0120000

#define S_ISUID 04000
#define S_ISGID 02000
#define S_ISVTX 01000
#define S_IRUSR 0400
#define S_IWUSR 0200
#define S_IXUSR 0100
#define S_IRGRP 0040
#define S_IWGRP 0020
#define S_IXGRP 0010
#define S_IROTH 0004
#define S_IWOTH 0002
#define S_IXOTH 0001

#define S_ISFIFO(mode) (((mode)&S_IFMT) == S_IFIFO)
#define S_ISCHR(mode) (((mode)&S_IFMT) == S_IFCHR)
#define S_ISDIR(mode) (((mode)&S_IFMT) == S_IFDIR)
#define S_ISBLK(mode) (((mode)&S_IFMT) == S_IFBLK)
#define S_ISREG(mode) (((mode)&S_IFMT) == S_IFREG)
#define S_ISLNK(mode) (((mode)&S_IFMT) == S_IFLNK)

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
