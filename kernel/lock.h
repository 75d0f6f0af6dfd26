/*
 * Locks between processors.
 *
 * A spinlock is for a few hundred instructions: who holds one neither waits nor
 * touches user memory, which may have to be waited for. A mutex is for longer:
 * who wants a held one sleeps. The kernel is not preempted, so a spinlock's
 * holder always runs.
 *
 * Each lock records who took it last, and where. Debug builds check (lock.c):
 * that a processor takes spinlocks by rising rank, that none is held where the
 * thread may sleep or touch user memory, that a lock that interrupt handlers
 * take is taken by others with interrupts off only, and that none is held or
 * waited for too long.
 */
#pragma once

#include "kernel/arch.h"
#include "kernel/list.h"
#include "kernel/panic.h"
#include <postern/types.h>

/*
 * What may be taken while what is held: only a higher rank. Those that interrupt
 * handlers take come last, for a handler may find any of the others held.
 */
enum lock_rank {
	RANK_CALL = 1, /* whose turn it is to call other processors */
	RANK_PROCESS,  /* processes, their relations, threads, signals */
	RANK_FUTEX,	   /* a bucket of futexes */
	RANK_FILES,	   /* of the file system's, those that are no mutexes */
	RANK_SHARED,   /* pages that several address spaces share */
	RANK_STACKS,   /* kernel stacks */
	RANK_HEAP,
	RANK_PAGES,
	RANK_DEVICE, /* from here on with interrupts off */
	RANK_POLL,
	RANK_SCHEDULER, /* run queues, wait queues, timers */
	RANK_CLOCK,
	RANK_LOG,
	RANK_SCREEN,
};

struct spinlock {
	uint32_t held;	 /* 0 or 1 */
	uint32_t cpu;	 /* of the last to take it, */
	uintptr_t place; /* and the return address of its call */
	uint8_t rank;
	uint8_t contexts; /* debug builds: see lock.c */
	const char *name;
	uint64_t since; /* debug builds: cycles when it was taken */
};

#define SPINLOCK(lock_name, lock_rank)                                                   \
	{                                                                                    \
		.rank = (lock_rank), .name = (lock_name)                                         \
	}

void spin_lock(struct spinlock *lock);
void spin_unlock(struct spinlock *lock);

/*
 * The same for what interrupt handlers take, too: interrupts are off while it is
 * held. Returns whether they were on, which spin_unlock_irq() wants to know.
 */
bool spin_lock_irq(struct spinlock *lock);
void spin_unlock_irq(struct spinlock *lock, bool enabled);

/* Whether this processor holds it: for assertions. */
bool spin_held(const struct spinlock *lock);

/* Debug builds panic when this processor holds any spinlock but `but` (or NULL). */
#if POSTERN_DEBUG
void lock_check_none(const struct spinlock *but);
#else
static inline void lock_check_none(const struct spinlock *but)
{
	(void)but;
}
#endif

/* From here on locks are open to all: the machine is about to stop, and whoever
 * holds one will never release it. */
void lock_disable_all(void);

/* ---- Mutexes: see thread.c, which has the waiting -------------------------- */

struct wait_queue {
	struct list threads; /* the first waits longest */
};

struct mutex {
	uint32_t state; /* free, held, or held and waited for: see wait.c */
	bool in_turn;	/* somebody was woken in vain: it goes from hand to hand, until */
	bool handed;	/* nobody waits; to one who was woken, and has it */
	uintptr_t place;
	struct thread *owner;
	struct wait_queue waiters;
	const char *name;
};

/* Of static mutexes; `variable` is the mutex itself. */
#define MUTEX(variable, mutex_name)                                                      \
	{                                                                                    \
		.waiters = {{&(variable).waiters.threads, &(variable).waiters.threads}},         \
		.name = (mutex_name)                                                             \
	}

void mutex_init(struct mutex *mutex, const char *name);

/* Sleeps while somebody else has it; no signal ends that. */
void mutex_lock(struct mutex *mutex);
void mutex_unlock(struct mutex *mutex);
