/*
 * newlib's locks, over libroot's mutex: newlib names these functions and nine locks of
 * its own (newlib/libc/misc/lock.c is what stands there without us), and makes one for
 * each stream. Which thread holds a recursive one is told by its block's address.
 */
#include "../thread_block.h"
#include "posix.h"
#include <postern/sync.h>
#include <stdlib.h>
#include <sys/lock.h>

struct __lock {
	struct mutex mutex;
	struct thread_block *owner; /* who holds a recursive one */
	unsigned depth;
};

struct __lock __lock___sinit_recursive_mutex;
struct __lock __lock___sfp_recursive_mutex;
struct __lock __lock___atexit_recursive_mutex;
struct __lock __lock___at_quick_exit_mutex;
struct __lock __lock___malloc_recursive_mutex;
struct __lock __lock___env_recursive_mutex;
struct __lock __lock___tz_mutex;
struct __lock __lock___dd_hash_mutex;
struct __lock __lock___arc4random_mutex;

void __retarget_lock_init(_LOCK_T *lock)
{
	/* newlib has no way to hear of a failure: a stream without a lock works in a
	 * program of one thread. */
	*lock = calloc(1, sizeof **lock);
}

void __retarget_lock_init_recursive(_LOCK_T *lock)
{
	__retarget_lock_init(lock);
}

void __retarget_lock_close(_LOCK_T lock)
{
	free(lock);
}

void __retarget_lock_close_recursive(_LOCK_T lock)
{
	free(lock);
}

void __retarget_lock_acquire(_LOCK_T lock)
{
	if (lock != NULL)
		mutex_lock(&lock->mutex);
}

int __retarget_lock_try_acquire(_LOCK_T lock)
{
	return lock == NULL || mutex_try_lock(&lock->mutex);
}

void __retarget_lock_release(_LOCK_T lock)
{
	if (lock != NULL)
		mutex_unlock(&lock->mutex);
}

/* A thread that does not hold the lock never finds itself in `owner`, so it may look
 * without holding it. */
static bool is_held(_LOCK_T lock, struct thread_block *self)
{
	return __atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == self;
}

static void take(_LOCK_T lock, struct thread_block *self)
{
	__atomic_store_n(&lock->owner, self, __ATOMIC_RELAXED);
	lock->depth++;
}

void __retarget_lock_acquire_recursive(_LOCK_T lock)
{
	struct thread_block *self = thread_block();

	if (lock == NULL)
		return;
	if (!is_held(lock, self))
		mutex_lock(&lock->mutex);
	take(lock, self);
}

int __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
	struct thread_block *self = thread_block();

	if (lock == NULL)
		return 1;
	if (!is_held(lock, self) && !mutex_try_lock(&lock->mutex))
		return 0;
	take(lock, self);
	return 1;
}

void __retarget_lock_release_recursive(_LOCK_T lock)
{
	if (lock == NULL || --lock->depth > 0)
		return;
	__atomic_store_n(&lock->owner, NULL, __ATOMIC_RELAXED);
	mutex_unlock(&lock->mutex);
}

/*
 * A child of fork() has one thread, and would wait for ever for a lock that another one
 * held: so its parent takes those that every program needs before.
 */
void posix_lock_all(void)
{
	__retarget_lock_acquire_recursive(&__lock___sfp_recursive_mutex);
	__retarget_lock_acquire_recursive(&__lock___env_recursive_mutex);
	__retarget_lock_acquire_recursive(&__lock___malloc_recursive_mutex);
}

void posix_unlock_all(void)
{
	__retarget_lock_release_recursive(&__lock___malloc_recursive_mutex);
	__retarget_lock_release_recursive(&__lock___env_recursive_mutex);
	__retarget_lock_release_recursive(&__lock___sfp_recursive_mutex);
}
