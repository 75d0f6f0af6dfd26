/* Writing all of something. */
#pragma once

#include <postern/types.h>

/*
 * Writes all of `bytes` to the descriptor `fd`, by as many write()s as that takes.
 * Returns 0, or -1 with the errno of the one that failed; some may be written then.
 */
int write_all(int fd, const void *bytes, size_t size);
