/* Signals: sent, held back, taken in every state, and gone back from. */
#include "usertests.h"
#include <postern/commpage.h>
#include <postern/os.h>
#include <postern/timer_value.h>

#define TICK 1000 /* microseconds */

static volatile int sTaken, sLastSignal, sLastPid;
static volatile uint32_t sLastAddress;

static void note(int signal, struct signal_info *info, struct signal_context *context)
{
	(void)context;
	CHECK_EQUAL(info->signal, signal);
	/* DF clear, and the stack as for any C function. */
	CHECK_EQUAL((uintptr_t)__builtin_frame_address(0) % 16, 8);
	sLastSignal = signal;
	sLastPid = info->pid;
	sLastAddress = info->address;
	sTaken++;
}

typedef void (*handler_function)(int, struct signal_info *, struct signal_context *);

static void set_action(
	int signal, handler_function handler, uint32_t flags, uint32_t mask)
{
	struct signal_action action = {ADDRESS(handler), mask, flags};

	CHECK_EQUAL(_kern_sigaction(signal, &action, NULL), 0);
}

static void set_default(int signal, uint32_t handler)
{
	struct signal_action action = {handler, 0, 0};

	CHECK_EQUAL(_kern_sigaction(signal, &action, NULL), 0);
}

static uint32_t bit(int signal)
{
	return 1u << (signal - 1);
}

static void block(int how, uint32_t mask)
{
	CHECK_EQUAL(_kern_sigprocmask(how, &mask, NULL), 0);
}

static void raise_signal(int signal)
{
	CHECK_EQUAL(_kern_kill(_kern_getpid(), signal), 0);
}

void test_signal_errors(void)
{
	struct signal_action action = {SIG_DFL, 0, 0};
	static const int kBad[] = {0, -1, 32, INT32_MAX, INT32_MIN};
	uint32_t mask = 0;
	unsigned i;

	for (i = 0; i < sizeof kBad / sizeof kBad[0]; i++) {
		CHECK_EQUAL(_kern_sigaction(kBad[i], &action, NULL), -EINVAL);
		if (kBad[i] != 0)
			CHECK_EQUAL(_kern_kill(_kern_getpid(), kBad[i]), -EINVAL);
	}
	CHECK_EQUAL(_kern_sigaction(SIGKILL, &action, NULL), -EINVAL);
	CHECK_EQUAL(_kern_sigaction(SIGSTOP, &action, NULL), -EINVAL);
	CHECK_EQUAL(_kern_sigaction(SIGKILL, NULL, &action), 0);
	CHECK_EQUAL(_kern_kill(_kern_getpid(), 0), 0);
	CHECK_EQUAL(_kern_kill(INT32_MAX, SIGTERM), -ESRCH);
	CHECK_EQUAL(_kern_sigprocmask(3, &mask, NULL), -EINVAL);
}

void test_signal_handler(void)
{
	struct signal_action old;
	int i;

	set_action(SIGUSR1, note, 0, 0);
	CHECK_EQUAL(_kern_sigaction(SIGUSR1, NULL, &old), 0);
	CHECK_EQUAL(old.handler, ADDRESS(note));
	for (i = 1; i <= 100; i++) {
		raise_signal(SIGUSR1);
		CHECK_EQUAL(sTaken, i);
		CHECK_EQUAL(sLastSignal, SIGUSR1);
		CHECK_EQUAL(sLastPid, _kern_getpid());
	}
}

void test_signal_default_actions(void)
{
	static const int kEnds[] = {
		SIGHUP, SIGINT, SIGKILL, SIGUSR1, SIGPIPE, SIGALRM, SIGTERM};
	static const int kNothing[] = {SIGCHLD, SIGCONT, SIGURG, SIGWINCH};
	unsigned i;

	for (i = 0; i < sizeof kEnds / sizeof kEnds[0]; i++) {
		pid_t child = check_fork();

		if (child == 0) {
			raise_signal(kEnds[i]);
			end(1);
		}
		check_killed(child, kEnds[i]);
	}
	for (i = 0; i < sizeof kNothing / sizeof kNothing[0]; i++)
		raise_signal(kNothing[i]);
	set_default(SIGTERM, SIG_IGN);
	raise_signal(SIGTERM);
}

void test_signal_mask(void)
{
	uint32_t old;

	set_action(SIGUSR1, note, 0, 0);
	set_action(SIGUSR2, note, 0, 0);
	block(SIG_BLOCK, bit(SIGUSR1) | bit(SIGUSR2) | bit(SIGKILL) | bit(SIGSTOP));
	CHECK_EQUAL(_kern_sigprocmask(0, NULL, &old), 0);
	CHECK_EQUAL(old, bit(SIGUSR1) | bit(SIGUSR2));
	raise_signal(SIGUSR1);
	raise_signal(SIGUSR1); /* pending is pending, once */
	raise_signal(SIGUSR2);
	CHECK_EQUAL(sTaken, 0);
	block(SIG_UNBLOCK, bit(SIGUSR1));
	CHECK_EQUAL(sTaken, 1);
	CHECK_EQUAL(sLastSignal, SIGUSR1);
	block(SIG_SETMASK, 0);
	CHECK_EQUAL(sTaken, 2);
	CHECK_EQUAL(sLastSignal, SIGUSR2);
	/* Ignoring what is pending takes it away. */
	block(SIG_BLOCK, bit(SIGUSR1));
	raise_signal(SIGUSR1);
	set_default(SIGUSR1, SIG_IGN);
	set_action(SIGUSR1, note, 0, 0);
	block(SIG_SETMASK, 0);
	CHECK_EQUAL(sTaken, 2);
}

static volatile int sDepth, sDeepest;

static void nest(int signal, struct signal_info *info, struct signal_context *context)
{
	(void)info;
	(void)context;
	if (++sDepth > sDeepest)
		sDeepest = sDepth;
	if (++sTaken < 5)
		raise_signal(signal);
	sDepth--;
}

void test_signal_nesting(void)
{
	/* Held back while its handler runs, and taken when that is done. */
	set_action(SIGUSR1, nest, 0, 0);
	raise_signal(SIGUSR1);
	CHECK_EQUAL(sTaken, 5);
	CHECK_EQUAL(sDeepest, 1);
	sTaken = sDeepest = 0;
	set_action(SIGUSR1, nest, SA_NODEFER, 0);
	raise_signal(SIGUSR1);
	CHECK_EQUAL(sTaken, 5);
	CHECK_EQUAL(sDeepest, 5);
	set_action(SIGUSR1, note, SA_RESETHAND, 0);
	sTaken = 0;
	raise_signal(SIGUSR1);
	CHECK_EQUAL(sTaken, 1);
	{
		struct signal_action old;

		CHECK_EQUAL(_kern_sigaction(SIGUSR1, NULL, &old), 0);
		CHECK_EQUAL(old.handler, SIG_DFL);
	}
}

/* ---- What was interrupted goes on as it was -------------------------------------- */

static void spoil(int signal, struct signal_info *info, struct signal_context *context)
{
	(void)signal;
	(void)info;
	(void)context;
	sTaken++;
	__asm__ volatile("fninit\n\tfldz\n\tstd\n\tcld\n\t"
					 "mov $0xdead, %%eax\n\tmov %%eax, %%ebx\n\tmov %%eax, %%esi\n\t"
					 "mov %%eax, %%edi"
					 :
					 :
					 : "eax", "ebx", "esi", "edi", "cc", "memory");
}

/*
 * Sends a signal to itself by `int 99` or by the commpage with patterns in the
 * registers that a call keeps, and flags, and looks at them behind it.
 */
void test_signal_registers(void)
{
	uint32_t pid = (uint32_t)_kern_getpid();
	int round;

	set_action(SIGUSR1, spoil, 0, 0);
	for (round = 0; round < 2; round++) {
		uint32_t ebx, esi, edi, flags;
		uint64_t x87; /* a double: the compiler must not touch the x87 here */

		__asm__ volatile(
			"fninit\n\tfldpi\n\t"
			"push %[signal]\n\tpush %[pid]\n\t"
			"mov $0x11111111, %%ebx\n\tmov $0x22222222, %%esi\n\t"
			"mov $0x33333333, %%edi\n\t"
			"std\n\t"
			"test %[round], %[round]\n\t"
			"jnz 1f\n\t"
			"push $0\n\tmov %[call], %%eax\n\tint $99\n\tadd $4, %%esp\n\tjmp 2f\n"
			"1:\tmov %[call], %%eax\n\tcall *0xffff000c\n"
			"2:\tpushf\n\tpop %%ecx\n\tcld\n\t"
			"add $8, %%esp\n\t"
			"fstpl %[x87]"
			: "=b"(ebx), "=S"(esi), "=D"(edi), "=c"(flags), [x87] "=m"(x87)
			: [signal] "i"(SIGUSR1), [pid] "0"(pid), [round] "d"(round),
			[call] "i"(SYS_kill)
			: "eax", "cc", "memory");
		CHECK_EQUAL(ebx, 0x11111111);
		CHECK_EQUAL(esi, 0x22222222);
		CHECK_EQUAL(edi, 0x33333333);
		CHECK_EQUAL(flags >> 10 & 1, 1);	  /* DF */
		CHECK_EQUAL(x87, 0x400921fb54442d18); /* pi */
		CHECK_EQUAL(sTaken, round + 1);
	}
}

static void skip_store(
	int signal, struct signal_info *info, struct signal_context *context)
{
	note(signal, info, context);
	context->eip += 10; /* c7 05, address, value */
	context->eax = 0x600d;
}

void test_signal_fault(void)
{
	uint32_t eax;

	set_action(SIGSEGV, skip_store, 0, 0);
	__asm__ volatile(".byte 0xc7, 0x05\n\t.long 0x1234, 1" : "=a"(eax) : : "memory");
	CHECK_EQUAL(eax, 0x600d);
	CHECK_EQUAL(sTaken, 1);
	CHECK_EQUAL(sLastAddress, 0x1234);
}

static void write_to_nowhere(void)
{
	/* In assembly: gcc takes a constant address for an error. */
	__asm__ volatile("movl $1, (%0)" : : "r"(16) : "memory");
}

static void fault_again(
	int signal, struct signal_info *info, struct signal_context *context)
{
	(void)signal;
	(void)info;
	(void)context;
	write_to_nowhere();
}

static void fault_in_handler(uintptr_t argument)
{
	(void)argument;
	set_action(SIGSEGV, fault_again, 0, 0);
	write_to_nowhere();
}

static void bad_stack(uintptr_t esp)
{
	set_action(SIGSEGV, note, 0, 0);
	set_action(SIGUSR1, note, 0, 0);
	__asm__ volatile("mov %0, %%esp\n\tmov 16, %%eax" : : "r"(esp) : "memory");
}

static void bad_context(uintptr_t address)
{
	_kern_sigreturn((uint32_t)address);
}

void test_signal_bad_frames(void)
{
	static struct signal_context sContext;

	check_dies(fault_in_handler, 0, SIGSEGV);
	check_dies(bad_stack, 0, SIGSEGV);
	check_dies(bad_stack, KERNEL_BASE + 4096, SIGSEGV);
	check_dies(bad_stack, 0xffffffff, SIGSEGV);
	check_dies(bad_context, 0, SIGSEGV);
	check_dies(bad_context, KERNEL_BASE - 16, SIGSEGV);
	check_dies(bad_context, 0xfffffff0, SIGSEGV);
	/* Selectors of the kernel's, and an address that is its own, too. */
	sContext.ds = 0x10;
	check_dies(bad_context, ADDRESS(&sContext), SIGSEGV);
	sContext.ds = 0x23;
	sContext.gs = 0x28;
	check_dies(bad_context, ADDRESS(&sContext), SIGSEGV);
	memset(&sContext, 0xff, sizeof sContext);
	sContext.ds = sContext.es = sContext.fs = sContext.gs = 0x23;
	check_dies(bad_context, ADDRESS(&sContext), SIGSEGV); /* EIP 0xffffffff */
}

/* ---- Calls that wait -------------------------------------------------------------- */

enum { WAIT_CHILD, WAIT_FUTEX, WAIT_JOIN, WAIT_SNOOZE, WAIT_KINDS };

static uint32_t sNever;

static void sleep_then_end(void *time)
{
	_kern_snooze((time_us_t)(uintptr_t)time, 0);
	_kern_exit_thread(5);
}

static int blocking_call(int kind, time_us_t time)
{
	int value;

	switch (kind) {
	case WAIT_CHILD:
		return _kern_wait(-1, NULL, 0);
	case WAIT_FUTEX:
		return _kern_futex_wait(ADDRESS(&sNever), 0, _kern_system_time() + time);
	case WAIT_JOIN:
		return _kern_join_thread(spawn(sleep_then_end, (void *)(uintptr_t)time), &value);
	default:
		return _kern_snooze(time, 0);
	}
}

static void signal_parent_when_it_waits(void)
{
	pid_t parent = _kern_getppid();

	let_wait(parent);
	_kern_kill(parent, SIGUSR1);
	_kern_snooze(SECOND / 4, 0); /* what it waits for comes later than the signal */
	end(0);
}

/* A handler interrupts: EINTR, or with SA_RESTART what the call would have said. */
void test_signal_interrupts_calls(void)
{
	static const int kRestarted[WAIT_KINDS] = {0 /* a pid */, -ETIMEDOUT, 0, -EINTR};
	int kind, restart;

	for (restart = 0; restart < 2; restart++) {
		set_action(SIGUSR1, note, restart ? SA_RESTART : 0, 0);
		for (kind = 0; kind < WAIT_KINDS; kind++) {
			pid_t child = check_fork();
			int result;

			if (child == 0)
				signal_parent_when_it_waits();
			sTaken = 0;
			result = blocking_call(kind, restart ? 2 * SECOND : PATIENCE);
			CHECK_EQUAL(sTaken, 1);
			if (!restart)
				CHECK_EQUAL(result, -EINTR);
			else if (kind == WAIT_CHILD)
				CHECK_EQUAL(result, child);
			else
				CHECK_EQUAL(result, kRestarted[kind]);
			if (kind != WAIT_CHILD || !restart)
				check_exit(child, 0);
		}
	}
}

/* What does nothing interrupts nothing: the call goes on. */
void test_signal_ignored_while_waiting(void)
{
	pid_t child = check_fork();

	if (child == 0) {
		pid_t parent = _kern_getppid();
		int i;

		for (i = 0; i < 10; i++) {
			_kern_snooze(2000, 0);
			_kern_kill(parent, SIGWINCH);
			_kern_kill(parent, SIGCONT);
		}
		end(3);
	}
	check_exit(child, 3);
}

void test_signal_alarm(void)
{
	time_us_t start = _kern_system_time();
	int left;

	set_action(SIGALRM, note, 0, 0);
	CHECK_EQUAL(_kern_alarm(100), 0);
	left = _kern_alarm(1);
	CHECK(left > 100 - PATIENCE / SECOND && left <= 100);
	CHECK_EQUAL(_kern_snooze(PATIENCE, 0), -EINTR);
	CHECK(_kern_system_time() - start >= SECOND);
	CHECK_EQUAL(sTaken, 1);
	CHECK_EQUAL(_kern_alarm(0), 0);
	_kern_alarm(1);
	CHECK_EQUAL(_kern_alarm(0), 1);
	CHECK_EQUAL(_kern_snooze(1200000, 0), 0);
	CHECK_EQUAL(sTaken, 1);
}

void test_signal_child(void)
{
	pid_t child;

	set_action(SIGCHLD, note, SA_RESTART, 0);
	child = check_fork();
	if (child == 0)
		end(0);
	check_exit(child, 0);
	CHECK_EQUAL(sTaken, 1);
	CHECK_EQUAL(sLastPid, child);
}

void test_signal_interval_timer(void)
{
	struct timer_value value = {20000, 5000}, old = {-1, -1};
	time_us_t start;
	pid_t child;

	set_action(SIGALRM, note, SA_RESTART, 0);
	start = _kern_system_time();
	CHECK_EQUAL(_kern_setitimer(&value, &old), 0);
	CHECK(old.left == 0 && old.interval == 0);
	CHECK_EQUAL(_kern_setitimer(NULL, &old), 0);
	CHECK(old.left <= 20000 + TICK && old.interval == 5000);
	while (sTaken < 4)
		CHECK_EQUAL(_kern_sigsuspend(0), -EINTR);
	CHECK(_kern_system_time() - start >= 20000 + 3 * 5000);
	/* It is the process's: a child has none, and what an exec makes of it stays. */
	child = check_fork();
	if (child == 0) {
		CHECK_EQUAL(_kern_setitimer(NULL, &old), 0);
		end(old.left == 0 && old.interval == 0 ? 0 : 1);
	}
	check_exit(child, 0);
	/* alarm() is the same timer, once. */
	CHECK(_kern_alarm(50) <= 1);
	CHECK_EQUAL(_kern_setitimer(NULL, &old), 0);
	CHECK(old.left > (50 - PATIENCE / SECOND) * SECOND && old.interval == 0);
	value = (struct timer_value){0, 7000};
	CHECK_EQUAL(_kern_setitimer(&value, NULL), 0);
	block(SIG_BLOCK, 0); /* what had come is taken behind it */
	sTaken = 0;
	sleep_us(30000);
	CHECK_EQUAL(sTaken, 0);
	value = (struct timer_value){1, 0}; /* once, and as soon as can be */
	block(SIG_BLOCK, bit(SIGALRM));		/* it may come before the wait for it */
	CHECK_EQUAL(_kern_setitimer(&value, NULL), 0);
	CHECK_EQUAL(_kern_sigsuspend(0), -EINTR);
	CHECK_EQUAL(_kern_setitimer(NULL, &old), 0);
	CHECK(sTaken == 1 && old.left == 0);
	/* For ever, as good as; and what cannot be. */
	value = (struct timer_value){INT64_MAX, INT64_MAX};
	CHECK_EQUAL(_kern_setitimer(&value, NULL), 0);
	CHECK_EQUAL(_kern_setitimer(NULL, &old), 0);
	CHECK(old.left > INT64_MAX / 8 && old.interval > INT64_MAX / 8);
	value = (struct timer_value){-1, 0};
	CHECK_EQUAL(_kern_setitimer(&value, NULL), -EINVAL);
	value = (struct timer_value){1, -1};
	CHECK_EQUAL(_kern_setitimer(&value, NULL), -EINVAL);
	sleep_us(5000);
	CHECK_EQUAL(sTaken, 1);
}

/* Of children whose end nobody wants to hear of nothing is left. */
void test_signal_child_unwanted(void)
{
	ssize_t processes = process_count();
	pid_t child;

	for (int round = 0; round < 4; round++) {
		bool ignored = round < 2;
		bool ends_first = round % 2 == 0;

		if (ignored)
			set_default(SIGCHLD, SIG_IGN);
		else
			set_action(SIGCHLD, note, SA_RESTART | SA_NOCLDWAIT, 0);
		sTaken = 0;
		child = check_fork();
		if (child == 0) {
			if (!ends_first)
				let_wait(_kern_getppid());
			end(7);
		}
		if (ends_first) {
			block(SIG_BLOCK, bit(SIGCHLD)); /* it would end a wait in there */
			CHECK_SOON(process_count() == processes);
			block(SIG_UNBLOCK, bit(SIGCHLD));
		}
		CHECK_EQUAL(_kern_wait(child, NULL, 0), -ECHILD);
		CHECK_EQUAL(process_count(), processes);
		CHECK_EQUAL(sTaken, ignored ? 0 : 1);
	}
	/* One of two: the wait goes on for the other, which is stopped and is told of. */
	child = check_fork();
	if (child == 0) {
		raise_signal(SIGSTOP);
		end(0);
	}
	if (check_fork() == 0)
		end(0);
	CHECK_EQUAL(_kern_wait(-1, NULL, WAIT_STOPPED), child);
	CHECK_EQUAL(_kern_kill(child, SIGCONT), 0);
	CHECK_EQUAL(_kern_wait(-1, NULL, 0), -ECHILD);
}

void test_signal_stop_and_continue(void)
{
	volatile uint32_t *counter = check_map(PAGE, SHARED);
	pid_t child = check_fork();
	uint32_t seen;

	if (child == 0) {
		for (;;)
			++*counter;
	}
	CHECK_SOON(*counter > 0);
	CHECK_EQUAL(_kern_kill(child, SIGSTOP), 0);
	CHECK_SOON(status_of(child).state == PROCESS_STOPPED);
	seen = *counter;
	_kern_snooze(50000, 0);
	CHECK_EQUAL(*counter, seen);
	CHECK_EQUAL(_kern_kill(child, SIGCONT), 0);
	CHECK_SOON(*counter > seen);
	CHECK_EQUAL(_kern_kill(child, SIGSTOP), 0);
	_kern_snooze(5000, 0);
	CHECK_EQUAL(_kern_kill(child, SIGKILL), 0); /* also of what is stopped */
	check_killed(child, SIGKILL);
}

static int told(pid_t pid, int options)
{
	int status = 0x600d;
	pid_t result = _kern_wait(pid, &status, options);

	if (result == 0)
		return 0x600d;
	CHECK_EQUAL(result, pid);
	return status;
}

#define ALL_TOLD (WAIT_STOPPED | WAIT_CONTINUED)
#define NOTHING_TOLD 0x600d

/* Each stop and each start is told once, to who asks for it, and by SIGCHLD. */
void test_wait_stopped(void)
{
	static const int kStops[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
	pid_t child;
	unsigned i;

	set_action(SIGCHLD, note, SA_RESTART, 0);
	child = check_fork();
	if (child == 0) {
		for (;;)
			_kern_yield();
	}
	/* A group with somebody outside who would resume it: all four stop it. */
	CHECK_EQUAL(_kern_setpgid(child, 0), 0);
	CHECK_EQUAL(told(child, ALL_TOLD | WAIT_NO_HANG), NOTHING_TOLD);
	for (i = 0; i < 4; i++) {
		int before = sTaken;

		CHECK_EQUAL(_kern_kill(child, kStops[i]), 0);
		CHECK_EQUAL(told(child, WAIT_STOPPED), 0x7f | kStops[i] << 8);
		CHECK_EQUAL(told(child, ALL_TOLD | WAIT_NO_HANG), NOTHING_TOLD);
		CHECK_EQUAL(sTaken, before + 1);
		CHECK_EQUAL(_kern_kill(child, SIGCONT), 0);
		/* Not to who has not asked. */
		CHECK_EQUAL(told(child, WAIT_STOPPED | WAIT_NO_HANG), NOTHING_TOLD);
		CHECK_EQUAL(told(child, WAIT_CONTINUED), 0xffff);
		CHECK_EQUAL(told(child, ALL_TOLD | WAIT_NO_HANG), NOTHING_TOLD);
		CHECK_EQUAL(sTaken, before + 2);
		CHECK_EQUAL(sLastPid, child);
	}
	/* SIGCONT to one that runs is nothing to tell. */
	CHECK_EQUAL(_kern_kill(child, SIGCONT), 0);
	CHECK_EQUAL(told(child, ALL_TOLD | WAIT_NO_HANG), NOTHING_TOLD);
	/* Without SIGCHLD, and with the end of a stopped one: only that is told. */
	set_action(SIGCHLD, note, SA_RESTART | SA_NOCLDSTOP, 0);
	sTaken = 0;
	CHECK_EQUAL(_kern_kill(child, SIGSTOP), 0);
	CHECK_EQUAL(told(child, WAIT_STOPPED), 0x7f | SIGSTOP << 8);
	CHECK_EQUAL(sTaken, 0);
	CHECK_EQUAL(_kern_kill(child, SIGKILL), 0);
	CHECK_EQUAL(told(child, ALL_TOLD), SIGKILL);
	CHECK_EQUAL(sTaken, 1);
	CHECK_EQUAL(_kern_wait(child, NULL, ALL_TOLD), -ECHILD);
}

/* Waited for before it comes, and where more than one thing has happened. */
void test_wait_stopped_order(void)
{
	volatile uint32_t *gate = check_map(PAGE, SHARED);
	pid_t child = check_fork();
	int status;

	if (child == 0) {
		pid_t parent = _kern_getppid();

		let_wait(parent);
		raise_signal(SIGSTOP);
		sleep_us(10000);
		CHECK_EQUAL(_kern_getppid(), parent);
		*gate = 1;
		end(3);
	}
	CHECK_EQUAL(_kern_wait(-1, &status, WAIT_STOPPED), child);
	CHECK(WAIT_IS_STOPPED(status) && WAIT_STOP_SIGNAL(status) == SIGSTOP);
	CHECK(!WAIT_EXITED(status) && !WAIT_SIGNALED(status) && !WAIT_IS_CONTINUED(status));
	sleep_us(30000);
	CHECK_EQUAL(*gate, 0);
	CHECK_EQUAL(_kern_kill(child, SIGCONT), 0);
	CHECK_EQUAL(_kern_wait(-1, &status, WAIT_CONTINUED), child);
	CHECK(WAIT_IS_CONTINUED(status) && !WAIT_IS_STOPPED(status));
	CHECK(!WAIT_EXITED(status) && !WAIT_SIGNALED(status));
	check_exit(child, 3);

	/* Stopped and gone on before anybody asked: what counts is what is. */
	child = check_fork();
	if (child == 0) {
		for (;;)
			_kern_yield();
	}
	CHECK_EQUAL(_kern_kill(child, SIGSTOP), 0);
	CHECK_SOON(status_of(child).state == PROCESS_STOPPED);
	CHECK_EQUAL(_kern_kill(child, SIGCONT), 0);
	CHECK_EQUAL(told(child, ALL_TOLD), 0xffff);
	/* Going on, and stopped again. */
	CHECK_EQUAL(_kern_kill(child, SIGSTOP), 0);
	CHECK_EQUAL(told(child, ALL_TOLD), 0x7f | SIGSTOP << 8);
	CHECK_EQUAL(_kern_kill(child, SIGCONT), 0);
	CHECK_EQUAL(_kern_kill(child, SIGSTOP), 0);
	CHECK_EQUAL(told(child, WAIT_STOPPED), 0x7f | SIGSTOP << 8);
	CHECK_EQUAL(_kern_kill(child, SIGTERM), 0); /* waits until it goes on */
	sleep_us(5000);
	CHECK_EQUAL(_kern_wait(child, NULL, WAIT_NO_HANG), 0);
	CHECK_EQUAL(_kern_kill(child, SIGCONT), 0);
	check_killed(child, SIGTERM);
}

void test_signal_fork_and_exec(void)
{
	struct signal_action old;
	pid_t child;
	uint32_t mask;

	set_action(SIGUSR1, note, 0, 0);
	block(SIG_SETMASK, bit(SIGUSR2));
	raise_signal(SIGUSR2);
	child = check_fork();
	if (child == 0) {
		CHECK_EQUAL(_kern_sigprocmask(0, NULL, &mask), 0);
		CHECK_EQUAL(mask, bit(SIGUSR2));
		CHECK_EQUAL(_kern_sigaction(SIGUSR1, NULL, &old), 0);
		CHECK_EQUAL(old.handler, ADDRESS(note));
		block(SIG_SETMASK, 0); /* the parent's pending one is not ours */
		end(0);
	}
	check_exit(child, 0);
}

/* ---- Storms ----------------------------------------------------------------------- */

/* Signals at any moment, on both ways in, change nothing but sTaken. */
void test_signal_storm(void)
{
	pid_t child, parent = _kern_getpid();
	uint32_t i, calls = 0;

	set_action(SIGUSR1, note, SA_RESTART, 0);
	child = check_fork();
	if (child == 0) {
		for (i = 0; i < 60; i++) {
			CHECK_EQUAL(_kern_kill(parent, SIGUSR1), 0);
			_kern_snooze(i % 3 == 0 ? 1000 : 0, 0);
			_kern_yield();
		}
		end(0);
	}
	while (_kern_wait(child, NULL, WAIT_NO_HANG) == 0) {
		uint32_t result;

		CHECK_EQUAL(_kern_echo(calls), calls);
		CHECK_EQUAL(
			_kern_echo64(0x123456789abcdefull + calls), 0x123456789abcdefull + calls);
		__asm__ volatile("push %2\n\tpush $0\n\tint $99\n\tadd $8, %%esp"
						 : "=a"(result)
						 : "0"(SYS_echo), "r"(calls)
						 : "ecx", "edx", "cc", "memory");
		CHECK_EQUAL(result, calls);
		calls++;
	}
	CHECK(sTaken > (gLoose ? 0 : 10)); /* some meet one that waits still */
}
