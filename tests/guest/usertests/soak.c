/*
 * Mixed load for a time: processes that do a bit of everything at random, and
 * check what they can, while signals come. Who does what follows from the seed
 * alone; in which order, from the scheduler. The runner looks at memory behind
 * it. One that has been at the same thing for HANG ends the soak with its name.
 */
#include "usertests.h"

#define WORKERS 8
#define HANG (60 * SECOND)
#define PROGRESS (10 * SECOND)
#define TOKENS 3

static uint32_t sRandom;

static uint32_t draw(uint32_t below)
{
	sRandom ^= sRandom << 13;
	sRandom ^= sRandom >> 17;
	sRandom ^= sRandom << 5;
	return sRandom % below;
}

struct common {
	struct mutex mutex;
	uint32_t guarded, unguarded; /* counted together under the mutex */
	volatile uint32_t stop;
	uint32_t tokens; /* a futex */
	struct worker {
		volatile uint32_t work; /* what it is at */
		volatile uint32_t done; /* how many */
	} workers[WORKERS];
};

static struct common *sCommon;

static void count_thread(void *unused)
{
	(void)unused;
	for (int i = 0; i < 50; i++) {
		mutex_lock(&sCommon->mutex);
		sCommon->guarded++;
		sCommon->unguarded++;
		mutex_unlock(&sCommon->mutex);
	}
	_kern_exit_thread(0);
}

static void do_threads(void)
{
	tid_t threads[6];
	unsigned count = draw(6) + 1, i;

	for (i = 0; i < count; i++)
		threads[i] = _kern_spawn_thread(ADDRESS(count_thread), 0, 0, 0);
	for (i = 0; i < count; i++) {
		if (threads[i] > 0)
			check_join(threads[i], 0);
		else
			CHECK(threads[i] == -EAGAIN || threads[i] == -ENOMEM);
	}
}

static void do_memory(void)
{
	uint32_t pages = draw(60) + 1;
	uint32_t base = _kern_map(
		0, pages * PAGE, PROT_READ | PROT_WRITE, draw(2) ? MAP_PRIVATE : MAP_SHARED);
	uint32_t i;

	if (base >= KERNEL_BASE) {
		CHECK_EQUAL((int32_t)base, -ENOMEM);
		return;
	}
	for (i = 0; i < pages; i++)
		*(volatile uint32_t *)(uintptr_t)(base + i * PAGE) = i;
	_kern_protect(base + draw(pages) * PAGE, PAGE, PROT_READ, 0);
	for (i = 0; i < pages; i++)
		CHECK_EQUAL(*(volatile uint32_t *)(uintptr_t)(base + i * PAGE), i);
	CHECK_EQUAL(_kern_unmap(base + draw(pages) * PAGE, PAGE), 0);
	CHECK_EQUAL(_kern_unmap(base, pages * PAGE), 0);
}

static void do_fork(void)
{
	volatile uint32_t value = draw(1000);
	uint32_t before = value;
	pid_t pid = _kern_fork();

	if (pid == 0) {
		value++;
		if (before % 4 == 0)
			do_threads();
		CHECK_EQUAL(value, before + 1);
		end((int)(before % 100));
	}
	if (pid < 0) {
		CHECK(pid == -EAGAIN || pid == -ENOMEM);
		return;
	}
	check_exit(pid, (int)(before % 100));
	CHECK_EQUAL(value, before);
}

static void do_exec(void)
{
	const char *arguments[] = {gSelf, "--part", "exit", "12", NULL};
	pid_t pid = _kern_process_create(gSelf, arguments, NULL);

	if (pid < 0) {
		CHECK(pid == -EAGAIN || pid == -ENOMEM);
		return;
	}
	CHECK_EQUAL(_kern_process_start(pid), 0);
	check_exit(pid, 12);
}

static void be_killed(void *how)
{
	static uint32_t sNever;

	for (;;) {
		switch ((uintptr_t)how % 3) {
		case 0:
			_kern_futex_wait(ADDRESS(&sNever), 0, -1);
			break;
		case 1:
			_kern_yield();
			break;
		default:
			break;
		}
	}
}

/* A signal may end it early. */
static void pause_for(time_us_t time)
{
	int error = _kern_snooze(time, 0);

	CHECK(error == 0 || error == -EINTR);
}

static void do_kill(void)
{
	uint32_t wait = draw(4000), how = draw(3);
	pid_t pid = _kern_fork();

	if (pid == 0) {
		_kern_spawn_thread(ADDRESS(be_killed), how, 0, 0);
		_kern_spawn_thread(ADDRESS(be_killed), how + 1, 0, 0);
		be_killed((void *)(uintptr_t)(how + 2));
	}
	if (pid < 0)
		return;
	pause_for(wait);
	CHECK_EQUAL(_kern_process_delete(pid), 0);
	check_killed(pid, SIGKILL);
}

static void do_break(void)
{
	uint32_t start = _kern_brk(0);
	uint32_t end_now = _kern_brk(start + draw(40) * PAGE);

	for (uint32_t address = start; address < end_now; address += PAGE)
		*(volatile uint32_t *)(uintptr_t)address = address;
	for (uint32_t address = start; address < end_now; address += PAGE)
		CHECK_EQUAL(*(volatile uint32_t *)(uintptr_t)address, address);
	CHECK_EQUAL(_kern_brk(start), start);
}

static void do_sleep(void)
{
	time_us_t until = _kern_system_time() + draw(3000);
	int error = _kern_snooze(until, SNOOZE_ABSOLUTE);

	CHECK(error == -EINTR || (error == 0 && _kern_system_time() >= until));
}

/* One of a few tokens that all workers share. */
static void do_tokens(void)
{
	time_us_t deadline = _kern_system_time() + HANG / 2;
	uint32_t have;

	for (;;) {
		have = __atomic_load_n(&sCommon->tokens, __ATOMIC_SEQ_CST);
		if (have > 0) {
			if (__atomic_compare_exchange_n(&sCommon->tokens, &have, have - 1, false,
					__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
				break;
		} else {
			int error = _kern_futex_wait(ADDRESS(&sCommon->tokens), 0, deadline);

			CHECK(error == 0 || error == -EAGAIN);
		}
	}
	CHECK(have <= TOKENS);
	if (draw(2))
		pause_for(draw(500));
	__atomic_add_fetch(&sCommon->tokens, 1, __ATOMIC_SEQ_CST);
	CHECK(_kern_futex_wake(ADDRESS(&sCommon->tokens), 1) <= 1);
}

/* A child that is stopped, goes on and is killed: each is told. */
static void do_stop(void)
{
	uint32_t how = draw(3);
	int status;
	pid_t pid = _kern_fork();

	if (pid == 0)
		be_killed((void *)(uintptr_t)how);
	if (pid < 0)
		return;
	if (draw(2))
		pause_for(draw(1000));
	CHECK_EQUAL(_kern_kill(pid, SIGSTOP), 0);
	CHECK_EQUAL(_kern_wait(pid, &status, WAIT_STOPPED), pid);
	CHECK_EQUAL(status, WAIT_STATUS_STOPPED(SIGSTOP));
	if (draw(2)) {
		CHECK_EQUAL(_kern_kill(pid, SIGCONT), 0);
		CHECK_EQUAL(_kern_wait(pid, &status, WAIT_CONTINUED), pid);
		CHECK_EQUAL(status, WAIT_STATUS_CONTINUED);
	}
	CHECK_EQUAL(_kern_kill(pid, SIGKILL), 0);
	check_killed(pid, SIGKILL);
}

/* The parent of this worker's is not the only one that signals it. */
static void do_storm(void)
{
	pid_t parent = _kern_getpid();
	pid_t pid = _kern_fork();

	if (pid == 0) {
		for (int i = 0; i < 30; i++) {
			CHECK_EQUAL(_kern_kill(parent, SIGUSR1), 0);
			_kern_yield();
		}
		end(14);
	}
	if (pid < 0)
		return;
	for (uint32_t i = 0; i < 50; i++)
		CHECK_EQUAL(_kern_echo(i), i);
	check_exit(pid, 14);
}

static void do_exec_with_threads(void)
{
	const char *arguments[] = {gSelf, "--part", "exit", "13", NULL};
	uint32_t time = draw(1500);
	pid_t pid = _kern_fork();
	int status;

	if (pid == 0) {
		for (uint32_t i = 0; i < 3; i++)
			_kern_spawn_thread(ADDRESS(be_killed), i, 0, 0);
		pause_for(time);
		end(-_kern_exec(gSelf, arguments, NULL));
	}
	if (pid < 0)
		return;
	CHECK_EQUAL(_kern_wait(pid, &status, 0), pid);
	CHECK(status == 13 << 8 || status == ENOMEM << 8);
}

#define SHARE_ROUNDS 300u

static void do_share(void)
{
	uint32_t address = _kern_map(0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	volatile uint32_t *sum = (volatile uint32_t *)(uintptr_t)address;
	uint32_t made = 0;
	pid_t pids[2];

	if (address >= KERNEL_BASE)
		return;
	for (uint32_t i = 0; i < 2; i++) {
		pids[i] = _kern_fork();
		if (pids[i] == 0) {
			for (uint32_t k = 0; k < SHARE_ROUNDS; k++)
				__atomic_add_fetch(sum, 1, __ATOMIC_SEQ_CST);
			end(15);
		}
		made += pids[i] > 0;
	}
	for (uint32_t i = 0; i < 2; i++) {
		if (pids[i] > 0)
			check_exit(pids[i], 15);
	}
	CHECK_EQUAL(*sum, made * SHARE_ROUNDS);
	CHECK_EQUAL(_kern_unmap(address, PAGE), 0);
}

static volatile uint32_t sWritten[PAGE / 4] __attribute__((aligned(4096)));
static volatile uint32_t sStopWriting;

static void write_on(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; sStopWriting == 0; i++) {
		uint32_t *word = (uint32_t *)(uintptr_t)&sWritten[i % (PAGE / 4)];

		*(volatile uint32_t *)word = i;
		CHECK_EQUAL(*(volatile uint32_t *)word, i);
		if (i % 4096 == 0)
			_kern_yield();
	}
	_kern_exit_thread(0);
}

/* fork while another thread writes: what the child has does not change. */
static void do_fork_under_writer(void)
{
	tid_t thread;
	pid_t pid;

	sStopWriting = 0;
	thread = _kern_spawn_thread(ADDRESS(write_on), 0, 0, 0);
	pid = _kern_fork();
	if (pid == 0) {
		uint32_t before = 0, behind = 0, i;

		for (i = 0; i < PAGE / 4; i++)
			before = before * 31 + sWritten[i];
		_kern_yield();
		for (i = 0; i < PAGE / 4; i++)
			behind = behind * 31 + sWritten[i];
		CHECK_EQUAL(behind, before);
		for (i = 0; i < PAGE / 4; i++)
			sWritten[i] = 0xc0ffee; /* the thread would find it */
		end(16);
	}
	if (pid > 0)
		check_exit(pid, 16);
	sStopWriting = 1;
	if (thread > 0)
		check_join(thread, 0);
}

static void do_fpu(void)
{
	for (int i = 0; i < 5; i++) {
		int value = (int)draw(100000), found;

		__asm__ volatile("fildl %0" : : "m"(value));
		if (i % 2 == 0)
			_kern_yield();
		else
			pause_for(100);
		__asm__ volatile("fistpl %0" : "=m"(found));
		CHECK_EQUAL(found, value);
	}
}

static void do_status(void)
{
	static struct process_status sEntries[200];
	ssize_t count = _kern_process_status(sEntries, 200);
	bool found = false;

	CHECK(count > 0 && count <= 200);
	for (ssize_t i = 0; i < count; i++) {
		CHECK(sEntries[i].pid > 0 && sEntries[i].state <= PROCESS_STOPPED);
		found |= sEntries[i].pid == _kern_getpid();
	}
	CHECK(found);
}

static const struct {
	void (*work)(void);
	const char *name;
} kWorks[] = {{do_threads, "threads"}, {do_memory, "memory"}, {do_fork, "fork"},
	{do_exec, "exec"}, {do_kill, "kill"}, {do_break, "brk"}, {do_sleep, "sleep"},
	{do_tokens, "tokens"}, {do_stop, "stop"}, {do_storm, "storm"},
	{do_exec_with_threads, "exec with threads"}, {do_share, "share"},
	{do_fork_under_writer, "fork under a writer"}, {do_fpu, "fpu"},
	{do_status, "status"}};
#define WORK_COUNT (sizeof kWorks / sizeof kWorks[0])

static void work(uint32_t seed, struct worker *worker)
{
	sRandom = seed * 2654435761u | 1; /* xorshift stays at 0 */
	while (!sCommon->stop) {
		worker->work = draw(WORK_COUNT);
		kWorks[worker->work].work();
		worker->done++;
	}
}

static void ignore_signal(
	int signal, struct signal_info *info, struct signal_context *context)
{
	(void)signal;
	(void)info;
	(void)context;
}

struct watch {
	pid_t pids[WORKERS];
	uint32_t done[WORKERS];
	time_us_t since[WORKERS]; /* system time of the last change of `done` */
};

/* Whom nothing has been heard of for too long ends all. */
static void check_alive(struct watch *watch)
{
	time_us_t now = _kern_system_time();

	for (uint32_t i = 0; i < WORKERS; i++) {
		const struct worker *worker = &sCommon->workers[i];

		if (watch->pids[i] == 0)
			continue;
		if (worker->done != watch->done[i]) {
			watch->done[i] = worker->done;
			watch->since[i] = now;
		} else if (now - watch->since[i] > HANG) {
			uint32_t hung = worker->work;

			for (uint32_t k = 0; k < WORKERS; k++) {
				if (watch->pids[k] != 0)
					_kern_process_delete(watch->pids[k]);
			}
			check_failed(__FILE__, __LINE__, "worker %u (%d) hangs in: %s", (unsigned)i,
				watch->pids[i], kWorks[hung].name);
		}
	}
}

static unsigned seconds(time_us_t time)
{
	return (unsigned)(time / SECOND);
}

static void tell_progress(time_us_t time)
{
	uint32_t done = 0;

	for (uint32_t i = 0; i < WORKERS; i++)
		done += sCommon->workers[i].done;
	print("  %u s: %u done, %u pages free, %d processes\n", seconds(time), (unsigned)done,
		(unsigned)free_pages(), (int)process_count());
}

void soak(time_us_t duration, uint32_t seed)
{
	const struct signal_action action = {ADDRESS(ignore_signal), 0, SA_RESTART};
	time_us_t start = _kern_system_time();
	time_us_t told = start;
	struct watch watch;
	uint32_t i, left = WORKERS;

	print("  seed 0x%x, %u s, %d workers\n", (unsigned)seed, seconds(duration), WORKERS);
	sCommon = check_map(PAGE, SHARED);
	sCommon->tokens = TOKENS;
	CHECK_EQUAL(_kern_sigaction(SIGUSR1, &action, NULL), 0);
	for (i = 0; i < WORKERS; i++) {
		watch.done[i] = 0;
		watch.since[i] = start;
		watch.pids[i] = check_fork();
		if (watch.pids[i] == 0) {
			work(seed * WORKERS + i, &sCommon->workers[i]);
			end(0);
		}
	}
	sRandom = seed | 1;
	while (left > 0) {
		time_us_t now = _kern_system_time();
		int status;
		pid_t pid;

		if (now - start >= duration)
			sCommon->stop = 1;
		if (now - told >= PROGRESS) {
			told = now;
			tell_progress(now - start);
		}
		check_alive(&watch);
		for (i = 0; i < WORKERS && !sCommon->stop; i++) {
			if (draw(4) == 0)
				CHECK_EQUAL(_kern_kill(watch.pids[i], SIGUSR1), 0);
		}
		pid = _kern_wait(-1, &status, WAIT_NO_HANG);
		if (pid > 0) {
			for (i = 0; watch.pids[i] != pid; i++)
				CHECK(i < WORKERS);
			watch.pids[i] = 0;
			left--;
			/* A worker that has found something wrong has said so itself. */
			if (status != 0 || !sCommon->stop) {
				sCommon->stop = 1;
				check_failed(__FILE__, __LINE__, "worker %u (%d) ended with status 0x%x",
					(unsigned)i, pid, (unsigned)status);
			}
		} else {
			pause_for(draw(20000));
		}
	}
	tell_progress(_kern_system_time() - start);
	CHECK(sCommon->guarded == sCommon->unguarded && sCommon->guarded > 0);
	CHECK_EQUAL(sCommon->tokens, TOKENS);
}
