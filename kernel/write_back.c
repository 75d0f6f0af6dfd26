/*
 * The thread that writes back; see write_back.h.
 *
 * Without it a commit would need a call to come along: who saves a file and leaves
 * the machine alone would lose it with the power. It belongs to no process, so no
 * signal ends its waits, and it never returns to ring 3.
 */
#include "kernel/write_back.h"
#include "kernel/arch.h"
#include "kernel/ext2_vnode.h"
#include "kernel/log.h"
#include "kernel/thread.h"

#define SECOND 1000000

static struct spinlock sLock = SPINLOCK("write back", RANK_FILES);
static struct wait_queue sWork = {{&sWork.threads, &sWork.threads}};
static bool sWanted;

void write_back_soon(void)
{
	/* Most calls find that another one has asked already: they take no lock. */
	if (__atomic_load_n(&sWanted, __ATOMIC_SEQ_CST))
		return;
	spin_lock(&sLock);
	__atomic_store_n(&sWanted, true, __ATOMIC_SEQ_CST);
	wait_queue_wake(&sWork, 1);
	spin_unlock(&sLock);
}

static void __attribute__((noreturn)) run(void)
{
	thread_switched();
	arch_interrupts_restore(true);
	for (;;) {
		spin_lock(&sLock);
		while (!sWanted)
			wait_on(&sWork, &sLock, NO_DEADLINE);
		spin_unlock(&sLock);
		/* What else changes meanwhile goes the same way. */
		wait_on(NULL, NULL, arch_system_time() + WRITE_BACK_SECONDS * SECOND);
		/* Before the look: what changes behind it asks again. */
		__atomic_store_n(&sWanted, false, __ATOMIC_SEQ_CST);
		disks_write_back();
	}
}

void write_back_init(void)
{
	struct thread *thread = thread_allocate();

	if (thread == NULL) {
		log_warn("disk: no memory for writing back by itself");
		return;
	}
	arch_thread_start_in_kernel(&thread->arch, run);
	thread_make_ready(thread);
}
