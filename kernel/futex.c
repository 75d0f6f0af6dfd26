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

/* On the waiting thread's kernel stack. */
struct futex_waiter {
	struct list link;
	struct futex_key key;
	struct wait_queue queue;
	bool woken;
};

static struct list sBuckets[BUCKETS];

static struct list *bucket(const struct futex_key *key)
{
	uint32_t hash =
		((uint32_t)(uintptr_t)key->owner >> 4) + key->offset / 4 * 2654435761u;
	struct list *head = &sBuckets[hash >> 8 & (BUCKETS - 1)];

	if (head->next == NULL)
		list_init(head);
	return head;
}

/* -EINVAL, or -EFAULT when the dword is not readable; *_value is what it holds. */
static int look(uint32_t address, struct futex_key *_key, uint32_t *_value)
{
	struct address_space *space = process_current()->space;
	int error;

	if (address % 4 != 0)
		return -EINVAL;
	error = user_copy_in(_value, address, sizeof *_value);
	if (error == 0 && !address_space_locate(space, address, &_key->owner, &_key->offset))
		error = -EFAULT;
	return error;
}

int _user_futex_wait(uint32_t address, uint32_t value, time_us_t deadline)
{
	struct futex_waiter waiter;
	uint32_t now;
	int error;

	if (deadline < -1)
		return -EINVAL;
	error = look(address, &waiter.key, &now);
	if (error != 0)
		return error;
	if (now != value)
		return -EAGAIN;

	/* The kernel is not preempted: nothing comes between look and sleep. */
	wait_queue_init(&waiter.queue);
	waiter.woken = false;
	list_add(bucket(&waiter.key), &waiter.link);
	error = wait_on(&waiter.queue, deadline == -1 ? NO_DEADLINE : deadline);
	list_remove(&waiter.link);
	return waiter.woken ? 0 : error;
}

int _user_futex_wake(uint32_t address, int count)
{
	struct futex_key key;
	uint32_t now;
	int woken = 0;
	int error = look(address, &key, &now);

	if (error != 0)
		return error;
	if (count < 0)
		return -EINVAL;
	LIST_FOR_EACH_SAFE(link, following, bucket(&key))
	{
		struct futex_waiter *waiter = LIST_ENTRY(link, struct futex_waiter, link);

		if (woken == count)
			break;
		if (waiter->key.owner != key.owner || waiter->key.offset != key.offset)
			continue;
		list_remove(&waiter->link);
		waiter->woken = true;
		wait_queue_wake(&waiter->queue, 1);
		woken++;
	}
	return woken;
}
