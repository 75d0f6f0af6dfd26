/*
 * Signals, as programs and the kernel see them. Default actions and the meaning of the
 * calls are POSIX's.
 */
#pragma once

#include <postern/signal_numbers.h>
#include <postern/types.h>

#define SIGNAL_COUNT 32 /* 1 to 31 exist */

/* In place of a handler's address; the C library's <signal.h> has them as pointers. */
#ifndef SIG_DFL
#define SIG_DFL 0u
#define SIG_IGN 1u
#endif

struct signal_action {
	uint32_t handler; /* address, SIG_DFL or SIG_IGN */
	uint32_t mask;	  /* what else waits while it runs: bit n - 1 is signal n */
	uint32_t flags;	  /* SA_* */
};

/* What a handler is told: void handler(int signal, struct signal_info *info,
 * struct signal_context *context). */
struct signal_info {
	int32_t signal;
	int32_t pid;	  /* who sent it, 0 for the kernel */
	uint32_t address; /* of a fault */
	uint32_t reserved;
};

/* What was interrupted, and where the handler's return goes back to. */
struct signal_context {
	uint32_t eax, ebx, ecx, edx, esi, edi, ebp, esp;
	uint32_t eip, eflags;
	uint16_t ds, es, fs, gs;
	uint32_t mask;	   /* what waited before */
	uint32_t fpu_size; /* bytes of `fpu` that hold anything */
	uint32_t reserved[2];
	uint8_t fpu[512]; /* as FXSAVE, or FNSAVE, has it */
};

_Static_assert(sizeof(struct signal_context) == 576, "both sides agree on it");
