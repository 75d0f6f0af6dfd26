/*
 * Strings, for the kernel and for libroot. See string.h, of which arch/i386/string.c has
 * the rest. Nothing of either may be included here.
 */
#include "kernel/keep_loops.h"
#include "kernel/string.h"

#include <stdint.h>

KEEP_LOOPS int memcmp(const void *a, const void *b, size_t size)
{
	const uint8_t *left = a;
	const uint8_t *right = b;

	for (size_t i = 0; i < size; i++) {
		if (left[i] != right[i])
			return left[i] - right[i];
	}
	return 0;
}

KEEP_LOOPS size_t strlen(const char *string)
{
	size_t length = 0;

	while (string[length] != '\0')
		length++;
	return length;
}

KEEP_LOOPS size_t strnlen(const char *string, size_t size)
{
	size_t length = 0;

	while (length < size && string[length] != '\0')
		length++;
	return length;
}

KEEP_LOOPS int strcmp(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return (uint8_t)*a - (uint8_t)*b;
}

KEEP_LOOPS int strncmp(const char *a, const char *b, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (a[i] != b[i] || a[i] == '\0')
			return (uint8_t)a[i] - (uint8_t)b[i];
	}
	return 0;
}

KEEP_LOOPS size_t strlcpy(char *to, const char *from, size_t size)
{
	size_t length = strlen(from);

	if (size > 0) {
		size_t count = length < size ? length : size - 1;

		memcpy(to, from, count);
		to[count] = '\0';
	}
	return length;
}
