/* A running process, as process_status() describes it. */
#pragma once

#include <postern/process.h>
#include <postern/types.h>

struct process_status {
	pid_t pid;
	pid_t parent;	/* 0 for the first, and for orphans */
	uint32_t state; /* one of PROCESS_STATE */
	uint32_t threads;
	uint32_t pages; /* resident */
	uint32_t reserved;
	time_us_t cpu_time; /* microseconds of processor time, to the tick */
	time_us_t started;	/* system time */
	char name[PROCESS_NAME_MAX];
	uint64_t calls; /* that its threads have made, ended ones included */
};

_Static_assert(sizeof(struct process_status) == 112
				   && __builtin_offsetof(struct process_status, calls) == 104,
	"both sides agree on it");
