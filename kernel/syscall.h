/*
 * What the generated table says about each call, and who reads it: the entry
 * path in arch/i386/entry.asm (thunk and facts), the fault reports and traces
 * (details).
 */
#pragma once

#include <postern/types.h>

/*
 * A thunk turns the argument block, already copied from the user's stack,
 * into the typed call of its handler. There is one a call, generated, so
 * that no function pointer is ever cast.
 */
typedef int32_t (*syscall_thunk)(const uint32_t *arguments);
typedef int64_t (*syscall_wide_thunk)(const uint32_t *arguments);

/* Bits of `facts`. A call with facts 0 takes the shortest way. */
#define SYSCALL_ARGUMENT_DWORDS 0x0f /* 0 to 8 */
#define SYSCALL_WIDE_RESULT 0x10	 /* EDX:EAX, so it leaves by IRET */

/* 8 bytes, so that the entry path needs no shift: kSyscallInfos + number * 8. */
struct syscall_info {
	union {
		syscall_thunk narrow;
		syscall_wide_thunk wide;
	} thunk;
	uint32_t facts;
};

struct syscall_details {
	const char *name;	   /* NULL for a retired number */
	const char *prototype; /* as syscalls.def has it, annotations left out */
	const int16_t *errors; /* what errors(...) lists, positive, ended by 0 */
	bool restarts;		   /* entered again after a signal with SA_RESTART */
};

extern const struct syscall_info kSyscallInfos[];
extern const struct syscall_details kSyscallDetails[];
extern const uint32_t kSyscallCount;

/*
 * Called by thunks of debug builds when a handler has returned an error that
 * its line does not list: the kernel's own bug, so it panics.
 */
void syscall_undeclared_error(uint32_t number, int error) __attribute__((noreturn));
