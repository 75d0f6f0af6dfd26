/*
 * More than one processor: starting the others, and what they tell each other
 * by interrupts. Where there are no APICs there is one, and nobody to tell.
 */
#pragma once

#include <postern/types.h>

/* Where another processor begins, as trampoline.asm finds it. */
struct i386_start_parameters {
	uint32_t root; /* CR3 */
	uint32_t cr0, cr4;
	uint32_t no_execute; /* 1: EFER.NXE goes on */
	uint32_t stack_top;
};

/* Where `boot` has a page that a processor in real mode can start in. */
struct boot_info;
void i386_smp_init(const struct boot_info *boot);

/*
 * Calls `function` on the processors of `set` (bit n: processor n), which does
 * not have this one, IF off, and returns when all of them have. IF is on here,
 * and no spinlock is held, for any of them may be waiting for that.
 */
void i386_call_cpus(uint32_t set, void (*function)(void *argument), void *argument);

/* The same on all of them, this one included. */
void i386_call_all_cpus(void (*function)(void *argument), void *argument);

/* i386_flush_all() on every processor. */
void i386_flush_all_cpus(void);

/* From i386_nmi(): stops for good where arch_stop_other_cpus() has asked for it. */
void i386_stop_if_asked(void);

/* From interrupts.c, IF off. VECTOR_RESCHEDULE: there may be something else to run. */
void i386_reschedule_interrupt(void);

/* VECTOR_CALL: there is something to do here at once. */
void i386_call_interrupt(void);
