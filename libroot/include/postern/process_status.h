/* A process, as process_status() describes it. */
#pragma once

#include <postern/process.h>
#include <postern/types.h>

enum process_state {
	PROCESS_NEW,	 /* made by process_create(), not started */
	PROCESS_RUNNING, /* a thread of it runs or could */
	PROCESS_ZOMBIE,	 /* has ended, and nobody has waited for it */
	PROCESS_WAITING, /* all its threads wait for something */
	PROCESS_STOPPED, /* by a signal */
};

/* What initializes an array of their names. */
#define PROCESS_STATE_NAMES                                                              \
	{                                                                                    \
		[PROCESS_NEW] = "new", [PROCESS_RUNNING] = "running",                            \
		[PROCESS_ZOMBIE] = "zombie", [PROCESS_WAITING] = "waiting",                      \
		[PROCESS_STOPPED] = "stopped",                                                   \
	}

struct process_status {
	pid_t pid;
	pid_t parent;	/* 0 for the first, and for orphans */
	uint32_t state; /* of enum process_state */
	uint32_t threads;
	uint32_t pages; /* resident */
	uint32_t reserved;
	time_us_t cpu_time; /* microseconds of processor time, to the tick */
	time_us_t started;	/* system time */
	char name[PROCESS_NAME_MAX];
	uint64_t calls; /* that its threads have made, ended ones included */
	/* The same two of those of its descendants whose ends were waited for. */
	time_us_t children_time;
	uint64_t children_calls;
};

_Static_assert(sizeof(struct process_status) == 128
				   && __builtin_offsetof(struct process_status, calls) == 104,
	"both sides agree on it");
