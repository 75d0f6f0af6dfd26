/*
 * The 8254, a PC's programmable interval timer (its data sheet): counter 0
 * ticks (timer.c), counter 2 tells the time where nothing else does (clock.c).
 */
#pragma once

#define PIT_FREQUENCY 1193182u /* Hz: a PC's colour burst, divided by 3 */

#define PIT_COUNTER(counter) (0x40 + (counter))
#define PIT_CONTROL 0x43
/* Mode 2, low then high byte. */
#define PIT_CONTROL_RATE_GENERATOR(counter) ((counter) << 6 | 0x34)
#define PIT_CONTROL_LATCH(counter) ((counter) << 6)

/* Counter 2's gate, and whether the speaker hears it. Bits 2 and 3 are others'. */
#define PIT_GATE_PORT 0x61
#define PIT_GATE_COUNTER2 0x01
#define PIT_GATE_KEEP 0x0c
