/*
 * The time since boot: arch_system_time(), which any processor may call at any
 * time, and what keeps it going.
 */
#pragma once

#include <postern/types.h>

enum tsc_choice;

/*
 * Chooses the source and calibrates it, in about 5 ms, with the local APIC's
 * timer where i386_apic_present(). Interrupts off, before the first tick; once
 * i386_interrupts_init() has been. Prints the log's `clock:` line.
 */
void i386_clock_init(enum tsc_choice choice);

/* The boot processor, at each tick, IF off. */
void i386_clock_tick(void);

/*
 * Puts the time data into the commpage, whose writable view is `page`: see
 * <postern/commpage.h>. Before the first program.
 */
void i386_clock_fill_commpage(void *page);

/*
 * Compares two processors' time-stamp counters: the boot processor calls the
 * first, and the one that has just been started the second, at about the same
 * time, IF on or off, one such pair after the other, before the first program.
 * Both return when they are done, at once where the source is not the TSC.
 *
 * Where the other processor's counter is seen to be ahead or behind, or it does
 * not answer for a second, the TSC is given up for another source, for good,
 * and the time data is taken out of the commpage.
 */
void i386_clock_check_other_cpu(void);
void i386_clock_check_this_cpu(void);

/* Waits, busily, with interrupts on or off. Behind i386_clock_init(). */
void i386_delay(unsigned microseconds);
