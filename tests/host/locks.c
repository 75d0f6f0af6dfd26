/*
 * Locks for what of the kernel runs on the host, in one thread: they only check
 * that each is taken once and released. A test names this file on its first
 * line.
 */
#include <stdlib.h>

#include "kernel/lock.h"

void spin_lock(struct spinlock *lock)
{
	if (lock->held++ != 0)
		abort();
}

void spin_unlock(struct spinlock *lock)
{
	if (--lock->held != 0)
		abort();
}

bool spin_lock_irq(struct spinlock *lock)
{
	spin_lock(lock);
	return true;
}

void spin_unlock_irq(struct spinlock *lock, bool enabled)
{
	(void)enabled;
	spin_unlock(lock);
}
