/*
 * Locked parts of a file, and who waits for whom: the part of record_lock.c that
 * knows no vnode and no process, so that the host tests it too.
 *
 * The ranges of a file are on one list, by where they start. Those of one owner do
 * not overlap, and two that touch are of different kinds. The caller has the lock
 * for all of it.
 */
#pragma once

#include "kernel/list.h"
#include <postern/types.h>

enum lock_kind { LOCK_NONE, LOCK_SHARED, LOCK_EXCLUSIVE };

struct lock_range {
	struct list link;
	pid_t owner;
	enum lock_kind kind;
	int64_t first, last; /* both are in it */
};

/* Who waits until it can have `wanted`. */
struct lock_waiter {
	struct list link;		   /* among all that wait, in whatever file */
	struct list found;		   /* for lock_waiter_would_deadlock() */
	const struct list *ranges; /* of the file */
	struct lock_range wanted;
};

/* The first range of another owner that forbids `wanted`, or NULL. */
const struct lock_range *lock_ranges_conflict(
	const struct list *ranges, const struct lock_range *wanted);

/*
 * Makes `wanted` so; LOCK_NONE unlocks. No conflict may be left. `spare` holds unused
 * ranges: two are enough, and what is not needed any more is put there.
 */
void lock_ranges_set(
	struct list *ranges, const struct lock_range *wanted, struct list *spare);

/* Takes away all that `owner` has, to `spare`. Whether there was any. */
bool lock_ranges_remove(struct list *ranges, pid_t owner, struct list *spare);

/*
 * Whether `waiter`, were it to wait, would wait for itself: through owners of what is in
 * its way, who wait, too. `waiters` are those that do already.
 */
bool lock_waiter_would_deadlock(struct list *waiters, const struct lock_waiter *waiter);
