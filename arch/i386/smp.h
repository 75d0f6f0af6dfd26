/*
 * More than one processor: what they tell each other by interrupts.
 *
 * interrupts.c calls these, IF off, on the processor that was sent the vector.
 */
#pragma once

/* VECTOR_RESCHEDULE: there may be something else to run. */
void i386_reschedule_interrupt(void);

/* VECTOR_CALL: there is something to do here at once. */
void i386_call_interrupt(void);
