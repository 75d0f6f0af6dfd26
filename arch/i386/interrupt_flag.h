/*
 * IF, which says whether interrupts come: part of kernel/arch.h, which includes
 * this. Inline, for most locks turn them off and on again, and a call would take
 * as long as that does.
 */
#pragma once

#include <postern/types.h>

#define INTERRUPT_FLAG 0x200u /* of EFLAGS (Intel SDM volume 1, 3.4.3) */

static inline bool arch_interrupts_enabled(void)
{
	uintptr_t flags;

	__asm__ volatile("pushf\n\tpop %0" : "=r"(flags) : : "memory");
	return (flags & INTERRUPT_FLAG) != 0;
}

/* Returns whether they were enabled. */
static inline bool arch_interrupts_disable(void)
{
	bool enabled = arch_interrupts_enabled();

	__asm__ volatile("cli" : : : "memory");
	return enabled;
}

static inline void arch_interrupts_restore(bool enabled)
{
	if (enabled)
		__asm__ volatile("sti" : : : "memory");
}
