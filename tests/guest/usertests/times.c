/* snooze, yield, preemption, and what tells the time. */
#include "usertests.h"
#include <postern/os.h>

void test_snooze_never_early(void)
{
	static const time_us_t kTimes[] = {
		0, 1, 10, 999, 1000, 1001, 1500, 2000, 7777, 50000, 270000};
	unsigned i;

	for (i = 0; i < sizeof kTimes / sizeof kTimes[0]; i++) {
		time_us_t begin = _kern_system_time();

		CHECK_EQUAL(_kern_snooze(kTimes[i], 0), 0);
		CHECK(_kern_system_time() - begin >= kTimes[i]);
		begin = _kern_system_time();
		CHECK_EQUAL(_kern_snooze(begin + kTimes[i], SNOOZE_ABSOLUTE), 0);
		CHECK(_kern_system_time() >= begin + kTimes[i]);
		/* Late by a few ticks at the most, where nobody else runs; a host may
		 * take the processor away, so this is generous. */
		CHECK(_kern_system_time() - begin < kTimes[i] + PATIENCE);
	}
	CHECK_EQUAL(_kern_snooze(0, SNOOZE_ABSOLUTE), 0);
	CHECK_EQUAL(_kern_snooze(1, SNOOZE_ABSOLUTE), 0);
}

static void snooze_often(void *seed)
{
	uint32_t random = (uint32_t)(uintptr_t)seed;

	for (int i = 0; i < 15; i++) {
		time_us_t end_time;

		random = random * 1664525 + 1013904223;
		end_time = _kern_system_time() + (random >> 16) % 12000;
		CHECK_EQUAL(_kern_snooze(end_time, SNOOZE_ABSOLUTE), 0);
		CHECK(_kern_system_time() >= end_time);
	}
	_kern_exit_thread(0);
}

void test_snooze_many(void)
{
	tid_t threads[40];
	uintptr_t i;

	for (i = 0; i < 40; i++)
		threads[i] = spawn(snooze_often, (void *)(i * 7919));
	for (i = 0; i < 40; i++)
		check_join(threads[i], 0);
}

void test_snooze_errors(void)
{
	CHECK_EQUAL(_kern_snooze(-1, 0), -EINVAL);
	CHECK_EQUAL(_kern_snooze(INT64_MIN, SNOOZE_ABSOLUTE), -EINVAL);
	CHECK_EQUAL(_kern_snooze(0, 2), -EINVAL);
	CHECK_EQUAL(_kern_snooze(0, -1), -EINVAL);
}

static volatile uint32_t sTurns[4];
static volatile uint32_t sStop;

static void take_turns(void *index)
{
	while (!sStop) {
		sTurns[(uintptr_t)index]++;
		_kern_yield();
	}
	_kern_exit_thread(0);
}

static uint32_t least(void)
{
	uint32_t value = UINT32_MAX;

	for (int i = 0; i < 4; i++)
		value = sTurns[i] < value ? sTurns[i] : value;
	return value;
}

static uint32_t most(void)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value = sTurns[i] > value ? sTurns[i] : value;
	return value;
}

void test_yield_fair(void)
{
	tid_t threads[4];
	uintptr_t i;

	sStop = 0;
	for (i = 0; i < 4; i++)
		threads[i] = spawn(take_turns, (void *)i);
	sleep_us(100000);
	CHECK_SOON(least() > 100);
	sStop = 1;
	for (i = 0; i < 4; i++)
		check_join(threads[i], 0);
	CHECK(gLoose || most() - least() <= most() / 10 + 2);
}

static void spin_on(void *index)
{
	while (!sStop)
		sTurns[(uintptr_t)index]++;
	_kern_exit_thread(0);
}

void test_preemption_threads(void)
{
	tid_t threads[4];
	uint32_t before[4];
	uintptr_t i;

	sStop = 0;
	for (i = 0; i < 4; i++)
		threads[i] = spawn(spin_on, (void *)i);
	sleep_us(200000);
	CHECK_SOON(least() > 0);
	/* While this thread spins, too. */
	for (i = 0; i < 4; i++)
		before[i] = sTurns[i];
	for (time_us_t end_time = _kern_system_time() + 200000;
		 _kern_system_time() < end_time;)
		;
	for (i = 0; i < 4; i++) {
		time_us_t deadline = _kern_system_time() + PATIENCE;

		while (sTurns[i] == before[i])
			CHECK(_kern_system_time() < deadline);
	}
	CHECK(gLoose || most() < 16 * least()); /* the host takes turns, too */
	sStop = 1;
	for (i = 0; i < 4; i++)
		check_join(threads[i], 0);
}

void test_preemption_processes(void)
{
	volatile uint32_t *counts = check_map(PAGE, SHARED);
	pid_t pids[3];
	int i;

	for (i = 0; i < 3; i++) {
		pids[i] = check_fork();
		if (pids[i] == 0)
			for (;;)
				counts[i]++;
	}
	for (int round = 0; round < 3; round++) {
		uint32_t before[3];

		memcpy(before, (void *)(uintptr_t)counts, sizeof before);
		/* Chance may pass one by for a while. */
		sleep_us(100000);
		for (i = 0; i < 3; i++)
			CHECK_SOON(counts[i] != before[i]);
	}
	for (i = 0; i < 3; i++) {
		CHECK_EQUAL(_kern_process_delete(pids[i]), 0);
		check_killed(pids[i], SIGKILL);
	}
}

void test_time_goes_on(void)
{
	time_us_t last = _kern_system_time(), begin = last;
	volatile time_us_t *shared = check_map(PAGE, SHARED);
	pid_t pid = check_fork();

	/* Never backwards, in either process, nor from one to the other. */
	if (pid == 0) {
		while (shared[1] == 0) {
			time_us_t now = _kern_system_time();

			CHECK(now >= last);
			last = now;
		}
		end(0);
	}
	while (last - begin < 100000) {
		time_us_t now = _kern_system_time();

		CHECK(now >= last);
		last = now;
	}
	shared[1] = 1;
	check_exit(pid, 0);
}

/* libroot's system_time() may not enter the kernel; the two are one clock. */
void test_time_agrees(void)
{
	time_us_t last = _kern_system_time();

	for (int i = 0; i < 50000; i++) {
		time_us_t now = i % 2 ? system_time() : _kern_system_time();

		CHECK(now >= last);
		CHECK(now - last < 10 * SECOND); /* not from another clock */
		last = now;
	}
}

#define TIME_READINGS 5000

static struct mutex sTimeLock;
static time_us_t sTimeLast;

/* What one thread has read before another asks is never later. */
static void read_times(void *which)
{
	for (int i = 0; i < TIME_READINGS; i++) {
		time_us_t now;

		mutex_lock(&sTimeLock);
		now = (i + (int)(uintptr_t)which) % 2 ? system_time() : _kern_system_time();
		CHECK(now >= sTimeLast);
		sTimeLast = now;
		mutex_unlock(&sTimeLock);
		if (i % 256 == 0)
			_kern_yield();
	}
	_kern_exit_thread(0);
}

void test_time_between_threads(void)
{
	tid_t threads[4];
	uintptr_t i;

	for (i = 0; i < 4; i++)
		threads[i] = spawn(read_times, (void *)i);
	for (i = 0; i < 4; i++)
		check_join(threads[i], 0);
}

/* The date goes on as the system time does: whatever one is ahead of the other by
 * lies between what is seen each time. */
void test_time_real(void)
{
	time_us_t least = INT64_MIN, most = INT64_MAX;

	for (int i = 0; i < 1000; i++) {
		time_us_t before = system_time();
		time_us_t real = _kern_real_time();
		time_us_t after = system_time();

		least = real - after > least ? real - after : least;
		most = real - before < most ? real - before : most;
		CHECK(least <= most);
		if (i % 100 == 0)
			CHECK_EQUAL(_kern_snooze(1000, 0), 0);
	}
	CHECK(most > 0); /* it is not 1970 */
}
