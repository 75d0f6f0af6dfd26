/*
 * The kernel's own failure: registers, the call in progress, a symbolised
 * backtrace, on the screen and both serial ports; then the machine stops.
 */
#include "kernel/panic.h"
#include "kernel/arch.h"
#include "kernel/format.h"
#include "kernel/lock.h"
#include "kernel/main.h"
#include "kernel/process.h"
#include "kernel/string.h"
#include "kernel/symbols.h"
#include "kernel/syscall.h"

enum { STATUS_PANIC = 125, BACKTRACE_MAX = 32 };

static bool sPanicking;

static void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void print(const char *format, ...)
{
	char line[256];
	va_list arguments;
	size_t length;

	va_start(arguments, format);
	format_string_v(line, sizeof line, format, arguments);
	va_end(arguments);
	length = strlen(line);
	arch_log_write(line, length);
	arch_console_write(line, length);
}

/* `is_return`: as for process_print_address(). */
static void print_address(uintptr_t address, bool is_return)
{
	uintptr_t back = is_return ? 1 : 0;
	uint32_t offset;
	const char *name = symbols_find(address - back, &offset);

	if (name != NULL)
		print("  0x%08x %s+0x%x\n", (unsigned)address, name, (unsigned)(offset + back));
	else
		print("  0x%08x ?\n", (unsigned)address);
}

static void print_place(const struct iframe *frame)
{
	uintptr_t sp = arch_frame_sp(frame);
	uint32_t offset;

	print_address(arch_frame_ip(frame), false);
	/* A call to nowhere has not linked a frame: its caller is on the stack. */
	if (symbols_find(arch_frame_ip(frame), &offset) == NULL && sp % 4 == 0
		&& arch_on_kernel_stack(sp))
		print_address(*(const uintptr_t *)sp, true);
}

static void print_repeats(unsigned repeats)
{
	if (repeats > 0)
		print("  ... and again, %u times\n", repeats);
}

/* A recursion takes two lines, so that what led to it stays on the screen. */
static void print_backtrace(uintptr_t fp)
{
	uintptr_t previous = 0;
	unsigned repeats = 0;
	unsigned depth = 0;

	while (depth < BACKTRACE_MAX) {
		const uintptr_t *link = (const uintptr_t *)fp;

		/* The last frame's link is whatever the program had in EBP. */
		if (fp % 4 != 0 || !arch_on_kernel_stack(fp) || !arch_on_kernel_stack(fp + 4)
			|| fp == (uintptr_t)arch_current_user_frame())
			break;
		if (link[1] == previous) {
			repeats++;
		} else {
			print_repeats(repeats);
			repeats = 0;
			previous = link[1];
			print_address(previous, true);
			depth++;
		}
		if (link[0] <= fp)
			break;
		fp = link[0];
	}
	print_repeats(repeats);
}

static void print_context(void)
{
	int32_t number;

	if (process_name() == NULL)
		return;
	print("program %s", process_name());
	number = arch_frame_syscall(arch_current_user_frame());
	if (number >= 0 && (uint32_t)number < kSyscallCount
		&& kSyscallDetails[number].name != NULL)
		print(", in system call %d, %s", (int)number, kSyscallDetails[number].name);
	print("\n");
	process_print_address_in_panic(arch_frame_ip(arch_current_user_frame()), print);
}

static void panic_common(
	const struct iframe *frame, uintptr_t fp, const char *format, va_list arguments)
{
	char message[200];

	arch_interrupts_disable();
	/* First: of processors that panic at the same moment one goes on from here. */
	arch_stop_other_cpus();
	lock_disable_all();
	if (sPanicking) /* what is left of the kernel cannot even report */
		kernel_end(STATUS_PANIC);
	sPanicking = true;
	arch_panic_screen();

	format_string_v(message, sizeof message, format, arguments);
	print("\npanic: %s\n", message);
	if (arch_cpu_count() > 1)
		print("processor %u of %u\n", arch_cpu_index(), arch_cpu_count());
	print_context();
	if (frame != NULL) {
		print("registers\n");
		arch_print_frame(frame, print);
	}
	print("backtrace\n");
	if (frame != NULL)
		print_place(frame);
	print_backtrace(fp);
	kernel_end(STATUS_PANIC);
}

void panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	panic_common(NULL, arch_frame_pointer(), format, arguments);
	va_end(arguments);
	__builtin_unreachable();
}

void panic_frame(const struct iframe *frame, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	panic_common(frame, arch_frame_fp(frame), format, arguments);
	va_end(arguments);
	__builtin_unreachable();
}

void syscall_undeclared_error(uint32_t number, int error)
{
	panic("system call %s returned error %d, which syscalls.def does not list for it",
		kSyscallDetails[number].name, -error);
}
