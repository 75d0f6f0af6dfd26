/* Locked parts of a file; see lock_ranges.h. Called by record_lock.c. */
#include "kernel/lock_ranges.h"

static struct lock_range *range_of(struct list *link)
{
	return LIST_ENTRY(link, struct lock_range, link);
}

static bool overlaps(const struct lock_range *a, const struct lock_range *b)
{
	return a->first <= b->last && b->first <= a->last;
}

static bool in_the_way(const struct lock_range *range, const struct lock_range *wanted)
{
	return range->owner != wanted->owner && overlaps(range, wanted)
		   && (range->kind == LOCK_EXCLUSIVE || wanted->kind == LOCK_EXCLUSIVE);
}

const struct lock_range *lock_ranges_conflict(
	const struct list *ranges, const struct lock_range *wanted)
{
	if (wanted->kind == LOCK_NONE)
		return NULL;
	LIST_FOR_EACH(link, ranges)
	{
		const struct lock_range *range = range_of(link);

		if (range->first > wanted->last)
			break;
		if (in_the_way(range, wanted))
			return range;
	}
	return NULL;
}

/* ---- Setting -------------------------------------------------------------------- */

static void insert(struct list *ranges, struct lock_range *range)
{
	struct list *where = ranges;

	LIST_FOR_EACH(link, ranges)
	{
		if (range_of(link)->first > range->first) {
			where = link;
			break;
		}
	}
	list_insert_before(&range->link, where);
}

static struct lock_range *take_spare(struct list *spare, const struct lock_range *like)
{
	struct lock_range *range = range_of(spare->next);

	list_remove(&range->link);
	*range = *like;
	return range;
}

static void drop(struct lock_range *range, struct list *spare)
{
	list_remove(&range->link);
	list_add(spare, &range->link);
}

/* Leaves of `range` what is not in `hole`. */
static void cut(struct list *ranges, struct lock_range *range,
	const struct lock_range *hole, struct list *spare)
{
	struct lock_range behind = *range;

	if (range->last > hole->last) {
		behind.first = hole->last + 1;
		if (range->first < hole->first) {
			range->last = hole->first - 1;
			insert(ranges, take_spare(spare, &behind));
			return;
		}
		list_remove(&range->link);
		range->first = behind.first;
		insert(ranges, range);
	} else if (range->first < hole->first) {
		range->last = hole->first - 1;
	} else {
		drop(range, spare);
	}
}

/* Whether one ends where the other begins. */
static bool touches(const struct lock_range *a, const struct lock_range *b)
{
	return (a->last != INT64_MAX && a->last + 1 == b->first)
		   || (b->last != INT64_MAX && b->last + 1 == a->first);
}

void lock_ranges_set(
	struct list *ranges, const struct lock_range *wanted, struct list *spare)
{
	struct lock_range whole = *wanted;

	LIST_FOR_EACH_SAFE(link, following, ranges)
	{
		struct lock_range *range = range_of(link);

		if (range->owner != wanted->owner)
			continue;
		if (range->kind == wanted->kind
			&& (overlaps(range, wanted) || touches(range, wanted))) {
			if (range->first < whole.first)
				whole.first = range->first;
			if (range->last > whole.last)
				whole.last = range->last;
			drop(range, spare);
		} else if (overlaps(range, wanted)) {
			cut(ranges, range, wanted, spare);
		}
	}
	if (wanted->kind != LOCK_NONE)
		insert(ranges, take_spare(spare, &whole));
}

bool lock_ranges_remove(struct list *ranges, pid_t owner, struct list *spare)
{
	bool any = false;

	LIST_FOR_EACH_SAFE(link, following, ranges)
	{
		struct lock_range *range = range_of(link);

		if (range->owner == owner) {
			drop(range, spare);
			any = true;
		}
	}
	return any;
}

/* ---- Who waits for whom ------------------------------------------------------------ */

/* Adds those that wait on behalf of `owner` to `found`, once each. */
static void find_waiters(struct list *waiters, pid_t owner, struct list *found)
{
	LIST_FOR_EACH(link, waiters)
	{
		struct lock_waiter *waiter = LIST_ENTRY(link, struct lock_waiter, link);

		if (waiter->wanted.owner == owner && list_empty(&waiter->found))
			list_add(found, &waiter->found);
	}
}

/* The owners that `waiter` waits for: whether `owner` is one; else who waits for them. */
static bool look_behind(struct list *waiters, const struct lock_waiter *waiter,
	pid_t owner, struct list *found)
{
	LIST_FOR_EACH(link, waiter->ranges)
	{
		const struct lock_range *range = range_of(link);

		if (!in_the_way(range, &waiter->wanted))
			continue;
		if (range->owner == owner)
			return true;
		find_waiters(waiters, range->owner, found);
	}
	return false;
}

bool lock_waiter_would_deadlock(struct list *waiters, const struct lock_waiter *waiter)
{
	struct list found;
	bool deadlock;

	LIST_FOR_EACH(link, waiters)
	{
		list_init(&LIST_ENTRY(link, struct lock_waiter, link)->found);
	}
	list_init(&found);
	deadlock = look_behind(waiters, waiter, waiter->wanted.owner, &found);
	/* Each is looked behind once; the list grows at its end meanwhile. */
	LIST_FOR_EACH(link, &found)
	{
		if (deadlock)
			break;
		deadlock = look_behind(waiters, LIST_ENTRY(link, struct lock_waiter, found),
			waiter->wanted.owner, &found);
	}
	return deadlock;
}
