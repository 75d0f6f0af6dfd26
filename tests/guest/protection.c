/*
 * What pages may be used for: one table of cases. `protection NAME` does one
 * as the first program, which a fault then ends; without arguments each runs
 * in a child of its own, and a line says how it ended. The test that boots this
 * knows what each machine can forbid.
 */
#include <postern/commpage.h>
#include <postern/errno.h>
#include <postern/print.h>
#include <postern/process.h>
#include <postern/syscalls.h>
#include <postern/system_info.h>

#define PAGE 4096u
#define FLAG_AC 0x40000u

/* mov eax, VALUE; ret */
#define CODE(value)                                                                      \
	{                                                                                    \
		0xb8, (value), 0, 0, 0, 0xc3                                                     \
	}
#define CODE_SIZE 6
#define VALUE 42

static const uint8_t kCode[CODE_SIZE] = CODE(VALUE);
static uint8_t sData[CODE_SIZE] = CODE(VALUE);
static uint8_t sBss[PAGE];

static bool same(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b)
		a++, b++;
	return *a == *b;
}

static void put_code(volatile uint8_t *to, uint8_t value)
{
	unsigned i;

	for (i = 0; i < CODE_SIZE; i++)
		to[i] = i == 1 ? value : kCode[i];
}

/* 0 when the code at `address` runs and returns `value`. */
static int run(const volatile void *address, int value)
{
	int (*function)(void) = (int (*)(void))(uintptr_t)address;

	__asm__ volatile("" : "+r"(function)); /* it is not known what this does */
	return function() == value ? 0 : 1;
}

static uint8_t *make_pages(size_t size, int protection, int flags)
{
	uint32_t address = _kern_map(0, size, protection, flags);

	if (address >= 0xfffff000u) {
		print("map: error %d\n", -(int)address);
		_kern_exit(99);
	}
	return (uint8_t *)address;
}

/* ---- Executing what is data ------------------------------------------------------ */

static int execute_data(void)
{
	return run(sData, VALUE);
}

static int execute_bss(void)
{
	put_code(sBss, VALUE);
	return run(sBss, VALUE);
}

static int execute_stack(void)
{
	uint8_t code[CODE_SIZE];

	put_code(code, VALUE);
	return run(code, VALUE);
}

static int execute_break(void)
{
	uint32_t start = _kern_brk(0);

	if (_kern_brk(start + PAGE) != start + PAGE)
		return 1;
	put_code((uint8_t *)start, VALUE);
	return run((uint8_t *)start, VALUE);
}

static int execute_mapping(void)
{
	uint8_t *code = make_pages(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	put_code(code, VALUE);
	return run(code, VALUE);
}

static int execute_shared(void)
{
	uint8_t *code = make_pages(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);

	put_code(code, VALUE);
	return run(code, VALUE);
}

/* The first touch is the fetch itself; zeros are an instruction that writes. */
static int execute_untouched(void)
{
	uint8_t *code = make_pages(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	/* add [eax], al; and then nothing is mapped. */
	__asm__ volatile("call *%0" : : "r"(code + PAGE - 2), "a"(sBss) : "memory");
	return 1;
}

/* Begins in a page that may be executed, and ends in one that may not. */
static int execute_across(void)
{
	uint8_t *code = make_pages(
		2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_WRITE_EXEC);

	put_code(code + PAGE - 2, VALUE);
	if (_kern_protect((uint32_t)code + PAGE, PAGE, PROT_READ | PROT_WRITE, 0) != 0)
		return 1;
	return run(code + PAGE - 2, VALUE);
}

static int execute_kernel(void)
{
	return run((void *)0xc0100000, VALUE);
}

/* A child's copy of a page, shared with the parent until one writes. */
static int execute_inherited(void)
{
	uint8_t *code = make_pages(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	int status = 0;
	pid_t child;

	put_code(code, VALUE);
	child = _kern_fork();
	if (child == 0)
		_kern_exit(run(code, VALUE));
	_kern_wait(child, &status, 0);
	return WAIT_EXITED(status) ? WAIT_EXIT_STATUS(status) : 100 + WAIT_SIGNAL(status);
}

static int execute_copied(void)
{
	uint8_t *code = make_pages(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	int status = 0;
	pid_t child;

	put_code(code, 1);
	child = _kern_fork();
	if (child == 0) {
		put_code(code, VALUE);
		_kern_exit(run(code, VALUE));
	}
	_kern_wait(child, &status, 0);
	return WAIT_EXITED(status) ? WAIT_EXIT_STATUS(status) : 100 + WAIT_SIGNAL(status);
}

/* ---- Changing what a page is for --------------------------------------------------- */

static uint8_t *make_code(void)
{
	uint8_t *code = make_pages(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	put_code(code, VALUE);
	if (_kern_protect((uint32_t)code, PAGE, PROT_READ | PROT_EXEC, 0) != 0
		|| run(code, VALUE) != 0)
		_kern_exit(98);
	return code;
}

static int protect_and_back(void)
{
	uint8_t *code = make_code();
	unsigned i;

	for (i = 1; i < 100; i++) {
		if (_kern_protect((uint32_t)code, PAGE, PROT_READ | PROT_WRITE, 0) != 0)
			return 2;
		put_code(code, (uint8_t)i);
		if (_kern_protect((uint32_t)code, PAGE, PROT_READ | PROT_EXEC, 0) != 0)
			return 3;
		if (run(code, (int)i) != 0)
			return 4;
	}
	return 0;
}

static int execute_protected(void)
{
	uint8_t *code = make_code();

	if (_kern_protect((uint32_t)code, PAGE, PROT_READ | PROT_WRITE, 0) != 0)
		return 1;
	return run(code, VALUE);
}

static int execute_read_only(void)
{
	uint8_t *code = make_code();

	if (_kern_protect((uint32_t)code, PAGE, PROT_READ, 0) != 0)
		return 1;
	return run(code, VALUE);
}

static int read_none(void)
{
	uint8_t *code = make_code();

	if (_kern_protect((uint32_t)code, PAGE, PROT_NONE, 0) != 0)
		return 1;
	return *(volatile uint8_t *)code;
}

/* What was there before comes back. */
static int none_and_back(void)
{
	uint8_t *code = make_code();

	return _kern_protect((uint32_t)code, PAGE, PROT_NONE, 0) != 0
		   || _kern_protect((uint32_t)code, PAGE, PROT_READ | PROT_EXEC, 0) != 0
		   || run(code, VALUE) != 0;
}

static int write_protected(void)
{
	uint8_t *code = make_code();

	put_code(code, 1);
	return 0;
}

static int write_and_execute(void)
{
	uint8_t *code = make_pages(
		PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_WRITE_EXEC);
	int i;

	for (i = 0; i < 10; i++) {
		put_code(code, (uint8_t)i);
		if (run(code, i) != 0)
			return 1;
	}
	return 0;
}

/* The same page in a child, which gets a copy when it writes. */
static int write_and_execute_inherited(void)
{
	uint8_t *code = make_pages(
		PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_WRITE_EXEC);
	int status = 0;
	pid_t child;

	put_code(code, VALUE);
	child = _kern_fork();
	if (child == 0) {
		if (run(code, VALUE) != 0)
			_kern_exit(1);
		put_code(code, 7);
		_kern_exit(run(code, 7));
	}
	_kern_wait(child, &status, 0);
	return status == 0 ? run(code, VALUE) : 1;
}

static int write_and_execute_unasked(void)
{
	uint32_t page = (uint32_t)make_pages(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	return _kern_map(0, PAGE, PROT_WRITE | PROT_EXEC, MAP_PRIVATE) != (uint32_t)-EINVAL
		   || _kern_protect(page, PAGE, PROT_WRITE | PROT_EXEC, 0) != -EINVAL;
}

/* ---- Writing what is code -------------------------------------------------------- */

static int write_text(void)
{
	put_code((uint8_t *)(uintptr_t)run, VALUE);
	return 0;
}

static int write_constant(void)
{
	put_code((uint8_t *)(uintptr_t)kCode, VALUE);
	return 0;
}

static int write_commpage(void)
{
	put_code((uint8_t *)COMMPAGE_ADDRESS, VALUE);
	return 0;
}

/* Where the kernel has run at its physical address is the program's now. */
static int use_boot_address(void)
{
	volatile uint8_t *page = (uint8_t *)_kern_map(
		0x100000, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED);

	if ((uint32_t)page != 0x100000 || page[0] != 0 || page[PAGE] != 0)
		return 1;
	page[0] = page[PAGE] = VALUE;
	return page[0] != VALUE || page[PAGE] != VALUE;
}

/* ---- The kernel on our behalf ------------------------------------------------------ */

static int kernel_writes_text(void)
{
	return _kern_get_info((struct system_info *)(uintptr_t)run) != -EFAULT
		   || run(make_code(), VALUE) != 0;
}

static int by_int99_at(uint32_t stack)
{
	int result;

	__asm__ volatile("mov %%esp, %%ebx\n\tmov %2, %%esp\n\tint $99\n\tmov %%ebx, %%esp"
					 : "=a"(result)
					 : "a"(SYS_echo), "r"(stack)
					 : "ebx", "ecx", "edx", "memory", "cc");
	return result;
}

/* An argument block that faults, and one in a page that a call brings in. */
static int kernel_reads_arguments(void)
{
	uint8_t *page = make_pages(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);

	return by_int99_at(0x2000) != -EFAULT || by_int99_at((uint32_t)page + 64) != 0
		   || _kern_echo(VALUE) != VALUE;
}

/* SMAP's gate is AC, which a program may set: the kernel runs without. */
static int alignment_check_on(void)
{
	struct system_info info;
	uint32_t flags;
	int result;

	__asm__ volatile("pushf\n\torl %0, (%%esp)\n\tpopf"
					 :
					 : "i"(FLAG_AC)
					 : "memory", "cc");
	result = _kern_get_info(&info);
	__asm__ volatile("pushf\n\tpop %0\n\tpushf\n\tandl %1, (%%esp)\n\tpopf"
					 : "=&r"(flags)
					 : "i"(~FLAG_AC)
					 : "memory", "cc");
	return result != 0 || !(flags & FLAG_AC);
}

/* ---- All of them ------------------------------------------------------------------- */

#define CASE(name)                                                                       \
	{                                                                                    \
		name, #name                                                                      \
	}

static const struct {
	int (*function)(void);
	const char *name;
} kCases[] = {
	CASE(execute_data),
	CASE(execute_bss),
	CASE(execute_stack),
	CASE(execute_break),
	CASE(execute_mapping),
	CASE(execute_shared),
	CASE(execute_untouched),
	CASE(execute_across),
	CASE(execute_kernel),
	CASE(execute_inherited),
	CASE(execute_copied),
	CASE(protect_and_back),
	CASE(execute_protected),
	CASE(execute_read_only),
	CASE(read_none),
	CASE(none_and_back),
	CASE(write_protected),
	CASE(write_and_execute),
	CASE(write_and_execute_inherited),
	CASE(write_and_execute_unasked),
	CASE(write_text),
	CASE(write_constant),
	CASE(write_commpage),
	CASE(use_boot_address),
	CASE(kernel_writes_text),
	CASE(kernel_reads_arguments),
	CASE(alignment_check_on),
};

#define CASE_COUNT (sizeof kCases / sizeof kCases[0])

static void run_in_child(unsigned i)
{
	int status = 0;
	pid_t child = _kern_fork();

	if (child == 0)
		_kern_exit(kCases[i].function());
	if (child < 0 || _kern_wait(child, &status, 0) != child)
		print("%s: no child\n", kCases[i].name);
	else if (WAIT_EXITED(status))
		print("%s: exit %d\n", kCases[i].name, WAIT_EXIT_STATUS(status));
	else
		print("%s: signal %d\n", kCases[i].name, WAIT_SIGNAL(status));
}

int main(int argc, char **argv)
{
	unsigned i;

	for (i = 0; i < CASE_COUNT; i++) {
		if (argc < 2)
			run_in_child(i);
		else if (same(argv[1], kCases[i].name))
			return kCases[i].function();
	}
	return argc < 2 ? 0 : 97;
}
