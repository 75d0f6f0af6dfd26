/*
 * The interrupt descriptor table, and the two 8259 interrupt controllers.
 */
#include "arch/i386/cpu.h"
#include "arch/i386/devices.h"
#include "arch/i386/iframe.h"
#include "arch/i386/io.h"
#include "arch/i386/traps.h"
#include "kernel/arch.h"
#include "kernel/thread.h"

/* ---- The table (Intel SDM volume 3A, 6.11) ------------------------------- */

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint8_t zero;
	uint8_t type;
	uint16_t offset_high;
};

_Static_assert(sizeof(struct gate) == 8, "the CPU's layout");

/* Left at 0 where nothing belongs: INT n is then a general protection fault. */
static struct gate sIdt[256] __attribute__((aligned(8)));

extern void (*const kTrapEntries[32])(void);
extern void (*const kInterruptEntries[16])(void);
void int99_entry(void);

void i386_set_gate(unsigned vector, void (*entry)(void), uint16_t selector, uint8_t type)
{
	uintptr_t offset = (uintptr_t)entry;

	sIdt[vector] = (struct gate){
		.offset_low = offset & 0xffff,
		.selector = selector,
		.type = type,
		.offset_high = (uint16_t)(offset >> 16),
	};
}

void i386_idt_init(void)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) idtr = {sizeof sIdt - 1, (uintptr_t)sIdt};
	unsigned i;

	for (i = 0; i < 32; i++)
		i386_set_gate(i, kTrapEntries[i], KERNEL_CS, GATE_INTERRUPT);
	for (i = 0; i < 16; i++)
		i386_set_gate(VECTOR_IRQ0 + i, kInterruptEntries[i], KERNEL_CS, GATE_INTERRUPT);

	/* INT3 and INTO are instructions of ring 3; so is our door. */
	i386_set_gate(VECTOR_BREAKPOINT, kTrapEntries[VECTOR_BREAKPOINT], KERNEL_CS,
		GATE_INTERRUPT | GATE_RING3);
	i386_set_gate(VECTOR_OVERFLOW, kTrapEntries[VECTOR_OVERFLOW], KERNEL_CS,
		GATE_INTERRUPT | GATE_RING3);
	i386_set_gate(SYSCALL_VECTOR, int99_entry, KERNEL_CS, GATE_TRAP | GATE_RING3);

	/* Whatever ESP was, these two run on stacks of their own. */
	i386_set_gate(VECTOR_NMI, NULL, NMI_SELECTOR, GATE_TASK);
	i386_set_gate(VECTOR_DOUBLE_FAULT, NULL, DOUBLE_FAULT_SELECTOR, GATE_TASK);

	__asm__ volatile("lidt %0" : : "m"(idtr));
}

/* ---- The 8259s (Intel 8259A data sheet) ---------------------------------- */

enum { MASTER = 0x20, SLAVE = 0xa0, COMMAND = 0, DATA = 1 };

#define ICW1_INIT_WITH_ICW4 0x11
#define ICW3_MASTER_SLAVE_ON_2 0x04
#define ICW3_SLAVE_IDENTITY 0x02
#define ICW4_8086 0x01
#define OCW2_END_OF_INTERRUPT 0x20
#define OCW3_READ_ISR 0x0b
#define CASCADE_IRQ 2

void i386_pic_init(void)
{
	outb(MASTER + COMMAND, ICW1_INIT_WITH_ICW4);
	outb(SLAVE + COMMAND, ICW1_INIT_WITH_ICW4);
	outb(MASTER + DATA, VECTOR_IRQ0);
	outb(SLAVE + DATA, VECTOR_IRQ0 + 8);
	outb(MASTER + DATA, ICW3_MASTER_SLAVE_ON_2);
	outb(SLAVE + DATA, ICW3_SLAVE_IDENTITY);
	outb(MASTER + DATA, ICW4_8086);
	outb(SLAVE + DATA, ICW4_8086);
	outb(MASTER + DATA, (uint8_t) ~(1u << CASCADE_IRQ));
	outb(SLAVE + DATA, 0xff);
}

void i386_irq_enable(unsigned irq)
{
	uint16_t port = irq < 8 ? MASTER + DATA : SLAVE + DATA;

	outb(port, (uint8_t)(inb(port) & ~(1u << irq % 8)));
}

static bool in_service(uint16_t controller, unsigned line)
{
	outb(controller + COMMAND, OCW3_READ_ISR);
	return inb(controller + COMMAND) >> line & 1;
}

/* From entry.asm, IF off, for vectors 32 to 47. */
void i386_interrupt(struct iframe *frame)
{
	unsigned irq = iframe_vector(frame) - VECTOR_IRQ0;

	/* A line that fell before it was acknowledged shows as line 7 of its
	 * controller, not in service: no end of interrupt for that one. */
	if (irq == 7 && !in_service(MASTER, 7))
		return;
	if (irq == 15 && !in_service(SLAVE, 7)) {
		outb(MASTER + COMMAND, OCW2_END_OF_INTERRUPT);
		return;
	}

	if (irq >= 8)
		outb(SLAVE + COMMAND, OCW2_END_OF_INTERRUPT);
	outb(MASTER + COMMAND, OCW2_END_OF_INTERRUPT);

	if (irq == IRQ_TIMER)
		i386_timer_interrupt();
	/* Behind the end of interrupt: this may run other threads first. */
	if (iframe_from_user(frame))
		thread_return_work();
}

/* ---- IF ------------------------------------------------------------------ */

bool arch_interrupts_enabled(void)
{
	return (i386_read_flags() & FLAG_IF) != 0;
}

bool arch_interrupts_disable(void)
{
	bool enabled = arch_interrupts_enabled();

	__asm__ volatile("cli" : : : "memory");
	return enabled;
}

void arch_interrupts_restore(bool enabled)
{
	if (enabled)
		__asm__ volatile("sti" : : : "memory");
}

void arch_wait_for_interrupt(void)
{
	__asm__ volatile("sti\n\thlt" : : : "memory");
}
