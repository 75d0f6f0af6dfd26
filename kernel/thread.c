/*
 * Threads: made, found, ended, and what they look for before they return to ring
 * 3. See thread.h; scheduler.c, wait.c and timer.c have the rest of what it
 * promises.
 */
#include "kernel/heap.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/scheduler.h"
#include "kernel/signal.h"

#define HASH_SLOTS 256u

/* The process lock guards these. */
static struct list sByTid[HASH_SLOTS];
static tid_t sLastTid;
static unsigned sThreadCount;
static unsigned sLimit = 4096;

void thread_set_limit(unsigned limit)
{
	sLimit = limit;
}

/* ---- Returning to ring 3 ----------------------------------------------------- */

void thread_return_work(void)
{
	struct thread *thread = thread_current();

	ASSERT(!arch_interrupts_enabled());
	lock_check_none(NULL);
	for (;;) {
		timer_run_due();
		if (scheduler_preempt())
			continue;
		if (thread->ending)
			process_end_thread();
		if (!signal_pending(thread) && !thread->process->stopped
			&& thread->interrupted_call == NO_CALL)
			return;
		arch_interrupts_restore(true);
		signal_take();
		arch_interrupts_disable();
	}
}

/* ---- Threads ----------------------------------------------------------------- */

static struct list *slot_of(tid_t tid)
{
	return list_made(&sByTid[(uint32_t)tid % HASH_SLOTS]);
}

struct thread *thread_find(tid_t tid)
{
	struct list *slot = slot_of(tid);

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
	list_add(slot_of(tid), &thread->hashed);
}

struct thread *thread_allocate(void)
{
	struct thread *thread = heap_allocate(sizeof *thread);

	if (thread == NULL)
		return NULL;
	/* Before it is needed: the end of a thread must not want for memory. */
	thread->exited = heap_allocate(sizeof *thread->exited);
	if (thread->exited == NULL || arch_thread_create(&thread->arch, thread) != 0) {
		heap_free(thread->exited);
		heap_free(thread);
		return NULL;
	}
	thread->cpu = arch_cpu_index();
	thread->priority = PRIORITY_NORMAL;
	thread->state = THREAD_NEW;
	list_init(&thread->queued);
	list_init(&thread->hashed);
	list_init(&thread->siblings);
	timer_init(&thread->timer);
	thread->interrupted_call = NO_CALL;
	wait_queue_init(&thread->joiners);
	return thread;
}

bool thread_register(struct thread *thread, struct process *process)
{
	if (sThreadCount >= sLimit)
		return false;
	sThreadCount++;
	thread->process = process;
	thread->space = process->space;
	thread->tid = next_tid();
	list_add(slot_of(thread->tid), &thread->hashed);
	list_add(&process->threads, &thread->siblings);
	process->thread_count++;
	process->live++;
	return true;
}

void thread_discard(struct thread *thread)
{
	arch_thread_destroy(&thread->arch);
	heap_free(thread->exited);
	heap_free(thread);
}

void thread_destroy(struct thread *thread)
{
	ASSERT(thread != thread_current());
	list_remove(&thread->hashed);
	list_remove(&thread->siblings);
	thread->process->thread_count--;
	sThreadCount--;
	thread_discard(thread);
}
