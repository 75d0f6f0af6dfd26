/*
 * What scheduler.c, wait.c, timer.c and thread.c share, and nobody else uses:
 * the scheduler's lock and what may be done while it is held.
 *
 * One lock for all processors' run queues, for waiting and for timers makes a
 * switch, a wake and the way from one queue to another one step each
 * (docs/decisions/008).
 */
#pragma once

#include "kernel/thread.h"

#define TICK_US 1000

extern struct spinlock gSchedulerLock;

/* For all of these: the scheduler's lock is held. */

/* From whatever it was to ready, on the processor that seems best. */
void scheduler_make_ready(struct thread *thread);

/*
 * Switches to the next ready thread; the caller has queued the running one, or
 * not. Releases the lock; interrupts stay off.
 */
void scheduler_switch(void);

/* Interrupts off, no lock held: lets another thread run where time is up. */
bool scheduler_preempt(void);

/* With the lock again: a turn of the timing wheel: wakes whose wait is over. True when
 * there are functions to call. */
bool timer_tick(void);

/* Starts the timer of the running thread's wait. */
void timer_start_wait(struct thread *thread, time_us_t deadline);

/* Interrupts off, no lock held: calls the functions of timers that are due. */
void timer_run_due(void);

void timer_init_wheel(void);
