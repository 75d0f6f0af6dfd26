/*
 * The interrupt descriptor table, the two 8259 interrupt controllers, and who
 * handles what comes: from them, or from the APICs where there are any (apic.c).
 */
#include "arch/i386/apic.h"
#include "arch/i386/cpu.h"
#include "arch/i386/devices.h"
#include "arch/i386/iframe.h"
#include "arch/i386/io.h"
#include "arch/i386/smp.h"
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
extern void (*const kInterruptEntries[INTERRUPT_ENTRIES])(void);
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
	unsigned i;

	for (i = 0; i < 32; i++)
		i386_set_gate(i, kTrapEntries[i], KERNEL_CS, GATE_INTERRUPT);
	for (i = 0; i < INTERRUPT_ENTRIES; i++)
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
	i386_idt_load();
}

void i386_idt_load(void)
{
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) idtr = {sizeof sIdt - 1, (uintptr_t)sIdt};

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

static void pic_init(void)
{
	outb(MASTER + COMMAND, ICW1_INIT_WITH_ICW4);
	outb(SLAVE + COMMAND, ICW1_INIT_WITH_ICW4);
	outb(MASTER + DATA, VECTOR_IRQ0);
	outb(SLAVE + DATA, VECTOR_IRQ0 + 8);
	outb(MASTER + DATA, ICW3_MASTER_SLAVE_ON_2);
	outb(SLAVE + DATA, ICW3_SLAVE_IDENTITY);
	outb(MASTER + DATA, ICW4_8086);
	outb(SLAVE + DATA, ICW4_8086);
	outb(MASTER + DATA, 0xff);
	outb(SLAVE + DATA, 0xff);
}

static void pic_unmask(unsigned irq)
{
	uint16_t port = irq < 8 ? MASTER + DATA : SLAVE + DATA;

	outb(port, (uint8_t)(inb(port) & ~(1u << irq % 8)));
}

static bool in_service(uint16_t controller, unsigned line)
{
	outb(controller + COMMAND, OCW3_READ_ISR);
	return inb(controller + COMMAND) >> line & 1;
}

/*
 * A line that fell before it was acknowledged shows as line 7 of its
 * controller, not in service: no end of interrupt for that one.
 */
static bool pic_spurious(unsigned irq)
{
	if (irq == 7)
		return !in_service(MASTER, 7);
	if (irq != 15 || in_service(SLAVE, 7))
		return false;
	outb(MASTER + COMMAND, OCW2_END_OF_INTERRUPT);
	return true;
}

static void pic_end_of_interrupt(unsigned irq)
{
	if (irq >= 8)
		outb(SLAVE + COMMAND, OCW2_END_OF_INTERRUPT);
	outb(MASTER + COMMAND, OCW2_END_OF_INTERRUPT);
}

/* ---- The devices' interrupts, by either controller ------------------------- */

static void (*sHandlers[IRQS])(void);

void i386_interrupts_init(void)
{
	/* In any case: what the firmware has left would be exceptions' vectors. */
	pic_init();
	if (i386_apic_init())
		i386_apic_init_cpu();
	else
		pic_unmask(CASCADE_IRQ);
}

void i386_irq_set_handler(unsigned irq, void (*handler)(void))
{
	sHandlers[irq] = handler;
}

void i386_irq_enable(unsigned irq)
{
	if (i386_apic_present())
		i386_apic_route_irq(irq);
	else
		pic_unmask(irq);
}

static void handle_irq(unsigned irq)
{
	bool apic = i386_apic_present();

	if (!apic && pic_spurious(irq))
		return;
	if (sHandlers[irq] != NULL)
		sHandlers[irq]();
	/* Behind the handler, which makes a line that stays active fall. */
	if (apic)
		i386_apic_end_of_interrupt();
	else
		pic_end_of_interrupt(irq);
}

/* ---- Dispatch -------------------------------------------------------------- */

static void handle_local(unsigned vector)
{
	switch (vector) {
	case VECTOR_APIC_TIMER:
		thread_tick();
		break;
	case VECTOR_RESCHEDULE:
		i386_reschedule_interrupt();
		break;
	case VECTOR_CALL:
		i386_call_interrupt();
		break;
	case VECTOR_APIC_ERROR:
		i386_apic_error_interrupt();
		break;
	default: /* VECTOR_SPURIOUS, which has no end (section 11.9) */
		return;
	}
	i386_apic_end_of_interrupt();
}

/* From entry.asm, IF off, for the vectors from VECTOR_IRQ0 on. */
void i386_interrupt(struct iframe *frame)
{
	unsigned vector = iframe_vector(frame);

	arch_stack_block()->flags |= STACK_IN_INTERRUPT;
	if (vector < VECTOR_IRQ0 + IRQS)
		handle_irq(vector - VECTOR_IRQ0);
	else
		handle_local(vector);
	arch_stack_block()->flags &= ~STACK_IN_INTERRUPT;
	/* Behind the end of interrupt: this may run other threads first. */
	if (iframe_from_user(frame))
		thread_return_work();
	else
		i386_leave_window(frame);
}

void arch_wait_for_interrupt(void)
{
	__asm__ volatile("sti\n\thlt" : : : "memory");
}
