/*
 * The commpage, the same in every program: the table at its start, and the time
 * data. The kernel fills both in (arch/i386/cpu.c, arch/i386/clock.c).
 */
#pragma once

#include <postern/types.h>

#define COMMPAGE_ADDRESS 0xffff0000u
#define COMMPAGE_ENTRIES 64
#define COMMPAGE_TABLE ((const volatile uint32_t *)COMMPAGE_ADDRESS)

/* Indices into the table. */
#define COMMPAGE_MAGIC 0 /* holds COMMPAGE_MAGIC_VALUE */
#define COMMPAGE_VERSION 1
#define COMMPAGE_TIME 2			 /* address of struct commpage_time, or 0 */
#define COMMPAGE_SYSCALL 3		 /* address of the system-call entry */
#define COMMPAGE_SIGNAL_RETURN 4 /* where signal handlers return to */

#define COMMPAGE_MAGIC_VALUE 0x434f4d4du /* 'COMM' */

/*
 * How to make system_time() of the time-stamp counter. It is there only where
 * the counter runs at one rate on all processors, and then does not change
 * while programs run.
 */
struct commpage_time {
	time_us_t time;		 /* the system time when */
	uint64_t counter;	 /* the counter was this */
	uint32_t multiplier; /* microseconds a count, as a fraction of */
	uint32_t shift;		 /* 2^(32 + shift) */
};

_Static_assert(sizeof(struct commpage_time) == 24, "programs rely on this layout");

/*
 * The system time when the counter is `counter`. The kernel computes it so, too,
 * for each of its sources, and the two agree to the microsecond.
 */
static inline time_us_t commpage_time_at(
	const struct commpage_time *data, uint64_t counter)
{
	uint64_t counts = counter - data->counter;
	/* Halves of 32 bits, for the product would have 96. */
	uint64_t low = (counts & 0xffffffffu) * data->multiplier >> 32;
	uint64_t high = (counts >> 32) * data->multiplier;

	return data->time + (time_us_t)((high + low) >> data->shift);
}

/*
 * The time-stamp counter, not read before what the program has read or called
 * before (Intel SDM volume 2B, RDTSC). LFENCE is there wherever the time data is.
 */
static inline uint64_t commpage_read_counter(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}
