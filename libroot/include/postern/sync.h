/*
 * Mutexes, conditions and semaphores on futexes. All zeros is the state in which
 * they begin (a semaphore's with a value of 0), and nothing has to be destroyed.
 * In memory mapped with MAP_SHARED they work between processes. None of them
 * enters the kernel where nobody waits.
 *
 * A `deadline` is of system_time(), -1 for none.
 */
#pragma once

#include <postern/types.h>

struct mutex {
	uint32_t state; /* 0: free; 1: held; 2: held, and somebody may wait */
};

/* It is not recursive. */
void mutex_lock(struct mutex *mutex);

/* Whether it was free; it is the caller's then. */
bool mutex_try_lock(struct mutex *mutex);

void mutex_unlock(struct mutex *mutex);

struct condition {
	uint32_t
		sequence; /* counts signals, so that a waiter sees one it has not slept for */
	uint32_t waiters;
};

/*
 * Unlocks `mutex`, waits for a signal, and locks it again. It may return without
 * one: look in a loop. 0 or -ETIMEDOUT.
 */
int condition_wait(struct condition *condition, struct mutex *mutex, time_us_t deadline);

/* Wakes one that waits, or all. The mutex may be held or not. */
void condition_signal(struct condition *condition);
void condition_broadcast(struct condition *condition);

struct semaphore {
	uint32_t value; /* at first, up to INT32_MAX; later semaphore_value() tells it */
	uint32_t waiters;
};

/*
 * Takes one away, waiting while there is none. 0, -ETIMEDOUT, or -EINTR where a signal
 * has been handled that restarts no calls.
 */
int semaphore_wait(struct semaphore *semaphore, time_us_t deadline);

/* Adds one, and wakes one that waits. */
void semaphore_post(struct semaphore *semaphore);

/* How many could be taken just now. */
uint32_t semaphore_value(const struct semaphore *semaphore);
