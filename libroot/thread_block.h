/*
 * What libroot keeps for each thread; libroot's own. GS selects a segment that
 * begins with it, as thread-local storage on the i386 has it: the first dword is
 * the block's own address. thread.c makes it.
 */
#pragma once

#include <stddef.h>

struct thread_block {
	struct thread_block *self;
	int error;	   /* errno of a program without the C library */
	void *library; /* what the C library keeps, see below; NULL in the first thread */
};

/*
 * What a library needs at the beginning and end of a thread: `size` bytes on its stack,
 * which begin() fills and end() takes leave of. libroot/posix/ has one; a program that is
 * not linked with that has none, and the symbol is NULL.
 */
struct thread_library {
	size_t size;
	void (*begin)(void *data);
	void (*end)(void *data);
};
extern const struct thread_library kThreadLibrary __attribute__((weak));

/* The calling thread's. */
struct thread_block *thread_block(void);
