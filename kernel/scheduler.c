/*
 * The scheduler: who runs on which processor. See thread.h and scheduler.h.
 *
 * Each processor has a list of ready threads a priority, and a bitmap of those
 * that are not empty; all it does is O(1) in the number of threads. A thread
 * that becomes ready goes to the processor that ran it last, or to one that
 * idles where that one is busy; a processor that runs out of threads takes one
 * of another's, and a tick evens out what is left.
 *
 * The lock is held over a switch: who runs next releases it. So a thread that
 * is on a queue has left its stack.
 */
#include "kernel/scheduler.h"
#include "kernel/address_space.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include <postern/errno.h>

#define PRIORITIES (PRIORITY_MAX + 1)
#define SLICE_TICKS 10
#define BALANCE_TICKS 32

struct cpu {
	unsigned index;
	bool online;
	bool reschedule; /* its thread's time is up */
	bool ticking;	 /* false: an idle one that has turned its tick off */
	unsigned ticks;	 /* until it looks at the other queues */
	unsigned ready_count;
	uint32_t ready; /* bit n: queues[n] is not empty */
	struct thread *current;
	struct thread *dead; /* left by a switch for who runs behind it */
	struct thread idle;
	struct list queues[PRIORITIES];
} __attribute__((aligned(64))); /* no processor's words share another's line */

static struct cpu sCpus[CPUS_MAX];
static uint32_t sIdle; /* bit n: processor n idles, and nothing is queued for it */
struct spinlock gSchedulerLock = SPINLOCK("scheduler", RANK_SCHEDULER);

static bool sRandom;
static uint32_t sRandomState;

_Static_assert(PRIORITIES <= 32, "cpu.ready has a bit each");
_Static_assert(CPUS_MAX <= 32, "sIdle has a bit each");

static struct cpu *this_cpu(void)
{
	return &sCpus[arch_cpu_index()];
}

static inline struct thread *queued(struct list *link)
{
	return LIST_ENTRY(link, struct thread, queued);
}

/* ---- Chance ---------------------------------------------------------------- */

void thread_randomise(uint32_t seed)
{
	sRandom = true;
	sRandomState = seed != 0 ? seed : 1;
}

/* Below `limit`: Marsaglia's "Xorshift RNGs", 2003. The lock is held. */
static unsigned random_below(unsigned limit)
{
	sRandomState ^= sRandomState << 13;
	sRandomState ^= sRandomState >> 17;
	sRandomState ^= sRandomState << 5;
	return sRandomState % limit;
}

/* ---- The run queues ---------------------------------------------------------- */

static void enqueue(struct cpu *cpu, struct thread *thread)
{
	thread->state = THREAD_READY;
	thread->cpu = cpu->index;
	list_add(&cpu->queues[thread->priority], &thread->queued);
	cpu->ready |= 1u << thread->priority;
	cpu->ready_count++;
}

static void dequeue(struct cpu *cpu, struct thread *thread)
{
	struct list *queue = &cpu->queues[thread->priority];

	list_remove(&thread->queued);
	if (list_empty(queue))
		cpu->ready &= ~(1u << thread->priority);
	cpu->ready_count--;
}

/* The first of the highest priority, or the last, which has been there least. */
static struct thread *take(struct cpu *cpu, bool first)
{
	struct list *queue = &cpu->queues[31 - (unsigned)__builtin_clz(cpu->ready)];
	struct list *link = first ? queue->next : queue->previous;
	struct thread *thread;
	unsigned skip = sRandom ? random_below(cpu->ready_count) : 0;

	while (skip-- > 0 && link->next != queue && link->previous != queue)
		link = first ? link->next : link->previous;
	thread = queued(link);
	dequeue(cpu, thread);
	return thread;
}

/* The processor with the most ready threads besides `cpu`, or NULL. */
static struct cpu *busiest(const struct cpu *cpu)
{
	struct cpu *found = NULL;
	unsigned i;

	for (i = 0; i < arch_cpu_count(); i++) {
		if (&sCpus[i] != cpu && sCpus[i].ready_count > 0
			&& (found == NULL || sCpus[i].ready_count > found->ready_count))
			found = &sCpus[i];
	}
	return found;
}

static struct thread *take_next(struct cpu *cpu)
{
	struct cpu *other;

	if (cpu->ready_count > 0)
		return take(cpu, true);
	other = busiest(cpu);
	return other != NULL ? take(other, false) : &cpu->idle;
}

static struct cpu *choose_cpu(const struct thread *thread)
{
	uint32_t idle = sIdle;

	if (sRandom) {
		struct cpu *cpu = &sCpus[random_below(arch_cpu_count())];

		return cpu->online ? cpu : this_cpu();
	}
	if (idle == 0 || idle >> thread->cpu & 1)
		return &sCpus[thread->cpu];
	return &sCpus[__builtin_ctz(idle)];
}

void scheduler_make_ready(struct thread *thread)
{
	struct cpu *cpu = choose_cpu(thread);

	ASSERT(spin_held(&gSchedulerLock));
	list_remove(&thread->timer.link);
	enqueue(cpu, thread);
	sIdle &= ~(1u << cpu->index);
	if (thread->priority <= cpu->current->priority)
		return;
	cpu->reschedule = true;
	if (cpu == this_cpu())
		arch_request_return_work();
	else
		arch_cpu_wake(cpu->index);
}

void thread_make_ready(struct thread *thread)
{
	bool enabled = spin_lock_irq(&gSchedulerLock);

	scheduler_make_ready(thread);
	spin_unlock_irq(&gSchedulerLock, enabled);
}

/* ---- Switching --------------------------------------------------------------- */

/* Behind a switch, on the new thread's stack. Interrupts are off. */
void thread_switched(void)
{
	struct cpu *cpu = this_cpu();
	struct thread *dead = cpu->dead;
	struct thread *thread = cpu->current;

	cpu->dead = NULL;
	/* What came while others ran: not a single instruction more in ring 3. */
	if (thread->process != NULL
		&& (thread->ending || signal_pending(thread) || thread->process->stopped))
		arch_request_return_work();
	spin_unlock(&gSchedulerLock);
	if (dead != NULL)
		process_thread_gone(dead);
}

void scheduler_switch(void)
{
	struct cpu *cpu = this_cpu();
	struct thread *from = cpu->current;
	struct thread *to = take_next(cpu);

	ASSERT(!arch_interrupts_enabled() && from == thread_current());
	lock_check_none(&gSchedulerLock);
	cpu->reschedule = false;
	to->state = THREAD_RUNNING;
	to->cpu = cpu->index;
	to->slice = sRandom ? 1 + random_below(SLICE_TICKS) : SLICE_TICKS;
	if (to == &cpu->idle) {
		sIdle |= 1u << cpu->index;
	} else {
		sIdle &= ~(1u << cpu->index);
		if (!cpu->ticking) {
			cpu->ticking = true;
			arch_cpu_tick(true);
		}
	}
	if (to == from) {
		spin_unlock(&gSchedulerLock);
		return;
	}
	cpu->current = to;
	/* A kernel thread runs in whatever space there is. */
	if (to->space != NULL)
		arch_space_activate(&to->space->arch);
	arch_thread_switch(&from->arch, &to->arch);
	thread_switched();
}

void thread_yield(void)
{
	const struct cpu *cpu = this_cpu();
	struct thread *thread = thread_current();
	bool enabled;

	/* Nobody to yield to: near the price of a null call. */
	if (__atomic_load_n(&cpu->ready, __ATOMIC_RELAXED) >> thread->priority == 0)
		return;
	enabled = spin_lock_irq(&gSchedulerLock);
	enqueue(this_cpu(), thread);
	scheduler_switch();
	arch_interrupts_restore(enabled);
}

void thread_yield_when_due(void)
{
	if (__atomic_load_n(&this_cpu()->reschedule, __ATOMIC_RELAXED))
		thread_yield();
}

bool scheduler_preempt(void)
{
	if (!__atomic_load_n(&this_cpu()->reschedule, __ATOMIC_RELAXED))
		return false;
	spin_lock(&gSchedulerLock);
	enqueue(this_cpu(), thread_current());
	scheduler_switch();
	return true;
}

void thread_exit_current(void)
{
	struct thread *thread = thread_current();

	spin_lock_irq(&gSchedulerLock);
	thread->state = THREAD_DEAD;
	ASSERT(this_cpu()->dead == NULL);
	this_cpu()->dead = thread;
	scheduler_switch();
	__builtin_unreachable();
}

void thread_interrupt(struct thread *thread)
{
	bool enabled = spin_lock_irq(&gSchedulerLock);

	if (thread->state == THREAD_WAITING && thread->interruptible) {
		list_remove(&thread->queued);
		thread->wake_result = -EINTR;
		scheduler_make_ready(thread);
	} else if (thread == thread_current()) {
		arch_request_return_work();
	} else if (thread->state == THREAD_RUNNING) {
		arch_cpu_wake(thread->cpu);
	}
	spin_unlock_irq(&gSchedulerLock, enabled);
}

/* ---- The tick ------------------------------------------------------------------ */

static void count_calls(struct thread *thread)
{
	uint32_t now = arch_stack_block_of(thread->arch.stack_top)->calls;

	/* The door counts in 32 bits; a tick comes before they wrap twice. */
	thread->calls += now - thread->calls_counted;
	thread->calls_counted = now;
}

void thread_usage(struct thread *thread, uint64_t *_ticks, uint64_t *_calls)
{
	bool enabled = spin_lock_irq(&gSchedulerLock);

	count_calls(thread);
	*_ticks = thread->ticks;
	*_calls = thread->calls;
	spin_unlock_irq(&gSchedulerLock, enabled);
}

/* Takes a thread of a processor that has two more than this one. */
static void balance(struct cpu *cpu)
{
	struct cpu *other = busiest(cpu);

	cpu->ticks = BALANCE_TICKS;
	if (other != NULL && other->ready_count >= cpu->ready_count + 2)
		enqueue(cpu, take(other, false));
}

void thread_tick(void)
{
	bool enabled = spin_lock_irq(&gSchedulerLock);
	struct cpu *cpu = this_cpu();
	struct thread *thread = cpu->current;

	thread->ticks++;
	count_calls(thread);
	if (cpu->index == 0 && timer_tick())
		arch_request_return_work();
	if (thread == &cpu->idle) {
		if (cpu->index != 0 && cpu->ready_count == 0) {
			cpu->ticking = false; /* until it has something to do */
			arch_cpu_tick(false);
		}
	} else if (thread->slice == 0 || --thread->slice == 0) {
		cpu->reschedule = true;
		arch_request_return_work();
	}
	if (cpu->ticks == 0 || --cpu->ticks == 0)
		balance(cpu);
	spin_unlock_irq(&gSchedulerLock, enabled);
}

/* ---- Idling -------------------------------------------------------------------- */

void thread_run_idle(void)
{
	for (;;) {
		struct cpu *cpu = this_cpu();

		arch_interrupts_disable();
		timer_run_due();
		spin_lock(&gSchedulerLock);
		if (cpu->ready_count > 0 || busiest(cpu) != NULL) {
			scheduler_switch();
			continue;
		}
		/* What it was woken for, another one may have taken: it idles still. */
		sIdle |= 1u << cpu->index;
		spin_unlock(&gSchedulerLock);
		/* What becomes ready from here on comes with an interrupt. */
		arch_wait_for_interrupt(); /* enables them, and they are on behind it */
	}
}

static void become_idle_thread(void)
{
	struct cpu *cpu = this_cpu();
	struct arch_stack_block *block = arch_stack_block();
	unsigned i;

	cpu->index = block->cpu;
	for (i = 0; i < PRIORITIES; i++)
		list_init(&cpu->queues[i]);
	list_init(&cpu->idle.queued);
	timer_init(&cpu->idle.timer);
	cpu->idle.priority = PRIORITY_IDLE;
	cpu->idle.state = THREAD_RUNNING;
	cpu->idle.cpu = cpu->index;
	cpu->idle.arch.stack_top = (uintptr_t)block;
	cpu->current = &cpu->idle;
	cpu->ticking = true;
	cpu->ticks = BALANCE_TICKS;
	cpu->online = true;
	block->thread = &cpu->idle;
}

void thread_init(void)
{
	timer_init_wheel();
	become_idle_thread();
}

void thread_run_cpu(void)
{
	bool enabled = spin_lock_irq(&gSchedulerLock);

	become_idle_thread();
	sIdle |= 1u << this_cpu()->index;
	spin_unlock_irq(&gSchedulerLock, enabled);
	thread_run_idle();
}
