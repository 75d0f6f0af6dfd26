/*
 * Threads on spawn_thread; see <postern/thread.h>. A closure lies on its
 * maker's stack until the new thread has taken it over: the maker waits for
 * that, so nothing is left to free, however the thread ends.
 */
#include "thread_block.h"
#include <postern/errno.h>
#include <postern/syscalls.h>
#include <postern/thread.h>

void *memcpy(void *to, const void *from, size_t size);

struct closure {
	int (*function)(void *context);
	const void *context;
	size_t size;
	volatile uint32_t is_taken; /* the maker's futex */
};

static struct thread_block sMainBlock = {.self = &sMainBlock};

/* A program's first thread has no segment in GS, and needs none. */
struct thread_block *thread_block(void)
{
	struct thread_block *block;
	uint32_t selector;

	__asm__("mov %%gs, %0" : "=r"(selector));
	if ((selector & 0xffff) == 0)
		return &sMainBlock;
	__asm__ volatile("mov %%gs:0, %0" : "=r"(block));
	return block;
}

/* Where every thread begins; the kernel has put 0 where it would return to. */
static void bootstrap(struct closure *closure)
{
	int (*function)(void *) = closure->function;
	void *context = (void *)(uintptr_t)closure->context;
	struct thread_block block = {.self = &block};
	int selector = _kern_set_thread_area((uint32_t)(uintptr_t)&block);

	__asm__ volatile("mov %0, %%gs" : : "r"(selector));
	if (&kThreadLibrary != NULL) {
		block.library = __builtin_alloca_with_align(kThreadLibrary.size, 16 * 8);
		kThreadLibrary.begin(block.library);
	}
	if (closure->size > 0) {
		context = __builtin_alloca_with_align(closure->size, 16 * 8);
		memcpy(context, closure->context, closure->size);
	}
	__atomic_store_n(&closure->is_taken, 1, __ATOMIC_SEQ_CST);
	_kern_futex_wake((uint32_t)(uintptr_t)&closure->is_taken, 1);
	/* From here on the closure is gone. */
	thread_exit(function(context));
}

tid_t thread_start(
	int (*function)(void *context), const void *context, size_t context_size)
{
	struct closure closure = {
		.function = function, .context = context, .size = context_size};
	tid_t thread;

	if (context_size > THREAD_CONTEXT_MAX)
		return -EINVAL;
	thread = _kern_spawn_thread(
		(uint32_t)(uintptr_t)bootstrap, (uint32_t)(uintptr_t)&closure, 0, 0);
	if (thread < 0)
		return thread;
	while (!__atomic_load_n(&closure.is_taken, __ATOMIC_SEQ_CST))
		_kern_futex_wait((uint32_t)(uintptr_t)&closure.is_taken, 0, -1);
	return thread;
}

void thread_exit(int value)
{
	struct thread_block *block = thread_block();

	if (block->library != NULL)
		kThreadLibrary.end(block->library);
	_kern_exit_thread(value);
	__builtin_unreachable();
}

int thread_join(tid_t thread, int *_value)
{
	return _kern_join_thread(thread, _value);
}
