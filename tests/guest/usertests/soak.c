/*
 * Mixed load for a time: processes and threads that do a bit of everything at
 * random and check what they can. The runner looks at memory behind it.
 */
#include "usertests.h"

#define WORKERS 8

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
	sleep_us(wait);
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

	CHECK_EQUAL(_kern_snooze(until, SNOOZE_ABSOLUTE), 0);
	CHECK(_kern_system_time() >= until);
}

static void work(uint32_t seed)
{
	static void (*const kWorks[])(void) = {
		do_threads, do_memory, do_fork, do_exec, do_kill, do_break, do_sleep};

	sRandom = seed * 2654435761u + 1;
	while (!sCommon->stop)
		kWorks[draw(sizeof kWorks / sizeof kWorks[0])]();
}

void soak(time_us_t duration)
{
	time_us_t until = _kern_system_time() + duration;
	pid_t pids[WORKERS];
	uint32_t i;

	sCommon = check_map(PAGE, SHARED);
	for (i = 0; i < WORKERS; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0) {
			work(i + 1);
			end(0);
		}
	}
	while (_kern_system_time() < until)
		sleep_us(100000);
	sCommon->stop = 1;
	for (i = 0; i < WORKERS; i++)
		check_exit(pids[i], 0);
	CHECK(sCommon->guarded == sCommon->unguarded && sCommon->guarded > 0);
}
