/*
 * The CPU's cycle counter, for programs that time things. Only a Pentium and
 * what came after has one: see cycles_available().
 */
#pragma once

#include <postern/system_info.h>

/* CPUID leaf 1, EDX bit 4 (Intel SDM volume 2A, CPUID). */
static inline bool cycles_available(const struct system_info *info)
{
	return (info->cpu_features >> 4 & 1) != 0;
}

/* Sorts measurements, for the minimum and the median of a few thousand. */
static inline void cycles_sort(uint32_t *values, unsigned count)
{
	for (unsigned i = 1; i < count; i++) {
		uint32_t value = values[i];
		unsigned j = i;

		for (; j > 0 && values[j - 1] > value; j--)
			values[j] = values[j - 1];
		values[j] = value;
	}
}

static inline uint64_t cycles(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}
