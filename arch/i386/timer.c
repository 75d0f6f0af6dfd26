/*
 * The 8254's counter 0: the tick, on the boot processor. Whoever wants to know
 * the time asks clock.c; a tick may be late or even lost without harm to that.
 */
#include "arch/i386/clock.h"
#include "arch/i386/devices.h"
#include "arch/i386/io.h"
#include "arch/i386/pit.h"
#include "arch/i386/traps.h"
#include "kernel/thread.h"

#define TICKS_PER_SECOND 1000u
/* Rounded up: what waits a number of ticks must not be early. */
#define RELOAD (PIT_FREQUENCY / TICKS_PER_SECOND + 1)

static void tick(void)
{
	i386_clock_tick();
	i386_report_nmis();
	thread_tick();
}

void i386_timer_init(void)
{
	outb(PIT_CONTROL, PIT_CONTROL_RATE_GENERATOR(0));
	outb(PIT_COUNTER(0), RELOAD & 0xff);
	outb(PIT_COUNTER(0), RELOAD >> 8);
	i386_irq_set_handler(IRQ_TIMER, tick);
	i386_irq_enable(IRQ_TIMER);
}
