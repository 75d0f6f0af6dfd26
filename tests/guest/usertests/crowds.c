/*
 * Many at once: threads and processes that are made, wait, are told, exec, are
 * killed and end at the same moment. On one processor the time slices make the
 * moments, on several they are real; the tests are the same, with exact totals.
 */
#include "usertests.h"

static void add(volatile uint32_t *to, uint32_t value)
{
	__atomic_add_fetch(to, value, __ATOMIC_SEQ_CST);
}

/* ---- One futex ---------------------------------------------------------------- */

#define HAMMERS 4
#define HAMMER_ROUNDS 1500u

struct hammer {
	uint32_t tokens; /* the futex */
	volatile uint32_t slept, woken, taken, inside;
};

/*
 * Takes a token and gives it back, with two for four. Each wake-up that
 * futex_wake() has counted must be one that futex_wait() has returned 0 for,
 * also where the time runs out at that moment.
 */
static void hammer(struct hammer *hammer, uint32_t seed)
{
	for (uint32_t i = 0; i < HAMMER_ROUNDS; i++) {
		uint32_t have = __atomic_load_n(&hammer->tokens, __ATOMIC_SEQ_CST);

		for (;;) {
			int error;

			if (have > 0) {
				if (__atomic_compare_exchange_n(&hammer->tokens, &have, have - 1, false,
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
					break;
				continue;
			}
			error = _kern_futex_wait(ADDRESS(&hammer->tokens), 0,
				next_random(&seed) % 2 == 0
					? _kern_system_time() + next_random(&seed) % 3000
					: _kern_system_time() + PATIENCE);
			if (error == 0)
				add(&hammer->slept, 1);
			else
				CHECK(error == -EAGAIN || error == -ETIMEDOUT);
			have = __atomic_load_n(&hammer->tokens, __ATOMIC_SEQ_CST);
		}
		CHECK(__atomic_add_fetch(&hammer->inside, 1, __ATOMIC_SEQ_CST) <= 2);
		add(&hammer->taken, 1);
		/* Long enough for others to stand in line, and for their time to run out. */
		if (next_random(&seed) % 2 == 0)
			_kern_yield();
		if (next_random(&seed) % 32 == 0)
			_kern_snooze(1000, 0);
		__atomic_sub_fetch(&hammer->inside, 1, __ATOMIC_SEQ_CST);
		add(&hammer->tokens, 1);
		have = (uint32_t)_kern_futex_wake(ADDRESS(&hammer->tokens), 1);
		CHECK(have <= 1);
		add(&hammer->woken, have);
	}
}

static void hammer_thread(void *context)
{
	hammer(context, (uint32_t)_kern_thread_id());
	_kern_exit_thread(0);
}

static void check_hammered(const struct hammer *hammer, uint32_t hammers)
{
	CHECK_EQUAL(hammer->taken, hammers * HAMMER_ROUNDS);
	CHECK_EQUAL(hammer->tokens, 2);
	CHECK_EQUAL(hammer->inside, 0);
	CHECK(hammer->slept > 0);
	CHECK_EQUAL(hammer->slept, hammer->woken);
}

void test_futex_hammer(void)
{
	struct hammer *shared = check_map(PAGE, SHARED);
	tid_t threads[HAMMERS];
	pid_t pids[2];
	int i;

	shared->tokens = 2;
	for (i = 0; i < HAMMERS; i++)
		threads[i] = spawn(hammer_thread, shared);
	for (i = 0; i < HAMMERS; i++)
		check_join(threads[i], 0);
	check_hammered(shared, HAMMERS);

	/* The same by two threads each of two processes. */
	memset(shared, 0, sizeof *shared);
	shared->tokens = 2;
	for (i = 0; i < 2; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			threads[0] = spawn(hammer_thread, shared);
			hammer(shared, (uint32_t)i);
			check_join(threads[0], 0);
			end(0);
		}
	}
	for (i = 0; i < 2; i++)
		check_exit(pids[i], 0);
	check_hammered(shared, 4);
}

#define LOCK_ROUNDS 10000u

static struct {
	struct mutex mutex;
	volatile uint32_t low, high; /* one number in two words */
	uint32_t turns;
	struct condition changed;
	struct semaphore semaphore;
} sLocked;

static void count_tightly(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < LOCK_ROUNDS; i++) {
		mutex_lock(&sLocked.mutex);
		CHECK_EQUAL(sLocked.low + sLocked.high, 0);
		sLocked.low++;
		sLocked.high--;
		mutex_unlock(&sLocked.mutex);
	}
	_kern_exit_thread(0);
}

/* Each waits for its turn: one signal too few and all stand still. */
static void take_turns(void *context)
{
	uint32_t own = (uint32_t)(uintptr_t)context;

	for (uint32_t i = 0; i < 300; i++) {
		mutex_lock(&sLocked.mutex);
		while (sLocked.turns % HAMMERS != own)
			CHECK_EQUAL(condition_wait(&sLocked.changed, &sLocked.mutex,
							_kern_system_time() + PATIENCE),
				0);
		sLocked.turns++;
		condition_broadcast(&sLocked.changed);
		mutex_unlock(&sLocked.mutex);
	}
	_kern_exit_thread(0);
}

static void post_and_take(void *context)
{
	for (uint32_t i = 0; i < 3000; i++) {
		if ((uintptr_t)context % 2 == 0)
			semaphore_post(&sLocked.semaphore);
		else
			CHECK_EQUAL(
				semaphore_wait(&sLocked.semaphore, _kern_system_time() + PATIENCE), 0);
	}
	_kern_exit_thread(0);
}

void test_locks_hammered(void)
{
	static void (*const kEntries[])(void *) = {count_tightly, take_turns, post_and_take};
	tid_t threads[HAMMERS];
	uintptr_t i, kind;

	for (kind = 0; kind < 3; kind++) {
		for (i = 0; i < HAMMERS; i++)
			threads[i] = spawn(kEntries[kind], (void *)i);
		for (i = 0; i < HAMMERS; i++)
			check_join(threads[i], 0);
	}
	CHECK_EQUAL(sLocked.low, HAMMERS * LOCK_ROUNDS);
	CHECK_EQUAL(sLocked.turns, HAMMERS * 300);
	CHECK_EQUAL(sLocked.semaphore.value, 0);
}

static void wait_a_moment(void *address)
{
	int error = _kern_futex_wait(ADDRESS(address), 0, _kern_system_time() + 20000);

	CHECK(error == -ETIMEDOUT || error == -EFAULT); /* it may come too late to see it */
	_kern_exit_thread(0);
}

/* Who waits for a word that is taken away waits on, and hurts nobody. */
void test_futex_unmapped(void)
{
	for (int i = 0; i < 6; i++) {
		void *page = check_map(PAGE, i % 2 == 0 ? SHARED : PRIVATE);
		tid_t threads[3];
		int k;

		*(volatile uint32_t *)page = 0;
		for (k = 0; k < 3; k++)
			threads[k] = spawn(wait_a_moment, page);
		sleep_us(3000);
		CHECK_EQUAL(_kern_unmap(ADDRESS(page), PAGE), 0);
		CHECK_EQUAL(_kern_futex_wake(ADDRESS(page), 1), -EFAULT);
		for (k = 0; k < 3; k++)
			check_join(threads[k], 0);
	}
}

/* ---- Threads ---------------------------------------------------------------------- */

static uint32_t sGate;
static volatile uint32_t sReady, sSpawned, sAtLimit;

static void spawn_to_the_limit(void *context)
{
	static tid_t sThreads[4][5000];
	tid_t *threads = sThreads[(uintptr_t)context];
	int count, i;

	/* Where it is memory that ends, there is none for a first touch, either. */
	memset(threads, -1, sizeof sThreads[0]);
	if (__atomic_add_fetch(&sReady, 1, __ATOMIC_SEQ_CST) < 4)
		while (sReady < 4)
			_kern_yield();
	for (count = 0; count < 5000; count++) {
		threads[count] =
			_kern_spawn_thread(ADDRESS(wait_for_gate), ADDRESS(&sGate), 0, 0);
		if (threads[count] < 0)
			break;
	}
	CHECK(count < 5000);
	CHECK(threads[count] == -EAGAIN || threads[count] == -ENOMEM);
	add(&sSpawned, (uint32_t)count);
	/* Not before all stand at the limit, or more would end than are remembered. */
	if (__atomic_add_fetch(&sAtLimit, 1, __ATOMIC_SEQ_CST) == 4)
		open_gate(&sGate);
	while (*(volatile uint32_t *)&sGate == 0)
		_kern_futex_wait(ADDRESS(&sGate), 0, -1);
	for (i = 0; i < count; i++)
		check_join(threads[i], 0);
	_kern_exit_thread(0);
}

/* From several threads at once up to the limit, and back. */
void test_thread_limit_crowd(void)
{
	tid_t threads[4];
	uintptr_t i;

	*(volatile uint32_t *)&sGate = sReady = sSpawned = sAtLimit = 0; /* touched */
	for (i = 0; i < 4; i++)
		threads[i] = spawn(spawn_to_the_limit, (void *)i);
	for (i = 0; i < 4; i++)
		check_join(threads[i], 0);
	CHECK(sSpawned > 400);
	check_join(spawn(end_with, (void *)5), 5);
}

static void spawn_and_join(void *context)
{
	uintptr_t first = (uintptr_t)context;
	tid_t threads[8];

	for (int batch = 0; batch < 60; batch++) {
		for (uintptr_t i = 0; i < 8; i++)
			threads[i] = spawn(end_with, (void *)(first + i));
		for (int i = 7; i >= 0; i--)
			check_join(threads[i], (int)first + i);
	}
	_kern_exit_thread(0);
}

/* Thousands, made and ended everywhere: their stacks are all back. */
void test_thread_stacks_crowd(void)
{
	tid_t threads[4];
	uint32_t before = 0;
	uintptr_t i;

	/* The first round touches what the others use again. */
	for (int round = 0; round < 3; round++) {
		for (i = 0; i < 4; i++)
			threads[i] = spawn(spawn_and_join, (void *)(i * 1000));
		for (i = 0; i < 4; i++)
			check_join(threads[i], 0);
		sleep_us(5000);
		if (round == 0)
			before = free_pages();
	}
	check_pages_back(before, 40);
}

static volatile uint32_t sJoined;

static void join_soon(void *thread)
{
	int value = -1;
	int error = _kern_join_thread((tid_t)(uintptr_t)thread, &value);

	if (error == 0) {
		CHECK_EQUAL(value, 9);
		add(&sJoined, 1);
	} else {
		CHECK_EQUAL(error, -ESRCH);
	}
	_kern_exit_thread(0);
}

static void end_some_time(void *turns)
{
	for (volatile uint32_t i = 0; i < (uint32_t)(uintptr_t)turns; i++)
		;
	_kern_exit_thread(9);
}

/* Several join one that is just ending: one of them gets it. */
void test_join_crowd(void)
{
	for (uint32_t i = 0; i < 100; i++) {
		tid_t thread = spawn(end_some_time, (void *)(uintptr_t)(i % 20 * 500));
		tid_t joiners[3];
		int k;

		for (k = 0; k < 3; k++)
			joiners[k] = spawn(join_soon, (void *)(uintptr_t)thread);
		for (k = 0; k < 3; k++)
			check_join(joiners[k], 0);
		CHECK_EQUAL(sJoined, i + 1);
	}
}

/* ---- Children --------------------------------------------------------------------- */

#define CROWD 20

static pid_t sCrowd[CROWD];
static volatile uint32_t sTold[CROWD];

static void wait_for_any(void *unused)
{
	(void)unused;
	for (;;) {
		int status, i;
		pid_t pid = _kern_wait(-1, &status, 0);

		if (pid == -ECHILD)
			_kern_exit_thread(0);
		CHECK(pid > 0);
		for (i = 0; i < CROWD && sCrowd[i] != pid; i++)
			;
		CHECK(i < CROWD);
		CHECK_EQUAL(status, (i + 1) << 8);
		add(&sTold[i], 1);
	}
}

/* All end at once, and three threads wait for any: each child is told once. */
void test_wait_crowd(void)
{
	uint32_t *gate = check_map(PAGE, SHARED);
	uint32_t seed = 1;
	int round, i;

	for (round = 0; round < 6; round++) {
		tid_t threads[3];

		*gate = 0;
		for (i = 0; i < CROWD; i++) {
			sTold[i] = 0;
			sCrowd[i] = check_fork();
			if (sCrowd[i] == 0) {
				while (*(volatile uint32_t *)gate == 0) {
					if (i % 2 == 0)
						_kern_futex_wait(ADDRESS(gate), 0, -1);
					else
						_kern_yield();
				}
				end(i + 1);
			}
		}
		if (round % 3 == 0) {
			for (i = 0; i < 3; i++)
				threads[i] = spawn(wait_for_any, NULL);
			open_gate(gate);
			for (i = 0; i < 3; i++)
				check_join(threads[i], 0);
			for (i = 0; i < CROWD; i++)
				CHECK_EQUAL(sTold[i], 1);
		} else if (round % 3 == 1) {
			/* Each by its number, in an order that is drawn. */
			open_gate(gate);
			for (i = CROWD - 1; i > 0; i--) {
				int other = (int)(next_random(&seed) % (uint32_t)(i + 1));
				pid_t pid = sCrowd[i];

				sCrowd[i] = sCrowd[other];
				sCrowd[other] = pid;
			}
			for (i = 0; i < CROWD; i++)
				CHECK_EQUAL(_kern_wait(sCrowd[i], NULL, 0), sCrowd[i]);
		} else {
			int count = 0;

			open_gate(gate);
			while (count < CROWD) {
				pid_t pid = _kern_wait(-1, NULL, WAIT_NO_HANG);

				CHECK(pid >= 0);
				count += pid > 0;
				if (pid == 0)
					_kern_yield();
			}
		}
		CHECK_EQUAL(_kern_wait(-1, NULL, WAIT_NO_HANG), -ECHILD);
	}
}

/* Parents and their children end at the same moment. */
void test_orphans_crowd(void)
{
	for (int round = 0; round < 20; round++) {
		pid_t pid = check_fork();

		if (pid == 0) {
			uint32_t *gate = check_map(PAGE, SHARED);

			for (int i = 0; i < 5; i++) {
				if (check_fork() == 0) {
					while (*(volatile uint32_t *)gate == 0)
						_kern_yield();
					end(0);
				}
			}
			open_gate(gate);
			for (volatile int i = 0; i < round * 1000; i++)
				;
			end(7);
		}
		check_exit(pid, 7);
	}
}

static void fork_often(void *context)
{
	for (int i = 0; i < 10; i++) {
		pid_t pid = check_fork();

		if (pid == 0) {
			CHECK_EQUAL(_kern_thread_id(), _kern_getpid());
			end((int)(uintptr_t)context * 10 + i);
		}
		check_exit(pid, (int)(uintptr_t)context * 10 + i);
	}
	_kern_exit_thread(0);
}

/* Several threads of one process fork and wait at once. */
void test_fork_crowd(void)
{
	tid_t threads[4];
	uintptr_t i;

	for (i = 0; i < 4; i++)
		threads[i] = spawn(fork_often, (void *)i);
	for (i = 0; i < 4; i++)
		check_join(threads[i], 0);
	CHECK_EQUAL(_kern_wait(-1, NULL, 0), -ECHILD);
}

/* Others come and go: every answer is one that a moment could have had. */
void test_process_status_crowd(void)
{
	static struct process_status sEntries[100];
	volatile uint32_t *stop = check_map(PAGE, SHARED);
	pid_t pids[3];
	int i, k, round;

	for (i = 0; i < 3; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			while (*stop == 0) {
				pid_t pid = check_fork();

				if (pid == 0)
					end(i);
				check_exit(pid, i);
			}
			end(0);
		}
	}
	for (round = 0; round < 150; round++) {
		ssize_t count = _kern_process_status(sEntries, 100);
		bool found = false;
		char name[PROCESS_COMMAND_MAX];

		CHECK(count >= 4 && count <= 100);
		for (i = 0; i < count; i++) {
			const struct process_status *entry = &sEntries[i];

			CHECK(entry->pid > 0 && entry->parent >= 0 && entry->parent != entry->pid);
			CHECK(entry->state <= PROCESS_STOPPED && entry->threads <= 1
				  && entry->pages < 10000);
			CHECK(entry->started <= _kern_system_time() && entry->cpu_time >= 0);
			CHECK(strcmp(entry->name, gSelf) == 0);
			for (k = 0; k < i; k++)
				CHECK(sEntries[k].pid != entry->pid);
			found |= entry->pid == _kern_getpid();
			k = (int)_kern_process_get_name(entry->pid, name, sizeof name);
			CHECK(k == -ESRCH || k > 0);
		}
		CHECK(found);
		if (round % 4 == 0)
			_kern_yield();
	}
	*stop = 1;
	for (i = 0; i < 3; i++)
		check_exit(pids[i], 0);
}

/* ---- Threads in every call, while the process becomes another, or ends ------------ */

static uint32_t sSometimes;

static void sleep_a_little(void *value)
{
	_kern_snooze(300, 0);
	_kern_exit_thread((int)(uintptr_t)value);
}

enum { CALL_KINDS = 9 };

/* One kind of call, again and again; none of them lasts. */
static void be_in_calls(void *how)
{
	for (uint32_t i = 0;; i++) {
		pid_t pid;
		tid_t thread;
		uint32_t page;

		switch ((uintptr_t)how % CALL_KINDS) {
		case 0:
			_kern_futex_wait(ADDRESS(&sSometimes), 0, _kern_system_time() + i % 1500);
			break;
		case 1:
			_kern_snooze(i % 1500, 0);
			break;
		case 2:
			thread = _kern_spawn_thread(ADDRESS(sleep_a_little), 0, 0, 0);
			if (thread > 0)
				_kern_join_thread(thread, NULL);
			break;
		case 3:
			pid = _kern_fork();
			if (pid == 0)
				end(0);
			if (pid > 0)
				_kern_wait(pid, NULL, 0);
			break;
		case 4:
			_kern_yield();
			break;
		case 5:
			page = _kern_map(0, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE);
			if (page < KERNEL_BASE) {
				*(volatile int *)(uintptr_t)(page + PAGE) = 1;
				_kern_protect(page, PAGE, PROT_READ, 0);
				_kern_unmap(page, 3 * PAGE);
			}
			break;
		case 6:
			_kern_futex_wake(ADDRESS(&sSometimes), 1);
			break;
		case 7:
			_kern_echo(i);
			break;
		default:
			break; /* in no call at all */
		}
	}
}

static void be_blocked_or_stopped(void *how)
{
	if ((uintptr_t)how % 5 < 4)
		be_blocked((void *)((uintptr_t)how % 5));
	_kern_kill(_kern_getpid(), SIGSTOP);
	for (;;)
		_kern_yield();
}

static void exec_exit(void *status)
{
	char text[12];
	const char *arguments[] = {gSelf, "--part", "exit", text, NULL};

	format_string(text, sizeof text, "%u", (unsigned)(uintptr_t)status);
	CHECK_EQUAL(_kern_exec(gSelf, arguments, NULL), 0);
}

/* exec while the others are in each kind of call, at moments that differ. */
void test_exec_crowd(void)
{
	for (uintptr_t round = 0; round < 20; round++) {
		pid_t pid = check_fork();

		if (pid == 0) {
			for (uintptr_t i = 0; i < 4; i++)
				spawn(be_in_calls, (void *)(round + i * 2));
			for (uintptr_t i = 0; i < 3; i++)
				spawn(be_blocked, (void *)((round + i) % 4));
			_kern_snooze((time_us_t)(round * 377 % 4000), 0);
			if (round % 4 == 3)
				spawn(exec_exit, (void *)33); /* two at once */
			exec_exit((void *)33);
		}
		check_exit(pid, 33);
	}
}

static void kill_it(void *pid)
{
	int error = _kern_process_delete((pid_t)(uintptr_t)pid);

	CHECK(error == 0 || error == -ESRCH);
	_kern_exit_thread(0);
}

/* Killed, by two at once, while threads are in each kind of call, or stopped. */
void test_kill_crowd(void)
{
	for (uintptr_t round = 0; round < 30; round++) {
		pid_t pid = check_fork();
		tid_t helper;

		if (pid == 0) {
			for (uintptr_t i = 0; i < 3; i++)
				spawn(be_in_calls, (void *)(round + i * 4));
			spawn(be_blocked_or_stopped, (void *)round);
			if (round % 3 == 0)
				be_blocked_or_stopped((void *)(round / 3));
			be_in_calls((void *)(round + 1));
		}
		_kern_snooze((time_us_t)(round * 613 % 5000), 0);
		helper = spawn(kill_it, (void *)(uintptr_t)pid);
		if (round % 2 == 0)
			CHECK_EQUAL(_kern_kill(pid, SIGKILL), 0);
		check_killed(pid, SIGKILL);
		check_join(helper, 0);
	}
}

static void end_as_told(void *how)
{
	while (sGate == 0)
		;
	switch ((uintptr_t)how) {
	case 0:
		end(11);
	case 1:
		__asm__ volatile("ud2");
		break;
	case 2:
		_kern_process_delete(_kern_getpid());
		break;
	default:
		_kern_exit_thread(0);
	}
}

/* The threads of a process end it at the same moment, in different ways. */
void test_end_crowd(void)
{
	for (uintptr_t round = 0; round < 20; round++) {
		pid_t pid = check_fork();
		int status;

		if (pid == 0) {
			/* ud2 only sometimes: each time is a report in the log */
			for (uintptr_t i = round % 8 == 0 ? 1 : 2; i < 5; i++)
				spawn(end_as_told, (void *)i);
			*(volatile uint32_t *)&sGate = 1;
			if (round % 3 == 0)
				_kern_exit_thread(1);
			end(11);
		}
		CHECK_EQUAL(_kern_wait(pid, &status, 0), pid);
		CHECK(status == 11 << 8 || status == SIGILL || status == SIGKILL);
	}
}

/* ---- Signals ---------------------------------------------------------------------- */

static volatile uint32_t sTaken;

static void count_signal(
	int signal, struct signal_info *info, struct signal_context *context)
{
	(void)context;
	CHECK_EQUAL(info->signal, signal);
	add(&sTaken, 1);
}

static void send_many(pid_t target, const volatile uint32_t *stop, uint32_t seed)
{
	static const int kSignals[] = {SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGUSR1};

	while (*stop == 0) {
		CHECK_EQUAL(_kern_kill(target, kSignals[next_random(&seed) % 5]), 0);
		if (next_random(&seed) % 4 == 0)
			_kern_snooze(next_random(&seed) % 1000, 0);
		else
			_kern_yield();
	}
	end(0);
}

static int call_by_int99(uint32_t number, uint32_t argument)
{
	int result;

	__asm__ volatile("push %2\n\tpush $0\n\tint $99\n\tadd $8, %%esp"
					 : "=a"(result)
					 : "0"(number), "r"(argument)
					 : "ecx", "edx", "cc", "memory");
	return result;
}

#define STORM_ROUNDS 120u

/* Calls that wait and calls that do not, each with the result that it must have. */
static void call_in_storm(void *unused)
{
	static uint32_t sZero;
	uint32_t seed = (uint32_t)_kern_thread_id();

	(void)unused;
	for (uint32_t i = 0; i < STORM_ROUNDS; i++) {
		int value = 0;
		uint64_t wide = (uint64_t)seed << 32 | i;
		time_us_t deadline;

		CHECK_EQUAL(_kern_echo(i), i);
		CHECK_EQUAL((uint32_t)call_by_int99(SYS_echo, i), i);
		CHECK(_kern_echo64(wide) == wide);
		CHECK_EQUAL(_kern_join_thread(spawn(end_with, (void *)(uintptr_t)i), &value), 0);
		CHECK_EQUAL(value, i);
		deadline = _kern_system_time() + next_random(&seed) % 1000;
		CHECK_EQUAL(_kern_futex_wait(ADDRESS(&sZero), 0, deadline), -ETIMEDOUT);
		CHECK(_kern_system_time() >= deadline);
		value = _kern_snooze(next_random(&seed) % 500, 0);
		CHECK(value == 0 || value == -EINTR);
		CHECK_EQUAL(_kern_wait(INT32_MAX, NULL, 0), -ECHILD);
	}
	_kern_exit_thread(0);
}

/* Three senders at once, at two threads that are in calls by both ways in. */
void test_signal_storm_crowd(void)
{
	static const int kCaught[] = {SIGUSR1, SIGUSR2};
	const struct signal_action action = {ADDRESS(count_signal), 0, SA_RESTART};
	volatile uint32_t *stop = check_map(PAGE, SHARED);
	pid_t target = _kern_getpid();
	tid_t threads[2];
	pid_t pids[3];
	uint32_t i;

	for (i = 0; i < 2; i++)
		CHECK_EQUAL(_kern_sigaction(kCaught[i], &action, NULL), 0);
	for (i = 0; i < 3; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0)
			send_many(target, stop, i);
	}
	for (i = 0; i < 2; i++)
		threads[i] = spawn(call_in_storm, NULL);
	for (i = 0; i < 2; i++)
		check_join(threads[i], 0);
	*stop = 1;
	for (i = 0; i < 3; i++)
		check_exit(pids[i], 0);
	CHECK(sTaken > (gLoose ? 0 : 20));
}

struct turns {
	uint32_t sent, taken;
	uint32_t is_over;
};

static struct turns *sSignalTurns;

static void take_turn(
	int signal, struct signal_info *info, struct signal_context *context)
{
	(void)signal;
	(void)info;
	(void)context;
	add(&sSignalTurns->taken, 1);
}

static void send_in_turn(pid_t target, struct turns *turns)
{
	time_us_t deadline = _kern_system_time() + SECOND / 3;

	for (uint32_t i = 1; i <= 3000 && _kern_system_time() < deadline; i++) {
		CHECK_EQUAL(_kern_kill(target, SIGUSR1), 0);
		__atomic_store_n(&turns->sent, i, __ATOMIC_SEQ_CST);
		while (__atomic_load_n(&turns->taken, __ATOMIC_SEQ_CST) < i)
			_kern_yield();
	}
	turns->is_over = 1;
	end(0);
}

/*
 * A signal that another processor has sent is taken at the next return to ring 3, at
 * whatever instruction of a call it finds this one. It may be on its way for as long as
 * some calls, but not until the next tick, which is thousands of them away.
 */
void test_signal_between_calls(void)
{
	const struct signal_action action = {ADDRESS(take_turn), 0, 0};
	pid_t self = _kern_getpid();

	for (int by_int99 = 0; by_int99 < 2; by_int99++) {
		struct turns *turns = sSignalTurns = check_map(PAGE, SHARED);
		uint32_t late = 0;
		pid_t pid;

		CHECK_EQUAL(_kern_sigaction(SIGUSR1, &action, NULL), 0);
		pid = check_fork();
		if (pid == 0)
			send_in_turn(self, turns);
		while (__atomic_load_n(&turns->is_over, __ATOMIC_SEQ_CST) == 0) {
			uint32_t sent;

			if (by_int99)
				call_by_int99(SYS_echo, late);
			else
				_kern_echo(late);
			sent = __atomic_load_n(&turns->sent, __ATOMIC_SEQ_CST);
			late = sent > __atomic_load_n(&turns->taken, __ATOMIC_SEQ_CST) ? late + 1 : 0;
			CHECK(late < 200);
		}
		check_exit(pid, 0);
	}
}

/* Who does nothing but yield to others that do the same takes a signal soon. */
void test_signal_yielding(void)
{
	static const int kHow[] = {SIGTERM, SIGSTOP};
	pid_t pids[3];
	int round, i, status;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < 3; i++) {
			pids[i] = check_fork();
			if (pids[i] == 0)
				for (;;)
					_kern_yield();
		}
		_kern_snooze(round * 100, 0);
		for (i = 0; i < 3; i++) {
			time_us_t sent = _kern_system_time();

			CHECK_EQUAL(_kern_kill(pids[i], kHow[round % 2]), 0);
			CHECK_EQUAL(_kern_wait(pids[i], &status, WAIT_STOPPED), pids[i]);
			CHECK(_kern_system_time() - sent < 10 * SECOND);
			if (round % 2 == 0) {
				CHECK_EQUAL(status, SIGTERM);
				continue;
			}
			CHECK_EQUAL(status, WAIT_STATUS_STOPPED(SIGSTOP));
			CHECK_EQUAL(_kern_kill(pids[i], SIGKILL), 0);
			check_killed(pids[i], SIGKILL);
		}
	}
}
