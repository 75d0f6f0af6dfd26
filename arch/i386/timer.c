/*
 * The 8254's counter 0, at 1000 Hz, and the time since it was started: ticks,
 * and within a tick the counter itself. Every CPU since the 486 has this one;
 * the time-stamp counter, where there is one, need not run at a fixed rate.
 */
#include "arch/i386/devices.h"
#include "arch/i386/io.h"
#include "kernel/arch.h"
#include "kernel/thread.h"

enum { COUNTER0 = 0x40, CONTROL = 0x43 };

#define FREQUENCY 1193182u /* Hz: a PC's colour burst, divided by 3 */
#define TICKS_PER_SECOND 1000u
#define RELOAD ((FREQUENCY + TICKS_PER_SECOND / 2) / TICKS_PER_SECOND)
#define CONTROL_RATE_GENERATOR 0x34 /* counter 0, low then high byte, mode 2 */
#define CONTROL_LATCH 0x00

#define MASTER_COMMAND 0x20 /* the first 8259 */
#define OCW3_READ_IRR 0x0a

static volatile uint32_t sTicksLow, sTicksHigh;
static time_us_t sLast;

void i386_timer_init(void)
{
	outb(CONTROL, CONTROL_RATE_GENERATOR);
	outb(COUNTER0, RELOAD & 0xff);
	outb(COUNTER0, RELOAD >> 8);
	i386_irq_enable(IRQ_TIMER);
}

void i386_timer_interrupt(void)
{
	if (++sTicksLow == 0)
		sTicksHigh++;
	thread_tick();
}

/* Whether the interrupt of a finished tick still waits at the controller. */
static bool tick_pending(void)
{
	outb(MASTER_COMMAND, OCW3_READ_IRR);
	return inb(MASTER_COMMAND) >> IRQ_TIMER & 1;
}

time_us_t arch_system_time(void)
{
	bool enabled = arch_interrupts_disable();
	uint64_t counts = ((uint64_t)sTicksHigh << 32 | sTicksLow) * RELOAD;
	uint32_t counter;
	time_us_t now;

	outb(CONTROL, CONTROL_LATCH);
	counter = inb(COUNTER0);
	counter |= (uint32_t)inb(COUNTER0) << 8;
	if (counter > RELOAD)
		counter = RELOAD;
	/* Just reloaded, and not yet counted as a tick. */
	if (counter > RELOAD / 2 && tick_pending())
		counts += RELOAD;
	counts += RELOAD - counter;

	/* Whole seconds first: counts * 1000000 would overflow in 89 days. */
	now = (time_us_t)(counts / FREQUENCY * 1000000
					  + counts % FREQUENCY * 1000000 / FREQUENCY);
	if (now < sLast)
		now = sLast;
	sLast = now;

	arch_interrupts_restore(enabled);
	return now;
}
