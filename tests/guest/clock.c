/*
 * Prints what the clocks say, for tests/boot/test_clock.py: whether there is time
 * data, the date in seconds, the shortest of some sleeps by the system time.
 * `clock` sleeps five times 200 ms, `clock long` once for 6 s.
 */
#include <postern/commpage.h>
#include <postern/os.h>
#include <postern/print.h>
#include <postern/syscalls.h>

#define SLEEP_US 200000
#define SLEEPS 5
#define LONG_SLEEP_US 6000000

static time_us_t shortest_sleep(time_us_t time, int times)
{
	time_us_t shortest = INT64_MAX;

	for (int i = 0; i < times; i++) {
		time_us_t begin = system_time();

		_kern_snooze(time, 0);
		if (system_time() - begin < shortest)
			shortest = system_time() - begin;
	}
	return shortest;
}

int main(int argc, char **argv)
{
	time_us_t sleep;

	(void)argv;
	print("time data: %s\n", COMMPAGE_TABLE[COMMPAGE_TIME] != 0 ? "yes" : "no");
	print("date: %lld\n", (long long)(_kern_real_time() / 1000000));
	sleep =
		argc > 1 ? shortest_sleep(LONG_SLEEP_US, 1) : shortest_sleep(SLEEP_US, SLEEPS);
	print("sleep: %lld\n", (long long)sleep);
	return 0;
}
