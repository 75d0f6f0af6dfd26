/* Exceptions by number (Intel SDM volume 3A, table 6-1), and who handles them. */
#pragma once

#include <postern/types.h>

enum {
	VECTOR_DIVIDE = 0,
	VECTOR_DEBUG = 1,
	VECTOR_NMI = 2,
	VECTOR_BREAKPOINT = 3,
	VECTOR_OVERFLOW = 4,
	VECTOR_NO_FPU = 7,
	VECTOR_DOUBLE_FAULT = 8,
	VECTOR_PAGE_FAULT = 14,
	VECTOR_MACHINE_CHECK = 18,
};

struct iframe;

/* Called by entry.asm, IF off. */
void i386_trap(struct iframe *frame);
void i386_interrupt(struct iframe *frame);
void i386_nmi(void);
void i386_double_fault(void) __attribute__((noreturn));

/* Behind an interrupt of the kernel: where one could be too late to have work looked for
 * before ring 3, `frame` goes on where it is not. */
void i386_leave_window(struct iframe *frame);

/* At each tick: tells of the NMIs that have come. */
void i386_report_nmis(void);

/* Before every way out, in debug builds. */
void i386_check_leaving(const struct iframe *frame);
