/*
 * The end of a kernel that has found a fault of its own. Never for what a
 * program sent: that is an error number.
 */
#pragma once

/* 1 in debug builds, where assertions are compiled in. */
#ifndef POSTERN_DEBUG
#define POSTERN_DEBUG 0
#endif

/* Prints the message, registers and a backtrace everywhere, and powers off. */
void panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* The same after an exception in ring 0: `frame` is what it interrupted. */
struct iframe;
void panic_frame(const struct iframe *frame, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

#if POSTERN_DEBUG
#define ASSERT(condition)                                                                \
	do {                                                                                 \
		if (!(condition))                                                                \
			panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #condition);        \
	} while (0)
#else
/* sizeof: the condition must compile and its variables count as used, but it
 * is not evaluated. */
#define ASSERT(condition) ((void)sizeof(!(condition)))
#endif
