/*
 * Futexes: waiting for a dword of user memory to change, on which libroot's
 * locks stand (Franke, Russell, Kirkwood: "Fuss, futexes and furwocks", 2002).
 *
 * A waiter is known by what lies behind its address: the address space for
 * private memory, the shared pages and the place in them for shared memory.
 */
#include "kernel/address_space.h"
#include "kernel/arch.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "syscall_handlers.h"

#define BUCKETS 64u

struct futex_key {
	const void *owner;
	uint32_t offset;
};

struct bucket {
	struct spinlock lock;
	struct list waiters;
};

/* On the waiting thread's kernel stack. */
struct futex_waiter {
	struct list link;
	struct futex_key key;
	struct wait_queue queue;
	bool woken;
};

static struct bucket sBuckets[BUCKETS] = {
	[0 ... BUCKETS - 1] = {.lock = SPINLOCK("futex", RANK_FUTEX)}};

static struct bucket *lock_bucket(const struct futex_key *key)
{
	uint32_t hash =
		((uint32_t)(uintptr_t)key->owner >> 4) + key->offset / 4 * 2654435761u;
	struct bucket *bucket = &sBuckets[hash >> 8 & (BUCKETS - 1)];

	spin_lock(&bucket->lock);
	list_made(&bucket->waiters);
	return bucket;
}

/* -EINVAL, or -EFAULT when the dword is not readable; its page need not be there. */
static int look(uint32_t address, struct futex_key *_key)
{
	struct address_space *space = process_current()->space;

	if (address % 4 != 0)
		return -EINVAL;
	return address_space_locate(space, address, &_key->owner, &_key->offset) ? 0
																			 : -EFAULT;
}

/*
 * With the bucket locked, so that a wake comes before the look at the dword or
 * behind the way to sleep. 0, -EAGAIN, or -EFAULT where the page is not there.
 */
static int compare(uint32_t address, uint32_t value)
{
	uint32_t now;

	if (user_copy_in_present(&now, address, sizeof now) != 0)
		return -EFAULT;
	return now == value ? 0 : -EAGAIN;
}

/* The bucket is locked. 0, or as wait_on(). */
static int sleep_in(
	struct bucket *bucket, struct futex_waiter *waiter, time_us_t deadline)
{
	int error;

	wait_queue_init(&waiter->queue);
	waiter->woken = false;
	list_add(&bucket->waiters, &waiter->link);
	error =
		wait_on(&waiter->queue, &bucket->lock, deadline == -1 ? NO_DEADLINE : deadline);
	list_remove(&waiter->link);
	return waiter->woken ? 0 : error;
}

int _user_futex_wait(uint32_t address, uint32_t value, time_us_t deadline)
{
	struct futex_waiter waiter;
	uint32_t now;
	int error;

	if (deadline < -1)
		return -EINVAL;
	do {
		struct bucket *bucket;

		error = look(address, &waiter.key);
		if (error != 0)
			return error;
		bucket = lock_bucket(&waiter.key);
		error = compare(address, value);
		if (error == 0)
			error = sleep_in(bucket, &waiter, deadline);
		spin_unlock(&bucket->lock);
		if (error != -EFAULT)
			return error;
		error = user_copy_in(&now, address, sizeof now); /* brings the page */
	} while (error == 0);
	return error;
}

int _user_futex_wake(uint32_t address, int count)
{
	struct futex_key key;
	struct bucket *bucket;
	int woken = 0;
	int error = look(address, &key);

	if (error != 0)
		return error;
	if (count < 0)
		return -EINVAL;
	bucket = lock_bucket(&key);
	LIST_FOR_EACH_SAFE(link, following, &bucket->waiters)
	{
		struct futex_waiter *waiter = LIST_ENTRY(link, struct futex_waiter, link);

		if (woken == count)
			break;
		/* One that a signal has ended is on its way out: the wake is for others. */
		if (waiter->key.owner != key.owner || waiter->key.offset != key.offset
			|| wait_queue_wake(&waiter->queue, 1) == 0)
			continue;
		list_remove(&waiter->link);
		waiter->woken = true;
		woken++;
	}
	spin_unlock(&bucket->lock);
	return woken;
}
