/*
 * What a program may not do ends it, with the right signal, and nobody else.
 * Each of these leaves a report in the log.
 */
#include "usertests.h"

static const uint32_t kBadAddresses[] = {0, 1, 4, 0xfff, 0x1000, 0xfffc, 0xffff,
	0x20000000, 0xbf7fffff, 0xc0000000, 0xc0000ffc, 0xc0100000, 0xc0400000, 0xf0000000,
	0xf0001000, 0xff800000, 0xfffeffff, 0xffff1000, 0xfffffffc, 0xffffffff};
#define BAD_COUNT (sizeof kBadAddresses / sizeof kBadAddresses[0])

static void read_dword(uintptr_t address)
{
	uint32_t value;

	__asm__ volatile("mov (%1), %0" : "=r"(value) : "r"(address) : "memory");
}

static void write_dword(uintptr_t address)
{
	__asm__ volatile("movl $1, (%0)" : : "r"(address) : "memory");
}

static void jump(uintptr_t address)
{
	__asm__ volatile("jmp *%0" : : "r"(address) : "memory");
}

void test_bad_reads(void)
{
	for (unsigned i = 0; i < BAD_COUNT; i++)
		check_dies(read_dword, kBadAddresses[i], SIGSEGV);
}

void test_bad_writes(void)
{
	for (unsigned i = 0; i < BAD_COUNT; i++)
		check_dies(write_dword, kBadAddresses[i], SIGSEGV);
	check_dies(write_dword, 0xffff0000, SIGSEGV); /* the commpage is for reading */
	check_dies(write_dword, (uintptr_t)write_dword, SIGSEGV);
	read_dword(0xffff0000);
}

void test_bad_jumps(void)
{
	static const uint32_t kBad[] = {
		0, 0x1000, 0x20000000, 0xc0000000, 0xc0100000, 0xf0001000};

	for (unsigned i = 0; i < sizeof kBad / sizeof kBad[0]; i++)
		check_dies(jump, kBad[i], SIGSEGV);
}

static void bad_instruction(uintptr_t which)
{
	switch (which) {
	case 0:
		__asm__ volatile("ud2");
		break;
	case 1:
		__asm__ volatile("int3");
		break;
	case 2:
		__asm__ volatile("xor %%ecx, %%ecx\n\tcltd\n\tidiv %%ecx"
						 :
						 : "a"(1)
						 : "ecx", "edx");
		break;
	case 3: /* the quotient does not fit */
		__asm__ volatile("mov $-1, %%ecx\n\tmov $-1, %%edx\n\tidiv %%ecx"
						 :
						 : "a"(INT32_MIN)
						 : "ecx", "edx");
		break;
	case 4:
		__asm__ volatile("hlt");
		break;
	case 5:
		__asm__ volatile("cli");
		break;
	case 6:
		__asm__ volatile("outb %%al, $0x80" : : "a"(0));
		break;
	case 7:
		__asm__ volatile("mov %%cr0, %%eax" : : : "eax");
		break;
	case 8:
		__asm__ volatile("int $0x80");
		break;
	case 9:
		__asm__ volatile("mov %0, %%ds" : : "r"(0x08));
		break;
	case 10: /* an x87 exception that is not masked */
		__asm__ volatile(
			"fninit\n\tpushl $0x0300\n\tfldcw (%%esp)\n\tfldz\n\tfld1\n\tfdivp\n\tfwait\n\tadd $4, %%esp"
			:
			:
			: "memory");
		break;
	case 11: /* no stack to take the fault on */
		__asm__ volatile("mov $0, %%esp\n\tpush %%eax" : : : "memory");
		break;
	}
}

void test_bad_instructions(void)
{
	static const int kSignals[] = {SIGILL, SIGTRAP, SIGFPE, SIGFPE, SIGSEGV, SIGSEGV,
		SIGSEGV, SIGSEGV, SIGSEGV, SIGSEGV, SIGFPE, SIGSEGV};

	for (unsigned i = 0; i < sizeof kSignals / sizeof kSignals[0]; i++)
		check_dies(bad_instruction, i, kSignals[i]);
}

static uint32_t recurse(uint32_t depth)
{
	volatile char room[2000];

	room[0] = (char)depth;
	room[1999] = 1;
	return depth == UINT32_MAX ? 0 : recurse(depth + 1) + (uint32_t)room[0];
}

static void overflow(uintptr_t unused)
{
	(void)unused;
	recurse(0);
}

static void overflow_in_a_call(uintptr_t unused)
{
	/* The argument block is where no stack is. */
	(void)unused;
	__asm__ volatile("mov %0, %%esp\n\tcall *%1"
					 :
					 : "r"(KERNEL_BASE - STACK_BYTES), "r"(_kern_yield)
					 : "memory", "eax", "ecx", "edx");
}

void test_stack_overflows(void)
{
	check_dies(overflow, 0, SIGSEGV);
	check_dies(overflow_in_a_call, 0, SIGSEGV);
}

/* The kernel is not to be made to touch them for a program. */
void test_bad_call_pointers(void)
{
	for (unsigned i = 0; i < BAD_COUNT; i++) {
		uint32_t address = kBadAddresses[i];
		void *pointer = (void *)(uintptr_t)address;
		bool is_end = address == 0xbf7fffff; /* one byte before the stack */

		CHECK_EQUAL(_kern_get_info(pointer), -EFAULT);
		if (address != 0) /* NULL is allowed */
			CHECK_EQUAL(_kern_wait(-1, pointer, 0), is_end ? -EFAULT : -EFAULT);
		CHECK_EQUAL(_kern_write(1, -1, pointer, 1), -EFAULT);
		CHECK_EQUAL(_kern_exec(pointer, pointer, pointer), -EFAULT);
		CHECK_EQUAL(_kern_process_create(gSelf, pointer, NULL), -EFAULT);
		CHECK_EQUAL(_kern_process_status(pointer, 1), -EFAULT);
		CHECK_EQUAL(_kern_process_get_name(_kern_getpid(), pointer, 4), -EFAULT);
		CHECK_EQUAL(_kern_futex_wait(address & ~3u, 0, 0), -EFAULT);
		CHECK_EQUAL(_kern_futex_wake(address & ~3u, 1), -EFAULT);
	}
}
