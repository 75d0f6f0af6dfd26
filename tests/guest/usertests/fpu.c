/*
 * x87 and SSE registers belong to their thread: across preemption, calls and
 * fork, and in their first state after exec. A CPU without SSE skips that part.
 */
#include "usertests.h"

static bool has_sse(void)
{
	struct system_info info;

	CHECK_EQUAL(_kern_get_info(&info), 0);
	/* CPUID 1, EDX: FXSR and SSE (Intel SDM volume 2A, CPUID) */
	return (info.cpu_features >> 24 & 3) == 3;
}

static void spin(int turns)
{
	for (volatile int i = 0; i < turns; i++)
		;
}

#define X87_REGISTERS 8

/* Fills the eight registers, lets others run by `wait`, and looks. */
static void check_x87(int first, void (*wait)(int), int argument)
{
	int values[X87_REGISTERS], found[X87_REGISTERS];
	int i;

	for (i = 0; i < X87_REGISTERS; i++)
		values[i] = first + i;
	__asm__ volatile("fninit");
	for (i = 0; i < X87_REGISTERS; i++)
		__asm__ volatile("fildl %0" : : "m"(values[i]));
	wait(argument);
	for (i = X87_REGISTERS - 1; i >= 0; i--)
		__asm__ volatile("fistpl %0" : "=m"(found[i]));
	__asm__ volatile("fninit");
	CHECK(memcmp(values, found, sizeof values) == 0);
}

static void yield_some(int count)
{
	for (int i = 0; i < count; i++)
		_kern_yield();
}

static void stress_x87(int first)
{
	for (int i = 0; i < 60; i++)
		check_x87(first + i * 16, i % 2 == 0 ? spin : yield_some, i % 2 == 0 ? 40000 : 5);
}

void test_fpu_preemption(void)
{
	pid_t pids[4];
	int i;

	for (i = 0; i < 4; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			stress_x87((i + 1) * 100000);
			end(0);
		}
	}
	for (i = 0; i < 4; i++)
		check_exit(pids[i], 0);
}

static void stress_thread(void *first)
{
	stress_x87((int)(uintptr_t)first);
	_kern_exit_thread(0);
}

void test_fpu_threads(void)
{
	tid_t threads[4];
	uintptr_t i;

	for (i = 0; i < 4; i++)
		threads[i] = spawn(stress_thread, (void *)((i + 1) * 100000));
	for (i = 0; i < 4; i++)
		check_join(threads[i], 0);
}

static uint16_t control_word(void)
{
	uint16_t word;

	__asm__ volatile("fnstcw %0" : "=m"(word));
	return word;
}

void test_fpu_control_word(void)
{
	/* Rounding and precision differ; all exceptions stay masked. */
	static const uint16_t kWords[] = {0x037f, 0x0f7f, 0x077f, 0x0b7f, 0x027f, 0x007f};
	pid_t pids[6];
	int i, k;

	CHECK_EQUAL(control_word(), 0x037f);
	for (i = 0; i < 6; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			__asm__ volatile("fldcw %0" : : "m"(kWords[i]));
			for (k = 0; k < 40; k++) {
				if (k % 2 == 0)
					spin(20000);
				else
					_kern_yield();
				CHECK_EQUAL(control_word(), kWords[i]);
			}
			end(0);
		}
	}
	for (i = 0; i < 6; i++)
		check_exit(pids[i], 0);
	CHECK_EQUAL(control_word(), 0x037f);
}

void test_fpu_fork(void)
{
	static const uint16_t kWord = 0x0f7f;
	int three = 3, four = 4, found_three, found_four;
	pid_t pid;

	__asm__ volatile("fninit\n\tfldcw %0\n\tfildl %1\n\tfildl %2"
					 :
					 : "m"(kWord), "m"(three), "m"(four));
	pid = _kern_fork();
	/* Both sides have them. */
	__asm__ volatile("fistpl %0\n\tfistpl %1" : "=m"(found_four), "=m"(found_three));
	CHECK(pid >= 0);
	CHECK_EQUAL(found_three, 3);
	CHECK_EQUAL(found_four, 4);
	CHECK_EQUAL(control_word(), kWord);
	if (pid == 0)
		end(0);
	check_exit(pid, 0);
}

#define MXCSR_DEFAULT 0x1f80u

static void check_first_state(void)
{
	struct {
		uint32_t control, status, tag, rest[4];
	} environment;

	__asm__ volatile("fnstenv %0" : "=m"(environment));
	CHECK_EQUAL(environment.control & 0xffff, 0x037f);
	CHECK_EQUAL(environment.status & 0xffff, 0);
	CHECK_EQUAL(environment.tag & 0xffff, 0xffff); /* all empty */
	if (has_sse()) {
		uint32_t mxcsr, parts[4];

		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		CHECK_EQUAL(mxcsr, MXCSR_DEFAULT);
		__asm__ volatile("movups %%xmm3, %0" : "=m"(parts));
		CHECK((parts[0] | parts[1] | parts[2] | parts[3]) == 0);
	}
}

static void first_state_thread(void *unused)
{
	(void)unused;
	check_first_state();
	_kern_exit_thread(0);
}

static void dirty(void)
{
	static const uint16_t kWord = 0x0f7f;

	__asm__ volatile("fninit\n\tfldcw %0\n\tfldpi\n\tfld1" : : "m"(kWord));
	if (has_sse()) {
		static const uint32_t kParts[4] = {1, 2, 3, 4};
		static const uint32_t kMxcsr = 0x7f80;

		__asm__ volatile("movups %0, %%xmm3\n\tldmxcsr %1" : : "m"(kParts), "m"(kMxcsr));
	}
}

/* What a program that dirty() has execed finds: 60, or what is wrong. */
int fpu_part(void)
{
	struct {
		uint32_t control, status, tag, rest[4];
	} environment;

	__asm__ volatile("fnstenv %0" : "=m"(environment));
	if ((environment.control & 0xffff) != 0x037f)
		return 61;
	if ((environment.tag & 0xffff) != 0xffff)
		return 62;
	if (has_sse()) {
		uint32_t mxcsr, parts[4];

		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		if (mxcsr != MXCSR_DEFAULT)
			return 63;
		__asm__ volatile("movups %%xmm3, %0" : "=m"(parts));
		if ((parts[0] | parts[1] | parts[2] | parts[3]) != 0)
			return 64;
	}
	return 60;
}

void test_fpu_first_state(void)
{
	const char *arguments[] = {gSelf, "--part", "fpu", NULL};
	pid_t pid = check_fork();

	if (pid == 0) {
		dirty();
		/* A new thread, and a new program by either way. */
		check_join(spawn(first_state_thread, NULL), 0);
		pid = _kern_process_create(gSelf, arguments, NULL);
		CHECK(pid > 0);
		CHECK_EQUAL(_kern_process_start(pid), 0);
		check_exit(pid, 60);
		CHECK_EQUAL(control_word(), 0x0f7f);
		CHECK_EQUAL(_kern_exec(gSelf, arguments, NULL), 0);
	}
	check_exit(pid, 60);
}

/* An exception that is not masked, which the next instruction that waits would raise. */
static void leave_exception(void)
{
	static const uint16_t kUnmasked = 0x037b; /* division by zero */

	__asm__ volatile("fninit\n\tfldcw %0\n\tfld1\n\tfldz\n\tfdivrp" : : "m"(kUnmasked));
}

static void leave_exception_in_handler(
	int signal, struct signal_info *info, struct signal_context *context)
{
	(void)signal;
	(void)info;
	(void)context;
	leave_exception();
}

/* It is the program's own, who may never raise it: the kernel does not, either. */
void test_fpu_exception_left(void)
{
	const struct signal_action action = {ADDRESS(leave_exception_in_handler), 0, 0};
	const char *arguments[] = {gSelf, "--part", "fpu", NULL};
	pid_t pid = check_fork();

	if (pid == 0) {
		CHECK_EQUAL(_kern_sigaction(SIGUSR1, &action, NULL), 0);
		CHECK_EQUAL(_kern_kill(_kern_getpid(), SIGUSR1), 0);
		CHECK_EQUAL(control_word(), 0x037f);
		leave_exception();
		pid = check_fork();
		if (pid == 0)
			end(0);
		check_exit(pid, 0);
		_kern_yield();
		CHECK_EQUAL(_kern_exec(gSelf, arguments, NULL), 0);
	}
	check_exit(pid, 60);
}

static void check_xmm(uint32_t seed)
{
	uint32_t values[8][4], found[8][4];

	for (unsigned i = 0; i < 32; i++)
		values[i / 4][i % 4] = seed + i * 0x01010101;
	__asm__ volatile("movups 0(%0), %%xmm0\n\tmovups 16(%0), %%xmm1\n\t"
					 "movups 32(%0), %%xmm2\n\tmovups 48(%0), %%xmm3\n\t"
					 "movups 64(%0), %%xmm4\n\tmovups 80(%0), %%xmm5\n\t"
					 "movups 96(%0), %%xmm6\n\tmovups 112(%0), %%xmm7"
					 :
					 : "r"(values)
					 : "memory");
	if (seed % 2 == 0)
		spin(40000);
	else
		yield_some(5);
	__asm__ volatile("movups %%xmm0, 0(%0)\n\tmovups %%xmm1, 16(%0)\n\t"
					 "movups %%xmm2, 32(%0)\n\tmovups %%xmm3, 48(%0)\n\t"
					 "movups %%xmm4, 64(%0)\n\tmovups %%xmm5, 80(%0)\n\t"
					 "movups %%xmm6, 96(%0)\n\tmovups %%xmm7, 112(%0)"
					 :
					 : "r"(found)
					 : "memory");
	CHECK(memcmp(values, found, sizeof values) == 0);
}

void test_sse_preemption(void)
{
	pid_t pids[4];
	uint32_t mxcsr;
	int i;

	if (!has_sse())
		return;
	for (i = 0; i < 4; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			uint32_t own = MXCSR_DEFAULT | (uint32_t)i << 13; /* rounding */

			__asm__ volatile("ldmxcsr %0" : : "m"(own));
			for (uint32_t k = 0; k < 60; k++)
				check_xmm((uint32_t)i * 0x1000000 + k);
			__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
			CHECK_EQUAL(mxcsr, own);
			end(0);
		}
	}
	for (i = 0; i < 4; i++)
		check_exit(pids[i], 0);
}
