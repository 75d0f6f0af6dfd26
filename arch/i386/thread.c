/*
 * What the machine keeps of a thread: a kernel stack, x87 and SSE state, and
 * the segments that ring 3 may have in FS and GS.
 *
 * A thread that is not running has, at arch_thread.stack_pointer, what
 * i386_switch_stacks() (entry.asm) has pushed. The frame with which it left
 * ring 3 ends at the top of its stack.
 */
#include "arch/i386/cpu.h"
#include "arch/i386/devices.h"
#include "arch/i386/iframe.h"
#include "arch/i386/paging.h"
#include "arch/i386/thread.h"
#include "kernel/arch.h"
#include "kernel/heap.h"
#include "kernel/panic.h"
#include "kernel/string.h"
#include "kernel/thread.h"
#include <postern/errno.h>

#define FXSAVE_SIZE 512 /* Intel SDM volume 1, 10.5.1; 16-aligned, as the heap is */
#define FNSAVE_SIZE 108 /* Intel SDM volume 1, 8.1.10 */

void i386_switch_stacks(uintptr_t *_save, uintptr_t load);
void i386_start_user_thread(void);

static uint8_t sInitialFpu[FXSAVE_SIZE] __attribute__((aligned(16)));

/* FXSAVE_SIZE, FNSAVE_SIZE, or 0 without an x87: each switch asks. */
static size_t sFpuSize;

static void fpu_save(void *area)
{
	if (sFpuSize == FXSAVE_SIZE)
		__asm__ volatile("fxsave (%0)" : : "r"(area) : "memory");
	else
		__asm__ volatile("fnsave (%0)" : : "r"(area) : "memory");
}

/* FRSTOR waits: it would raise, here, what the program has left (Intel SDM volume 2A). */
static void fpu_restore(const void *area)
{
	if (sFpuSize == FXSAVE_SIZE)
		__asm__ volatile("fxrstor (%0)" : : "r"(area) : "memory");
	else
		__asm__ volatile("fnclex\n\tfrstor (%0)" : : "r"(area) : "memory");
}

/* By hand: no way in aligns the kernel stack to 16 bytes, and gcc, other than
 * clang, takes the ABI's word for it that somebody has. */
static uint8_t *align_area(uint8_t *room)
{
	return (uint8_t *)(((uintptr_t)room + 15) & ~(uintptr_t)15);
}

uint32_t i386_fpu_copy_out(uint8_t *area)
{
	uint8_t room[FXSAVE_SIZE + 15];
	uint8_t *aligned = align_area(room);

	if (sFpuSize == 0)
		return 0;
	fpu_save(aligned);
	if (sFpuSize == FNSAVE_SIZE)
		fpu_restore(aligned); /* FNSAVE has cleared it */
	memcpy(area, aligned, sFpuSize);
	return (uint32_t)sFpuSize;
}

/* Where FXSAVE has MXCSR and the mask of its bits that exist (0: the first). */
#define FXSAVE_MXCSR 24
#define FXSAVE_MXCSR_MASK 28
#define MXCSR_MASK_DEFAULT 0xffbfu

void i386_fpu_copy_in(const uint8_t *area)
{
	uint8_t room[FXSAVE_SIZE + 15];
	uint8_t *aligned = align_area(room);
	uint32_t mxcsr, mask;

	if (sFpuSize == 0)
		return;
	memcpy(aligned, area, sFpuSize);
	if (sFpuSize == FXSAVE_SIZE) {
		memcpy(&mask, sInitialFpu + FXSAVE_MXCSR_MASK, sizeof mask);
		memcpy(&mxcsr, aligned + FXSAVE_MXCSR, sizeof mxcsr);
		mxcsr &= mask != 0 ? mask : MXCSR_MASK_DEFAULT;
		memcpy(aligned + FXSAVE_MXCSR, &mxcsr, sizeof mxcsr);
	}
	fpu_restore(aligned);
}

/* The state a program starts with is the one i386_cpu_init() has made. */
void i386_thread_init(void)
{
	if (i386_read_cr0() & CR0_EM)
		return;
	sFpuSize = i386_cpu_has(CPUID_FXSR) ? FXSAVE_SIZE : FNSAVE_SIZE;
	fpu_save(sInitialFpu);
	fpu_restore(sInitialFpu); /* FNSAVE has cleared it */
}

/* As i386_switch_stacks() pushes: where to go on, EBP, EBX, ESI, EDI. */
static void begin_at(struct arch_thread *thread, uint32_t *stack, void (*function)(void))
{
	*--stack = (uint32_t)(uintptr_t)function;
	stack -= 4;
	memset(stack, 0, 4 * sizeof *stack);
	thread->stack_pointer = (uintptr_t)stack;
}

int arch_thread_create(struct arch_thread *thread, struct thread *owner)
{
	*thread = (struct arch_thread){.stack_top = i386_make_kernel_stack()};
	if (thread->stack_top == 0)
		return -ENOMEM;
	thread->fpu = heap_allocate(sFpuSize);
	if (thread->fpu == NULL) {
		i386_free_kernel_stack(thread->stack_top);
		return -ENOMEM;
	}
	memcpy(thread->fpu, sInitialFpu, sFpuSize);
	arch_stack_block_of(thread->stack_top)->thread = owner;
	begin_at(thread, (uint32_t *)(void *)iframe_of_stack(thread->stack_top),
		i386_start_user_thread);
	return 0;
}

void arch_thread_start_in_kernel(struct arch_thread *thread, void (*function)(void))
{
	uint32_t *stack = (uint32_t *)(void *)iframe_of_stack(thread->stack_top);

	*--stack = 0; /* the address to which it does not return */
	begin_at(thread, stack, function);
}

void arch_thread_destroy(struct arch_thread *thread)
{
	heap_free(thread->fpu);
	i386_free_kernel_stack(thread->stack_top);
}

void arch_thread_fork(
	struct arch_thread *child, const struct arch_thread *parent, int32_t result)
{
	struct iframe *frame = iframe_of_stack(child->stack_top);

	*frame = *iframe_of_stack(parent->stack_top);
	frame->eax = (uint32_t)result;
	frame->eflags |= FLAG_IF; /* SYSENTER's frame does not show it */
	frame->trap = TRAP_TOUCHED;
	if (sFpuSize != 0) {
		fpu_save(child->fpu);
		if (sFpuSize == FNSAVE_SIZE)
			fpu_restore(child->fpu); /* FNSAVE has cleared the parent's */
	}
	__asm__ volatile("mov %%fs, %0" : "=r"(child->fs));
	__asm__ volatile("mov %%gs, %0" : "=r"(child->gs));
	child->tls_base = parent->tls_base;
}

void arch_thread_start_at(struct arch_thread *thread, uintptr_t entry, uintptr_t stack)
{
	*iframe_of_stack(thread->stack_top) = (struct iframe){
		.segments = KERNEL_SEGMENTS,
		.trap = TRAP_TOUCHED,
		.eip = entry,
		.cs = USER_CS,
		.eflags = FLAG_ALWAYS | FLAG_IF,
		.user_esp = stack,
		.user_ss = USER_DS,
	};
}

void arch_thread_restart_at(struct arch_thread *thread, uintptr_t entry, uintptr_t stack)
{
	arch_thread_start_at(thread, entry, stack);
	if (sFpuSize != 0)
		fpu_restore(sInitialFpu);
	__asm__ volatile("mov %0, %%fs\n\tmov %0, %%gs" : : "r"(0));
	thread->fs = thread->gs = 0;
	arch_thread_set_tls(thread, 0);
}

int arch_thread_set_tls(struct arch_thread *thread, uintptr_t base)
{
	thread->tls_base = base;
	i386_set_tls_descriptor(base);
	return TLS_SELECTOR;
}

void arch_thread_start_tls(struct arch_thread *thread, uintptr_t base)
{
	thread->tls_base = base;
	thread->gs = base != 0 ? TLS_SELECTOR : 0;
}

void arch_thread_switch(struct arch_thread *from, struct arch_thread *to)
{
	if (sFpuSize != 0) {
		if (from->fpu != NULL)
			fpu_save(from->fpu);
		if (to->fpu != NULL)
			fpu_restore(to->fpu);
	}
	__asm__ volatile("mov %%fs, %0" : "=r"(from->fs));
	__asm__ volatile("mov %%gs, %0" : "=r"(from->gs));
	if (to->tls_base != from->tls_base)
		i386_set_tls_descriptor(to->tls_base);
	/* Only the low halves count; loading refreshes the base, too. */
	__asm__ volatile("mov %0, %%fs" : : "r"(to->fs));
	__asm__ volatile("mov %0, %%gs" : : "r"(to->gs));

	arch_stack_block_of(to->stack_top)->cpu = arch_cpu_index();
	i386_set_kernel_stack(to->stack_top);
	i386_switch_stacks(&from->stack_pointer, to->stack_pointer);
}

/*
 * A frame that is not plain any more leaves by IRET, with a look for work
 * before. An interrupt that finds the frame half built is no harm: the next
 * tick asks again.
 */
void arch_request_return_work(void)
{
	struct thread *thread = thread_current();
	struct iframe *frame = iframe_of_stack(thread->arch.stack_top);

	if (thread->process == NULL)
		return;
	if (frame->trap == TRAP_SYSENTER || frame->trap == TRAP_INT99) {
		frame->eflags |= FLAG_IF;
		frame->trap = TRAP_TOUCHED;
	}
}
