/* Waiting for several files at once; see vfs.h. */
#include "kernel/file_table.h"
#include "kernel/heap.h"
#include "kernel/signal.h"
#include "kernel/user_memory.h"
#include "kernel/vfs.h"
#include "syscall_handlers.h"
#include <postern/errno.h>
#include <postern/poll.h>

/* That a waiter waits for a source. */
struct poll_entry {
	struct list link; /* among the source's */
	struct poll_waiter *waiter;
};

struct poll_waiter {
	struct wait_queue queue;
	bool woken;
	size_t used, room;
	struct poll_entry *entries;
};

/* Guards all sources and waiters; interrupt handlers wake. */
static struct spinlock sLock = SPINLOCK("poll", RANK_POLL);

void poll_source_init(struct poll_source *source)
{
	list_init(&source->entries);
}

void poll_wake(struct poll_source *source)
{
	bool enabled = spin_lock_irq(&sLock);

	LIST_FOR_EACH(link, &source->entries)
	{
		struct poll_waiter *waiter = LIST_ENTRY(link, struct poll_entry, link)->waiter;

		/* Who asks for one file many times is woken once. */
		if (!waiter->woken)
			wait_queue_wake(&waiter->queue, 1);
		waiter->woken = true;
	}
	spin_unlock_irq(&sLock, enabled);
}

void poll_wait(struct poll_waiter *waiter, struct poll_source *source)
{
	struct poll_entry *entry;
	bool enabled;

	if (waiter == NULL || waiter->used == waiter->room)
		return;
	entry = &waiter->entries[waiter->used++];
	entry->waiter = waiter;
	enabled = spin_lock_irq(&sLock);
	list_add(&source->entries, &entry->link);
	spin_unlock_irq(&sLock, enabled);
}

/* Leaves all sources; what woke it is forgotten. */
static void leave(struct poll_waiter *waiter)
{
	bool enabled = spin_lock_irq(&sLock);

	while (waiter->used > 0)
		list_remove(&waiter->entries[--waiter->used].link);
	waiter->woken = false;
	spin_unlock_irq(&sLock, enabled);
}

static int sleep_until(struct poll_waiter *waiter, time_us_t deadline)
{
	bool enabled = spin_lock_irq(&sLock);
	int error = 0;

	if (!waiter->woken)
		error = wait_on(&waiter->queue, &sLock, deadline);
	spin_unlock_irq(&sLock, enabled);
	return error;
}

/* ---- The call ------------------------------------------------------------------- */

#define SOURCES_EACH 2 /* that a device may wait for */
#define ALWAYS_TOLD (POLLERR | POLLHUP | POLLNVAL)

static uint32_t events_of(struct open_file *file, struct poll_waiter *waiter)
{
	if (file->operations == NULL || file->operations->poll == NULL)
		return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
	return file->operations->poll(file, waiter);
}

/* Looks at all of them. How many have something to tell. */
static int look(struct pollfd *polls, struct open_file **files, size_t count,
	struct poll_waiter *waiter)
{
	int ready = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		struct pollfd *poll = &polls[i];
		uint32_t events = POLLNVAL;

		poll->revents = 0;
		if (poll->fd < 0)
			continue;
		if (files[i] != NULL)
			events = events_of(files[i], waiter);
		poll->revents =
			(int16_t)(events & ((uint32_t)(uint16_t)poll->events | ALWAYS_TOLD));
		if (poll->revents != 0)
			ready++;
	}
	return ready;
}

static int wait_for_any(struct pollfd *polls, struct open_file **files, size_t count,
	struct poll_waiter *waiter, time_us_t timeout)
{
	time_us_t now = arch_system_time();
	time_us_t deadline =
		timeout < 0 || timeout > NO_DEADLINE - now ? NO_DEADLINE : now + timeout;

	for (;;) {
		int ready = look(polls, files, count, timeout == 0 ? NULL : waiter);
		int error;

		if (ready > 0 || timeout == 0)
			return ready;
		error = sleep_until(waiter, deadline);
		leave(waiter);
		if (error == -ETIMEDOUT)
			return look(polls, files, count, NULL);
		if (error != 0)
			return error;
	}
}

/* `timeout` is in microseconds; a NULL `mask` leaves the thread's own. */
static int poll_files(
	struct user_inout buffer, size_t count, time_us_t timeout, const uint32_t *mask)
{
	struct poll_waiter waiter = {.room = count * SOURCES_EACH};
	struct open_file **files = NULL;
	struct pollfd *polls = NULL;
	int result = -ENOMEM;
	size_t i;

	if (count > OPEN_MAX)
		return -EINVAL;
	wait_queue_init(&waiter.queue);
	if (count > 0) {
		files = heap_allocate(count * sizeof *files);
		polls = heap_allocate(count * sizeof *polls);
		waiter.entries = heap_allocate(waiter.room * sizeof *waiter.entries);
		if (files == NULL || polls == NULL || waiter.entries == NULL)
			goto out;
		result = user_inout_read(buffer, 0, polls, count * sizeof *polls);
		if (result != 0)
			goto out;
	}
	for (i = 0; i < count; i++) {
		if (polls[i].fd < 0 || file_get(polls[i].fd, &files[i]) != 0)
			files[i] = NULL;
	}
	if (mask != NULL)
		signal_suspend(*mask);
	result = wait_for_any(polls, files, count, &waiter, timeout);
	if (mask != NULL && result != -EINTR)
		signal_resume();
	leave(&waiter);
	for (i = 0; i < count; i++) {
		if (files[i] != NULL)
			file_put(files[i]);
	}
	if (result >= 0 && count > 0) {
		int error = user_inout_write(buffer, 0, polls, count * sizeof *polls);

		if (error != 0)
			result = error;
	}
out:
	heap_free(files);
	heap_free(polls);
	heap_free(waiter.entries);
	return result;
}

int _user_poll(struct user_inout buffer, size_t count, int timeout)
{
	return poll_files(buffer, count, (time_us_t)timeout * 1000, NULL);
}

int _user_ppoll(
	struct user_inout buffer, size_t count, time_us_t timeout, const uint32_t *mask)
{
	return poll_files(buffer, count, timeout, mask);
}
