/*
 * Bytes and strings, for the kernel and for libroot. See string.h.
 *
 * Nothing of either may be included here. The direction flag must be clear,
 * as the i386 System V ABI has it at every call.
 */
#include "kernel/string.h"

#include <stdint.h>

/*
 * A compiler that recognises the loop of a memset() replaces it by a call of
 * memset(): by itself, here, without end. -ffreestanding alone does not keep
 * gcc from it.
 */
#if defined(__clang__)
#define KEEP_LOOPS __attribute__((no_builtin))
#else
#define KEEP_LOOPS __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif

/* Copies upwards: right for ranges that overlap, too, where `to` is the lower. */
KEEP_LOOPS static void copy_upwards(void *to, const void *from, size_t size)
{
#if defined(__i386__) || defined(__x86_64__)
	size_t dwords = size / 4;

	__asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(dwords) : : "memory");
	size %= 4;
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
#else
	uint8_t *target = to;
	const uint8_t *source = from;

	for (size_t i = 0; i < size; i++)
		target[i] = source[i];
#endif
}

void *memcpy(void *to, const void *from, size_t size)
{
	copy_upwards(to, from, size);
	return to;
}

KEEP_LOOPS void *memmove(void *to, const void *from, size_t size)
{
	/* One unsigned comparison: whether `to` lies outside [from, from + size). */
	if ((uintptr_t)to - (uintptr_t)from >= size) {
		copy_upwards(to, from, size);
		return to;
	}

	uint8_t *target = to;
	const uint8_t *source = from;

	while (size > 0) {
		size--;
		target[size] = source[size];
	}
	return to;
}

KEEP_LOOPS void *memset(void *to, int byte, size_t size)
{
#if defined(__i386__) || defined(__x86_64__)
	void *target = to;
	size_t dwords = size / 4;
	uint32_t pattern = (uint8_t)byte * 0x01010101u;

	__asm__ volatile("rep stosl" : "+D"(target), "+c"(dwords) : "a"(pattern) : "memory");
	size %= 4;
	__asm__ volatile("rep stosb" : "+D"(target), "+c"(size) : "a"(pattern) : "memory");
#else
	uint8_t *target = to;

	for (size_t i = 0; i < size; i++)
		target[i] = (uint8_t)byte;
#endif
	return to;
}

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
