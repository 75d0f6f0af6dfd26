/* Time: the date, the clocks, waiting, and what the processor's time went to. */
#include "posix.h"
#include <postern/list_processes.h>
#include <postern/os.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECOND = 1000000 };

static struct timespec to_timespec(time_us_t time)
{
	struct timespec spec = {
		.tv_sec = time / SECOND, .tv_nsec = (long)(time % SECOND) * 1000};

	return spec;
}

static struct timeval to_timeval(time_us_t time)
{
	struct timeval value = {
		.tv_sec = time / SECOND, .tv_usec = (suseconds_t)(time % SECOND)};

	return value;
}

static bool is_valid(const struct timespec *spec)
{
	return spec->tv_sec >= 0 && spec->tv_nsec >= 0 && spec->tv_nsec < 1000000000;
}

/* Microseconds, rounded up: nothing ends early. */
static time_us_t from_timespec(const struct timespec *spec)
{
	if (spec->tv_sec > INT64_MAX / SECOND - 1)
		return INT64_MAX;
	return spec->tv_sec * SECOND + (spec->tv_nsec + 999) / 1000;
}

time_us_t posix_deadline(const struct timespec *end)
{
	time_us_t now = _kern_real_time();
	time_us_t left = end->tv_sec < 0 ? 0 : from_timespec(end) - now;
	time_us_t start = system_time();

	if (left <= 0)
		return 0; /* it has passed: -1 would be without an end */
	return left > INT64_MAX - start ? INT64_MAX : start + left;
}

/*
 * What the process has used, ended threads included, and what its children have: to be
 * found among all others'. Without memory to look there, nothing.
 */
struct usage {
	time_us_t own;
	time_us_t children;
};

static struct usage processor_time(void)
{
	pid_t self = _kern_getpid();
	struct usage usage = {0, 0};
	size_t count;
	struct process_status *all = list_processes(&count);

	if (all == NULL)
		return usage;
	for (size_t i = 0; i < count; i++) {
		if (all[i].pid == self)
			usage = (struct usage){all[i].cpu_time, all[i].children_time};
	}
	free(all);
	return usage;
}

int gettimeofday(struct timeval *time, void *zone)
{
	time_us_t now = _kern_real_time();
	struct timezone *utc = zone;

	if (time != NULL)
		*time = to_timeval(now);
	if (utc != NULL)
		utc->tz_minuteswest = utc->tz_dsttime = 0;
	return 0;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
	switch (clock) {
	case CLOCK_REALTIME:
		*time = to_timespec(_kern_real_time());
		return 0;
	case CLOCK_MONOTONIC:
		*time = to_timespec(system_time());
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*time = to_timespec(processor_time().own);
		return 0;
	default:
		return posix_error(EINVAL);
	}
}

int clock_getres(clockid_t clock, struct timespec *resolution)
{
	struct timespec now;

	if (clock_gettime(clock, &now) < 0)
		return -1;
	if (resolution != NULL)
		*resolution = to_timespec(1);
	return 0;
}

/* ---- Waiting ---------------------------------------------------------------------- */

int nanosleep(const struct timespec *time, struct timespec *left)
{
	time_us_t end, now;
	int error;

	if (!is_valid(time))
		return posix_error(EINVAL);
	now = system_time();
	end = from_timespec(time);
	end = end > INT64_MAX - now ? INT64_MAX : now + end;
	error = _kern_snooze(end, SNOOZE_ABSOLUTE);
	if (error < 0 && left != NULL) {
		now = system_time();
		*left = to_timespec(end > now ? end - now : 0);
	}
	return posix_result(error);
}

/* POSIX: it returns its error. */
int clock_nanosleep(
	clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
{
	int error;

	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return clock == CLOCK_PROCESS_CPUTIME_ID ? ENOTSUP : EINVAL;
	if (!is_valid(time) || (flags & ~TIMER_ABSTIME) != 0)
		return EINVAL;
	if ((flags & TIMER_ABSTIME) == 0)
		return nanosleep(time, left) < 0 ? errno : 0;
	/* The date cannot be set while the system runs: how long it is till then stays true.
	 */
	error =
		_kern_snooze(clock == CLOCK_REALTIME ? posix_deadline(time) : from_timespec(time),
			SNOOZE_ABSOLUTE);
	return -error;
}

unsigned sleep(unsigned seconds)
{
	struct timespec time = {.tv_sec = seconds}, left;

	if (nanosleep(&time, &left) == 0)
		return 0;
	return (unsigned)left.tv_sec + (left.tv_nsec > 0);
}

int usleep(useconds_t microseconds)
{
	/* Entered again after a stop, it must not begin anew. */
	return posix_result(
		_kern_snooze(system_time() + (time_us_t)microseconds, SNOOZE_ABSOLUTE));
}

/* ---- Processor time ---------------------------------------------------------------- */

int getrusage(int who, struct rusage *usage)
{
	static const struct rusage kNone;
	struct usage all;

	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN)
		return posix_error(EINVAL);
	*usage = kNone;
	all = processor_time();
	usage->ru_utime = to_timeval(who == RUSAGE_SELF ? all.own : all.children);
	return 0;
}

static clock_t to_clock(time_us_t time)
{
	return (clock_t)(time / (SECOND / CLOCKS_PER_SEC));
}

/* In CLOCKS_PER_SEC, which is what sysconf(_SC_CLK_TCK) says. The kernel does not tell
 * its own part of a program's time from the program's. */
clock_t times(struct tms *buffer)
{
	struct usage usage = processor_time();

	buffer->tms_utime = to_clock(usage.own);
	buffer->tms_cutime = to_clock(usage.children);
	buffer->tms_stime = buffer->tms_cstime = 0;
	return to_clock(system_time());
}

/* newlib's adds that of the children, which ISO C does not know of. */
clock_t clock(void)
{
	return to_clock(processor_time().own);
}

/* By what it has added to all children's: exact as long as no other thread waits for
 * another child at the same time. */
pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	time_us_t before = usage != NULL ? processor_time().children : 0;
	pid_t child = waitpid(pid, status, options);

	if (usage != NULL && child > 0) {
		memset(usage, 0, sizeof *usage);
		usage->ru_utime = to_timeval(processor_time().children - before);
	}
	return child;
}

pid_t wait3(int *status, int options, struct rusage *usage)
{
	return wait4(-1, status, options, usage);
}
