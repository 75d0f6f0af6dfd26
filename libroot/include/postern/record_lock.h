/*
 * A part of a file that is locked, or is to be: what record_lock() takes. The
 * numbers are those of Linux/i386; the structure is Postern's own.
 */
#pragma once

#include <postern/types.h>

#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2

struct record_lock {
	off_t start;	/* counted from what `whence` says */
	off_t length;	/* 0: to the end, wherever it will be; negative: before `start` */
	int32_t type;	/* F_RDLCK, F_WRLCK, F_UNLCK */
	int32_t whence; /* SEEK_SET, SEEK_CUR, SEEK_END */
	pid_t pid;		/* F_GETLK: whose it is */
	int32_t unused; /* so that arrays are the same to all compilers */
};

_Static_assert(sizeof(struct record_lock) == 32, "the same on both sides");
