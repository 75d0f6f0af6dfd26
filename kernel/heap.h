/*
 * The kernel's heap: objects of any size up to 4 MiB, zeroed, aligned to 16
 * bytes. Small ones share pages with others of their size; larger ones take
 * pages of their own.
 */
#pragma once

#include <postern/types.h>

/* NULL when there is no memory. */
void *heap_allocate(size_t size) __attribute__((malloc));

/* `object` came from heap_allocate(); NULL does nothing. */
void heap_free(void *object);
