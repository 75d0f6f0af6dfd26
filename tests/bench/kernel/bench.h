/*
 * The floor under the door's price: bare ways into the kernel and back, in a
 * kernel built with BENCH=1 and in no other. See floor.asm.
 */
#pragma once

/* Sets the gates; called by arch/i386/start.c behind i386_syscall_init(). */
void bench_init(void);
