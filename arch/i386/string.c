/*
 * Bytes, moved and filled by this processor's string instructions, for the kernel and for
 * libroot: a part of kernel/string.h.
 *
 * Nothing of either may be included here. The direction flag must be clear,
 * as the i386 System V ABI has it at every call.
 */
#include "kernel/keep_loops.h"
#include "kernel/string.h"

#include <stdint.h>

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
