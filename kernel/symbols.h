/* The kernel's own symbols, put into it by the second link, for backtraces. */
#pragma once

#include <postern/types.h>

/* The function that `address` is in, and how far, or NULL. */
const char *symbols_find(uintptr_t address, uint32_t *_offset);
