/*
 * Bytes and strings: the few functions of <string.h> that the kernel and
 * libroot both need. The Makefile builds string.c, and that of arch/i386/,
 * into each of them.
 *
 * They mean what ISO C and POSIX say. The compiler may also call memcpy,
 * memmove, memset and memcmp by itself, so these four must always be linked.
 */
#pragma once

#include <stddef.h>

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

size_t strlen(const char *string);
size_t strnlen(const char *string, size_t size);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t size);

/*
 * Copies as much of `from` as fits into the `size` bytes at `to`, with a NUL
 * unless `size` is 0. Returns the length of `from`: the copy was cut when that
 * is `size` or more.
 */
size_t strlcpy(char *to, const char *from, size_t size);
