/* Threads: made, joined, ended, and what each has to itself. */
#include "usertests.h"
#include <postern/os.h>

static uint32_t sNever;

void test_thread_values(void)
{
	static const int kValues[] = {0, 1, -1, INT32_MIN, INT32_MAX, -ESRCH};
	unsigned i;

	for (i = 0; i < sizeof kValues / sizeof kValues[0]; i++)
		check_join(spawn(end_with, (void *)(uintptr_t)kValues[i]), kValues[i]);
	CHECK_EQUAL(_kern_join_thread(spawn(end_with, NULL), NULL), 0);
}

void test_thread_thousands(void)
{
	static tid_t sThreads[200];
	int batch, i;

	for (batch = 0; batch < 20; batch++) {
		for (i = 0; i < 200; i++)
			sThreads[i] = spawn(end_with, (void *)(uintptr_t)(batch * 1000 + i));
		for (i = 199; i >= 0; i--)
			check_join(sThreads[i], batch * 1000 + i);
	}
}

void test_thread_limit(void)
{
	static tid_t sThreads[5000];
	uint32_t gate = 0;
	int round, count, i;

	for (round = 0; round < 2; round++) {
		gate = 0;
		for (count = 0; count < 5000; count++) {
			sThreads[count] =
				_kern_spawn_thread(ADDRESS(wait_for_gate), ADDRESS(&gate), 0, 0);
			if (sThreads[count] < 0)
				break;
		}
		CHECK(count > 500 && count < 5000);
		CHECK(sThreads[count] == -EAGAIN || sThreads[count] == -ENOMEM);
		CHECK(_kern_fork() < 0);
		gate = 1;
		CHECK(_kern_futex_wake(ADDRESS(&gate), INT32_MAX) >= 0);
		for (i = 0; i < count; i++)
			CHECK_EQUAL(_kern_join_thread(sThreads[i], NULL), 0);
		check_join(spawn(end_with, (void *)5), 5);
	}
}

/* Nobody joins them: they must not use up the system. */
void test_thread_unjoined(void)
{
	uint32_t before = free_pages();
	int i;

	for (i = 0; i < 20000; i++) {
		tid_t thread = _kern_spawn_thread(ADDRESS(end_with), 0, 0, 0);

		if (thread == -EAGAIN || thread == -ENOMEM) {
			_kern_yield();
			continue;
		}
		CHECK(thread > 0);
		if (i % 20 == 0)
			_kern_yield();
	}
	sleep_us(20000);
	/* 4096 records remain, on some more pages than the 17 that they would fill: which
	 * ones depends on the order of the ends. A leak would be of thousands. */
	check_pages_back(before, 500);
}

void test_join_errors(void)
{
	tid_t thread = spawn(end_with, (void *)3);
	volatile uint32_t *gate = check_map(PAGE, SHARED);
	pid_t pid;

	check_join(thread, 3);
	CHECK_EQUAL(_kern_join_thread(thread, NULL), -ESRCH); /* once is all */
	CHECK_EQUAL(_kern_join_thread(_kern_thread_id(), NULL), -EDEADLK);
	CHECK_EQUAL(_kern_join_thread(0, NULL), -ESRCH);
	CHECK_EQUAL(_kern_join_thread(-1, NULL), -ESRCH);
	CHECK_EQUAL(_kern_join_thread(0x7fffffff, NULL), -ESRCH);
	/* Another process's. */
	pid = check_fork();
	if (pid == 0) {
		while (*gate == 0)
			_kern_yield();
		end(0);
	}
	CHECK_EQUAL(_kern_join_thread(pid, NULL), -ESRCH);
	*gate = 1;
	check_exit(pid, 0);

	thread = spawn(end_with, (void *)4);
	CHECK_EQUAL(_kern_join_thread(thread, (int *)0xc0000000), -EFAULT);
	CHECK_EQUAL(_kern_join_thread(thread, (int *)4), -EFAULT);
	check_join(thread, 4); /* nothing was half done */
}

static void join_it(void *thread)
{
	int value = -1;
	int error = _kern_join_thread((tid_t)(uintptr_t)thread, &value);

	_kern_exit_thread(error != 0 ? error : value);
}

static void sleep_and_end(void *value)
{
	sleep_us(5000);
	_kern_exit_thread((int)(uintptr_t)value);
}

void test_join_waits(void)
{
	tid_t thread = spawn(sleep_and_end, (void *)6);
	tid_t joiners[3];
	int i, value, sixes = 0;

	/* Several join one: one of them gets it. */
	for (i = 0; i < 3; i++)
		joiners[i] = spawn(join_it, (void *)(uintptr_t)thread);
	for (i = 0; i < 3; i++) {
		CHECK_EQUAL(_kern_join_thread(joiners[i], &value), 0);
		CHECK(value == 6 || value == -ESRCH);
		sixes += value == 6;
	}
	CHECK_EQUAL(sixes, 1);
	check_join(spawn(sleep_and_end, (void *)7), 7);
}

/* ---- Stacks ----------------------------------------------------------------------- */

static void tell_stack(void *where)
{
	uint32_t esp;

	__asm__ volatile("mov %%esp, %0" : "=r"(esp));
	*(uint32_t *)where = esp;
	_kern_exit_thread(0);
}

void test_spawn_given_stack(void)
{
	uint32_t stack = ADDRESS(check_map(4 * PAGE, PRIVATE));
	uint32_t offsets[] = {4 * PAGE, 4 * PAGE - 1, 2 * PAGE + 5, PAGE};
	uint32_t esp;
	unsigned i;

	for (i = 0; i < 4; i++) {
		tid_t thread =
			_kern_spawn_thread(ADDRESS(tell_stack), ADDRESS(&esp), stack + offsets[i], 0);

		CHECK(thread > 0);
		check_join(thread, 0);
		CHECK(esp < stack + offsets[i] && esp > stack + offsets[i] - 256);
	}
	/* It is the program's: still there. */
	*(volatile int *)(uintptr_t)stack = 1;
	/* The topmost of all: it ends where the kernel begins. */
	CHECK_EQUAL(_kern_spawn_thread(ADDRESS(tell_stack), 0, 0xc0000010, 0), -EINVAL);
}

void test_spawn_errors(void)
{
	uint32_t page = ADDRESS(check_map(PAGE, PRIVATE));
	uint32_t i, before = free_pages();
	static const uint32_t kBad[] = {
		0, 1, 0xffff, 0xc0000000, 0xc0100000, 0xffff0000, 0xffffffff};

	for (i = 0; i < sizeof kBad / sizeof kBad[0]; i++) {
		CHECK_EQUAL(_kern_spawn_thread(kBad[i], 0, 0, 0), -EINVAL);
		if (kBad[i] != 0 && kBad[i] != 0xc0000000)
			CHECK_EQUAL(_kern_spawn_thread(ADDRESS(end_with), 0, kBad[i], 0), -EINVAL);
	}
	CHECK_EQUAL(_kern_spawn_thread(ADDRESS(end_with), 0, 0x20000000, 0), -EINVAL);
	CHECK_EQUAL(_kern_spawn_thread(ADDRESS(end_with), 0, 0x10010, 0), -EINVAL);
	CHECK_EQUAL(_kern_protect(page, PAGE, PROT_READ, 0), 0);
	CHECK_EQUAL(_kern_spawn_thread(ADDRESS(end_with), 0, page + PAGE, 0), -EINVAL);
	CHECK_EQUAL(_kern_join_thread(-1, NULL), -ESRCH);
	/* Not one of them has left anything. */
	check_pages_back(before, 0);
}

static void tell_own_stack(void *unused)
{
	uint32_t esp;

	(void)unused;
	__asm__ volatile("mov %%esp, %0" : "=r"(esp));
	_kern_exit_thread((int)esp);
}

void test_made_stack_returns(void)
{
	uint32_t before, first = 0;
	int i, esp;

	for (i = 0; i < 50; i++) {
		CHECK_EQUAL(_kern_join_thread(spawn(tell_own_stack, NULL), &esp), 0);
		/* The range is not mapped any more, and is used again. */
		CHECK_EQUAL(
			_kern_protect((uint32_t)esp & ~(PAGE - 1), PAGE, PROT_READ, 0), -ENOMEM);
		if (i == 0) {
			first = (uint32_t)esp;
			before = free_pages();
		}
		CHECK_EQUAL((uint32_t)esp, first);
	}
	check_pages_back(before, 0);
}

static void overflow_made_stack(void *bytes)
{
	uint32_t esp, address;

	__asm__ volatile("mov %%esp, %0" : "=r"(esp));
	for (address = esp; address > esp - (uint32_t)(uintptr_t)bytes; address -= PAGE)
		*(volatile char *)(uintptr_t)address = 1;
	_kern_exit_thread(0);
}

static void spawn_overflow(uintptr_t bytes)
{
	tid_t neighbour = spawn(wait_for_gate, &sNever);
	tid_t thread = spawn(overflow_made_stack, (void *)bytes);

	(void)neighbour;
	CHECK_EQUAL(_kern_join_thread(thread, NULL), 0);
	end(0);
}

/* 256 KiB are there; the page below is not, whoever is next to it. */
void test_made_stack_guard(void)
{
	pid_t pid = check_fork();

	if (pid == 0)
		spawn_overflow(255 * 1024);
	check_exit(pid, 0);
	check_dies(spawn_overflow, 260 * 1024, SIGSEGV);
}

static void return_from_entry(void *unused)
{
	(void)unused; /* raw: to the return address that the kernel has put there */
}

static void spawn_returning(uintptr_t unused)
{
	(void)unused;
	spawn(return_from_entry, NULL);
	sleep_us(PATIENCE);
}

void test_thread_returns_to_zero(void)
{
	check_dies(spawn_returning, 0, SIGSEGV);
}

/* ---- Ends ------------------------------------------------------------------------- */

static void end_process(void *status)
{
	sleep_us(5000);
	end((int)(uintptr_t)status);
}

static void join_main(void *thread)
{
	int value = 0;

	CHECK_EQUAL(_kern_join_thread((tid_t)(uintptr_t)thread, &value), 0);
	CHECK_EQUAL(value, 17);
	CHECK(_kern_getpid() == (pid_t)(uintptr_t)thread
		  && _kern_thread_id() != _kern_getpid());
	end(18);
}

void test_main_thread_exits(void)
{
	pid_t pid = check_fork();

	if (pid == 0) {
		spawn(end_process, (void *)8);
		_kern_exit_thread(1);
	}
	check_exit(pid, 8);
	pid = check_fork();
	if (pid == 0) {
		spawn(join_main, (void *)(uintptr_t)_kern_getpid());
		_kern_exit_thread(17);
	}
	check_exit(pid, 18);
	/* exit() by another thread ends all of them. */
	pid = check_fork();
	if (pid == 0) {
		spawn(end_process, (void *)9);
		for (;;)
			;
	}
	check_exit(pid, 9);
}

void test_last_thread_exits(void)
{
	pid_t pid = check_fork();
	int i;

	if (pid == 0) {
		for (i = 0; i < 20; i++)
			spawn(sleep_and_end, (void *)3);
		_kern_exit_thread(5);
	}
	check_exit(pid, 0);
	pid = check_fork();
	if (pid == 0)
		_kern_exit_thread(5);
	check_exit(pid, 0);
}

static volatile uint32_t sCounter;

static void count_for_ever(void *unused)
{
	(void)unused;
	for (;;) {
		if (++sCounter % 1024 == 0) /* or each turn of the others takes three slices */
			_kern_yield();
	}
}

static void fork_in_thread(void *unused)
{
	pid_t pid = check_fork();

	(void)unused;
	if (pid == 0) {
		/* The one thread of the child runs on the copy of this stack, and ends. */
		CHECK_EQUAL(_kern_thread_id(), _kern_getpid());
		check_join(spawn(end_with, (void *)2), 2);
		_kern_exit_thread(0);
	}
	check_exit(pid, 0);
	_kern_exit_thread(1);
}

void test_fork_with_threads(void)
{
	tid_t threads[3];
	int round, i;
	pid_t pid;

	for (i = 0; i < 3; i++)
		spawn(count_for_ever, NULL);
	spawn(wait_for_gate, &sNever);
	for (round = 0; round < 20; round++) {
		pid = check_fork();
		if (pid == 0) {
			uint32_t before = sCounter;

			for (i = 0; i < 3; i++)
				_kern_yield();
			CHECK_EQUAL(sCounter, before); /* nobody else is here */
			check_join(spawn(end_with, (void *)1), 1);
			end(11);
		}
		check_exit(pid, 11);
	}
	for (i = 0; i < 3; i++)
		threads[i] = spawn(fork_in_thread, NULL);
	for (i = 0; i < 3; i++)
		check_join(threads[i], 1);
}

static void block(void *how)
{
	switch ((uintptr_t)how) {
	case 4:
		for (;;)
			_kern_yield();
	case 5:
		for (;;)
			;
	default:
		be_blocked(how);
	}
}

void test_exit_with_blocked(void)
{
	int way, i;

	/* By exit, by a fault, by returning from main's end. */
	for (way = 0; way < 3; way++) {
		pid_t pid = check_fork();

		if (pid == 0) {
			for (i = 0; i < 12; i++)
				spawn(block, (void *)(uintptr_t)(i % 6));
			sleep_us(10000);
			if (way == 0)
				end(6);
			if (way == 1)
				spawn(end_process, (void *)6);
			if (way == 2)
				__asm__ volatile("ud2");
			for (;;)
				;
		}
		if (way == 2)
			check_killed(pid, SIGILL);
		else
			check_exit(pid, 6);
	}
}

/* ---- libroot's closures ----------------------------------------------------------- */

struct context {
	int numbers[100];
};

static int sum_up(void *context)
{
	struct context *own = context;
	int i, sum = 0;

	if (ADDRESS(context) % 16 != 0)
		return -1;
	for (i = 0; i < 100; i++) {
		sum += own->numbers[i];
		own->numbers[i] = 0; /* a copy of its own */
		_kern_yield();
	}
	return sum;
}

static int same_pointer(void *context)
{
	return (int)(uintptr_t)context;
}

static int last_byte(void *context)
{
	return ((uint8_t *)context)[THREAD_CONTEXT_MAX - 1];
}

static int leave_early(void *context)
{
	thread_exit(*(int *)context);
}

void test_closures(void)
{
	struct context context;
	uint8_t *large = check_map(THREAD_CONTEXT_MAX, PRIVATE);
	tid_t threads[8];
	int i, k, value;

	for (i = 0; i < 8; i++) {
		for (k = 0; k < 100; k++)
			context.numbers[k] = i * k;
		threads[i] = thread_start(sum_up, &context, sizeof context);
		CHECK(threads[i] > 0);
	}
	CHECK_EQUAL(context.numbers[99], 7 * 99);
	for (i = 0; i < 8; i++) {
		CHECK_EQUAL(thread_join(threads[i], &value), 0);
		CHECK_EQUAL(value, i * 4950);
	}
	threads[0] = thread_start(same_pointer, (void *)0x12345678, 0);
	CHECK_EQUAL(thread_join(threads[0], &value), 0);
	CHECK_EQUAL(value, 0x12345678);
	large[THREAD_CONTEXT_MAX - 1] = 77;
	threads[0] = thread_start(last_byte, large, THREAD_CONTEXT_MAX);
	CHECK_EQUAL(thread_join(threads[0], &value), 0);
	CHECK_EQUAL(value, 77);
	CHECK_EQUAL(thread_start(last_byte, large, THREAD_CONTEXT_MAX + 1), -EINVAL);
	i = 31;
	threads[0] = thread_start(leave_early, &i, sizeof i);
	CHECK_EQUAL(thread_join(threads[0], &value), 0);
	CHECK_EQUAL(value, 31);
}

static int own_errno(void *unused)
{
	int i;

	(void)unused;
	CHECK_EQUAL(errno, 0);
	for (i = 0; i < 100; i++) {
		CHECK_EQUAL(write(99, "", 1), -1);
		_kern_yield();
		CHECK_EQUAL(errno, EBADF);
	}
	return 0;
}

void test_closure_errno(void)
{
	tid_t thread;
	pid_t pid;
	int i;

	CHECK_EQUAL(waitpid(-1, NULL, 0), -1);
	CHECK_EQUAL(errno, ECHILD);
	thread = thread_start(own_errno, NULL, 0);
	for (i = 0; i < 100; i++) {
		CHECK_EQUAL(errno, ECHILD);
		_kern_yield();
	}
	CHECK_EQUAL(thread_join(thread, NULL), 0);
	CHECK_EQUAL(errno, ECHILD);
	/* The POSIX ones over processes. */
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		char *arguments[] = {(char *)(uintptr_t)gSelf, NULL};

		CHECK_EQUAL(execve("/bin/none", arguments, NULL), -1);
		CHECK_EQUAL(errno, ENOENT);
		exit(4);
	}
	CHECK_EQUAL(waitpid(pid, &i, 0), pid);
	CHECK_EQUAL(WAIT_EXIT_STATUS(i), 4);
}

/* ---- The thread's segment --------------------------------------------------------- */

static uint32_t read_gs(void)
{
	uint32_t value;

	__asm__ volatile("mov %%gs:0, %0" : "=r"(value));
	return value;
}

static void load_gs(int selector)
{
	__asm__ volatile("mov %0, %%gs" : : "r"(selector));
}

#define TLS_SELECTOR 0x43

static void look_at_own(void *value)
{
	uint32_t selector;
	int i;

	__asm__ volatile("mov %%gs, %0" : "=r"(selector));
	CHECK_EQUAL(selector & 0xffff, TLS_SELECTOR);
	for (i = 0; i < 200; i++) {
		CHECK_EQUAL(read_gs(), (uint32_t)(uintptr_t)value);
		if (i % 2 == 0)
			_kern_yield();
		else
			for (volatile int k = 0; k < 2000; k++)
				;
	}
	_kern_exit_thread(0);
}

void test_tls_per_thread(void)
{
	static uint32_t sBlocks[10];
	tid_t threads[10];
	uint32_t own = 0x600d, selector;
	int i;

	__asm__ volatile("mov %%gs, %0" : "=r"(selector));
	CHECK_EQUAL(selector & 0xffff, 0);
	CHECK_EQUAL(_kern_set_thread_area(ADDRESS(&own)), TLS_SELECTOR);
	load_gs(TLS_SELECTOR);
	for (i = 0; i < 10; i++) {
		sBlocks[i] = (uint32_t)i + 1000;
		threads[i] =
			_kern_spawn_thread(ADDRESS(look_at_own), sBlocks[i], 0, ADDRESS(&sBlocks[i]));
		CHECK(threads[i] > 0);
	}
	for (i = 0; i < 300; i++) {
		CHECK_EQUAL(read_gs(), 0x600d);
		_kern_yield();
	}
	for (i = 0; i < 10; i++)
		check_join(threads[i], 0);
	CHECK_EQUAL(read_gs(), 0x600d);
	/* Set again, it counts at once for a GS that is loaded again. */
	CHECK_EQUAL(_kern_set_thread_area(ADDRESS(&sBlocks[5])), TLS_SELECTOR);
	load_gs(TLS_SELECTOR);
	CHECK_EQUAL(read_gs(), 1005);
	/* A base in the kernel lets nothing through. */
	load_gs(0);
}

void test_tls_fork(void)
{
	static uint32_t sBlock = 1;
	pid_t pids[3];
	int i;

	_kern_set_thread_area(ADDRESS(&sBlock));
	load_gs(TLS_SELECTOR);
	for (i = 0; i < 3; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			CHECK_EQUAL(read_gs(), 1);
			sBlock = (uint32_t)i + 10;
			for (int k = 0; k < 100; k++) {
				CHECK_EQUAL(read_gs(), i + 10);
				_kern_yield();
			}
			end(0);
		}
	}
	for (i = 0; i < 100; i++) {
		CHECK_EQUAL(read_gs(), 1);
		_kern_yield();
	}
	for (i = 0; i < 3; i++)
		check_exit(pids[i], 0);
}
