/* Numbers that differ from run to run, as far as the machine lets them. */
#pragma once

#include <stddef.h>

/* Not for cryptography: what is behind it is time. */
void random_fill(void *to, size_t size);
