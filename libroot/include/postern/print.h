/*
 * Formatted text on the console, for programs that have no stdio.
 */
#pragma once

#include <postern/types.h>

/*
 * Writes to standard output: %d %i %u %x %X %c %s %p %%, with width, precision
 * for %s, the flags 0 and -, and ll for 64 bits. Returns the bytes written, or
 * -1 when standard output takes no more. At most 511 bytes a call.
 */
int print(const char *format, ...) __attribute__((format(printf, 1, 2)));
