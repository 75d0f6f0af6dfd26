/*
 * The types that syscalls.def may use, the same on both sides of the door.
 *
 * Included by the kernel, by libroot and by programs; the generator knows
 * these names and their widths (tools/gensyscalls.py, SCALARS).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int32_t ssize_t;
typedef int64_t off_t; /* bytes; -1 often means "the file's own offset" */
typedef int32_t pid_t;
typedef int32_t tid_t;
typedef uint32_t mode_t;
typedef int64_t time_us_t; /* microseconds */

_Static_assert(sizeof(int) == 4 && sizeof(size_t) == 4 && sizeof(void *) == 4,
	"the binary interface is the i386 one");
