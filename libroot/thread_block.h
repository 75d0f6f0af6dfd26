/*
 * What libroot keeps for each thread; libroot's own. GS selects a segment that
 * begins with it, as thread-local storage on the i386 has it: the first dword is
 * the block's own address. thread.c makes it.
 */
#pragma once

struct thread_block {
	struct thread_block *self;
	int error; /* errno */
};

/* The calling thread's. */
struct thread_block *thread_block(void);
