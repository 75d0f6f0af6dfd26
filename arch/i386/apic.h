/*
 * The local APICs, one a processor, and the IO-APICs, which bring them the
 * devices' interrupts (Intel SDM volume 3A, chapter 11; the 82093AA's data
 * sheet).
 *
 * interrupts.c asks i386_apic_init() once whether they are there; clock.c
 * calibrates the timer. After that, all but i386_apic_route_irq() may be called
 * on any processor. Where i386_apic_present() is false, none of the others may be
 * called at all: then the 8259s and the 8254 do what they always did.
 */
#pragma once

#include <postern/types.h>

/*
 * What local APICs send: vectors of a higher priority than the devices'. The low
 * four bits of the spurious one are 1 on old processors whatever is written
 * (section 11.9).
 */
enum {
	VECTOR_APIC_TIMER = 48,
	VECTOR_RESCHEDULE = 49,
	VECTOR_CALL = 50,
	VECTOR_APIC_ERROR = 51,
	VECTOR_SPURIOUS = 63,
};

/*
 * Looks for the local APIC of this, the boot processor, and for IO-APICs, with
 * what i386_acpi_init() has found; masks all inputs. Returns whether they can
 * be used, and prints the log's `interrupts:` line.
 */
bool i386_apic_init(void);
bool i386_apic_present(void);

/* Turns this processor's local APIC on, the boot processor's too. */
void i386_apic_init_cpu(void);

/* This processor's number, as the MADT lists it. */
uint8_t i386_apic_id(void);

void i386_apic_end_of_interrupt(void);

/*
 * Brings ISA interrupt `irq` to this processor as VECTOR_IRQ0 + irq. At boot, or
 * with whatever lock keeps other processors from doing the same.
 */
void i386_apic_route_irq(unsigned irq);

/* ---- To other processors: return when the message has left ---------------- */

void i386_apic_send(uint8_t apic_id, uint8_t vector);
void i386_apic_send_nmi(uint8_t apic_id);

/*
 * Section 9.4.4.1: INIT, 10 ms, then STARTUP up to twice, 200 us apart. The
 * processor begins in real mode at physical address `page` << 12.
 */
void i386_apic_send_init(uint8_t apic_id);
void i386_apic_send_startup(uint8_t apic_id, uint8_t page);

/* ---- The timer, VECTOR_APIC_TIMER ------------------------------------------ */

/* Begins to count, down from UINT32_MAX and without interrupts. */
void i386_apic_timer_begin_count(void);
uint32_t i386_apic_timer_count(void);

/* What the counting has shown; the same for all processors. */
void i386_apic_timer_set_frequency(uint32_t counts_per_second);

/* On this processor: `frequency` interrupts a second, and no more of them. */
void i386_apic_timer_start(unsigned frequency);
void i386_apic_timer_stop(void);

/* From interrupts.c: VECTOR_APIC_ERROR. */
void i386_apic_error_interrupt(void);
