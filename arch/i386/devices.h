/* The devices that arch/i386/ drives for itself; start.c brings them up. */
#pragma once

#include <postern/types.h>

/* ---- interrupts.c: IDT, the two 8259s, dispatch -------------------------- */

#define VECTOR_IRQ0 32
#define INTERRUPT_ENTRIES 32 /* vectors from there on: 16 IRQs, and apic.h's */
#define IRQS 16

/* The type byte of a gate (Intel SDM volume 3A, figure 6-2) */
enum {
	GATE_TASK = 0x85,
	GATE_INTERRUPT = 0x8e, /* clears IF */
	GATE_TRAP = 0x8f,	   /* leaves IF as it is */
	GATE_RING3 = 0x60,	   /* added: INT n in ring 3 may use it */
};

void i386_idt_init(void);
void i386_idt_load(void); /* on any processor */
void i386_set_gate(unsigned vector, void (*entry)(void), uint16_t selector, uint8_t type);

/* Chooses between APICs and 8259s; all IRQs are masked. Behind ACPI's tables. */
void i386_interrupts_init(void);

/* The boot processor calls `handler`, IF off, when an IRQ that is enabled comes. */
void i386_irq_set_handler(unsigned irq, void (*handler)(void));
void i386_irq_enable(unsigned irq);

/* ---- timer.c: the 8254's tick, on the boot processor --------------------- */

#define IRQ_TIMER 0

void i386_timer_init(void);

/* ---- thread.c ------------------------------------------------------------ */

void i386_thread_init(void);

/* ---- serial.c: COM1 for programs, COM2 for the log ----------------------- */

void i386_serial_init(void);
void i386_serial_start(void); /* COM1's interrupts, once there is a terminal */

/* ---- keyboard.c: the 8042 and the keyboard behind it --------------------- */

void i386_keyboard_start(void);

/* ---- power.c ------------------------------------------------------------- */

void i386_power_init(const uint8_t *rsdp); /* NULL: look in the BIOS area */
