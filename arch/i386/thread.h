/* x87 and SSE state of the running thread, for signal frames: see thread.c. */
#pragma once

#include <postern/types.h>

/* Copies it to `area` (512 bytes, any alignment); returns how many count. */
uint32_t i386_fpu_copy_out(uint8_t *area);

/* Loads what a program gives back; bits that would fault are cleared. */
void i386_fpu_copy_in(const uint8_t *area);
