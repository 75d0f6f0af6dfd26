/*
 * Threads as closures: a function, and a context that is copied for it.
 *
 *	struct greeting { const char *name; int times; } greeting = {"world", 3};
 *	tid_t thread = thread_start(greet, &greeting, sizeof greeting);
 *
 * The new thread runs a bootstrap function on a stack that the kernel has made:
 * it copies the context there, calls the function with the copy, and ends the
 * thread with what the function returns. So `greeting` may go as soon as
 * thread_start() is back, and a thread never runs off into nothing.
 *
 * These functions return 0 (or what they say) or a negative error number, and
 * leave errno alone. In a thread that they have started, GS is libroot's.
 */
#pragma once

#include <postern/types.h>

#define THREAD_CONTEXT_MAX 65536u /* bytes; of a stack of 256 KiB */

/*
 * Starts `function` with a copy of the `context_size` bytes at `context`, which
 * is aligned to 16 bytes. With a size of 0 it gets `context` itself. Returns the
 * thread's number, or -EAGAIN, -ENOMEM, or -EINVAL when the context is larger
 * than THREAD_CONTEXT_MAX.
 */
tid_t thread_start(
	int (*function)(void *context), const void *context, size_t context_size);

/* Ends the calling thread with `value`, as returning it does. */
void thread_exit(int value) __attribute__((noreturn));

/*
 * Waits until a thread has ended, and puts what it ended with into *_value,
 * unless that is NULL. Each thread is joined once. 0, -ESRCH, -EDEADLK.
 */
int thread_join(tid_t thread, int *_value);
