/*
 * What the files of libroot/posix/ share: the raw calls beside POSIX's names, and an
 * error as POSIX has it. They are the C library's lower half: newlib above calls them,
 * and so does a program.
 *
 * A system header that has the same names as the kernel's is included before this file:
 * constants that are not the same text in both then do not compile.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

/* The kernel's structure of that name; <sys/stat.h> has POSIX's. */
#define stat kernel_stat
#include <postern/syscalls.h>
#undef stat

/* A call's result as POSIX has it: -1 and errno for an error. */
static inline int32_t posix_result(int32_t value)
{
	if (value < 0 && value >= -4095) {
		errno = -value;
		return -1;
	}
	return value;
}

static inline int64_t posix_result64(int64_t value)
{
	if (value < 0 && value >= -4095) {
		errno = (int)-value;
		return -1;
	}
	return value;
}

/* Fails with `error`, where it is this library that finds it. */
static inline int posix_error(int error)
{
	errno = error;
	return -1;
}

/* Around fork(): nobody else is in the middle of malloc() or of a stream then. */
void posix_lock_all(void);
void posix_unlock_all(void);

struct timespec;

/* Neither part negative, and no second's worth of nanoseconds. */
bool posix_is_timespec(const struct timespec *spec);
/* Rounded up, so that nothing ends early. */
time_us_t posix_microseconds(const struct timespec *spec);
/* A moment of CLOCK_REALTIME as a deadline of system_time(), which is never early. */
time_us_t posix_deadline(const struct timespec *end);

/* utimensat() of the working directory; `flags` are the kernel's TIMES_*. */
int posix_set_times(const char *path, const struct timespec *times, int flags);
