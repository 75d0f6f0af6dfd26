/*
 * What newlib's headers ask before they show a function, beside its own rules:
 * which parts of POSIX there are here (IEEE Std 1003.1-2008, <unistd.h>), and
 * that each thread has a struct _reent of its own. newlib includes this file
 * before all others.
 */
#ifndef POSTERN_SYS_FEATURES_H
#define POSTERN_SYS_FEATURES_H

#include_next <sys/features.h>

/* What newlib asks a compiler about its integers, which TinyCC does not tell. Its
 * <stddef.h> has the names of <stdint.h>, too, and says so by a macro that newlib
 * defines with another value. */
#ifdef __TINYC__
#undef __int8_t_defined
#define __int8_t_defined 1
#define __INT8_TYPE__ signed char
#define __INT16_TYPE__ short int
#define __INT32_TYPE__ int
#define __INT64_TYPE__ long long int
#define __UINT8_TYPE__ unsigned char
#define __UINT16_TYPE__ unsigned short int
#define __UINT32_TYPE__ unsigned int
#define __UINT64_TYPE__ long long unsigned int
#define __INTMAX_TYPE__ long long int
#define __UINTMAX_TYPE__ long long unsigned int
#define __INTPTR_TYPE__ int
#define __UINTPTR_TYPE__ unsigned int
/* newlib asks for the names that functions have in objects (basename(), say) of two
 * strings, one of them empty, which TinyCC does not put together there. */
#define __ASMNAME(name) name
#endif

#define __DYNAMIC_REENT__

/* A descriptor set for select() holds as many as a process may have open. */
#ifndef FD_SETSIZE
#define FD_SETSIZE 256
#endif

#define _POSIX_VERSION 200809L
#define _POSIX2_VERSION 200809L
#define _POSIX_CHOWN_RESTRICTED 1
#define _POSIX_CLOCK_SELECTION 200809L
#define _POSIX_CPUTIME 200809L
#define _POSIX_JOB_CONTROL 1
#define _POSIX_MONOTONIC_CLOCK 200809L
#define _POSIX_NO_TRUNC 1
#define _POSIX_REGEXP 1
#define _POSIX_SAVED_IDS 1
#define _POSIX_SHELL 1
#define _POSIX_TIMERS 1
#define _POSIX_VDISABLE 0

#endif
