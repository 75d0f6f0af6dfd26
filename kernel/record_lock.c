/*
 * record_lock(): which process has which part of which file locked; see
 * record_lock.h, and lock_ranges.h for the ranges themselves. The rules are those of
 * POSIX.1-2017, fcntl().
 *
 * A vnode has a struct file_locks as long as something of it is locked or waited
 * for. Nobody else looks after them, for who has something locked or waits has the
 * file open. One mutex for all: the search for deadlocks goes from file to file.
 */
#include "kernel/record_lock.h"
#include "kernel/arch.h"
#include "kernel/heap.h"
#include "kernel/lock_ranges.h"
#include "kernel/process.h"
#include "syscall_handlers.h"
#include <postern/errno.h>
#include <postern/fcntl.h>
#include <postern/record_lock.h>

#define RANGES_MAX 16384 /* of all processes: half a megabyte of the heap */

struct file_locks {
	struct list ranges;
	unsigned waiters;
	struct wait_queue changed;
};

static struct mutex sMutex = MUTEX(sMutex, "record locks");
static struct list sWaiters = {&sWaiters, &sWaiters};
static unsigned sCount; /* ranges there are */

/* ---- Memory ----------------------------------------------------------------------- */

static int make_spare(struct list *spare, unsigned count)
{
	while (count-- > 0) {
		struct lock_range *range = heap_allocate(sizeof *range);

		if (range == NULL)
			return -ENOLCK;
		list_add(spare, &range->link);
		sCount++;
	}
	return 0;
}

static void free_spare(struct list *spare)
{
	LIST_FOR_EACH_SAFE(link, following, spare)
	{
		list_remove(link);
		heap_free(LIST_ENTRY(link, struct lock_range, link));
		sCount--;
	}
}

static struct file_locks *locks_of(struct vnode *vnode)
{
	struct file_locks *locks = vnode->locks;

	if (locks != NULL)
		return locks;
	locks = heap_allocate(sizeof *locks);
	if (locks == NULL)
		return NULL;
	list_init(&locks->ranges);
	wait_queue_init(&locks->changed);
	__atomic_store_n(&vnode->locks, locks, __ATOMIC_SEQ_CST);
	return locks;
}

static void free_unused(struct vnode *vnode)
{
	struct file_locks *locks = vnode->locks;

	if (locks == NULL || locks->waiters > 0 || !list_empty(&locks->ranges))
		return;
	__atomic_store_n(&vnode->locks, NULL, __ATOMIC_SEQ_CST);
	heap_free(locks);
}

/* ---- Locking ---------------------------------------------------------------------- */

/* Waits until nobody has anything in the way of `wanted`. */
static int wait_for(struct file_locks *locks, const struct lock_range *wanted)
{
	struct lock_waiter waiter = {.ranges = &locks->ranges, .wanted = *wanted};
	int error = 0;

	while (error == 0 && lock_ranges_conflict(&locks->ranges, wanted) != NULL) {
		if (lock_waiter_would_deadlock(&sWaiters, &waiter))
			return -EDEADLK;
		list_add(&sWaiters, &waiter.link);
		locks->waiters++;
		error = wait_on_mutex(&locks->changed, &sMutex, NO_DEADLINE);
		locks->waiters--;
		list_remove(&waiter.link);
	}
	return error;
}

/* With the mutex. */
static int set_locked(struct vnode *vnode, const struct lock_range *wanted, bool wait)
{
	struct list spare = {&spare, &spare};
	struct file_locks *locks = locks_of(vnode);
	int error;

	if (locks == NULL || (wanted->kind != LOCK_NONE && sCount + 2 > RANGES_MAX))
		return -ENOLCK;
	/* Before the wait, as nothing may come between that and the lock. */
	error = make_spare(&spare, 2);
	if (error == 0 && lock_ranges_conflict(&locks->ranges, wanted) != NULL)
		error = wait ? wait_for(locks, wanted) : -EAGAIN;
	if (error == 0) {
		lock_ranges_set(&locks->ranges, wanted, &spare);
		/* Less may be locked than before, but where it was locked for one alone. */
		if (wanted->kind != LOCK_EXCLUSIVE)
			wait_queue_wake(&locks->changed, UINT32_MAX);
	}
	free_spare(&spare);
	return error;
}

static int set(int fd, struct open_file *file, const struct lock_range *wanted, bool wait)
{
	struct open_file *now = NULL;
	int error;

	mutex_lock(&sMutex);
	error = set_locked(file->vnode, wanted, wait);
	free_unused(file->vnode);
	mutex_unlock(&sMutex);
	if (error != 0 || wanted->kind == LOCK_NONE)
		return error;
	/* Another thread that has closed the file meanwhile has looked for locks too early.
	 */
	if (file_get(fd, &now) == 0)
		file_put(now);
	if (now == file)
		return 0;
	record_lock_closed(file->vnode, wanted->owner);
	return -EBADF;
}

static void get(
	struct vnode *vnode, const struct lock_range *wanted, struct record_lock *_lock)
{
	const struct lock_range *range = NULL;

	mutex_lock(&sMutex);
	if (vnode->locks != NULL)
		range = lock_ranges_conflict(&vnode->locks->ranges, wanted);
	if (range == NULL) {
		_lock->type = F_UNLCK;
	} else {
		_lock->type = range->kind == LOCK_EXCLUSIVE ? F_WRLCK : F_RDLCK;
		_lock->whence = SEEK_SET;
		_lock->start = range->first;
		_lock->length = range->last == INT64_MAX ? 0 : range->last - range->first + 1;
		_lock->pid = range->owner;
	}
	mutex_unlock(&sMutex);
}

void record_lock_closed(struct vnode *vnode, pid_t owner)
{
	struct list spare = {&spare, &spare};

	/* Most files have none. */
	if (__atomic_load_n(&vnode->locks, __ATOMIC_SEQ_CST) == NULL)
		return;
	mutex_lock(&sMutex);
	if (vnode->locks != NULL) {
		if (lock_ranges_remove(&vnode->locks->ranges, owner, &spare))
			wait_queue_wake(&vnode->locks->changed, UINT32_MAX);
		free_unused(vnode);
	}
	free_spare(&spare);
	mutex_unlock(&sMutex);
}

/* ---- The call --------------------------------------------------------------------- */

/* What `whence` counts from. */
static int base_of(struct open_file *file, int whence, off_t *_base)
{
	struct mutex *lock = whence == SEEK_CUR ? &file->lock : &file->vnode->lock;

	*_base = 0;
	if (whence == SEEK_SET)
		return 0;
	if (whence != SEEK_CUR && whence != SEEK_END)
		return -EINVAL;
	mutex_lock(lock);
	*_base = whence == SEEK_CUR ? file->position : file->vnode->size;
	mutex_unlock(lock);
	return 0;
}

static int range_from(
	struct open_file *file, const struct record_lock *lock, struct lock_range *_range)
{
	int error = base_of(file, lock->whence, &_range->first);

	if (error != 0)
		return error;
	if (__builtin_add_overflow(_range->first, lock->start, &_range->first))
		return lock->start > 0 ? -EOVERFLOW : -EINVAL;
	_range->last = INT64_MAX;
	if (lock->length > 0
		&& __builtin_add_overflow(_range->first, lock->length - 1, &_range->last))
		return -EOVERFLOW;
	if (lock->length < 0) {
		/* Nothing is before 0, where `first` may be on its own, too. */
		if (_range->first <= 0
			|| __builtin_add_overflow(_range->first, lock->length, &_range->first))
			return -EINVAL;
		_range->last = _range->first - lock->length - 1;
	}
	return _range->first < 0 ? -EINVAL : 0;
}

/* POSIX: a lock for reading wants a file that may be read, and so for writing. */
static int check_access(const struct open_file *file, enum lock_kind kind)
{
	uint32_t access = file->flags & O_ACCMODE;

	if (!S_ISREG(file->vnode->mode))
		return -EINVAL;
	if ((kind == LOCK_SHARED && access == O_WRONLY)
		|| (kind == LOCK_EXCLUSIVE && access == O_RDONLY))
		return -EBADF;
	return 0;
}

int _user_record_lock(int fd, int command, struct record_lock *lock)
{
	struct lock_range wanted = {.owner = process_current()->pid};
	struct open_file *file;
	int error = file_get(fd, &file);

	if (error != 0)
		return error;
	wanted.kind = lock->type == F_WRLCK	  ? LOCK_EXCLUSIVE
				  : lock->type == F_RDLCK ? LOCK_SHARED
										  : LOCK_NONE;
	if ((command != F_GETLK && command != F_SETLK && command != F_SETLKW)
		|| lock->type < F_RDLCK || lock->type > F_UNLCK
		|| (command == F_GETLK && lock->type == F_UNLCK))
		error = -EINVAL;
	if (error == 0)
		error = check_access(file, command == F_GETLK ? LOCK_NONE : wanted.kind);
	if (error == 0)
		error = range_from(file, lock, &wanted);
	if (error == 0 && command == F_GETLK)
		get(file->vnode, &wanted, lock);
	else if (error == 0)
		error = set(fd, file, &wanted, command == F_SETLKW);
	file_put(file);
	return error;
}
