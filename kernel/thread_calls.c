/* The system calls about threads; syscalls.def says what each does. */
#include "kernel/address_space.h"
#include "kernel/arch.h"
#include "kernel/heap.h"
#include "kernel/process.h"
#include "syscall_handlers.h"

#define MADE_STACK_SIZE (256u << 10)

static bool user_address(uint32_t address)
{
	return address >= USER_BASE && address < KERNEL_BASE;
}

/* A stack above a page that stays unmapped. 0 or -ENOMEM. */
static int make_stack(struct address_space *space, struct thread *thread, uint32_t *_top)
{
	uintptr_t start = address_space_find_free(space, PAGE_SIZE + MADE_STACK_SIZE);
	int error;

	if (start == 0)
		return -ENOMEM;
	error = address_space_add(
		space, start + PAGE_SIZE, MADE_STACK_SIZE, PAGE_READABLE | PAGE_WRITABLE);
	if (error != 0)
		return error;
	thread->made_stack = start + PAGE_SIZE;
	thread->made_stack_size = MADE_STACK_SIZE;
	*_top = (uint32_t)(start + PAGE_SIZE + MADE_STACK_SIZE);
	return 0;
}

tid_t _user_spawn_thread(uint32_t entry, uint32_t argument, uint32_t stack, uint32_t tls)
{
	struct process *process = process_current();
	uint32_t words[2] = {0, argument}; /* a return address, as for any function */
	struct thread *thread;
	int error = 0;

	if (!user_address(entry) || (stack != 0 && !user_address(stack - 1)))
		return -EINVAL;
	thread = thread_create(process);
	if (thread == NULL)
		return -EAGAIN;
	if (stack == 0)
		error = make_stack(process->space, thread, &stack);
	stack = (stack & ~15u) - 16;
	if (error == 0 && user_copy_out(stack, words, sizeof words) != 0)
		error = address_space_query(process->space, stack) & PAGE_WRITABLE ? -ENOMEM
																		   : -EINVAL;
	if (error != 0) {
		process_discard_thread(thread);
		return error;
	}
	arch_thread_start_at(&thread->arch, entry, stack);
	arch_thread_start_tls(&thread->arch, tls);
	thread->blocked = gCurrentThread->blocked;
	process->thread_count++;
	thread_make_ready(thread);
	return thread->tid;
}

void _user_exit_thread(int value)
{
	struct process *process = process_current();
	struct exited *exited = heap_allocate(sizeof *exited);

	/* Without memory for it, a join finds no thread. */
	if (exited != NULL) {
		exited->tid = gCurrentThread->tid;
		exited->value = value;
		list_add(&process->exited, &exited->link);
		process->exited_count++;
		process_forget_exited(process, EXITED_MAX);
	}
	process_end_thread();
}

static struct exited *find_exited(struct process *process, tid_t tid)
{
	LIST_FOR_EACH(link, &process->exited)
	{
		struct exited *exited = LIST_ENTRY(link, struct exited, link);

		if (exited->tid == tid)
			return exited;
	}
	return NULL;
}

int _user_join_thread(tid_t tid, int *value)
{
	struct process *process = process_current();

	if (tid == gCurrentThread->tid)
		return -EDEADLK;
	for (;;) {
		struct exited *exited = find_exited(process, tid);
		struct thread *thread;
		int error;

		if (exited != NULL) {
			if (value != NULL)
				*value = exited->value;
			list_remove(&exited->link);
			heap_free(exited);
			process->exited_count--;
			return 0;
		}
		thread = thread_find(tid);
		if (thread == NULL || thread->process != process)
			return -ESRCH;
		error = wait_on(&thread->joiners, NO_DEADLINE);
		if (error != 0)
			return error;
	}
}

tid_t _user_thread_id(void)
{
	return gCurrentThread->tid;
}

int _user_yield(void)
{
	thread_yield();
	return 0;
}

int _user_snooze(time_us_t time, int flags)
{
	int error;

	if ((flags & ~SNOOZE_ABSOLUTE) != 0 || time < 0)
		return -EINVAL;
	if (!(flags & SNOOZE_ABSOLUTE)) {
		time_us_t now = arch_system_time();

		time = time < NO_DEADLINE - now ? now + time : NO_DEADLINE;
	}
	error = wait_on(NULL, time);
	return error == -ETIMEDOUT ? 0 : error;
}

int _user_set_thread_area(uint32_t base)
{
	return arch_thread_set_tls(&gCurrentThread->arch, base);
}
