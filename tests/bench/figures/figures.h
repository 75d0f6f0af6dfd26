/*
 * What the files of figures share: a row is one path through the kernel, timed
 * many times. main.c has the table; tools/bench.py makes the report of it.
 */
#pragma once

#include <postern/types.h>

#define PAGE 4096u

/*
 * Fills `samples` with what the path has cost each time, in cycles (under QEMU's
 * -icount: instructions), the two readings of the counter included.
 */
typedef void measure(uint32_t *samples, unsigned count);

/* The counter's low half: no sample lasts as long as it takes to come round. */
static inline uint32_t now(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return low;
}

/* One sample: what `path` costs. */
#define TIME(samples, i, path)                                                           \
	do {                                                                                 \
		uint32_t start = now();                                                          \
		path;                                                                            \
		(samples)[i] = now() - start;                                                    \
	} while (0)

/* `value` where it is no error; the program says what failed and ends otherwise. */
int32_t must(int32_t value, const char *what);

/* rows.c */
measure measure_nothing;
measure measure_null_call;
measure measure_yield_alone;
measure measure_yield_threads;
measure measure_yield_processes;
measure measure_fork;
measure measure_fork_exec;
measure measure_spawn_join;
measure measure_thread_start;
measure measure_page_fault;
measure measure_copy_fault;
measure measure_futex;
measure measure_futex_apart;
measure measure_map;
measure measure_signal;
measure measure_time_call;
measure measure_time_commpage;

/* files.c */
measure measure_write_null;
measure measure_read_ram;
measure measure_pipe_bytes;
measure measure_pipe_turns;
measure measure_open_close;
measure measure_stat;
measure measure_create_unlink;
measure measure_disk_read;
measure measure_disk_write;
bool disk_is_there(void);

/* parallel.c */
measure measure_wake;
measure measure_null_one;
measure measure_null_two;
measure measure_null_four;
unsigned processors_online(bool has_apic);

/* The number of the processor that runs this, which must have CPUID. */
unsigned processor(void);

extern const char *gSelf; /* the path of this program, to exec it */
