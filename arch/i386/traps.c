/*
 * What an exception means: the end of the program that caused it, a fixup for
 * a copy that met a bad user address, or a panic.
 */
#include "arch/i386/traps.h"
#include "arch/i386/cpu.h"
#include "arch/i386/iframe.h"
#include "arch/i386/io.h"
#include "arch/i386/smp.h"
#include "kernel/arch.h"
#include "kernel/format.h"
#include "kernel/lock.h"
#include "kernel/log.h"
#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include <postern/errno.h>

static const char *const kExceptionNames[32] = {
	"divide error (#DE)",
	"debug exception (#DB)",
	"non-maskable interrupt",
	"breakpoint (#BP)",
	"overflow (#OF)",
	"BOUND range exceeded (#BR)",
	"invalid opcode (#UD)",
	"no math coprocessor (#NM)",
	"double fault (#DF)",
	"coprocessor segment overrun",
	"invalid TSS (#TS)",
	"segment not present (#NP)",
	"stack-segment fault (#SS)",
	"general protection fault (#GP)",
	"page fault (#PF)",
	"reserved exception 15",
	"x87 floating-point error (#MF)",
	"alignment check (#AC)",
	"machine check (#MC)",
	"SIMD floating-point error (#XM)",
	"virtualization exception (#VE)",
	"control protection exception (#CP)",
};

/* Bits of a page fault's error code (Intel SDM volume 3A, 4.7) */
#define FAULT_PRESENT 0x1u
#define FAULT_WRITE 0x2u
#define FAULT_USER 0x4u
#define FAULT_RESERVED 0x8u
#define FAULT_FETCH 0x10u

/* DR6 (Intel SDM volume 3B, 17.2.3) */
#define DR6_WATCHPOINT0 0x1u
#define DR6_SINGLE_STEP 0x4000u
#define DR6_CLEAR 0xffff0ff0u

/* Where a fault, or an interrupt, at an instruction in [start, end) goes on: see
 * .fixups, and .windows. */
struct fixup {
	uintptr_t start, end, resume;
};

extern const struct fixup gFixupsStart[], gFixupsEnd[], gWindowsStart[], gWindowsEnd[];

void int99_entry(void);
void sysenter_entry(void);
void sysenter_entry_stepped(void);

static const char *exception_name(unsigned vector)
{
	const char *name = vector < 32 ? kExceptionNames[vector] : NULL;

	return name != NULL ? name : "reserved exception";
}

static const struct fixup *find(
	const struct fixup *fixup, const struct fixup *end, uintptr_t eip)
{
	for (; fixup < end; fixup++) {
		if (eip >= fixup->start && eip < fixup->end)
			return fixup;
	}
	return NULL;
}

static const struct fixup *find_fixup(uintptr_t eip)
{
	return find(gFixupsStart, gFixupsEnd, eip);
}

static bool go_on_at(struct iframe *frame, const struct fixup *fixup)
{
	if (fixup == NULL)
		return false;
	frame->eip = fixup->resume;
	return true;
}

void i386_leave_window(struct iframe *frame)
{
	go_on_at(frame, find(gWindowsStart, gWindowsEnd, frame->eip));
}

/* ---- What was wrong, in words -------------------------------------------- */

static void describe_page_fault(
	char *text, size_t size, uintptr_t address, uint32_t error, uintptr_t eip)
{
	/* Without NX or SMEP the CPU does not tell a fetch from a read; but what
	 * could be fetched can be read, so a fault at EIP itself is a fetch. */
	const char *doing = error & FAULT_WRITE						? "write to"
						: error & FAULT_FETCH || address == eip ? "execution at"
																: "read from";
	enum arch_mapping mapping = arch_query_mapping(address);
	const char *why;

	if (mapping == MAPPING_NONE)
		why = "is not mapped";
	else if (mapping == MAPPING_KERNEL)
		why = "is the kernel's";
	else if (!(error & FAULT_USER)) /* SMAP or SMEP */
		why = "is the program's";
	else if (error & FAULT_WRITE && mapping == MAPPING_READ_ONLY)
		why = "is read-only";
	else
		why = "is not executable";
	format_string(text, size, "%s 0x%08x, which %s", doing, (unsigned)address, why);
}

/* `address` is CR2, read before anything else could fault. */
static void describe_trap(
	char *text, size_t size, const struct iframe *frame, uintptr_t address)
{
	unsigned vector = iframe_vector(frame);
	uint32_t error = iframe_error(frame);
	int length;

	length = format_string(text, size, "%s", exception_name(vector));
	if (length < 0 || (size_t)length >= size)
		return;
	text += length;
	size -= (size_t)length;

	if (vector == VECTOR_PAGE_FAULT) {
		length = format_string(text, size, ": ");
		describe_page_fault(
			text + length, size - (size_t)length, address, error, frame->eip);
	} else if (vector == VECTOR_DEBUG) {
		uint32_t dr6 = i386_read_dr6();

		format_string(text, size, ": %s",
			dr6 & DR6_WATCHPOINT0 || arch_stack_block()->flags & STACK_WATCHPOINT
				? "watchpoint 0"
			: dr6 & DR6_SINGLE_STEP ? "single step"
									: "requested by an instruction");
	} else if (error & 2) {
		format_string(text, size, ": vector %u", error >> 3);
	} else if (error != 0) {
		format_string(text, size, ": selector 0x%x", error);
	}
}

/* ---- #DB in ring 0 -------------------------------------------------------- */

/*
 * Three ways lead here, all the program's doing and none the kernel's fault:
 * SYSENTER with TF set, which traps before sysenter_entry's first instruction;
 * a watchpoint on the operand of MOV SS or POP SS, whose trap waits until the
 * door has been passed (CVE-2018-8897); and the kernel's own copy of watched
 * user memory. Each time the program's frame gets TF, so that the trap is
 * reported when it is back in ring 3.
 */
static void debug_in_kernel(struct iframe *frame)
{
	struct iframe *user = iframe_of_stack((uintptr_t)arch_stack_block());
	uint32_t dr6 = i386_read_dr6();

	/* Sticky: what is read here must not be blamed for a later trap. */
	i386_write_dr6(DR6_CLEAR);
	if (dr6 & DR6_WATCHPOINT0) /* a later trap may clear B0 (volume 3B, 17.2.3) */
		arch_stack_block()->flags |= STACK_WATCHPOINT;
	if (frame->eip == (uintptr_t)sysenter_entry) {
		frame->eip = (uintptr_t)sysenter_entry_stepped;
		frame->eflags &= ~FLAG_TF;
		return;
	}
	if (!(dr6 & DR6_WATCHPOINT0) && frame->eip != (uintptr_t)int99_entry)
		panic_frame(frame, "%s in the kernel", exception_name(VECTOR_DEBUG));
	user->eflags |= FLAG_TF | FLAG_IF;
	/* Before int99_entry's first push, this trap's own frame lies where that
	 * word will be; int 99 leaves by IRET in any case. */
	if ((uintptr_t)&user->trap >= (uintptr_t)&frame->user_esp)
		user->trap = TRAP_TOUCHED;
}

/* What wait() tells of a program that ended so (as Linux/i386 maps them). */
static int signal_of(unsigned vector)
{
	switch (vector) {
	case VECTOR_DIVIDE:
	case 16: /* x87 and SSE errors */
	case 19:
		return SIGFPE;
	case VECTOR_DEBUG:
	case VECTOR_BREAKPOINT:
		return SIGTRAP;
	case 6: /* invalid opcode */
		return SIGILL;
	case 17: /* alignment check */
		return SIGBUS;
	default:
		return SIGSEGV;
	}
}

/* Reported: a later trap is another one. */
static void forget_debug(unsigned vector)
{
	if (vector != VECTOR_DEBUG)
		return;
	i386_write_dr6(DR6_CLEAR);
	arch_stack_block()->flags &= ~STACK_WATCHPOINT;
}

/* ---- Dispatch ------------------------------------------------------------- */

/*
 * A page fault that the address space may resolve: of ring 3, or of the copies,
 * which alone may touch user memory in ring 0; for any other kernel code the
 * address is wrong, even if the program has something there. Interrupts go on,
 * for it may have to wait. 0, -EFAULT or -ENOMEM.
 */
static int resolve_fault(struct iframe *frame, uintptr_t address)
{
	uint32_t error = iframe_error(frame);
	unsigned access = error & FAULT_WRITE ? PAGE_WRITABLE : PAGE_READABLE;
	int result;

	if (address >= KERNEL_BASE || error & FAULT_RESERVED)
		return -EFAULT;
	if (iframe_from_user(frame)) {
		/* QEMU's TCG reads what a far return of ring 3 pops as ring 0 would,
		 * which SMAP forbids: nothing that could be mended. */
		if ((error & (FAULT_PRESENT | FAULT_USER)) == FAULT_PRESENT)
			return -EFAULT;
	} else if (find_fixup(frame->eip) == NULL
			   || arch_stack_block()->flags & STACK_NO_FAULTS) {
		return -EFAULT;
	}
	/* Of a page that is there: without NX there is no such fault. */
	if ((error & (FAULT_FETCH | FAULT_PRESENT)) == (FAULT_FETCH | FAULT_PRESENT))
		access |= PAGE_EXECUTABLE;
	arch_interrupts_restore(true);
	result = process_handle_fault(address, access);
	arch_interrupts_disable();
	return result;
}

/* What a program did wrong: a signal, or its end. */
static void user_trap(struct iframe *frame, uintptr_t address)
{
	unsigned vector = iframe_vector(frame);
	char what[160];

	/* DR6 and CR2 are this processor's: told before another one may go on. */
	describe_trap(what, sizeof what, frame, address);
	forget_debug(vector);
	arch_interrupts_restore(true);
	if (!signal_fault(
			signal_of(vector), vector == VECTOR_PAGE_FAULT ? address : frame->eip))
		process_fault(frame, what, signal_of(vector));
	arch_interrupts_disable();
}

/*
 * The program was right to touch the page, and there is none for it. A handler of
 * SIGSEGV would take it for the program's mistake, and would need memory itself.
 */
static void user_out_of_memory(const struct iframe *frame, uintptr_t address)
{
	char what[80];

	format_string(what, sizeof what, "out of memory: no page for 0x%08x, which it %s",
		(unsigned)address, iframe_error(frame) & FAULT_WRITE ? "writes to" : "reads");
	arch_interrupts_restore(true);
	process_fault(frame, what, SIGKILL);
}

void i386_trap(struct iframe *frame)
{
	uintptr_t address = i386_read_cr2();
	unsigned vector = iframe_vector(frame);
	int error = -EFAULT;
	char what[160];

	if (vector == VECTOR_NO_FPU && !(i386_read_cr0() & CR0_EM)) {
		/* A task switch (NMI) has set TS. x87 and SSE state is still the
		 * program's: nothing else here uses either. */
		__asm__ volatile("clts");
		return;
	}
	if (vector == VECTOR_PAGE_FAULT)
		error = resolve_fault(frame, address);
	if (error == 0) {
		if (iframe_from_user(frame))
			thread_return_work();
		return;
	}
	if (iframe_from_user(frame) && vector != VECTOR_MACHINE_CHECK) {
		if (error == -ENOMEM)
			user_out_of_memory(frame, address);
		user_trap(frame, address);
		thread_return_work();
		return;
	}
	if (vector == VECTOR_DEBUG) {
		debug_in_kernel(frame);
		return;
	}
	/* Only a user address may be forgiven: any other is the kernel's bug. */
	if (vector == VECTOR_PAGE_FAULT && address < KERNEL_BASE
		&& go_on_at(frame, find_fixup(frame->eip)))
		return;
	describe_trap(what, sizeof what, frame, address);
	panic_frame(frame, "%s in the kernel", what);
}

/*
 * In a task of its own, on its own stack; the CPU holds further NMIs back. It
 * may have come while this processor holds any lock, so who tells of it is the
 * next tick.
 */
static uint32_t sNmis, sNmisTold;

void i386_nmi(void)
{
	i386_stop_if_asked();
	__atomic_add_fetch(&sNmis, 1, __ATOMIC_RELAXED);
}

void i386_report_nmis(void)
{
	uint32_t count = __atomic_load_n(&sNmis, __ATOMIC_RELAXED);

	/* The log stays readable in a storm: each time that they have doubled. */
	if (count == sNmisTold || count < 2 * sNmisTold)
		return;
	sNmisTold = count;
	log_warn("nmi: number %u, port 0x61 says 0x%x", count, inb(0x61));
}

/* In a task of its own; the main task's TSS holds what was interrupted. */
void i386_double_fault(void)
{
	struct iframe frame;
	const struct tss *tss = i386_this_tss();

	/* Whose stack it was, for the report. */
	arch_stack_block()->thread = ((struct arch_stack_block *)tss->esp0)->thread;
	frame = (struct iframe){
		.segments = tss->es << 16 | tss->ds,
		.edi = tss->edi,
		.esi = tss->esi,
		.ebp = tss->ebp,
		.ebx = tss->ebx,
		.edx = tss->edx,
		.ecx = tss->ecx,
		.eax = tss->eax,
		.trap = (uint32_t)VECTOR_DOUBLE_FAULT << 24,
		.eip = tss->eip,
		.cs = tss->cs,
		.eflags = tss->eflags,
		.user_esp = tss->esp,
		.user_ss = tss->ss,
	};
	panic_frame(&frame,
		"%s: the kernel stack at 0x%x has overflowed, or an exception's handler has faulted",
		exception_name(VECTOR_DOUBLE_FAULT), tss->esp);
}

/* Debug builds, before every way out. */
void i386_check_leaving(const struct iframe *frame)
{
	ASSERT((uintptr_t)(frame + 1) == (uintptr_t)arch_stack_block());
	ASSERT(i386_this_tss()->esp0 == (uintptr_t)arch_stack_block());
	lock_check_none(NULL);
	ASSERT(arch_interrupts_enabled());
	ASSERT(iframe_from_user(frame) && frame->user_ss == USER_DS && frame->cs == USER_CS);
	ASSERT(!(i386_read_flags() & (FLAG_DF | FLAG_NT | FLAG_AC | FLAG_TF)));
}

/* ---- Frames, for kernel/ --------------------------------------------------- */

const struct iframe *arch_current_user_frame(void)
{
	return iframe_of_stack(i386_this_tss()->esp0);
}

uintptr_t arch_frame_ip(const struct iframe *frame)
{
	return frame->eip;
}

uintptr_t arch_frame_sp(const struct iframe *frame)
{
	/* Ring 0 pushes no ESP: it was where the frame's last word ends. */
	return iframe_from_user(frame) || iframe_vector(frame) == VECTOR_DOUBLE_FAULT
			   ? frame->user_esp
			   : (uintptr_t)&frame->user_esp;
}

uintptr_t arch_frame_fp(const struct iframe *frame)
{
	return frame->ebp;
}

int32_t arch_frame_syscall(const struct iframe *frame)
{
	return iframe_vector(frame) == SYSCALL_VECTOR ? (int32_t)frame->eax : -1;
}

void arch_print_frame(const struct iframe *frame, void (*print)(const char *format, ...))
{
	uint32_t fs, gs;

	__asm__("mov %%fs, %0" : "=r"(fs));
	__asm__("mov %%gs, %0" : "=r"(gs));
	print("  eax %08x  ebx %08x  ecx %08x  edx %08x\n", frame->eax, frame->ebx,
		frame->ecx, frame->edx);
	print("  esi %08x  edi %08x  ebp %08x  esp %08x\n", frame->esi, frame->edi,
		frame->ebp, (unsigned)arch_frame_sp(frame));
	print(
		"  eip %08x  eflags %08x  cs %04x  ss %04x  ds %04x  es %04x  fs %04x  gs %04x\n",
		frame->eip, frame->eflags, frame->cs & 0xffff,
		iframe_from_user(frame) ? frame->user_ss & 0xffff : KERNEL_SS,
		frame->segments & 0xffff, frame->segments >> 16, fs & 0xffff, gs & 0xffff);
}

uintptr_t arch_frame_pointer(void)
{
	return *(const uintptr_t *)__builtin_frame_address(0);
}

bool arch_on_kernel_stack(uintptr_t address)
{
	uintptr_t top = i386_this_tss()->esp0;

	return address >= (top & ~(uintptr_t)(KERNEL_STACK_SIZE - 1)) && address < top;
}
