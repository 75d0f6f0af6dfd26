/*
 * A handler's frame on the program's stack, and the way back from it.
 *
 * Lowest address first: the return address (the commpage's way to sigreturn),
 * the three arguments, struct signal_info, struct signal_context. The handler
 * finds ESP + 4 on 16 bytes, as a C function does.
 */
#include "arch/i386/cpu.h"
#include "arch/i386/iframe.h"
#include "arch/i386/thread.h"
#include "kernel/arch.h"
#include "kernel/string.h"
#include "kernel/user_memory.h"
#include <postern/errno.h>
#include <postern/signal.h>

struct signal_frame {
	uint32_t return_address;
	uint32_t signal;
	uint32_t info_address;
	uint32_t context_address;
	struct signal_info info;
	struct signal_context context;
};

/* What a program may change by itself, and so by a context, too. */
#define USER_FLAGS (0xdd5u /* CF PF AF ZF SF TF DF OF */ | FLAG_NT | FLAG_AC | FLAG_ID)

extern const uint32_t kCommpageReturn, kCommpageSignalReturnOffset;

int arch_signal_enter(uintptr_t handler, const struct signal_info *info, uint32_t mask)
{
	struct iframe *frame = iframe_of_stack((uintptr_t)arch_stack_block());
	uintptr_t address =
		((frame->user_esp - sizeof(struct signal_frame) - 16) & ~15u) + 12;
	struct signal_frame on_stack;
	struct signal_context *context = &on_stack.context;

	memset(&on_stack, 0, sizeof on_stack);
	on_stack.return_address = COMMPAGE_BASE + kCommpageSignalReturnOffset;
	on_stack.signal = (uint32_t)info->signal;
	on_stack.info_address = (uint32_t)(address + offsetof(struct signal_frame, info));
	on_stack.context_address =
		(uint32_t)(address + offsetof(struct signal_frame, context));
	on_stack.info = *info;
	context->eax = frame->eax;
	context->ebx = frame->ebx;
	context->ecx = frame->ecx;
	context->edx = frame->edx;
	context->esi = frame->esi;
	context->edi = frame->edi;
	context->ebp = frame->ebp;
	context->esp = frame->user_esp;
	context->eip = frame->eip;
	context->eflags = frame->eflags;
	context->ds = (uint16_t)frame->segments;
	context->es = (uint16_t)(frame->segments >> 16);
	context->mask = mask;
	__asm__ volatile("mov %%fs, %0" : "=r"(context->fs));
	__asm__ volatile("mov %%gs, %0" : "=r"(context->gs));
	context->fpu_size = i386_fpu_copy_out(context->fpu);
	if (user_copy_out(address, &on_stack, sizeof on_stack) != 0)
		return -EFAULT;

	frame->user_esp = (uint32_t)address;
	frame->eip = (uint32_t)handler;
	frame->eax = frame->ebx = frame->ecx = frame->edx = 0;
	frame->segments = KERNEL_SEGMENTS;
	frame->eflags = (frame->eflags & ~(FLAG_DF | FLAG_TF | FLAG_NT | FLAG_AC)) | FLAG_IF;
	if (iframe_vector(frame) == SYSCALL_VECTOR)
		frame->trap = TRAP_TOUCHED;
	return 0;
}

static bool may_hold(uint16_t selector)
{
	uint16_t descriptor = selector & ~3;

	return descriptor == 0 || descriptor == (USER_DS & ~3) || descriptor == (USER_CS & ~3)
		   || descriptor == (TLS_SELECTOR & ~3);
}

int arch_signal_leave(uintptr_t address, uint32_t *_mask, uint32_t *_result)
{
	struct iframe *frame = iframe_of_stack((uintptr_t)arch_stack_block());
	struct signal_context context;

	if (user_copy_in(&context, address, sizeof context) != 0 || !may_hold(context.ds)
		|| !may_hold(context.es) || !may_hold(context.fs) || !may_hold(context.gs))
		return -EFAULT;
	frame->ebx = context.ebx;
	frame->ecx = context.ecx;
	frame->edx = context.edx;
	frame->esi = context.esi;
	frame->edi = context.edi;
	frame->ebp = context.ebp;
	frame->user_esp = context.esp;
	frame->eip = context.eip;
	frame->eflags = (context.eflags & USER_FLAGS) | FLAG_ALWAYS | FLAG_IF;
	frame->segments = (uint32_t)context.es << 16 | context.ds;
	frame->trap = TRAP_TOUCHED;
	__asm__ volatile("mov %0, %%fs" : : "r"((uint32_t)context.fs));
	__asm__ volatile("mov %0, %%gs" : : "r"((uint32_t)context.gs));
	if (context.fpu_size != 0)
		i386_fpu_copy_in(context.fpu);
	*_mask = context.mask;
	*_result = context.eax;
	return 0;
}

/*
 * By the way it came: INT 99 is two bytes before where it goes back to;
 * SYSENTER goes back to one place only, behind the commpage's own.
 */
void arch_restart_call(uint32_t number)
{
	struct iframe *frame = iframe_of_stack((uintptr_t)arch_stack_block());

	if (iframe_vector(frame) != SYSCALL_VECTOR || frame->eax != (uint32_t)-EINTR)
		return;
	if (frame->eip == kCommpageReturn)
		frame->eip = (uint32_t)arch_syscall_entry();
	else
		frame->eip -= 2;
	frame->eax = number;
	frame->eflags |= FLAG_IF;
	frame->trap = TRAP_TOUCHED;
}
