/*
 * Stand-in for <postern/basic_types.h> where the kernel's pure parts are built
 * for the 64-bit host: the same names, most of them libc's own, so that tests can
 * include libc's headers. Here size_t, ssize_t and pointers have 64 bits.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h> /* ssize_t, off_t, pid_t, mode_t */

typedef int32_t tid_t;
typedef int64_t time_us_t; /* microseconds */
