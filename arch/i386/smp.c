/* What processors tell each other; see smp.h. With one, nobody does. */
#include "arch/i386/smp.h"

void i386_reschedule_interrupt(void)
{
}

void i386_call_interrupt(void)
{
}
