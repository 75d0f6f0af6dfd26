/*
 * printf's formatting into a buffer, without locale, floats or allocation.
 *
 * Conversions: %c %s %d %i %u %x %X %p %%. Flags `-` and `0`, a width and a
 * precision, each a number or `*`; lengths hh, h, l, ll, z, t and j. The
 * precision is the most characters of a %s, and the fewest digits of a number.
 * %p writes 0x and all digits of the pointer. A NULL %s is "(null)". Anything
 * else after a % is written as it stands and takes no argument.
 *
 * Usable from everywhere, from a panic and from an interrupt too.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/*
 * Writes at most `size` bytes, the last of them a NUL, which is always there
 * when `size` is not 0. Returns the length of the whole text without its NUL:
 * it was cut when that is `size` or more.
 */
int format_string(char *buffer, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int format_string_v(char *buffer, size_t size, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));
