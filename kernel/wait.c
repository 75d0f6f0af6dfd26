/*
 * Waiting: wait queues (thread.h) and mutexes (lock.h).
 *
 * A thread goes to sleep under the scheduler's lock, and is woken under it. What
 * it waits for is guarded by a lock of the caller's, which is released in
 * between: who changes that and then wakes comes either before the thread has
 * looked or behind its way to the queue.
 */
#include "kernel/panic.h"
#include "kernel/scheduler.h"
#include "kernel/signal.h"
#include <postern/errno.h>

void wait_queue_init(struct wait_queue *queue)
{
	list_init(&queue->threads);
}

/* The first that waits, off the queue; the scheduler's lock is held. */
static bool wake_first(struct wait_queue *queue)
{
	struct thread *thread;

	if (list_empty(&queue->threads))
		return false;
	thread = LIST_ENTRY(queue->threads.next, struct thread, queued);
	list_remove(&thread->queued);
	scheduler_make_ready(thread);
	return true;
}

unsigned wait_queue_wake(struct wait_queue *queue, unsigned count)
{
	bool enabled = spin_lock_irq(&gSchedulerLock);
	unsigned woken = 0;

	while (woken < count && wake_first(queue))
		woken++;
	spin_unlock_irq(&gSchedulerLock, enabled);
	return woken;
}

/* The lock is held, and released. */
static void sleep(struct thread *thread, struct wait_queue *queue, bool interruptible)
{
	thread->state = THREAD_WAITING;
	thread->interruptible = interruptible;
	if (queue != NULL)
		list_add(&queue->threads, &thread->queued);
	scheduler_switch();
}

static void release(struct mutex *mutex);

static int wait(struct wait_queue *queue, struct spinlock *lock, struct mutex *mutex,
	time_us_t deadline)
{
	struct thread *thread = thread_current();
	bool enabled = spin_lock_irq(&gSchedulerLock);

	thread->wake_result = 0;
	/* Both are set before thread_interrupt() takes the lock: either they are
	 * seen here, or it finds the thread waiting. */
	if (thread->ending || signal_pending(thread)) {
		thread->wake_result = -EINTR;
		spin_unlock(&gSchedulerLock);
	} else if (deadline != NO_DEADLINE && deadline <= arch_system_time()) {
		thread->wake_result = -ETIMEDOUT;
		spin_unlock(&gSchedulerLock);
	} else {
		if (deadline != NO_DEADLINE)
			timer_start_wait(thread, deadline);
		if (lock != NULL)
			spin_unlock(lock);
		if (mutex != NULL)
			release(mutex);
		sleep(thread, queue, true);
		if (lock != NULL || mutex != NULL)
			arch_interrupts_restore(enabled);
		if (lock != NULL)
			spin_lock(lock);
		if (mutex != NULL)
			mutex_lock(mutex);
	}
	if (thread->wake_result == -EINTR) {
		thread->interrupted_call =
			(uint32_t)arch_frame_syscall(arch_current_user_frame());
		arch_request_return_work();
	}
	arch_interrupts_restore(enabled);
	return thread->wake_result;
}

int wait_on(struct wait_queue *queue, struct spinlock *lock, time_us_t deadline)
{
	return wait(queue, lock, NULL, deadline);
}

int wait_on_mutex(struct wait_queue *queue, struct mutex *mutex, time_us_t deadline)
{
	return wait(queue, NULL, mutex, deadline);
}

/* ---- Mutexes (Drepper, "Futexes are tricky", 2011, mutex2) ------------------- */

enum { MUTEX_FREE, MUTEX_HELD, MUTEX_WAITED_FOR };

void mutex_init(struct mutex *mutex, const char *name)
{
	*mutex = (struct mutex){.name = name};
	wait_queue_init(&mutex->waiters);
}

static bool try(struct mutex *mutex)
{
	uint32_t expected = MUTEX_FREE;

	return __atomic_compare_exchange_n(
		&mutex->state, &expected, MUTEX_HELD, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void take(struct mutex *mutex, uintptr_t place)
{
	mutex->owner = thread_current();
	mutex->place = place;
}

/* Apart, so that who gets it at once saves no registers for this. */
static void __attribute__((noinline)) wait_for(struct mutex *mutex)
{
	bool enabled = spin_lock_irq(&gSchedulerLock);
	bool woken = false;

	/* Who sets it to "waited for" is woken by the next release, which has to
	 * take the lock for that: it cannot come before the sleep. */
	while (__atomic_exchange_n(&mutex->state, MUTEX_WAITED_FOR, __ATOMIC_ACQUIRE)
		   != MUTEX_FREE) {
		/* Who waits for a disk with a mutex that it takes again at once would
		 * leave it to nobody. */
		if (woken)
			mutex->in_turn = true;
		sleep(thread_current(), &mutex->waiters, false);
		spin_lock(&gSchedulerLock);
		if (mutex->handed) {
			mutex->handed = false;
			break;
		}
		woken = true;
	}
	spin_unlock_irq(&gSchedulerLock, enabled);
}

void mutex_lock(struct mutex *mutex)
{
	lock_check_none(NULL);
	ASSERT(mutex->owner != thread_current());
	if (!try(mutex))
		wait_for(mutex);
	take(mutex, (uintptr_t)__builtin_return_address(0));
}

/*
 * With the scheduler's lock held, which the woken one needs to take the mutex. To set it
 * free is the last that is done to it: whoever takes it then may be its last user, and
 * free what it is in.
 */
static void release(struct mutex *mutex)
{
	ASSERT(mutex->owner == thread_current());
	mutex->owner = NULL;
	if (mutex->in_turn) {
		/* It stays as it is, "waited for", which may be no longer true. */
		mutex->handed = wake_first(&mutex->waiters);
		mutex->in_turn = !list_empty(&mutex->waiters.threads);
		if (mutex->handed)
			return;
	} else if (__atomic_load_n(&mutex->state, __ATOMIC_RELAXED) == MUTEX_WAITED_FOR) {
		wake_first(&mutex->waiters);
	}
	__atomic_store_n(&mutex->state, MUTEX_FREE, __ATOMIC_RELEASE);
}

static void __attribute__((noinline)) unlock_waited_for(struct mutex *mutex)
{
	bool enabled = spin_lock_irq(&gSchedulerLock);

	release(mutex);
	spin_unlock_irq(&gSchedulerLock, enabled);
}

void mutex_unlock(struct mutex *mutex)
{
	uint32_t expected = MUTEX_HELD;

	ASSERT(mutex->owner == thread_current());
	mutex->owner = NULL;
	if (!__atomic_compare_exchange_n(&mutex->state, &expected, MUTEX_FREE, false,
			__ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
		mutex->owner = thread_current();
		unlock_waited_for(mutex);
	}
}
