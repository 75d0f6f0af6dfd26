// build: kernel/lock_ranges.c
/*
 * kernel/lock_ranges.c against models: which owner has which byte how, in an array; and
 * who could ever go on, found by letting all go on that can.
 */
#include "check.h"
#include "kernel/lock_ranges.h"

#include <stdlib.h>

#define OWNERS 4
#define BYTES 48 /* of the file; the last one stands for all up to the largest offset */
#define ROUNDS 20000

static struct list sRanges;
static uint8_t sModel[OWNERS][BYTES]; /* enum lock_kind */
static unsigned sMade;				  /* ranges, used and spare */
static uint32_t sRandom = 1;

static unsigned below(unsigned limit)
{
	sRandom = sRandom * 1664525u + 1013904223u;
	return (sRandom >> 8) % limit;
}

static int64_t offset_of(int byte)
{
	return byte == BYTES - 1 ? INT64_MAX : byte;
}

static struct lock_range make_wanted(int owner, enum lock_kind kind, int first, int last)
{
	/* A range up to the last byte but one ends right before the huge rest. */
	return (struct lock_range){.owner = owner + 10,
		.kind = kind,
		.first = first == BYTES - 1 ? BYTES - 1 : first,
		.last = offset_of(last)};
}

static void make_spare(struct list *spare, unsigned count)
{
	list_init(spare);
	while (count-- > 0) {
		struct lock_range *range = calloc(1, sizeof *range);

		list_add(spare, &range->link);
		sMade++;
	}
}

static void free_all(struct list *ranges)
{
	LIST_FOR_EACH_SAFE(link, following, ranges)
	{
		list_remove(link);
		free(LIST_ENTRY(link, struct lock_range, link));
		sMade--;
	}
}

static void set(const struct lock_range *wanted)
{
	struct list spare;

	make_spare(&spare, 2);
	lock_ranges_set(&sRanges, wanted, &spare);
	free_all(&spare);
}

static bool model_allows(const struct lock_range *wanted, int owner, int first, int last)
{
	for (int other = 0; other < OWNERS; other++) {
		for (int i = first; i <= last && other != owner; i++) {
			if ((sModel[other][i] == LOCK_EXCLUSIVE && wanted->kind != LOCK_NONE)
				|| (sModel[other][i] != LOCK_NONE && wanted->kind == LOCK_EXCLUSIVE))
				return false;
		}
	}
	return true;
}

static void compare(void)
{
	static uint8_t seen[OWNERS][BYTES];
	int64_t before = -1;

	memset(seen, LOCK_NONE, sizeof seen);
	LIST_FOR_EACH(link, &sRanges)
	{
		const struct lock_range *range = LIST_ENTRY(link, struct lock_range, link);
		int owner = range->owner - 10;

		CHECK(range->first >= before && range->first <= range->last);
		CHECK(range->kind != LOCK_NONE);
		before = range->first;
		CHECK(range->last < BYTES - 1 || range->last == INT64_MAX);
		for (int i = (int)range->first;
			 i < BYTES && (range->last == INT64_MAX || i <= range->last); i++) {
			CHECK_NUMBER(seen[owner][i], LOCK_NONE);
			seen[owner][i] = (uint8_t)range->kind;
		}
		/* As few as can be: no neighbour of the same kind. */
		LIST_FOR_EACH(other_link, &sRanges)
		{
			const struct lock_range *other =
				LIST_ENTRY(other_link, struct lock_range, link);

			if (range->last != INT64_MAX && other->owner == range->owner
				&& other->kind == range->kind)
				CHECK(other->first != range->last + 1);
		}
	}
	CHECK(memcmp(seen, sModel, sizeof seen) == 0);
}

static void test_ranges(void)
{
	list_init(&sRanges);
	for (int round = 0; round < ROUNDS && sFailures == 0; round++) {
		int owner = (int)below(OWNERS);
		int first = (int)below(BYTES);
		int last = first + (int)below(below(4) == 0 ? BYTES : 6);
		struct lock_range wanted;
		const struct lock_range *conflict;

		if (last >= BYTES)
			last = BYTES - 1;
		wanted = make_wanted(owner, (enum lock_kind)below(3), first, last);
		conflict = lock_ranges_conflict(&sRanges, &wanted);
		CHECK_NUMBER(conflict == NULL, model_allows(&wanted, owner, first, last));
		if (conflict != NULL) {
			CHECK(conflict->owner != wanted.owner && conflict->first <= wanted.last
				  && conflict->last >= wanted.first);
		} else {
			set(&wanted);
			memset(&sModel[owner][first], wanted.kind, (size_t)(last - first + 1));
		}
		if (below(300) == 0) {
			struct list spare;
			bool had = false;

			for (int i = 0; i < BYTES; i++)
				had |= sModel[owner][i] != LOCK_NONE;
			list_init(&spare);
			CHECK_NUMBER(lock_ranges_remove(&sRanges, owner + 10, &spare), had);
			free_all(&spare);
			memset(sModel[owner], LOCK_NONE, BYTES);
		}
		compare();
	}
	free_all(&sRanges);
	CHECK_NUMBER(sMade, 0);
}

/* ---- Deadlocks --------------------------------------------------------------------- */

#define FILES 3
#define PEOPLE 7

static struct list sFiles[FILES];
static struct list sWaiters;
static struct lock_waiter sWaits[PEOPLE];
static bool sWaiting[PEOPLE];

static bool is_free(int person, const bool gone[PEOPLE], const struct lock_waiter *wait)
{
	LIST_FOR_EACH(link, wait->ranges)
	{
		const struct lock_range *range = LIST_ENTRY(link, struct lock_range, link);

		if (range->owner != person && !gone[range->owner]
			&& range->first <= wait->wanted.last && wait->wanted.first <= range->last
			&& (range->kind == LOCK_EXCLUSIVE || wait->wanted.kind == LOCK_EXCLUSIVE))
			return false;
	}
	return true;
}

/* Whether somebody would never go on, were all that can to go on, and to leave. */
static bool somebody_is_stuck(void)
{
	bool gone[PEOPLE] = {false};
	bool more = true;

	while (more) {
		more = false;
		for (int i = 0; i < PEOPLE; i++) {
			if (!gone[i] && (!sWaiting[i] || is_free(i, gone, &sWaits[i])))
				gone[i] = more = true;
		}
	}
	for (int i = 0; i < PEOPLE; i++) {
		if (!gone[i])
			return true;
	}
	return false;
}

static void begin_waiting(int person)
{
	sWaiting[person] = true;
	list_add(&sWaiters, &sWaits[person].link);
}

static void stop_waiting(int person)
{
	sWaiting[person] = false;
	list_remove(&sWaits[person].link);
}

static void test_deadlocks(void)
{
	unsigned refused = 0, waited = 0;

	list_init(&sWaiters);
	for (int i = 0; i < FILES; i++)
		list_init(&sFiles[i]);
	for (int round = 0; round < ROUNDS && sFailures == 0; round++) {
		int person = (int)below(PEOPLE);
		struct lock_waiter *wait = &sWaits[person];
		struct list spare;

		make_spare(&spare, 2);
		if (sWaiting[person]) {
			/* It is woken where it can go on, or by a signal. */
			if (lock_ranges_conflict(wait->ranges, &wait->wanted) == NULL) {
				stop_waiting(person);
				lock_ranges_set((struct list *)wait->ranges, &wait->wanted, &spare);
			} else if (below(20) == 0) {
				stop_waiting(person);
			}
		} else if (below(6) == 0) {
			for (int i = 0; i < FILES; i++)
				lock_ranges_remove(&sFiles[i], person, &spare);
		} else {
			struct list *ranges = &sFiles[below(FILES)];
			int64_t first = below(8);

			wait->ranges = ranges;
			wait->wanted = (struct lock_range){.owner = person,
				.kind = below(2) == 0 ? LOCK_SHARED : LOCK_EXCLUSIVE,
				.first = first,
				.last = first + below(4)};
			if (lock_ranges_conflict(ranges, &wait->wanted) == NULL) {
				lock_ranges_set(ranges, &wait->wanted, &spare);
			} else {
				bool would = lock_waiter_would_deadlock(&sWaiters, wait);

				begin_waiting(person);
				CHECK_NUMBER(would, somebody_is_stuck());
				if (would)
					stop_waiting(person);
				*(would ? &refused : &waited) += 1;
			}
		}
		free_all(&spare);
	}
	for (int i = 0; i < FILES; i++)
		free_all(&sFiles[i]);
	CHECK_NUMBER(sMade, 0);
	/* Both have happened often. */
	CHECK(refused > 100 && waited > 100);
}

int main(void)
{
	test_ranges();
	test_deadlocks();
	return check_result();
}
