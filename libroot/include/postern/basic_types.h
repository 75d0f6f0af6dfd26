/*
 * The types that syscalls.def may use but bool, which a header of POSIX must not define
 * for the programs that include it: <poll.h>, <termios.h>. Others include
 * <postern/types.h>.
 */
#pragma once

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
