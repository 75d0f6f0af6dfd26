/*
 * What NASM has to know of C: compiled to assembly and never linked. Each
 * line below becomes "NAME equ VALUE" in build/generated/offsets.inc.
 */
#include "arch/i386/cpu.h"
#include "arch/i386/iframe.h"
#include "arch/i386/paging.h"
#include "arch/i386/smp.h"
#include "kernel/arch.h"
#include "kernel/syscall.h"
#include <postern/errno.h>

#define EMIT(name, value)                                                                \
	__asm__ volatile(".ascii \"@EQU " name " %c0@\"" : : "i"((int32_t)(value)))
#define EQU(name, value) EMIT(#name, value)
#define CONSTANT(name) EMIT(#name, name)
#define FRAME(name, field) EQU(name, offsetof(struct iframe, field))

void offsets(void);

void offsets(void)
{
	FRAME(FRAME_SEGMENTS, segments);
	FRAME(FRAME_EBP, ebp);
	FRAME(FRAME_EDX, edx);
	FRAME(FRAME_EAX, eax);
	FRAME(FRAME_TRAP, trap);
	FRAME(FRAME_EFLAGS, eflags);
	FRAME(FRAME_USER_ESP, user_esp);

	EQU(FRAME_CALLS, sizeof(struct iframe) + offsetof(struct arch_stack_block, calls));
	CONSTANT(SYSCALL_VECTOR);
	CONSTANT(TRAP_INT99);
	CONSTANT(TRAP_SYSENTER);
	CONSTANT(TRAP_TOUCHED);
	CONSTANT(TRAP_TOUCHED_BIT);

	CONSTANT(USER_CS);
	CONSTANT(USER_DS);
	CONSTANT(KERNEL_SEGMENTS);
	CONSTANT(FLAG_ALWAYS);
	CONSTANT(FLAG_TF);
	CONSTANT(FLAG_IF);
	CONSTANT(FLAG_DF);
	CONSTANT(FLAG_NT);
	CONSTANT(FLAG_AC);
	CONSTANT(FLAG_ID);
	CONSTANT(CR0_PG);
	CONSTANT(CR0_WP);
	CONSTANT(CR4_PAE);
	CONSTANT(CPUID_PAE);

	EQU(INFO_SIZE, sizeof(struct syscall_info));
	EQU(INFO_THUNK, offsetof(struct syscall_info, thunk));
	EQU(INFO_FACTS, offsetof(struct syscall_info, facts));
	CONSTANT(SYSCALL_ARGUMENT_DWORDS);
	CONSTANT(SYSCALL_WIDE_RESULT);
	CONSTANT(ENOSYS);
	CONSTANT(EFAULT);

	EQU(STACK_BLOCK_SIZE, sizeof(struct arch_stack_block));
	EQU(START_ROOT, offsetof(struct i386_start_parameters, root));
	EQU(START_CR0, offsetof(struct i386_start_parameters, cr0));
	EQU(START_CR4, offsetof(struct i386_start_parameters, cr4));
	EQU(START_NO_EXECUTE, offsetof(struct i386_start_parameters, no_execute));
	EQU(START_STACK_TOP, offsetof(struct i386_start_parameters, stack_top));
	CONSTANT(MSR_EFER);
	CONSTANT(EFER_NXE);

	CONSTANT(PAGE_PRESENT);
	CONSTANT(PAGE_RW);
	CONSTANT(PAGE_BYTES);
	CONSTANT(DIRECTORY_SPAN);
	CONSTANT(KERNEL_BASE);
	CONSTANT(COMMPAGE_BASE);
	CONSTANT(WINDOW_BASE);
	CONSTANT(BOOT_TABLES);
	CONSTANT(WINDOW_TABLES);
}
