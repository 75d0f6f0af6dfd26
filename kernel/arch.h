/*
 * The whole contract between kernel/ and the machine, implemented by
 * arch/i386/. kernel/ knows no register and no port; arch/i386/ knows no file
 * and no process policy.
 */
#pragma once

#include <postern/types.h>

/* ---- Addresses --------------------------------------------------------- */

#define PAGE_SIZE 4096u
#define KERNEL_BASE 0xc0000000u /* user memory lies wholly below */
#define USER_BASE 0x00010000u	/* the first 64 KiB are never mapped */
#define COMMPAGE_BASE 0xffff0000u
#define KERNEL_STACK_SIZE 16384u /* each is aligned to it */
#define CPUS_MAX 16u

/* The kernel's own address of physical memory that the page allocator owns. */
void *arch_physical_to_virtual(uint32_t physical);
uint32_t arch_virtual_to_physical(const void *address);

/* Whether it is such an address, up to its page's end: boot modules may lie
 * elsewhere. */
bool arch_is_direct(const void *address);

/* ---- Address spaces: behind kernel/address_space.c only ------------------ */

#define PAGE_WRITABLE 0x1u
#define PAGE_EXECUTABLE 0x2u
#define PAGE_READABLE 0x4u

struct arch_space {
	uint32_t root;		 /* of the page tables, physical */
	uint32_t processors; /* bit n: processor n may remember pages of it */
	uint32_t tables[3];	 /* a bit for each 32 MiB: they have page tables */
};

/* Page tables with the kernel's half and nothing of the user's. 0 or -ENOMEM. */
int arch_space_create(struct arch_space *space);

/* Frees the tables. No user page may be mapped, nor the space be in use. */
void arch_space_destroy(struct arch_space *space);

/* Makes it the one in use; NULL is the kernel's own, without a user half. */
void arch_space_activate(struct arch_space *space);

/*
 * What follows changes the tables alone. Processors that use the space may go
 * on by what they remember of them until arch_space_flush(), which has to come
 * before a page that was unmapped is used for something else, and before a
 * smaller protection counts. Pages that were not mapped, and more protection,
 * need none: a fault that finds nothing wrong is repeated.
 */

/*
 * Maps the page `physical` at the user address `address`, where nothing is.
 * Returns 0, or -ENOMEM when there is no memory for a page table.
 */
int arch_space_map(
	struct arch_space *space, uintptr_t address, uint32_t physical, unsigned protection);

/* Unmaps a page that is mapped, and returns it. */
uint32_t arch_space_unmap(struct arch_space *space, uintptr_t address);

/* Changes what a page that is mapped may be used for. */
void arch_space_protect(struct arch_space *space, uintptr_t address, unsigned protection);

/*
 * Pages of which processors are to forget what they remember: more than there
 * is room for means all.
 */
#define ARCH_FLUSH_PAGES 32u

struct arch_flush {
	unsigned count; /* 0: nothing to do */
	uintptr_t pages[ARCH_FLUSH_PAGES];
};

static inline void arch_flush_add(struct arch_flush *flush, uintptr_t page)
{
	if (flush->count < ARCH_FLUSH_PAGES)
		flush->pages[flush->count] = page;
	flush->count++;
}

/*
 * Makes all processors forget, waits until they have, and empties `flush`.
 * Interrupts are on and no spinlock is held.
 */
void arch_space_flush(struct arch_space *space, struct arch_flush *flush);

/* The page at `address` and its protection, or PAGE_NONE. */
uint32_t arch_space_lookup(
	const struct arch_space *space, uintptr_t address, unsigned *_protection);

/* The first page that is mapped in [address, end), or `end`. */
uintptr_t arch_space_next(
	const struct arch_space *space, uintptr_t address, uintptr_t end);

/* What is at an address, for reports. */
enum arch_mapping { MAPPING_NONE, MAPPING_READ_ONLY, MAPPING_WRITABLE, MAPPING_KERNEL };
enum arch_mapping arch_query_mapping(uintptr_t address);

/* ---- User memory: behind kernel/user_memory.c only ---------------------- */

/*
 * Copy between kernel and user memory. The caller has checked the range. They
 * return 0, or -EFAULT when a page is not accessible.
 */
int arch_user_copy_in(void *to, uintptr_t from, size_t size);
int arch_user_copy_out(uintptr_t to, const void *from, size_t size);

/*
 * Copies up to and with the NUL, `size` bytes at the most. Returns the length
 * without the NUL, `size` when there was none, or -EFAULT.
 */
ssize_t arch_user_copy_string(char *to, uintptr_t from, size_t size);

/* -EFAULT when the byte cannot be written; leaves it as it is. */
int arch_user_probe_write(uintptr_t address);

/* ---- The processor ------------------------------------------------------ */

struct system_info;

/* Fills in what the CPU probe found and decided. */
void arch_describe_cpu(struct system_info *info);

/* How many processors run; arch_cpu_index() is the one that runs this. */
unsigned arch_cpu_count(void);

/*
 * Starts the others, `limit` in all at the most. Each calls thread_run_cpu() on
 * a stack of its own.
 */
void arch_start_cpus(unsigned limit);

/* Makes another processor look at what it has to do: arch_request_return_work(),
 * or the end of arch_wait_for_interrupt(). */
void arch_cpu_wake(unsigned cpu);

/* Stops all others, wherever they are, for good. Of several that call this one
 * returns. */
void arch_stop_other_cpus(void);

/* Turns the tick of this processor on or off, where it is not the one that keeps
 * the time. */
void arch_cpu_tick(bool on);

/* In a loop that waits for another processor. */
void arch_cpu_relax(void);

/* arch_interrupts_enabled(), arch_interrupts_disable(), arch_interrupts_restore() */
#include "arch/i386/interrupt_flag.h"

/* Enables interrupts and halts until one comes; none is lost in between. */
void arch_wait_for_interrupt(void);

/* Microseconds since the timer started, never going backwards. */
time_us_t arch_system_time(void);

/* Microseconds since 1970-01-01 00:00 UTC, as the machine's clock has it. */
time_us_t arch_real_time(void);

/* The commpage's system-call entry, for AT_SYSINFO. */
uintptr_t arch_syscall_entry(void);

/* The cycle counter, 0 where there is none. */
uint64_t arch_cycles(void);

/*
 * Sets a hardware watchpoint that ends the program when it touches (or only
 * writes, with `write_only`) the `length` bytes (1, 2 or 4) at `address`.
 */
void arch_set_watchpoint(uintptr_t address, unsigned length, bool write_only);

/* ---- Threads ------------------------------------------------------------- */

struct iframe;
struct thread;

/*
 * The last words of every kernel stack. The stack is aligned, so they are found
 * from any address on it: what runs need not be looked up by processor.
 */
struct arch_stack_block {
	struct thread *thread; /* whose stack it is */
	uint32_t calls;		   /* system calls, counted by the door */
	uint32_t cpu;		   /* that runs it */
	uint32_t flags;
};

#define STACK_IN_INTERRUPT 1u
#define STACK_NO_FAULTS 2u	/* user pages that are not there are -EFAULT: see futex.c */
#define STACK_WATCHPOINT 4u /* arch/i386/traps.c's */

static inline struct arch_stack_block *arch_stack_block_of(uintptr_t address)
{
	return (struct arch_stack_block *)((address | (KERNEL_STACK_SIZE - 1)) + 1) - 1;
}

static inline struct arch_stack_block *arch_stack_block(void)
{
	return arch_stack_block_of((uintptr_t)__builtin_frame_address(0));
}

/* The thread that runs. */
static inline struct thread *thread_current(void)
{
	return arch_stack_block()->thread;
}

static inline unsigned arch_cpu_index(void)
{
	return arch_stack_block()->cpu;
}

static inline bool arch_in_interrupt(void)
{
	return (arch_stack_block()->flags & STACK_IN_INTERRUPT) != 0;
}

/* What the machine keeps of a thread that is not running. */
struct arch_thread {
	uintptr_t stack_pointer;
	uintptr_t stack_top; /* its user frame ends there, and its stack's block begins */
	void *fpu;			 /* x87 and SSE state; NULL for a kernel thread */
	uint32_t fs, gs;
	uint32_t tls_base;
};

/*
 * A kernel stack for `thread` and room for its x87 and SSE state. 0 or -ENOMEM.
 * The first switch to it calls thread_switched() and leaves for ring 3, where
 * one of the three functions below has said.
 */
int arch_thread_create(struct arch_thread *thread, struct thread *owner);
void arch_thread_destroy(struct arch_thread *thread);

/*
 * Makes `child` leave for ring 3 where `parent`, which is running, entered the
 * kernel, with `result` as its system call's result.
 */
void arch_thread_fork(
	struct arch_thread *child, const struct arch_thread *parent, int32_t result);

/* Makes the thread leave for ring 3 at `entry`, in the ABI's start state. */
void arch_thread_start_at(struct arch_thread *thread, uintptr_t entry, uintptr_t stack);

/* The same for the running one, from within a system call: exec. */
void arch_thread_restart_at(struct arch_thread *thread, uintptr_t entry, uintptr_t stack);

/* Makes a thread that has not run begin with `function`, in the kernel, interrupts off.
 * It does not return, and calls thread_switched() first. */
void arch_thread_start_in_kernel(struct arch_thread *thread, void (*function)(void));

/* Switches from the running thread to another, on this processor. Interrupts off. */
void arch_thread_switch(struct arch_thread *from, struct arch_thread *to);

/* The base of a segment for thread-local data; returns its selector, for GS. */
int arch_thread_set_tls(struct arch_thread *thread, uintptr_t base);

/* The same for a thread that has not run; with a base, its GS selects it. */
void arch_thread_start_tls(struct arch_thread *thread, uintptr_t base);

/* Makes the running thread look for work before it returns to ring 3. */
void arch_request_return_work(void);

/* ---- Signals --------------------------------------------------------------- */

struct signal_info;

/*
 * Makes the running thread enter `handler` instead of going on, with `info`
 * and with `mask` in its context. 0, or -EFAULT when its stack is no good.
 */
int arch_signal_enter(uintptr_t handler, const struct signal_info *info, uint32_t mask);

/*
 * Makes the running thread go on as the context at `address` says. *_mask is
 * the one in it, *_result what the call that does this has to return. 0 or
 * -EFAULT.
 */
int arch_signal_leave(uintptr_t address, uint32_t *_mask, uint32_t *_result);

/*
 * Makes the running thread enter call `number` again, by the way it came,
 * where the call that it is in has returned -EINTR.
 */
void arch_restart_call(uint32_t number);

/* ---- Frames: opaque to kernel/ ------------------------------------------ */

/* The frame with which the running program last entered the kernel. */
const struct iframe *arch_current_user_frame(void);
uintptr_t arch_frame_ip(const struct iframe *frame);
uintptr_t arch_frame_sp(const struct iframe *frame);
uintptr_t arch_frame_fp(const struct iframe *frame);

/* The number of the call in progress on `frame`, or -1 when it is no call. */
int32_t arch_frame_syscall(const struct iframe *frame);

/* Prints the registers of `frame` through `print`, a line at a time. */
void arch_print_frame(const struct iframe *frame, void (*print)(const char *format, ...));

/* The frame pointer of the caller, where a kernel backtrace begins. */
uintptr_t arch_frame_pointer(void);

/* Whether `address` is on the kernel stack in use. */
bool arch_on_kernel_stack(uintptr_t address);

/* ---- Devices ------------------------------------------------------------ */

/*
 * The programs' port (COM1), for kernel/terminal.c and under its lock; none of
 * the four waits. How many bytes were taken, maybe none; whether all of them have left;
 * the next byte or -1; whether terminal_serial_ready() is to be called for input, and for
 * room.
 */
size_t arch_console_send(const char *bytes, size_t size);
bool arch_console_sent(void);
int arch_console_receive(void);
void arch_console_want(bool input, bool output);

/* To the programs' port and the screen, waiting, for panics; to the log's port
 * (COM2); to the screen alone. */
void arch_console_write(const char *bytes, size_t size);
void arch_log_write(const char *bytes, size_t size);
void arch_screen_write(const char *bytes, size_t size);

/* To the screen, of a terminal's program: \n moves down and not to the left. */
void arch_screen_write_terminal(const char *bytes, size_t size);

/* What the screen has to say to a program that asked it: up to `size` bytes of
 * input, and how many. */
size_t arch_screen_answer(char *bytes, size_t size);

/* In characters; 0 where there is no screen. */
void arch_screen_size(unsigned *_columns, unsigned *_rows);

/* What follows on the screen stands out: the kernel is about to stop. */
void arch_panic_screen(void);

/* Waits until all output has left. */
void arch_console_drain(void);

/* Finds the disks and adds each by block_device_add(). */
void arch_find_disks(void);

/* Starts the machine again, from its firmware on. */
void arch_reboot(void) __attribute__((noreturn));

/* Powers the machine off with `status` (0 to 127) where it can carry one. */
void arch_power_off(int status) __attribute__((noreturn));
