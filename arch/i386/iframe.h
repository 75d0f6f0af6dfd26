/*
 * The frame that every way into the kernel leaves on the kernel stack, lowest
 * address first. arch/i386/entry.asm pushes it; offsets.c hands the offsets
 * over, so neither side types a number.
 */
#pragma once

#include <postern/types.h>

struct iframe {
	uint32_t segments; /* DS in the low half, ES in the high half */

	uint32_t edi; /* as PUSHA leaves them */
	uint32_t esi;
	uint32_t ebp;
	uint32_t pusha_esp;
	uint32_t ebx;
	uint32_t edx;
	uint32_t ecx;
	uint32_t eax; /* a call's number, then its result */

	uint32_t trap; /* vector << 24 | error code; see TRAP_* */

	uint32_t eip; /* as the CPU pushes them */
	uint32_t cs;
	uint32_t eflags;
	uint32_t user_esp; /* these two only in a frame from ring 3 */
	uint32_t user_ss;
};

/*
 * How a system call came in, in `trap`. Only a frame that still says
 * TRAP_SYSENTER leaves by SYSEXIT: whoever changes a frame (a signal, a
 * debugger) or wants a look for work before ring 3 makes it TRAP_TOUCHED, and
 * it leaves by IRET, which reloads all.
 */
#define SYSCALL_VECTOR 99
#define TRAP_INT99 (99u << 24)
#define TRAP_SYSENTER (99u << 24 | 1)
#define TRAP_TOUCHED (99u << 24 | TRAP_TOUCHED_BIT)
#define TRAP_TOUCHED_BIT 2

/* The frame with which a thread left ring 3: the first thing on its kernel stack. */
static inline struct iframe *iframe_of_stack(uintptr_t stack_top)
{
	return (struct iframe *)stack_top - 1;
}

static inline unsigned iframe_vector(const struct iframe *frame)
{
	return frame->trap >> 24;
}

static inline uint32_t iframe_error(const struct iframe *frame)
{
	return frame->trap & 0xffffff;
}

static inline bool iframe_from_user(const struct iframe *frame)
{
	return (frame->cs & 3) == 3;
}
