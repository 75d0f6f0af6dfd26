/*
 * Timers; see thread.h. Waits with an end and functions to be called later are
 * on a hashed timing wheel (Varghese and Lauck, "Hashed and hierarchical timing
 * wheels", 1987, scheme 6), so that starting and ending one is O(1). The first
 * processor's tick turns it.
 */
#include "kernel/scheduler.h"
#include <postern/errno.h>

#define WHEEL_SLOTS 256u

static struct list sWheel[WHEEL_SLOTS];
static struct list sDue; /* timers whose function is to be called */
/*
 * How far the wheel has turned, in ticks of the system time. Interrupts are not
 * counted: a machine may drop some, or bring those that it owes all at once.
 */
static uint64_t sTick;
static struct timer *sFiring; /* whose function is being called */

void timer_init_wheel(void)
{
	unsigned i;

	for (i = 0; i < WHEEL_SLOTS; i++)
		list_init(&sWheel[i]);
	list_init(&sDue);
}

void timer_init(struct timer *timer)
{
	list_init(&timer->link);
}

static void put_on_wheel(struct timer *timer, time_us_t deadline)
{
	/* The first at which the deadline has passed, and one that is still to come. */
	uint64_t tick = deadline <= 0 ? 0 : ((uint64_t)deadline + TICK_US - 1) / TICK_US;

	list_remove(&timer->link);
	timer->tick = tick > sTick ? tick : sTick + 1;
	list_add(&sWheel[timer->tick % WHEEL_SLOTS], &timer->link);
}

void timer_start_wait(struct thread *thread, time_us_t deadline)
{
	put_on_wheel(&thread->timer, deadline);
}

void timer_start(
	struct timer *timer, time_us_t deadline, void (*fire)(void *argument), void *argument)
{
	bool enabled = spin_lock_irq(&gSchedulerLock);

	timer->fire = fire;
	timer->argument = argument;
	put_on_wheel(timer, deadline);
	spin_unlock_irq(&gSchedulerLock, enabled);
}

/* The lock is held. The wheel may lag behind the time. */
static time_us_t left_of(const struct timer *timer)
{
	time_us_t left;

	if (list_empty(&timer->link))
		return 0;
	left = (time_us_t)timer->tick * TICK_US - arch_system_time();
	return left > 0 ? left : 1;
}

time_us_t timer_left(const struct timer *timer)
{
	bool enabled = spin_lock_irq(&gSchedulerLock);
	time_us_t left = left_of(timer);

	spin_unlock_irq(&gSchedulerLock, enabled);
	return left;
}

time_us_t timer_stop(struct timer *timer)
{
	bool enabled = spin_lock_irq(&gSchedulerLock);
	time_us_t left;

	while (sFiring == timer) {
		spin_unlock_irq(&gSchedulerLock, enabled);
		arch_cpu_relax();
		enabled = spin_lock_irq(&gSchedulerLock);
	}
	left = left_of(timer);
	list_remove(&timer->link);
	spin_unlock_irq(&gSchedulerLock, enabled);
	return left;
}

/* A wait that has an end: its timer wakes the thread at once, others are due. */
static void expire(struct timer *timer)
{
	struct thread *thread;

	list_remove(&timer->link);
	if (timer->fire != NULL) {
		list_add(&sDue, &timer->link);
		return;
	}
	thread = LIST_ENTRY(timer, struct thread, timer);
	list_remove(&thread->queued);
	thread->wake_result = -ETIMEDOUT;
	scheduler_make_ready(thread);
}

bool timer_tick(void)
{
	uint64_t now = (uint64_t)arch_system_time() / TICK_US;
	uint64_t count = now - sTick < WHEEL_SLOTS ? now - sTick : WHEEL_SLOTS;

	sTick = now;
	for (; count > 0; count--) {
		struct list *slot = &sWheel[(now - count + 1) % WHEEL_SLOTS];

		LIST_FOR_EACH_SAFE(link, following, slot)
		{
			struct timer *timer = LIST_ENTRY(link, struct timer, link);

			if (timer->tick <= now) /* else another turn of the wheel */
				expire(timer);
		}
	}
	return !list_empty(&sDue);
}

/* One processor at a time: what finds another at it leaves the rest to that. */
void timer_run_due(void)
{
	if (list_empty(&sDue)) /* a look without the lock: what comes now waits a tick */
		return;
	spin_lock(&gSchedulerLock);
	while (sFiring == NULL && !list_empty(&sDue)) {
		struct timer *timer = LIST_ENTRY(sDue.next, struct timer, link);

		list_remove(&timer->link);
		sFiring = timer;
		spin_unlock(&gSchedulerLock);
		timer->fire(timer->argument);
		spin_lock(&gSchedulerLock);
		sFiring = NULL;
	}
	spin_unlock(&gSchedulerLock);
}
