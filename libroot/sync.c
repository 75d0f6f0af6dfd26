/*
 * Locks on futexes; see <postern/sync.h>. The mutex is the second one of Ulrich
 * Drepper, "Futexes Are Tricky" (2011), section 5, with the exchange of section
 * 6. Every order is sequential consistency: on this processor a locked
 * instruction is that anyway.
 */
#include <postern/errno.h>
#include <postern/sync.h>
#include <postern/syscalls.h>

static int wait_for(const uint32_t *word, uint32_t value, time_us_t deadline)
{
	return _kern_futex_wait((uint32_t)(uintptr_t)word, value, deadline);
}

static void wake(const uint32_t *word, int count)
{
	_kern_futex_wake((uint32_t)(uintptr_t)word, count);
}

/* ---- Mutexes ----------------------------------------------------------------- */

enum { FREE, HELD, CONTENDED };

bool mutex_try_lock(struct mutex *mutex)
{
	uint32_t expected = FREE;

	return __atomic_compare_exchange_n(
		&mutex->state, &expected, HELD, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

void mutex_lock(struct mutex *mutex)
{
	if (mutex_try_lock(mutex))
		return;
	/* Whoever has waited cannot know whether others still do: it takes the mutex
	 * as contended, at the price of one wake too many. */
	while (__atomic_exchange_n(&mutex->state, CONTENDED, __ATOMIC_SEQ_CST) != FREE)
		wait_for(&mutex->state, CONTENDED, -1);
}

void mutex_unlock(struct mutex *mutex)
{
	if (__atomic_exchange_n(&mutex->state, FREE, __ATOMIC_SEQ_CST) == CONTENDED)
		wake(&mutex->state, 1);
}

/* ---- Conditions --------------------------------------------------------------- */

int condition_wait(struct condition *condition, struct mutex *mutex, time_us_t deadline)
{
	uint32_t sequence;
	int error;

	/* Counted before the sequence is read: a signal that finds nobody counted
	 * came before this wait began. */
	__atomic_add_fetch(&condition->waiters, 1, __ATOMIC_SEQ_CST);
	sequence = __atomic_load_n(&condition->sequence, __ATOMIC_SEQ_CST);
	mutex_unlock(mutex);
	error = wait_for(&condition->sequence, sequence, deadline);
	__atomic_sub_fetch(&condition->waiters, 1, __ATOMIC_SEQ_CST);
	mutex_lock(mutex);
	return error == -ETIMEDOUT ? error : 0;
}

static void signal(struct condition *condition, int count)
{
	__atomic_add_fetch(&condition->sequence, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&condition->waiters, __ATOMIC_SEQ_CST) > 0)
		wake(&condition->sequence, count);
}

void condition_signal(struct condition *condition)
{
	signal(condition, 1);
}

void condition_broadcast(struct condition *condition)
{
	signal(condition, INT32_MAX);
}

/* ---- Semaphores ---------------------------------------------------------------- */

/*
 * Whoever is let through may free the semaphore at once. So a post looks at nothing of it
 * behind its one addition: that there are waiters stands in the same word.
 */
#define WAITED 0x80000000u

static bool try_take(struct semaphore *semaphore)
{
	uint32_t value = __atomic_load_n(&semaphore->value, __ATOMIC_SEQ_CST);

	while ((value & ~WAITED) > 0) {
		if (__atomic_compare_exchange_n(&semaphore->value, &value, value - 1, false,
				__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return true;
	}
	return false;
}

int semaphore_wait(struct semaphore *semaphore, time_us_t deadline)
{
	bool taken = try_take(semaphore);
	int error = 0;

	if (taken)
		return 0;
	__atomic_add_fetch(&semaphore->waiters, 1, __ATOMIC_SEQ_CST);
	/* Once more behind the end of the wait: a post may have come just before it. */
	while (!(taken = try_take(semaphore)) && error != -ETIMEDOUT && error != -EINTR) {
		uint32_t expected = 0;

		/* Where a post has come instead, the wait is over before it begins. */
		__atomic_compare_exchange_n(&semaphore->value, &expected, WAITED, false,
			__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
		error = wait_for(&semaphore->value, WAITED, deadline);
	}
	if (__atomic_sub_fetch(&semaphore->waiters, 1, __ATOMIC_SEQ_CST) == 0) {
		__atomic_and_fetch(&semaphore->value, ~WAITED, __ATOMIC_SEQ_CST);
		/* One that has come meanwhile may wait and rely on the bit: it sets it anew. */
		if (__atomic_load_n(&semaphore->waiters, __ATOMIC_SEQ_CST) > 0)
			wake(&semaphore->value, INT32_MAX);
	}
	return taken ? 0 : error;
}

void semaphore_post(struct semaphore *semaphore)
{
	if (__atomic_fetch_add(&semaphore->value, 1, __ATOMIC_SEQ_CST) & WAITED)
		wake(&semaphore->value, 1);
}

uint32_t semaphore_value(const struct semaphore *semaphore)
{
	return __atomic_load_n(&semaphore->value, __ATOMIC_SEQ_CST) & ~WAITED;
}
