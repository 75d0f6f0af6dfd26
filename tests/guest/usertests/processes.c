/* fork, wait, exit, and the calls that make, name and end processes. */
#include "usertests.h"

/* ---- fork ------------------------------------------------------------------------- */

static volatile int sData = 1;
static volatile int sZeros[PAGE];

void test_fork_copies_memory(void)
{
	volatile int local = 1;
	volatile int *mapped = check_map(PAGE, PRIVATE);
	uint32_t break_start = _kern_brk(0);
	volatile int *heap = (volatile int *)(uintptr_t)break_start;
	volatile int *flag = check_map(PAGE, SHARED);
	pid_t pid;

	CHECK_EQUAL(_kern_brk(break_start + PAGE), break_start + PAGE);
	*mapped = *heap = sZeros[0] = 1;
	pid = check_fork();
	if (pid == 0) {
		CHECK(local == 1 && sData == 1 && *mapped == 1 && *heap == 1 && sZeros[0] == 1);
		local = sData = *mapped = *heap = sZeros[0] = 2;
		*flag = 1;
		while (*flag == 1)
			_kern_yield();
		/* What the parent has written since is not seen here. */
		CHECK(local == 2 && sData == 2 && *mapped == 2 && *heap == 2 && sZeros[0] == 2);
		CHECK(sZeros[PAGE / 2] == 0);
		end(5);
	}
	while (*flag == 0)
		_kern_yield();
	CHECK(local == 1 && sData == 1 && *mapped == 1 && *heap == 1 && sZeros[0] == 1);
	local = sData = *mapped = *heap = sZeros[0] = 3;
	sZeros[PAGE / 2] = 3;
	*flag = 2;
	check_exit(pid, 5);
	CHECK(local == 3 && sData == 3 && *mapped == 3 && *heap == 3 && sZeros[0] == 3);
}

void test_fork_shares_shared(void)
{
	volatile int *shared = check_map(3 * PAGE, SHARED);
	pid_t pid;

	shared[0] = 1; /* one page touched before, one in the child first, one after */
	pid = check_fork();
	if (pid == 0) {
		CHECK_EQUAL(shared[0], 1);
		shared[0] = 2;
		shared[1024] = 3;
		while (shared[2048] == 0)
			_kern_yield();
		CHECK_EQUAL(shared[2048], 4);
		end(0);
	}
	while (shared[1024] == 0)
		_kern_yield();
	CHECK_EQUAL(shared[0], 2);
	CHECK_EQUAL(shared[1024], 3);
	shared[2048] = 4;
	check_exit(pid, 0);
}

void test_fork_nested(void)
{
	volatile int *count = check_map(PAGE, SHARED);
	volatile int depth;

	for (depth = 0; depth < 20; depth++) {
		pid_t pid = check_fork();

		if (pid != 0) {
			check_exit(pid, depth + 1);
			(*count)++;
			if (depth == 0)
				break;
			end(depth);
		}
	}
	if (depth == 20)
		end(depth);
	CHECK_EQUAL(*count, 20);
}

#define PROCESSES_MAX 256

void test_fork_bomb(void)
{
	/* In the end there may be no memory, and so no copy of a page to write to. */
	uint32_t *gate = check_map(PAGE, SHARED);
	pid_t *pids = check_map(PAGE, SHARED);
	int round, i;

	memset(pids, 0, PAGE);
	for (round = 0; round < 2; round++) {
		int count = 0, killed = 0;

		*gate = 0;
		for (;;) {
			pid_t pid = _kern_fork();

			if (pid == 0) {
				while (*gate == 0)
					_kern_futex_wait(ADDRESS(gate), 0, -1);
				end(3);
			}
			if (pid < 0) {
				CHECK(pid == -EAGAIN || pid == -ENOMEM);
				break;
			}
			CHECK(count < PROCESSES_MAX);
			pids[count++] = pid;
		}
		*gate = 1;
		CHECK(_kern_futex_wake(ADDRESS(gate), INT32_MAX) >= 0);
		for (i = 0; i < count; i++) {
			int status = -1;

			CHECK_EQUAL(_kern_wait(pids[i], &status, 0), pids[i]);
			killed += status == SIGKILL; /* for a page that it needed itself */
			CHECK(status == SIGKILL || status == 3 << 8);
		}
		CHECK(count - killed > 50);
	}
	CHECK_EQUAL(_kern_wait(-1, NULL, 0), -ECHILD);
}

static void bomb(int depth, volatile int *failures)
{
	int i;

	for (i = 0; i < 3; i++) {
		pid_t pid = _kern_fork();

		if (pid == 0) {
			if (depth > 0)
				bomb(depth - 1, failures);
			end(0);
		}
		if (pid < 0) {
			CHECK(pid == -EAGAIN || pid == -ENOMEM);
			(*failures)++;
		}
	}
	while (_kern_wait(-1, NULL, 0) > 0)
		;
}

/* Everybody forks, in all generations, far beyond the limit. */
void test_fork_bomb_tree(void)
{
	volatile int *failures = check_map(PAGE, SHARED);

	*failures = 0;
	bomb(5, failures);
	CHECK_EQUAL(_kern_wait(-1, NULL, 0), -ECHILD);
}

/* ---- wait -------------------------------------------------------------------------- */

void test_wait_any_order(void)
{
	static const int kOrders[][3] = {
		{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	volatile uint32_t *gates = check_map(PAGE, SHARED);
	unsigned ends, waits;
	int i, k;

	/* They end in each order and are waited for in each order. */
	for (ends = 0; ends < 6; ends++) {
		for (waits = 0; waits < 6; waits++) {
			pid_t pids[3];

			for (i = 0; i < 3; i++) {
				gates[i] = 0;
				pids[i] = check_fork();
				if (pids[i] == 0) {
					while (gates[i] == 0)
						_kern_yield();
					end(i + 1);
				}
			}
			for (k = 0; k < 3; k++) {
				gates[kOrders[ends][k]] = 1;
				_kern_yield();
			}
			for (k = 0; k < 3; k++) {
				i = kOrders[waits][k];
				check_exit(pids[i], i + 1);
				CHECK_EQUAL(_kern_wait(pids[i], NULL, 0), -ECHILD);
			}
		}
	}
	/* Any child: each is told once. */
	pid_t sum = 0;
	for (i = 0; i < 5; i++) {
		pid_t pid = check_fork();

		if (pid == 0)
			end(i);
		sum += pid;
	}
	for (i = 0; i < 5; i++) {
		pid_t pid = _kern_wait(-1, NULL, 0);

		CHECK(pid > 0);
		sum -= pid;
	}
	CHECK_EQUAL(sum, 0);
	CHECK_EQUAL(_kern_wait(-1, NULL, 0), -ECHILD);
}

void test_wait_no_hang(void)
{
	volatile uint32_t *gate = check_map(PAGE, SHARED);
	int status = 4711;
	pid_t pid = check_fork();

	if (pid == 0) {
		while (*gate == 0)
			_kern_yield();
		end(9);
	}
	CHECK_EQUAL(_kern_wait(pid, &status, WAIT_NO_HANG), 0);
	CHECK_EQUAL(_kern_wait(-1, &status, WAIT_NO_HANG), 0);
	*gate = 1;
	for (;;) {
		pid_t result = _kern_wait(-1, &status, WAIT_NO_HANG);

		if (result == pid)
			break;
		CHECK_EQUAL(result, 0);
		_kern_yield();
	}
	CHECK_EQUAL(status, 9 << 8);
	CHECK_EQUAL(_kern_wait(-1, &status, WAIT_NO_HANG), -ECHILD);
}

void test_wait_errors(void)
{
	pid_t pid, grandparent = _kern_getppid();
	int status;

	CHECK_EQUAL(_kern_wait(-1, NULL, 0), -ECHILD);
	CHECK_EQUAL(_kern_wait(_kern_getpid(), NULL, 0), -ECHILD);
	CHECK_EQUAL(_kern_wait(grandparent, NULL, 0), -ECHILD);
	CHECK_EQUAL(_kern_wait(0x7fffffff, NULL, 0), -ECHILD);
	CHECK_EQUAL(_kern_wait(0, NULL, 0), -ECHILD);
	CHECK_EQUAL(_kern_wait(-2, NULL, 0), -ECHILD);
	CHECK_EQUAL(_kern_wait(-1, NULL, WAIT_STOPPED), -ECHILD);
	CHECK_EQUAL(_kern_wait(-1, NULL, 4), -EINVAL);
	CHECK_EQUAL(_kern_wait(-1, NULL, -1), -EINVAL);
	pid = check_fork();
	if (pid == 0)
		end(1);
	/* A bad pointer leaves the child to be waited for. */
	CHECK_EQUAL(_kern_wait(pid, (int *)0xc0000000, 0), -EFAULT);
	CHECK_EQUAL(_kern_wait(pid, (int *)8, 0), -EFAULT);
	CHECK_EQUAL(_kern_wait(pid, &status, 0), pid);
	CHECK_EQUAL(status, 1 << 8);
}

static void divide(uintptr_t unused)
{
	(void)unused;
	__asm__ volatile("xor %%ecx, %%ecx\n\txor %%edx, %%edx\n\tdiv %%ecx"
					 :
					 : "a"(1)
					 : "ecx", "edx");
}

void test_wait_status(void)
{
	static const int kStatuses[] = {0, 1, 77, 123, 124, 255, 256, -1, 0x12345678};
	unsigned i;
	pid_t pid;

	for (i = 0; i < sizeof kStatuses / sizeof kStatuses[0]; i++) {
		pid = check_fork();
		if (pid == 0)
			end(kStatuses[i]);
		check_exit(pid, kStatuses[i] & 0xff);
	}
	check_dies(divide, 0, SIGFPE);
	pid = check_fork();
	if (pid == 0)
		for (;;)
			;
	CHECK_EQUAL(_kern_process_delete(pid), 0);
	check_killed(pid, SIGKILL);
}

static void wait_one(void *pid)
{
	int status = 0;
	pid_t got = _kern_wait(*(pid_t *)pid, &status, 0);

	_kern_exit_thread(got < 0 ? got : status >> 8);
}

/* Two threads wait for one child each, and both for the same one. */
void test_wait_two_threads(void)
{
	pid_t pids[2];
	tid_t threads[2];
	volatile uint32_t *gate = check_map(PAGE, SHARED);
	int values[2], i;

	for (i = 0; i < 2; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			while (*gate == 0)
				_kern_yield();
			end(i + 1);
		}
	}
	for (i = 0; i < 2; i++)
		threads[i] = spawn(wait_one, &pids[i]);
	sleep_us(3000);
	*gate = 1;
	check_join(threads[0], 1);
	check_join(threads[1], 2);

	*gate = 0;
	pids[0] = check_fork();
	if (pids[0] == 0) {
		while (*gate == 0)
			_kern_yield();
		end(7);
	}
	for (i = 0; i < 2; i++)
		threads[i] = spawn(wait_one, &pids[0]);
	sleep_us(3000);
	*gate = 1;
	for (i = 0; i < 2; i++)
		CHECK_EQUAL(_kern_join_thread(threads[i], &values[i]), 0);
	CHECK((values[0] == 7 && values[1] == -ECHILD)
		  || (values[1] == 7 && values[0] == -ECHILD));
}

/* ---- Families --------------------------------------------------------------------- */

void test_orphans(void)
{
	volatile int *seen = check_map(PAGE, SHARED);
	pid_t pid = check_fork();

	if (pid == 0) {
		pid_t parent = _kern_getpid();

		pid = check_fork();
		if (pid == 0) {
			CHECK_EQUAL(_kern_getppid(), parent);
			seen[0] = 1;
			while (_kern_getppid() != 0)
				_kern_yield();
			seen[1] = 1; /* nobody waits for it, and nothing is left of it */
			end(0);
		}
		while (seen[0] == 0)
			_kern_yield();
		end(0);
	}
	check_exit(pid, 0);
	CHECK_EQUAL(_kern_wait(-1, NULL, 0), -ECHILD);
	while (seen[1] == 0)
		_kern_yield();
}

void test_grandchildren(void)
{
	pid_t pid = check_fork();

	if (pid == 0) {
		pid_t child = check_fork();

		if (child == 0)
			end(4);
		/* A grandchild is no child of the test's. */
		check_exit(child, 4);
		child = check_fork();
		if (child == 0) {
			sleep_us(2000);
			end(0);
		}
		end(child & 0x7f); /* leaves that one to nobody */
	}
	CHECK(_kern_wait(pid, NULL, 0) == pid);
	CHECK_EQUAL(_kern_wait(-1, NULL, 0), -ECHILD);
}

void test_zombies(void)
{
	static pid_t sPids[40];
	struct process_status entries[64];
	ssize_t count;
	unsigned i, zombies;
	time_us_t deadline;
	pid_t pid;

	for (i = 0; i < 40; i++) {
		sPids[i] = check_fork();
		if (sPids[i] == 0)
			end((int)i);
	}
	deadline = _kern_system_time() + PATIENCE;
	do {
		CHECK(_kern_system_time() < deadline);
		sleep_us(10000);
		count = _kern_process_status(entries, 64);
		CHECK(count >= 41 && count <= 64);
		zombies = 0;
		for (i = 0; i < (unsigned)count; i++) {
			if (entries[i].parent == _kern_getpid()
				&& entries[i].state == PROCESS_ZOMBIE) {
				CHECK_EQUAL(entries[i].pages, 0);
				CHECK_EQUAL(entries[i].threads, 0);
				zombies++;
			}
		}
	} while (zombies < 40);
	CHECK_EQUAL(zombies, 40);
	CHECK_EQUAL(_kern_process_delete(sPids[0]), -ESRCH);
	for (i = 0; i < 20; i++)
		check_exit(sPids[i], (int)i);
	/* The others are zombies when their parent ends. */
	pid = check_fork();
	if (pid == 0) {
		for (i = 0; i < 20; i++) {
			if (check_fork() == 0)
				end(0);
		}
		sleep_us(10000);
		end(0);
	}
	check_exit(pid, 0);
}

void test_parent_numbers(void)
{
	pid_t self = _kern_getpid();
	pid_t pid;

	CHECK(self > 0);
	CHECK_EQUAL(_kern_thread_id(), self);
	CHECK(_kern_getppid() > 0 && _kern_getppid() != self);
	pid = check_fork();
	if (pid == 0) {
		CHECK_EQUAL(_kern_getppid(), self);
		CHECK(_kern_getpid() != self);
		CHECK_EQUAL(_kern_thread_id(), _kern_getpid());
		end(0);
	}
	CHECK(pid > 0 && pid != self);
	check_exit(pid, 0);
}

/* ---- process_create and its kin --------------------------------------------------- */

static pid_t create(const char *part, const char *argument)
{
	const char *arguments[] = {gSelf, "--part", part, argument, NULL};

	return _kern_process_create(gSelf, arguments, NULL);
}

void test_process_create_start(void)
{
	pid_t pid = create("exit", "9");

	CHECK(pid > 0);
	sleep_us(3000);
	CHECK_EQUAL(_kern_wait(pid, NULL, WAIT_NO_HANG), 0); /* it has not run */
	CHECK_EQUAL(status_of(pid).parent, _kern_getpid());
	CHECK_EQUAL(status_of(pid).state, PROCESS_NEW);
	CHECK_EQUAL(_kern_process_start(pid), 0);
	CHECK_EQUAL(_kern_process_start(pid), -EINVAL);
	check_exit(pid, 9);
	CHECK_EQUAL(_kern_process_start(pid), -ESRCH);

	/* Deleted instead of started. */
	pid = create("exit", "9");
	CHECK(pid > 0);
	CHECK_EQUAL(_kern_process_delete(pid), 0);
	CHECK_EQUAL(_kern_process_start(pid), -EINVAL);
	check_killed(pid, SIGKILL);
}

void test_process_create_errors(void)
{
	const char *arguments[] = {"x", NULL};
	pid_t pid;

	CHECK_EQUAL(_kern_process_create("/bin/none", arguments, NULL), -ENOENT);
	CHECK_EQUAL(_kern_process_create("", arguments, NULL), -ENOENT);
	CHECK_EQUAL(_kern_process_create("/bin", arguments, NULL), -EISDIR);
	CHECK_EQUAL(_kern_process_create(NULL, arguments, NULL), -EFAULT);
	CHECK_EQUAL(_kern_process_create(gSelf, NULL, NULL), -EFAULT);
	CHECK_EQUAL(
		_kern_process_create(gSelf, (const char *const *)0xc0000000, NULL), -EFAULT);
	CHECK_EQUAL(_kern_process_start(_kern_getpid()), -ESRCH);
	CHECK_EQUAL(_kern_process_start(0), -ESRCH);
	CHECK_EQUAL(_kern_process_start(-1), -ESRCH);
	pid = check_fork();
	if (pid == 0) {
		/* Somebody else's child. */
		pid_t other = create("exit", "0");

		CHECK(other > 0);
		pid = check_fork();
		if (pid == 0) {
			CHECK_EQUAL(_kern_process_start(other), -ESRCH);
			end(0);
		}
		check_exit(pid, 0);
		CHECK_EQUAL(_kern_process_start(other), 0);
		check_exit(other, 0);
		end(0);
	}
	check_exit(pid, 0);
}

/* One that is never started ends with its parent. */
void test_process_create_left(void)
{
	pid_t pid = check_fork();

	if (pid == 0) {
		CHECK(create("exit", "0") > 0);
		CHECK(create("exit", "0") > 0);
		end(0);
	}
	check_exit(pid, 0);
}

/* A signal does not start it; it finds the program when somebody does. */
void test_process_create_signal(void)
{
	pid_t pid = create("exit", "0");

	CHECK(pid > 0);
	CHECK_EQUAL(_kern_kill(pid, SIGTERM), 0);
	sleep_us(3000);
	CHECK_EQUAL(_kern_wait(pid, NULL, WAIT_NO_HANG), 0);
	CHECK_EQUAL(_kern_process_start(pid), 0);
	check_killed(pid, SIGTERM);
}

void test_process_delete_errors(void)
{
	pid_t parent = _kern_getppid();
	pid_t self = _kern_getpid();
	volatile pid_t *grandchild = check_map(PAGE, SHARED);
	pid_t pid;

	CHECK_EQUAL(_kern_process_delete(0), -ESRCH);
	CHECK_EQUAL(_kern_process_delete(-1), -ESRCH);
	CHECK_EQUAL(_kern_process_delete(0x7fffffff), -ESRCH);
	CHECK_EQUAL(_kern_process_delete(parent), -EPERM);
	pid = check_fork();
	if (pid == 0) {
		CHECK_EQUAL(_kern_process_delete(self), -EPERM);
		pid = check_fork();
		if (pid == 0)
			for (;;)
				_kern_yield();
		*grandchild = pid;
		check_killed(pid, SIGKILL);
		/* Itself: there is no way back. */
		_kern_process_delete(_kern_getpid());
		end(1);
	}
	while (*grandchild == 0)
		_kern_yield();
	CHECK_EQUAL(_kern_process_delete(*grandchild), 0);
	check_killed(pid, SIGKILL);
}

void test_process_status_lists(void)
{
	volatile uint32_t *gate = check_map(PAGE, SHARED);
	struct process_status status, entries[2];
	time_us_t before = _kern_system_time();
	ssize_t count = process_count();
	pid_t pid = check_fork();

	if (pid == 0) {
		while (*gate == 0)
			;
		end(0);
	}
	CHECK_EQUAL(process_count(), count + 1);
	CHECK_SOON(status_of(pid).cpu_time >= 10000);
	status = status_of(pid);
	CHECK_EQUAL(status.parent, _kern_getpid());
	CHECK_EQUAL(status.threads, 1);
	CHECK(status.pages > 0 && status.pages < 1000);
	CHECK(status.started >= before && status.started <= _kern_system_time());
	CHECK(status.cpu_time <= _kern_system_time() - before + 2000);
	CHECK(strcmp(status.name, gSelf) == 0);
	status = status_of(_kern_getpid());
	CHECK_EQUAL(status.parent, _kern_getppid());

	/* Fewer entries than there are: the rest of memory is left alone. */
	memset(entries, 0x5a, sizeof entries);
	CHECK_EQUAL(_kern_process_status(entries, 1), count + 1);
	CHECK(entries[0].pid != 0x5a5a5a5a && entries[1].pid == 0x5a5a5a5a);
	CHECK_EQUAL(_kern_process_status((void *)0xbffff000, 1000000), -EFAULT);
	CHECK_EQUAL(_kern_process_status((void *)16, 1), -EFAULT);
	*gate = 1;
	check_exit(pid, 0);
	CHECK_EQUAL(process_count(), count);
}

/* What children have used is their parent's to tell once it has waited for them, and so
 * on upwards. */
void test_process_status_of_children(void)
{
	struct process_status status, before;
	pid_t pid = check_fork();

	if (pid == 0) {
		pid_t grandchild = check_fork();

		if (grandchild == 0) {
			for (int i = 0; i < 1000; i++)
				_kern_getpid();
			while (status_of(_kern_getpid()).cpu_time < 5000)
				;
			end(0);
		}
		CHECK_EQUAL(status_of(_kern_getpid()).children_calls, 0);
		check_exit(grandchild, 0);
		status = status_of(_kern_getpid());
		CHECK(status.children_time >= 5000 && status.children_calls > 1000);
		end(0);
	}
	check_exit(pid, 0);
	before = status_of(_kern_getpid());
	CHECK(before.children_time >= 5000 && before.children_calls > 1002);
	/* One of whom nobody wants to know is not counted (POSIX, times()). */
	CHECK_EQUAL(
		_kern_sigaction(SIGCHLD, &(struct signal_action){.handler = SIG_IGN}, NULL), 0);
	if (check_fork() == 0)
		end(0);
	CHECK_EQUAL(_kern_wait(-1, NULL, 0), -ECHILD);
	CHECK_EQUAL(status_of(_kern_getpid()).children_calls, before.children_calls);
}

#define COUNTED 500u

static void call_and_end(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < COUNTED; i++)
		_kern_echo(i);
	_kern_exit_thread(0);
}

/* Every call counts, by both ways in, of threads that have ended, too. */
void test_process_status_calls(void)
{
	volatile uint32_t *gates = check_map(PAGE, SHARED);
	uint64_t before, after;
	uint32_t result;
	pid_t pid;

	before = status_of(_kern_getpid()).calls;
	for (uint32_t i = 0; i < COUNTED; i++)
		_kern_echo(i);
	after = status_of(_kern_getpid()).calls;
	CHECK(after >= before + COUNTED && after <= before + COUNTED + 10);
	for (uint32_t i = 0; i < COUNTED; i++)
		__asm__ volatile("push %2\n\tpush $0\n\tint $99\n\tadd $8, %%esp"
						 : "=a"(result)
						 : "0"(SYS_echo), "r"(i)
						 : "ecx", "edx", "cc", "memory");
	before = after;
	after = status_of(_kern_getpid()).calls;
	CHECK(after >= before + COUNTED && after <= before + COUNTED + 10);
	check_join(spawn(call_and_end, NULL), 0);
	before = after;
	after = status_of(_kern_getpid()).calls;
	CHECK(after >= before + COUNTED && after <= before + COUNTED + 20);
	/* A child begins at none, and another process sees what it has made by then. */
	pid = check_fork();
	if (pid == 0) {
		CHECK(status_of(_kern_getpid()).calls < 10);
		for (uint32_t i = 0; i < COUNTED; i++)
			_kern_echo(i);
		gates[0] = 1;
		while (gates[1] == 0)
			; /* in no call */
		end(0);
	}
	while (gates[0] == 0)
		_kern_yield();
	after = status_of(pid).calls;
	CHECK(after >= COUNTED && after <= COUNTED + 20);
	sleep_us(5000);
	CHECK(status_of(pid).calls == after);
	gates[1] = 1;
	check_exit(pid, 0);
}

void test_process_names(void)
{
	const char *arguments[] = {gSelf, "--part", "exit", "with space", NULL};
	char expected[100], buffer[100];
	int length =
		format_string(expected, sizeof expected, "%s --part exit with space", gSelf);
	pid_t pid = _kern_process_create(gSelf, arguments, NULL);

	CHECK(pid > 0);
	CHECK_EQUAL(_kern_process_get_name(pid, buffer, sizeof buffer), length);
	CHECK(strcmp(buffer, expected) == 0);
	memset(buffer, 'x', sizeof buffer);
	CHECK_EQUAL(_kern_process_get_name(pid, buffer, 5), length);
	CHECK(memcmp(buffer, expected, 4) == 0 && buffer[4] == '\0' && buffer[5] == 'x');
	CHECK_EQUAL(_kern_process_get_name(pid, buffer, 1), length);
	CHECK_EQUAL(buffer[0], '\0');
	CHECK_EQUAL(_kern_process_get_name(pid, buffer, 0), -EINVAL);
	CHECK_EQUAL(_kern_process_get_name(pid, (char *)0xc0000000, 10), -EFAULT);
	CHECK_EQUAL(_kern_process_get_name(pid, (char *)16, 10), -EFAULT);
	CHECK_EQUAL(_kern_process_get_name(0x7fffffff, buffer, 10), -ESRCH);
	CHECK_EQUAL(_kern_process_delete(pid), 0);
	check_killed(pid, SIGKILL);
}

/* ---- Killing ---------------------------------------------------------------------- */

static uint32_t sNever;

static void wait_forever(void *unused)
{
	(void)unused;
	_kern_futex_wait(ADDRESS(&sNever), 0, -1);
	check_failed(__FILE__, __LINE__, "went on after a futex_wait that nobody ends");
}

static void block_in(int how)
{
	pid_t pid;

	switch (how) {
	case 0:
		_kern_futex_wait(ADDRESS(&sNever), 0, -1);
		break;
	case 1:
		_kern_futex_wait(ADDRESS(&sNever), 0, _kern_system_time() + 3600 * SECOND);
		break;
	case 2:
		_kern_snooze(3600 * SECOND, 0);
		break;
	case 3:
		_kern_snooze(INT64_MAX, SNOOZE_ABSOLUTE);
		break;
	case 4:
		_kern_join_thread(spawn(wait_forever, NULL), NULL);
		break;
	case 5:
		pid = check_fork();
		if (pid == 0) {
			sleep_us(50000);
			end(0);
		}
		_kern_wait(-1, NULL, 0);
		break;
	}
	check_failed(__FILE__, __LINE__, "went on after call %d", how);
}

void test_kill_blocked(void)
{
	int how, after;

	for (how = 0; how < 6; how++) {
		for (after = 0; after < 2; after++) {
			pid_t pid = check_fork();

			if (pid == 0)
				block_in(how);
			sleep_us(after * 5000);
			CHECK_EQUAL(_kern_process_delete(pid), 0);
			check_killed(pid, SIGKILL);
		}
	}
}

static void spin(void *unused)
{
	(void)unused;
	for (;;)
		;
}

void test_kill_running(void)
{
	int threads, i;

	for (threads = 0; threads < 4; threads++) {
		pid_t pid = check_fork();

		if (pid == 0) {
			for (i = 0; i < threads; i++)
				spawn(i == 1 ? wait_forever : spin, NULL);
			spin(NULL);
		}
		sleep_us(25000);
		CHECK_EQUAL(_kern_process_delete(pid), 0);
		check_killed(pid, SIGKILL);
	}
}

/* A killed process does not run on, not even up to the next tick. */
void test_kill_runs_no_more(void)
{
	volatile uint32_t *shared = check_map(PAGE, SHARED);
	int how, i;

	for (how = 0; how < 3; how++) {
		for (i = 0; i < 10; i++) {
			pid_t pid;

			shared[0] = shared[1] = 0;
			pid = check_fork();
			if (pid == 0) {
				shared[0] = 1;
				if (how == 0)
					_kern_futex_wait(ADDRESS(&shared[2]), 0, -1);
				else if (how == 1)
					_kern_snooze(SECOND, 0);
				else
					for (;;) {
						_kern_yield();
						shared[1] = 1;
					}
				for (;;)
					shared[1] = 1;
			}
			while (shared[0] == 0)
				_kern_yield();
			_kern_yield();
			shared[1] = 0;
			CHECK_EQUAL(_kern_process_delete(pid), 0);
			check_killed(pid, SIGKILL);
			if (how == 2 && gLoose) {
				/* It may have run while it was killed, but not behind that. */
				shared[1] = 0;
				sleep_us(1000);
			}
			CHECK_EQUAL(shared[1], 0);
		}
	}
}

void test_kill_many(void)
{
	pid_t pids[30];
	int i;

	for (i = 0; i < 30; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			if (i % 3 == 0)
				spin(NULL);
			if (i % 3 == 1)
				for (;;)
					_kern_yield();
			block_in(i % 6 == 5 ? 4 : 2);
		}
	}
	sleep_us(10000);
	for (i = 29; i >= 0; i--)
		CHECK_EQUAL(_kern_process_delete(pids[i]), 0);
	for (i = 0; i < 30; i++)
		check_killed(pids[i], SIGKILL);
}

/* ---- What a handler's return gives back ------------------------------------------- */

static void do_nothing(
	int signal, struct signal_info *info, struct signal_context *context)
{
	(void)signal;
	(void)info;
	(void)context;
}

static uint32_t flags(void)
{
	uint32_t value;

	__asm__ volatile("pushf\n\tpop %0" : "=r"(value));
	return value & ~0x8d5u; /* CF PF AF ZF SF OF: whatever came last */
}

void test_signal_keeps_flags(void)
{
	const struct signal_action action = {.handler = ADDRESS(do_nothing)};
	uint32_t before = flags();

	CHECK_EQUAL(_kern_sigaction(SIGTERM, &action, NULL), 0);
	CHECK_EQUAL(_kern_kill(_kern_getpid(), SIGTERM), 0);
	CHECK_EQUAL(flags(), before);
}

static volatile uint32_t sSelector;

static void change_selectors(
	int signal, struct signal_info *info, struct signal_context *context)
{
	(void)signal;
	(void)info;
	context->gs = context->fs = (uint16_t)sSelector;
}

static void return_with(uintptr_t selector)
{
	const struct signal_action action = {.handler = ADDRESS(change_selectors)};

	sSelector = selector;
	CHECK_EQUAL(_kern_sigaction(SIGTERM, &action, NULL), 0);
	CHECK_EQUAL(_kern_kill(_kern_getpid(), SIGTERM), 0);
	end(5);
}

/* Those that ring 3 may load, and no others; 0x43 before anybody has set it. */
void test_signal_selectors(void)
{
	for (uint32_t selector = 0; selector < 0x100; selector++) {
		pid_t pid = check_fork();
		int status;

		if (pid == 0)
			return_with(selector);
		CHECK_EQUAL(_kern_wait(pid, &status, 0), pid);
		if (status != 5 << 8 && WAIT_EXITED(status))
			check_failed(__FILE__, __LINE__, "selector 0x%x: status 0x%x", selector,
				(unsigned)status);
	}
}
