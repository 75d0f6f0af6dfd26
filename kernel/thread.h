/*
 * Threads, the scheduler, and waiting.
 *
 * One processor; the kernel itself is not preempted: a thread gives the
 * processor away when it waits, and when it is about to return to ring 3 and
 * its time is up. So what a system call does between two waits is atomic to
 * all others, and only what interrupts touch (run queues, the timers) needs
 * interrupts off.
 */
#pragma once

#include "kernel/arch.h"
#include "kernel/list.h"
#include <postern/types.h>

struct process;

#define PRIORITY_IDLE 0u
#define PRIORITY_NORMAL 10u
#define PRIORITY_MAX 31u

enum thread_state {
	THREAD_NEW,
	THREAD_READY,
	THREAD_RUNNING,
	THREAD_WAITING,
	THREAD_DEAD
};

/* A function that is called once, in thread context, when its time has come. */
struct timer {
	struct list link; /* on the timing wheel, or among those that are due */
	uint64_t tick;
	void (*fire)(void *argument);
	void *argument;
};

void timer_init(struct timer *timer);

/* `deadline` is of arch_system_time(). It must not be running. */
void timer_start(struct timer *timer, time_us_t deadline, void (*fire)(void *argument),
	void *argument);

/* Microseconds that were left, 0 where it was not running. */
time_us_t timer_stop(struct timer *timer);

/* No call: see struct thread.interrupted_call. */
#define NO_CALL UINT32_MAX

struct wait_queue {
	struct list threads; /* the first waits longest */
};

struct thread {
	struct arch_thread arch;
	tid_t tid;
	struct process *process; /* NULL for the idle thread */
	struct list siblings;	 /* among the process's threads */
	struct list hashed;		 /* by tid */

	enum thread_state state;
	unsigned priority;
	unsigned slice;		/* ticks left */
	struct list queued; /* on a run queue, or on a wait queue */

	struct timer timer; /* of a wait with an end */
	int wake_result;	/* what wait_on() returns */
	bool ending;		/* its process wants it gone */

	int32_t exit_value;
	struct wait_queue joiners;
	uint64_t ticks;	  /* of processor time */
	uint64_t calls;	  /* that it has made */
	uint32_t blocked; /* signals: bit n - 1 is signal n */
	uint32_t pending;
	uint32_t interrupted_call; /* the call whose wait a signal ended, or NO_CALL */
	uintptr_t made_stack;	   /* what spawn_thread() has mapped for it, or 0 */
	size_t made_stack_size;
};

/* NO_DEADLINE waits for ever; any other is of arch_system_time(). */
#define NO_DEADLINE INT64_MAX

extern struct thread *gCurrentThread;

/* Makes what runs now, on `stack_top`, the first thread: the idle one later. */
void thread_init(void);

/*
 * A thread of `process` that is not started: fill in its registers, then
 * thread_make_ready(). NULL when there is no memory or no number left.
 */
struct thread *thread_create(struct process *process);

/* Frees a thread that never ran, or one that is dead and has been left. */
void thread_destroy(struct thread *thread);

struct thread *thread_find(tid_t tid);

/* Gives it another number, which nobody has. */
void thread_renumber(struct thread *thread, tid_t tid);

/* From waiting or new to ready. From anywhere, interrupts too. */
void thread_make_ready(struct thread *thread);

/* The idle thread: runs when nobody else can. Does not return. */
void thread_run_idle(void) __attribute__((noreturn));

/* Ends the running thread; its memory is freed once another runs. */
void thread_exit_current(void) __attribute__((noreturn));

/* Gives the rest of the time slice to who else is ready. */
void thread_yield(void);

/* Ends a wait of `thread` with -EINTR. */
void thread_interrupt(struct thread *thread);

/* ---- Waiting --------------------------------------------------------------- */

void wait_queue_init(struct wait_queue *queue);

/*
 * Waits until woken (0), `deadline` has passed (-ETIMEDOUT), or the thread's
 * process ends, or a signal is to be taken (-EINTR). `queue` may be NULL: then only time
 * wakes it.
 */
int wait_on(struct wait_queue *queue, time_us_t deadline);

/* How many were woken. */
unsigned wait_queue_wake(struct wait_queue *queue, unsigned count);

/* ---- What arch/i386/ calls --------------------------------------------------- */

/* A thousand times a second, interrupts off. */
void thread_tick(void);

/*
 * Before a return to ring 3, interrupts off: switches when time is up, ends the
 * thread when its process wants that.
 */
void thread_return_work(void);

/* First thing on a new thread's stack, interrupts off. */
void thread_switched(void);
