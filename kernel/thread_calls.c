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

/*
 * A stack above a page that stays unmapped, and what the thread begins with on
 * it. 0, -ENOMEM or -EINVAL.
 */
static int prepare_stack(
	struct address_space *space, uint32_t argument, uint32_t *_stack, uintptr_t *_made)
{
	uint32_t words[2] = {0, argument}; /* a return address, as for any function */
	uintptr_t made = 0;
	uint32_t stack = *_stack;

	if (stack == 0) {
		made = address_space_add_anywhere(
			space, MADE_STACK_SIZE, PAGE_SIZE, PAGE_READABLE | PAGE_WRITABLE, false);
		if (made == 0)
			return -ENOMEM;
		stack = (uint32_t)(made + MADE_STACK_SIZE);
	}
	stack = (stack & ~15u) - 16;
	if (user_copy_out(stack, words, sizeof words) != 0) {
		unsigned protection = address_space_query(space, stack);

		if (made != 0)
			address_space_remove(space, made, MADE_STACK_SIZE);
		return protection & PAGE_WRITABLE ? -ENOMEM : -EINVAL;
	}
	*_stack = stack;
	*_made = made;
	return 0;
}

/* Its number, or -EAGAIN. The process lock is held. */
static tid_t start_thread(struct thread *thread, struct process *process, uint32_t entry,
	uint32_t stack, uint32_t tls, uintptr_t made)
{
	const struct thread *self = thread_current();

	if (!thread_register(thread, process))
		return -EAGAIN;
	arch_thread_start_at(&thread->arch, entry, stack);
	arch_thread_start_tls(&thread->arch, tls);
	thread->made_stack = made;
	thread->made_stack_size = MADE_STACK_SIZE;
	thread->blocked = self->blocked;
	thread->ending = self->ending; /* whoever ends all of them has passed by */
	thread_make_ready(thread);
	return thread->tid;
}

tid_t _user_spawn_thread(uint32_t entry, uint32_t argument, uint32_t stack, uint32_t tls)
{
	struct process *process = process_current();
	struct thread *thread;
	uintptr_t made;
	tid_t tid = -EAGAIN;
	int error;

	if (!user_address(entry) || (stack != 0 && !user_address(stack - 1)))
		return -EINVAL;
	error = prepare_stack(process->space, argument, &stack, &made);
	if (error != 0)
		return error;
	thread = thread_allocate();
	if (thread != NULL) {
		process_lock();
		tid = start_thread(thread, process, entry, stack, tls, made);
		process_unlock();
		if (tid < 0)
			thread_discard(thread);
	}
	if (tid < 0 && made != 0)
		address_space_remove(process->space, made, MADE_STACK_SIZE);
	return tid;
}

void _user_exit_thread(int value)
{
	struct thread *thread = thread_current();

	list_init(&thread->exited->link);
	thread->exited->tid = thread->tid;
	thread->exited->value = value;
	thread->told = true;
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

/* The lock is held. */
static int join(struct process *process, tid_t tid, int *value)
{
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
		error = process_wait(&thread->joiners);
		if (error != 0)
			return error;
	}
}

int _user_join_thread(tid_t tid, int *value)
{
	int error;

	if (tid == thread_current()->tid)
		return -EDEADLK;
	process_lock();
	error = join(process_current(), tid, value);
	process_unlock();
	return error;
}

tid_t _user_thread_id(void)
{
	return thread_current()->tid;
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
	error = wait_on(NULL, NULL, time);
	return error == -ETIMEDOUT ? 0 : error;
}

int _user_set_thread_area(uint32_t base)
{
	return arch_thread_set_tls(&thread_current()->arch, base);
}
