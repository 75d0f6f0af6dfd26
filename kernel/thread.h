/*
 * Threads, the scheduler, and waiting.
 *
 * The kernel is not preempted: a thread gives its processor away when it waits,
 * and when it is about to return to ring 3 and its time is up. Other processors
 * run at the same time, so what several threads use has a lock (kernel/lock.h).
 * One lock, the scheduler's, guards all run queues, wait queues and timers.
 */
#pragma once

#include "kernel/arch.h"
#include "kernel/list.h"
#include "kernel/lock.h"
#include <postern/types.h>

struct address_space;
struct exited;
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

/* `deadline` is of arch_system_time(). One that runs already is set anew. */
void timer_start(struct timer *timer, time_us_t deadline, void (*fire)(void *argument),
	void *argument);

/* Microseconds that are left, at least 1; 0 where it is not running. */
time_us_t timer_left(const struct timer *timer);

/*
 * The same, of one that this stops. Its function does not
 * run, on any processor, once this returns; so the caller holds no lock that
 * the function takes.
 */
time_us_t timer_stop(struct timer *timer);

/* No call: see struct thread.interrupted_call. */
#define NO_CALL UINT32_MAX

struct thread {
	struct arch_thread arch;
	tid_t tid;
	struct process *process; /* NULL for the idle thread */
	struct list siblings;	 /* among the process's threads */
	struct list hashed;		 /* by tid */

	struct address_space *space; /* NULL for a kernel thread, and behind its end */

	enum thread_state state;
	unsigned priority;
	unsigned cpu;		/* that runs it, ran it last, or has it queued */
	unsigned slice;		/* ticks left */
	struct list queued; /* on a run queue, or on a wait queue */

	struct timer timer; /* of a wait with an end */
	int wake_result;	/* what wait_on() returns */
	bool interruptible; /* a signal ends its wait */
	bool ending;		/* its process wants it gone */

	struct exited *exited; /* what exit_thread() leaves for join_thread(), */
	bool told;			   /* once it has been called */
	struct wait_queue joiners;
	uint64_t ticks; /* of processor time */
	uint64_t calls; /* system calls, up to where the door had counted */
	uint32_t calls_counted;
	uint32_t blocked; /* signals: bit n - 1 is signal n */
	uint32_t pending;
	uint32_t group_signals; /* sent to its process's group, for a fork() to look at */
	bool suspended; /* waits with a mask of its own: it returns to blocked_before */
	uint32_t blocked_before;
	uint32_t interrupted_call; /* the call whose wait a signal ended, or NO_CALL */
	uintptr_t made_stack;	   /* what spawn_thread() has mapped for it, or 0 */
	size_t made_stack_size;
};

/* NO_DEADLINE waits for ever; any other is of arch_system_time(). */
#define NO_DEADLINE INT64_MAX

/* Makes what runs now the idle thread of the first processor. */
void thread_init(void);

/* How many threads there may be, idle ones not counted. */
void thread_set_limit(unsigned limit);

/* From now on: who runs next, where and for how long is left to chance. */
void thread_randomise(uint32_t seed);

/* One that belongs to nobody yet; NULL without memory. */
struct thread *thread_allocate(void);

/* Frees one that belongs to nobody. */
void thread_discard(struct thread *thread);

/*
 * Makes it one of `process`, with a number; false where there are too many. Fill
 * in its registers, then thread_make_ready(). The process lock is held, here and
 * for the next three.
 */
bool thread_register(struct thread *thread, struct process *process);

/* Frees one that is dead and has been left. */
void thread_destroy(struct thread *thread);

struct thread *thread_find(tid_t tid);

/* Gives it another number, which nobody has. */
void thread_renumber(struct thread *thread, tid_t tid);

/* Ticks of processor time, and system calls. */
void thread_usage(struct thread *thread, uint64_t *_ticks, uint64_t *_calls);

/* From waiting or new to ready. From anywhere, interrupts too. */
void thread_make_ready(struct thread *thread);

/*
 * Makes what runs now the idle thread of its processor, which takes part in the
 * scheduling from here on.
 */
void thread_run_cpu(void) __attribute__((noreturn));

/* The first processor's: it runs when nobody else can. */
void thread_run_idle(void) __attribute__((noreturn));

/*
 * Ends the running thread. Once another one runs, process_thread_gone() is
 * called for it there.
 */
void thread_exit_current(void) __attribute__((noreturn));

/* Gives the rest of the time slice to who else is ready. */
void thread_yield(void);

/* The same when there is nothing left of it: between the pieces of what may take long. */
void thread_yield_when_due(void);

/*
 * Makes `thread` look for signals and its end: a wait that may be ended so ends
 * with -EINTR.
 */
void thread_interrupt(struct thread *thread);

/* ---- Waiting --------------------------------------------------------------- */

void wait_queue_init(struct wait_queue *queue);

/*
 * Waits until woken (0), `deadline` has passed (-ETIMEDOUT), or the thread's
 * process ends, or a signal is to be taken (-EINTR). `queue` may be NULL: then only time
 * wakes it.
 *
 * `lock`, which may be NULL, is held by the caller; it is released when the thread is on
 * the queue, so that a wake behind that is not lost, and held again on return.
 */
int wait_on(struct wait_queue *queue, struct spinlock *lock, time_us_t deadline);
int wait_on_mutex(struct wait_queue *queue, struct mutex *mutex, time_us_t deadline);

/* How many were woken. */
unsigned wait_queue_wake(struct wait_queue *queue, unsigned count);

/* ---- What arch/i386/ calls --------------------------------------------------- */

/* A thousand times a second, interrupts off; on processors that idle perhaps less. */
void thread_tick(void);

/*
 * Before a return to ring 3, interrupts off: switches when time is up, ends the
 * thread when its process wants that.
 */
void thread_return_work(void);

/* First thing on a new thread's stack, interrupts off. */
void thread_switched(void);
