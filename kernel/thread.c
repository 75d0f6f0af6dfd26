/*
 * Threads; see thread.h. The scheduler is O(1): a list a priority and a bitmap
 * of those that are not empty. Waits with an end are on a hashed timing wheel
 * (Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987, scheme
 * 6), so that starting and ending one is O(1), too.
 */
#include "kernel/thread.h"
#include "kernel/heap.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include <postern/errno.h>

#define PRIORITIES (PRIORITY_MAX + 1)
#define SLICE_TICKS 10
#define TICK_US 1000
#define WHEEL_SLOTS 256u
#define HASH_SLOTS 256u
#define THREADS_MAX 4096

struct thread *gCurrentThread;

static struct thread sIdle;
static struct list sRunQueues[PRIORITIES];
static uint32_t sReady; /* bit n: sRunQueues[n] is not empty */
static bool sReschedule;

static struct list sWheel[WHEEL_SLOTS];
static struct list sDue; /* timers whose function is to be called */
static uint64_t sTick;

static struct list sByTid[HASH_SLOTS];
static tid_t sLastTid;
static unsigned sThreadCount;

/* Left by a switch for the thread that runs behind it to free. */
static struct thread *sDead;

_Static_assert(PRIORITIES <= 32, "sReady has a bit each");

static inline struct thread *queued(struct list *link)
{
	return LIST_ENTRY(link, struct thread, queued);
}

/* ---- The run queues ---------------------------------------------------------- */

static void enqueue(struct thread *thread)
{
	thread->state = THREAD_READY;
	list_add(&sRunQueues[thread->priority], &thread->queued);
	sReady |= 1u << thread->priority;
}

static struct thread *dequeue_first(void)
{
	unsigned priority;
	struct thread *thread;

	if (sReady == 0)
		return &sIdle;
	priority = 31 - (unsigned)__builtin_clz(sReady);
	thread = queued(sRunQueues[priority].next);
	list_remove(&thread->queued);
	if (list_empty(&sRunQueues[priority]))
		sReady &= ~(1u << priority);
	return thread;
}

void thread_make_ready(struct thread *thread)
{
	bool enabled = arch_interrupts_disable();

	list_remove(&thread->timer.link);
	enqueue(thread);
	if (thread->priority > gCurrentThread->priority) {
		sReschedule = true;
		arch_request_return_work();
	}
	arch_interrupts_restore(enabled);
}

void thread_switched(void)
{
	struct thread *dead = sDead;

	sDead = NULL;
	if (dead != NULL)
		thread_destroy(dead);
}

/* Switches to the next ready thread; the caller has queued the current one,
 * or not. Interrupts off. */
static void schedule(void)
{
	struct thread *from = gCurrentThread;
	struct thread *to = dequeue_first();

	ASSERT(!arch_interrupts_enabled());
	sReschedule = false;
	to->state = THREAD_RUNNING;
	to->slice = SLICE_TICKS;
	if (to == from)
		return;
	gCurrentThread = to;
	if (to->process != NULL)
		process_activate(to->process);
	arch_thread_switch(&from->arch, &to->arch);
	thread_switched();
	/* Ended while others ran: not a single instruction more in ring 3. Nor before
	 * a signal that came then, which who yields in a loop would never look for. */
	if (from->ending
		|| (from->process != NULL && (signal_pending(from) || from->process->stopped)))
		arch_request_return_work();
}

void thread_yield(void)
{
	bool enabled;

	/* Nobody to yield to: near the price of a null call. */
	if (sReady >> gCurrentThread->priority == 0)
		return;
	enabled = arch_interrupts_disable();
	enqueue(gCurrentThread);
	schedule();
	arch_interrupts_restore(enabled);
}

/* ---- Time --------------------------------------------------------------------- */

void timer_init(struct timer *timer)
{
	list_init(&timer->link);
}

static void put_on_wheel(struct timer *timer, time_us_t deadline)
{
	time_us_t left = deadline - arch_system_time();
	uint64_t ticks = left <= 0 ? 0 : (uint64_t)left / TICK_US;

	/* Never early: the tick that is under way does not count. */
	timer->tick = sTick + ticks + 2;
	list_add(&sWheel[timer->tick % WHEEL_SLOTS], &timer->link);
}

void timer_start(
	struct timer *timer, time_us_t deadline, void (*fire)(void *argument), void *argument)
{
	bool enabled = arch_interrupts_disable();

	timer->fire = fire;
	timer->argument = argument;
	put_on_wheel(timer, deadline);
	arch_interrupts_restore(enabled);
}

time_us_t timer_stop(struct timer *timer)
{
	bool enabled = arch_interrupts_disable();
	time_us_t left = 0;

	if (!list_empty(&timer->link)) {
		if (timer->tick > sTick)
			left = (time_us_t)(timer->tick - sTick) * TICK_US;
		list_remove(&timer->link);
	}
	arch_interrupts_restore(enabled);
	return left;
}

/* A wait that has an end: its timer wakes the thread at once, others are due. */
static void expire(struct timer *timer)
{
	struct thread *thread;

	list_remove(&timer->link);
	if (timer->fire != NULL) {
		list_add(&sDue, &timer->link);
		arch_request_return_work();
		return;
	}
	thread = LIST_ENTRY(timer, struct thread, timer);
	list_remove(&thread->queued);
	thread->wake_result = -ETIMEDOUT;
	thread_make_ready(thread);
}

/* Interrupts off; the functions run with them off, too. */
static void run_due_timers(void)
{
	while (!list_empty(&sDue)) {
		struct timer *timer = LIST_ENTRY(sDue.next, struct timer, link);

		list_remove(&timer->link);
		timer->fire(timer->argument);
	}
}

void thread_tick(void)
{
	struct list *slot;

	sTick++;
	gCurrentThread->ticks++;
	slot = &sWheel[sTick % WHEEL_SLOTS];
	LIST_FOR_EACH_SAFE(link, following, slot)
	{
		struct timer *timer = LIST_ENTRY(link, struct timer, link);

		if (timer->tick <= sTick) /* else another turn of the wheel */
			expire(timer);
	}
	if (gCurrentThread->slice == 0 || --gCurrentThread->slice == 0) {
		sReschedule = true;
		arch_request_return_work();
	}
}

/* ---- Waiting -------------------------------------------------------------------- */

void wait_queue_init(struct wait_queue *queue)
{
	list_init(&queue->threads);
}

int wait_on(struct wait_queue *queue, time_us_t deadline)
{
	struct thread *thread = gCurrentThread;
	bool enabled = arch_interrupts_disable();

	thread->wake_result = 0;
	if (thread->ending || signal_pending(thread)) {
		thread->wake_result = -EINTR;
	} else if (deadline != NO_DEADLINE && deadline <= arch_system_time()) {
		thread->wake_result = -ETIMEDOUT;
	} else {
		thread->state = THREAD_WAITING;
		if (queue != NULL)
			list_add(&queue->threads, &thread->queued);
		if (deadline != NO_DEADLINE)
			put_on_wheel(&thread->timer, deadline);
		schedule();
	}
	if (thread->wake_result == -EINTR) {
		thread->interrupted_call =
			(uint32_t)arch_frame_syscall(arch_current_user_frame());
		arch_request_return_work();
	}
	arch_interrupts_restore(enabled);
	return thread->wake_result;
}

unsigned wait_queue_wake(struct wait_queue *queue, unsigned count)
{
	bool enabled = arch_interrupts_disable();
	unsigned woken = 0;

	while (woken < count && !list_empty(&queue->threads)) {
		struct thread *thread = queued(queue->threads.next);

		list_remove(&thread->queued);
		thread_make_ready(thread);
		woken++;
	}
	arch_interrupts_restore(enabled);
	return woken;
}

void thread_interrupt(struct thread *thread)
{
	bool enabled = arch_interrupts_disable();

	if (thread->state == THREAD_WAITING) {
		list_remove(&thread->queued);
		thread->wake_result = -EINTR;
		thread_make_ready(thread);
	}
	arch_interrupts_restore(enabled);
}

/* ---- Returning to ring 3 ----------------------------------------------------------- */

void thread_return_work(void)
{
	ASSERT(!arch_interrupts_enabled());
	for (;;) {
		struct thread *thread = gCurrentThread;

		run_due_timers();
		if (sReschedule) {
			enqueue(thread);
			schedule();
		} else if (thread->ending) {
			process_end_thread();
		} else if (signal_pending(thread) || thread->process->stopped
				   || thread->interrupted_call != NO_CALL) {
			arch_interrupts_restore(true);
			signal_take();
			arch_interrupts_disable();
		} else {
			return;
		}
	}
}

/* ---- Threads -------------------------------------------------------------------------
 */

struct thread *thread_find(tid_t tid)
{
	struct list *slot = &sByTid[(uint32_t)tid % HASH_SLOTS];

	LIST_FOR_EACH(link, slot)
	{
		struct thread *thread = LIST_ENTRY(link, struct thread, hashed);

		if (thread->tid == tid)
			return thread;
	}
	return NULL;
}

static tid_t next_tid(void)
{
	do {
		sLastTid = sLastTid == INT32_MAX ? 2 : sLastTid + 1;
	} while (thread_find(sLastTid) != NULL || process_find(sLastTid) != NULL);
	return sLastTid;
}

void thread_renumber(struct thread *thread, tid_t tid)
{
	list_remove(&thread->hashed);
	thread->tid = tid;
	list_add(&sByTid[(uint32_t)tid % HASH_SLOTS], &thread->hashed);
}

struct thread *thread_create(struct process *process)
{
	struct thread *thread;

	if (sThreadCount == THREADS_MAX)
		return NULL;
	thread = heap_allocate(sizeof *thread);
	if (thread == NULL)
		return NULL;
	if (arch_thread_create(&thread->arch) != 0) {
		heap_free(thread);
		return NULL;
	}
	sThreadCount++;
	thread->process = process;
	thread->priority = PRIORITY_NORMAL;
	thread->state = THREAD_NEW;
	list_init(&thread->queued);
	timer_init(&thread->timer);
	thread->interrupted_call = NO_CALL;
	wait_queue_init(&thread->joiners);
	thread->tid = next_tid();
	list_add(&sByTid[(uint32_t)thread->tid % HASH_SLOTS], &thread->hashed);
	list_add(&process->threads, &thread->siblings);
	return thread;
}

void thread_destroy(struct thread *thread)
{
	ASSERT(thread != gCurrentThread);
	list_remove(&thread->hashed);
	arch_thread_destroy(&thread->arch);
	heap_free(thread);
	sThreadCount--;
}

void thread_exit_current(void)
{
	arch_interrupts_disable();
	gCurrentThread->state = THREAD_DEAD;
	list_remove(&gCurrentThread->hashed);
	ASSERT(sDead == NULL);
	sDead = gCurrentThread;
	schedule();
	__builtin_unreachable();
}

/* What runs when nobody else can. */
void thread_run_idle(void)
{
	for (;;) {
		arch_interrupts_disable();
		run_due_timers();
		if (sReady == 0)
			arch_wait_for_interrupt(); /* enables them, and they are on behind it */
		else
			schedule();
	}
}

void thread_init(void)
{
	unsigned i;

	for (i = 0; i < PRIORITIES; i++)
		list_init(&sRunQueues[i]);
	for (i = 0; i < WHEEL_SLOTS; i++)
		list_init(&sWheel[i]);
	for (i = 0; i < HASH_SLOTS; i++)
		list_init(&sByTid[i]);
	list_init(&sIdle.queued);
	timer_init(&sIdle.timer);
	list_init(&sDue);
	sIdle.priority = PRIORITY_IDLE;
	sIdle.state = THREAD_RUNNING;
	sIdle.arch.stack_top = arch_kernel_stack_top();
	gCurrentThread = &sIdle;
}
