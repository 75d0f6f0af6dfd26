/* For the two string.c. */
#pragma once

/*
 * A compiler that recognises the loop of a memset() replaces it by a call of
 * memset(): by itself, here, without end. -ffreestanding alone does not keep
 * gcc from it.
 */
#if defined(__clang__)
#define KEEP_LOOPS __attribute__((no_builtin))
#else
#define KEEP_LOOPS __attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif
